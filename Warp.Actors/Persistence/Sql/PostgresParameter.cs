using Npgsql;
using NpgsqlTypes;
using Warp.Actors.Sequencing;

namespace Warp.Actors.Persistence.Sql;

/// <summary>Makes the positional parameters of statements.</summary>
internal static class PostgresParameter
{
    public static NpgsqlParameter Of<T>(T value) => new NpgsqlParameter<T> { TypedValue = value };

    public static NpgsqlParameter Of(DateTimeOffset time) => Of(time.UtcDateTime);

    public static NpgsqlParameter Of(ObjectId id) => Of(id.ToByteArray());

    public static NpgsqlParameter Ids(IEnumerable<ObjectId> ids) => Of(ids.Select(static id => id.ToByteArray()).ToArray());

    public static NpgsqlParameter Times(IEnumerable<DateTimeOffset?> times) => new NpgsqlParameter<DateTime?[]>
    {
        NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz, TypedValue = [.. times.Select(static time => time?.UtcDateTime)],
    };

    public static NpgsqlParameter Of(int? value) => new() { NpgsqlDbType = NpgsqlDbType.Integer, Value = (object?)value ?? DBNull.Value };
}

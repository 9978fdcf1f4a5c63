using Microsoft.Data.Sqlite;

namespace Warp.Actors.Persistence.Sql;

/// <summary>A prepared statement with positional parameters, used again and again by the database's thread.</summary>
internal sealed class SqlStatement : IDisposable
{
    private readonly SqliteCommand _command;

    /// <param name="connection">The connection to prepare it on.</param>
    /// <param name="sql">With parameters <c>$0</c>, <c>$1</c>, …</param>
    /// <param name="parameters">How many parameters there are.</param>
    public SqlStatement(SqliteConnection connection, string sql, int parameters)
    {
        _command = connection.CreateCommand();
        _command.CommandText = sql;
        for (int i = 0; i < parameters; i++)
            _command.Parameters.Add(new SqliteParameter($"${i}", null));
    }

    public int Execute(params ReadOnlySpan<object?> values) => Bind(values).ExecuteNonQuery();

    public object? Scalar(params ReadOnlySpan<object?> values) => Bind(values).ExecuteScalar();

    public SqliteDataReader Query(params ReadOnlySpan<object?> values) => Bind(values).ExecuteReader();

    public void Dispose() => _command.Dispose();

    private SqliteCommand Bind(ReadOnlySpan<object?> values)
    {
        for (int i = 0; i < values.Length; i++)
            _command.Parameters[i].Value = values[i] ?? DBNull.Value;
        return _command;
    }
}

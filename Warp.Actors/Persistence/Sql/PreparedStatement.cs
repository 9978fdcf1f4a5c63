using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using SQLitePCL;
using Warp.Actors.Sequencing;

namespace Warp.Actors.Persistence.Sql;

/// <summary>
/// A statement that every append runs, on SQLite's own interface: a run makes no object. All others are <see cref="SqlStatement"/>s, which read
/// better. Used by the database's thread only.
/// </summary>
internal sealed class PreparedStatement : IDisposable
{
    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;

    /// <param name="connection">The connection to prepare it on; it must be disposed of after the statement.</param>
    /// <param name="sql">With parameters <c>?1</c>, <c>?2</c>, …</param>
    public PreparedStatement(SqliteConnection connection, string sql)
    {
        _database = connection.Handle!;
        SqliteException.ThrowExceptionForRC(raw.sqlite3_prepare_v2(_database, sql, out _statement), _database);
    }

    /// <summary>Runs it.</summary>
    /// <returns>How many rows it changed.</returns>
    public int Execute(params ReadOnlySpan<SqlValue> values)
    {
        Run(values);
        return raw.sqlite3_changes(_database);
    }

    /// <summary>Runs it, and gives the number in the first column of its only row; null when there is no row.</summary>
    public long? Find(params ReadOnlySpan<SqlValue> values) => Run(values);

    public void Dispose() => _statement.Dispose();

    private long? Run(ReadOnlySpan<SqlValue> values)
    {
        try
        {
            for (int i = 0; i < values.Length; i++)
                Check(values[i].Bind(_statement, i + 1));
            long? found = null;
            while (true)
            {
                int code = raw.sqlite3_step(_statement);
                if (code == raw.SQLITE_DONE)
                    return found;
                if (code != raw.SQLITE_ROW)
                    Check(code);
                found = raw.sqlite3_column_int64(_statement, 0);
            }
        }
        finally
        {
            // What it says has been said before.
            _ = raw.sqlite3_reset(_statement);
        }
    }

    private void Check(int code) => SqliteException.ThrowExceptionForRC(code, _database);
}

/// <summary>What a parameter of a <see cref="PreparedStatement"/> is set to.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly struct SqlValue
{
    private readonly long _number;
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly ObjectId _id;
    private readonly string? _text;
    private readonly Kind _kind;

    private SqlValue(Kind kind, long number = 0, ReadOnlyMemory<byte> bytes = default, ObjectId id = default, string? text = null)
    {
        _kind = kind;
        _number = number;
        _bytes = bytes;
        _id = id;
        _text = text;
    }

    private enum Kind : byte
    {
        Number,
        Bytes,
        Id,
        Text,
    }

    public static implicit operator SqlValue(long number) => new(Kind.Number, number);

    public static implicit operator SqlValue(ReadOnlyMemory<byte> bytes) => new(Kind.Bytes, bytes: bytes);

    /// <summary>An object's id is stored as its 16 bytes.</summary>
    public static implicit operator SqlValue(ObjectId id) => new(Kind.Id, id: id);

    public static implicit operator SqlValue(string text) => new(Kind.Text, text: text);

    /// <summary>Sets the parameter; SQLite copies what it is given.</summary>
    /// <returns>SQLite's code.</returns>
    public int Bind(sqlite3_stmt statement, int index)
    {
        switch (_kind)
        {
            case Kind.Bytes when _bytes.IsEmpty:
                // A blob of nowhere would be NULL.
                return raw.sqlite3_bind_zeroblob(statement, index, 0);
            case Kind.Bytes:
                return raw.sqlite3_bind_blob(statement, index, _bytes.Span);
            case Kind.Id:
                Span<byte> id = stackalloc byte[ObjectId.SizeBytes];
                _id.WriteTo(id);
                return raw.sqlite3_bind_blob(statement, index, id);
            case Kind.Text:
                return raw.sqlite3_bind_text(statement, index, _text!);
            default:
                return raw.sqlite3_bind_int64(statement, index, _number);
        }
    }
}

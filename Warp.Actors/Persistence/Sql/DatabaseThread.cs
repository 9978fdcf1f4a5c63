using System.Globalization;
using System.Threading.Channels;
using Microsoft.Data.Sqlite;

namespace Warp.Actors.Persistence.Sql;

/// <summary>
/// The one thread that uses a SQLite connection. SQLite's calls block, so they get a thread of their own, and callers await; one thread
/// also makes every job atomic with respect to the others.
/// </summary>
internal sealed class DatabaseThread : IAsyncDisposable
{
    private const string ThisThread = "/proc/thread-self";

    private readonly Channel<Action> _jobs = Channel.CreateUnbounded<Action>(new UnboundedChannelOptions { SingleReader = true });
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SqliteConnection _connection;
    private string? _ioFile;

    public DatabaseThread(SqliteConnection connection)
    {
        _connection = connection;
        new Thread(Run) { Name = "warp-sqlite", IsBackground = true }.Start();
    }

    /// <summary>
    /// Bytes that the connection has had written to disk: by pages, as the kernel counts them, or as they were handed to it where files have
    /// no disk under them. 0 on systems that do not tell.
    /// </summary>
    public long BytesWritten
    {
        get
        {
            if (_ioFile is null)
                return 0;
            try
            {
                string[] lines = File.ReadAllLines(_ioFile);
                return Math.Max(ValueOf("write_bytes: "), ValueOf("wchar: "));

                long ValueOf(string name) => lines.Where(line => line.StartsWith(name, StringComparison.Ordinal))
                    .Select(line => long.Parse(line.AsSpan(name.Length), CultureInfo.InvariantCulture)).FirstOrDefault();
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // The thread has ended, or one may not look.
                return 0;
            }
        }
    }

    /// <summary>Runs a job after those before it.</summary>
    /// <exception cref="ObjectDisposedException">The thread has been told to end.</exception>
    public Task<T> RunAsync<T>(Func<SqliteConnection, T> job)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        bool accepted = _jobs.Writer.TryWrite(() =>
        {
            try
            {
                done.SetResult(job(_connection));
            }
            catch (Exception error)
            {
                done.SetException(error);
            }
        });
        ObjectDisposedException.ThrowIf(!accepted, this);
        return done.Task;
    }

    /// <summary>Ends the thread after the jobs that wait, and closes the connection.</summary>
    public async ValueTask DisposeAsync()
    {
        _jobs.Writer.TryComplete();
        await _ended.Task;
    }

    private void Run()
    {
        try
        {
            // Where the kernel counts what a thread has written, all of it is this connection's.
            if (new FileInfo(ThisThread).LinkTarget is { } thread)
                _ioFile = $"/proc/self/task/{Path.GetFileName(thread)}/io";
            // The thread is there to block.
            while (_jobs.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
            {
                while (_jobs.Reader.TryRead(out Action? job))
                    job();
            }
            _connection.Dispose();
        }
        finally
        {
            _ended.SetResult();
        }
    }
}

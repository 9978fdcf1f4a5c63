using System.Threading.Channels;
using Microsoft.Data.Sqlite;

namespace Warp.Actors.Persistence.Sql;

/// <summary>
/// The one thread that uses a SQLite connection. SQLite's calls block, so they get a thread of their own, and callers await; one thread
/// also makes every job atomic with respect to the others.
/// </summary>
internal sealed class DatabaseThread : IAsyncDisposable
{
    private readonly Channel<Action> _jobs = Channel.CreateUnbounded<Action>(new UnboundedChannelOptions { SingleReader = true });
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SqliteConnection _connection;

    public DatabaseThread(SqliteConnection connection)
    {
        _connection = connection;
        new Thread(Run) { Name = "warp-sqlite", IsBackground = true }.Start();
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

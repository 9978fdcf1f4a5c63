using System.Threading.Channels;
using Warp.Actors.Kernel;

namespace Warp.Actors.Persistence;

/// <summary>
/// Gathers the writes of all actors of a node: while one append is under way the next ones wait, and then go together in one transaction.
/// Thread-safe.
/// </summary>
public sealed class GroupCommit : IAsyncDisposable
{
    /// <summary>The most writes in one append. 1,024 take SQLite some 3 ms; more would only make each other wait.</summary>
    private const int MaxWrites = 1024;

    /// <summary>The most payload bytes in one append, so that a burst of large events cannot hold the others up for long.</summary>
    private const int MaxBytes = 4 << 20;

    private readonly IJournal _journal;
    private readonly Channel<Waiting> _queue = Channel.CreateUnbounded<Waiting>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Task _run;

    public GroupCommit(ActorSystem system, IJournal journal)
    {
        _journal = journal;
        _run = system.Start(RunAsync);
    }

    /// <summary>Number of transactions so far.</summary>
    public long Appends { get; private set; }

    /// <summary>Number of writes that they held.</summary>
    public long Writes { get; private set; }

    /// <summary>Writes with the next group. Never throws for the database's failures: they are results.</summary>
    public Task<WriteResult> AppendAsync(ActorWrite write)
    {
        var result = new TaskCompletionSource<WriteResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        Append(write, result.SetResult);
        return result.Task;
    }

    /// <inheritdoc cref="AppendAsync"/>
    /// <param name="write">What to write.</param>
    /// <param name="done">Gets the result; it must return at once and not throw, since it holds up the next group.</param>
    public void Append(ActorWrite write, Action<WriteResult> done)
    {
        if (!_queue.Writer.TryWrite(new Waiting(write, done)))
            done(WriteResult.Refused(WriteRefusal.RolledBack, "the node is stopping"));
    }

    /// <summary>Writes what waits, then ends.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _run;
    }

    private async Task RunAsync()
    {
        var group = new List<Waiting>();
        var writes = new List<ActorWrite>();
        while (await _queue.Reader.WaitToReadAsync())
        {
            int bytes = 0;
            while (group.Count < MaxWrites && bytes < MaxBytes && _queue.Reader.TryRead(out Waiting waiting))
            {
                group.Add(waiting);
                writes.Add(waiting.Write);
                bytes += waiting.Write.PayloadBytes;
            }
            Appends++;
            Writes += writes.Count;
            await AppendGroupAsync(group, writes);
            group.Clear();
            writes.Clear();
        }
    }

    private async Task AppendGroupAsync(List<Waiting> group, List<ActorWrite> writes)
    {
        IReadOnlyList<WriteResult>? results = null;
        WriteResult unknown = default;
        try
        {
            results = await _journal.AppendAsync(writes, CancellationToken.None);
        }
        catch (Exception error)
        {
            // Whatever it was, the outcome is not known: the actors must look.
            unknown = new WriteResult(WriteOutcome.Unknown, WriteRefusal.None, error.Message);
        }
        for (int i = 0; i < group.Count; i++)
            group[i].Done(results?[i] ?? unknown);
    }

    private readonly record struct Waiting(ActorWrite Write, Action<WriteResult> Done);
}

using Warp.Actors.Sequencing;

namespace Warp.Streams.Compaction;

/// <summary>
/// Keeps what a running job needs others to respect: its outputs are registered in the journal until they have references, and the planner
/// hears of it. The job renews it as it goes on, so a job that hangs loses both. Used by one task at a time.
/// </summary>
/// <param name="services">Journal and clock.</param>
/// <param name="stillMine">Asks the planner whether the job is still this worker's.</param>
public sealed class JobLease(CompactionServices services, Func<CancellationToken, Task<bool>> stillMine)
{
    /// <summary>How often a job renews within the life of its outputs: a few lost renewals do no harm.</summary>
    private const int RenewalsInLife = 10;

    private readonly List<ObjectId> _outputs = [];
    private long _renewedAt = services.System.Time.GetTimestamp();

    /// <summary>Registers an output before its first byte is sent.</summary>
    public async Task RegisterAsync(ObjectId output, int level, CancellationToken cancellationToken)
    {
        if (!await services.Journal.RegisterPendingAsync(output, level, services.Clock.Now + services.Times.PendingLife, cancellationToken))
            throw new CompactionException($"Object {output} cannot be registered: there is another of that id.");
        _outputs.Add(output);
    }

    /// <summary>Renews if it is time to.</summary>
    /// <exception cref="CompactionException">The job has lost an output, or has been given up.</exception>
    public ValueTask RenewIfDueAsync(CancellationToken cancellationToken) =>
        services.System.Time.GetElapsedTime(_renewedAt) < services.Times.PendingLife / RenewalsInLife
            ? ValueTask.CompletedTask
            : new ValueTask(RenewAsync(cancellationToken));

    /// <summary>Renews now: before a swap, which is of no use without the outputs.</summary>
    /// <exception cref="CompactionException">The job has lost an output, or has been given up.</exception>
    public async Task RenewAsync(CancellationToken cancellationToken)
    {
        _renewedAt = services.System.Time.GetTimestamp();
        foreach (ObjectId output in _outputs)
        {
            if (!await services.Journal.RenewPendingAsync(output, services.Clock.Now + services.Times.PendingLife, cancellationToken))
                throw new CompactionException($"Object {output} was given up while it was written: the job took too long.");
        }
        if (!await stillMine(cancellationToken))
            throw new CompactionException("The planner has given the job up.");
    }
}

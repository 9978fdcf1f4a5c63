using System.Collections.Concurrent;
using Warp.Actors.Kernel;
using Warp.Actors.Sequencing;

namespace Warp.Actors.Cluster.Peers;

/// <summary>
/// The batches of other nodes' commits that sequencers of this node hold, until their nodes have asked what became of them. Thread-safe.
/// </summary>
internal sealed class HeldOutcomes(ActorSystem system)
{
    /// <summary>How long an answer is kept that was not asked for, or whose way back was lost.</summary>
    private static readonly TimeSpan s_keep = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<(int ShardId, ObjectId ObjectId, int Index), Task<BatchAnswer>> _held = new();

    public void Add(int shardId, ObjectId objectId, int index, Task<BatchAnswer> answer)
    {
        (int, ObjectId, int) key = (shardId, objectId, index);
        // A commit that was repeated is held again, or still.
        _held[key] = answer;
        _ = system.Start(() => ForgetAsync(key, answer));
    }

    public Task<BatchAnswer>? Find(int shardId, ObjectId objectId, int index) => _held.GetValueOrDefault((shardId, objectId, index));

    private async Task ForgetAsync((int, ObjectId, int) key, Task<BatchAnswer> answer)
    {
        await ((Task)answer).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.Delay(s_keep, system.Time, system.Stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _held.TryRemove(KeyValuePair.Create(key, answer));
    }
}

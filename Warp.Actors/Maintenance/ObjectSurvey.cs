using Warp.Actors.Sequencing;
using Warp.Actors.Sharding;

namespace Warp.Actors.Maintenance;

/// <summary>Asks every shard how it uses objects, and adds the answers up.</summary>
internal sealed class ObjectSurvey(ShardRegion region)
{
    /// <summary>The most objects of one shard in an answer. The objects past them are looked at when these are done.</summary>
    private const int Limit = 20_000;

    private const int HighestLevel = 9;

    private static readonly TimeSpan s_ask = TimeSpan.FromSeconds(30);

    /// <summary>All objects that are in use, or the oldest when there are very many; each with the use of all shards.</summary>
    public async Task<List<CompactionCandidate>> TakeAsync(CancellationToken cancellationToken)
    {
        // Apart, since level 0 may have so many that the others would not be seen.
        List<CompactionCandidate> fresh = await TakeAsync(0, 0, cancellationToken);
        return [.. fresh, .. await TakeAsync(1, HighestLevel, cancellationToken)];
    }

    private async Task<List<CompactionCandidate>> TakeAsync(int minLevel, int maxLevel, CancellationToken cancellationToken)
    {
        ObjectsReply[] replies = await Task.WhenAll(Enumerable.Range(0, region.ShardCount).Select(shard =>
            region.Sequencer(shard).AskAsync<ObjectsReply>(
                reply => new SequencerMessage.DescribeObjects(minLevel, maxLevel, Limit, reply), s_ask, cancellationToken)));
        // Past the end of an answer that was cut, a shard may have more of an object than it said.
        ObjectId? end = replies.Where(static reply => !reply.IsWhole).Select(static reply => (ObjectId?)reply.Objects[^1].Id).Min();
        var byId = new Dictionary<ObjectId, CompactionCandidate>();
        foreach (ShardObject use in replies.SelectMany(static reply => reply.Objects))
        {
            if (use.Id > end)
                continue;
            CompactionCandidate sum = byId.GetValueOrDefault(use.Id, new CompactionCandidate(use.Id, use.Level, use.SizeBytes, 0, 0));
            byId[use.Id] = sum with { LiveBytes = sum.LiveBytes + use.LiveBytes, Extents = sum.Extents + use.Extents };
        }
        return [.. byId.Values];
    }
}

using Warp.Actors.Sequencing;

namespace Warp.Specs.Actors.Sequencing;

/// <summary>Makes swaps as a worker would: what was found is laid out, partition by partition, in one object.</summary>
internal static class SampleSwap
{
    public static ExtentReplacement Of(SequencerState state, DateTimeOffset now, Random random, params ReadOnlySpan<ObjectId> inputs) =>
        Of(state.FindExtents(new HashSet<ObjectId>(inputs.ToArray())), now, random);

    public static ExtentReplacement Of(IReadOnlyList<PartitionExtent> found, DateTimeOffset now, Random random)
    {
        ObjectId output = ObjectId.Mint(now, random);
        var partitions = new List<PartitionReplacement>();
        long position = 8;
        foreach (IGrouping<TopicPartition, PartitionExtent> partition in found.GroupBy(static entry => entry.Partition))
        {
            Extent[] replaced = [.. partition.Select(static entry => entry.Extent)];
            var added = new Extent[replaced.Length];
            for (int i = 0; i < added.Length; i++)
            {
                added[i] = replaced[i] with { ObjectId = output, Position = position };
                position += added[i].Length;
            }
            partitions.Add(new PartitionReplacement(partition.Key, replaced, added));
        }
        return new ExtentReplacement
        {
            SwapId = ObjectId.Mint(now, random),
            Outputs = [new OutputObject(output, position + 100, 1)],
            Partitions = partitions,
        };
    }
}

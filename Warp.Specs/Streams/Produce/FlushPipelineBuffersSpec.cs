using System.Runtime.InteropServices;
using Warp.Actors.Sequencing;
using Warp.Protocol.Wire;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Streams.Produce;

/// <summary>Where the pipeline's memory goes. The pool is the process's, so that nothing may run beside these.</summary>
[Collection(nameof(NodeProcesses))]
public sealed class FlushPipelineBuffersSpec
{
    [Theory]
    [InlineData(PutFate.Store)]
    [InlineData(PutFate.FailForGood)]
    internal async Task The_blocks_of_an_object_go_back_to_the_pool_whatever_becomes_of_it(PutFate fate)
    {
        // Empty, so that it has room, and shows at once what has come back.
        BufferPool.Shared.Trim();
        BufferPool.Shared.Trim();
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        byte[]? block = null;
        world.Store.OnContent = content =>
        {
            Assert.True(MemoryMarshal.TryGetArray(content.Single(), out ArraySegment<byte> array));
            block = array.Array;
        };
        world.Store.Script = _ => Task.FromResult(fate);
        await world.ProduceAsync(topic[0], SampleBatches.OfSize(100_000));
        world.Chunks.Dispose();
        await Wait.UntilAsync(() => IsIdle(block!), StreamsWorld.Patience, "the block to come back");
    }

    /// <summary>Whether an array lies in the pool: then it is among the first that the pool gives.</summary>
    private static bool IsIdle(byte[] array)
    {
        byte[][] rented = [.. Enumerable.Range(0, 50).Select(_ => BufferPool.Shared.Rent(array.Length).Array!)];
        foreach (byte[] one in rented)
            BufferPool.Shared.Return(one);
        return rented.Any(one => one == array);
    }
}

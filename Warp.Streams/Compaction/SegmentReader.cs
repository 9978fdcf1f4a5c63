using System.Numerics;
using Warp.Actors.Maintenance;
using Warp.Protocol.Wire;
using Warp.Streams.Objects;

namespace Warp.Streams.Compaction;

/// <summary>
/// Reads the segments of a plan, in its order and ahead of their use, as far as the memory reaches. Used by one task at a time.
/// </summary>
internal sealed class SegmentReader(MergePlan plan, CompactionServices services, long memoryBytes, CancellationToken cancellationToken)
    : IAsyncDisposable
{
    /// <summary>How many requests are under way at once: enough to hide a store's latency behind another's answer.</summary>
    private const int MaxRequests = 8;

    private readonly Task<PooledBuffer>?[] _reads = new Task<PooledBuffer>?[plan.Segments.Count];
    private readonly List<Task> _underWay = [];
    private long _heldBytes;
    private int _next;

    /// <summary>GETs so far.</summary>
    public int Requests => _next;

    /// <summary>Bytes that they asked for.</summary>
    public long BytesRead { get; private set; }

    /// <summary>The most memory that was held at one moment, in bytes.</summary>
    public long MostHeldBytes { get; private set; }

    /// <summary>The bytes of a segment, once they are there. They stay until <see cref="Release"/>.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> GetAsync(int segment)
    {
        Pump(segment);
        while (_next <= segment)
        {
            // All requests that may be under way at once are.
            await Task.WhenAny(_underWay);
            Pump(segment);
        }
        return (await _reads[segment]!).Memory;
    }

    /// <summary>One extent less needs the segment; after the last its memory is given back.</summary>
    public void Release(int segment)
    {
        if (--plan.Segments[segment].Uses > 0)
            return;
        _heldBytes -= MemoryOf(plan.Segments[segment]);
        _reads[segment]!.Result.Release();
        _reads[segment] = null;
        Pump(needed: -1);
    }

    /// <summary>Waits for what is under way and gives all memory back.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (Task<PooledBuffer>? read in _reads)
        {
            if (read is null)
                continue;
            try
            {
                (await read).Release();
            }
            catch (Exception)
            {
                // The one who needed it has seen it, or nobody needs it any more.
            }
        }
    }

    /// <summary>
    /// Starts what may be started, and what is needed in any case: it finds room, since those that are in use at a time fit into half of
    /// the memory and those that are read ahead come after it.
    /// </summary>
    private void Pump(int needed)
    {
        _underWay.RemoveAll(static read => read.IsCompleted);
        while (_next < _reads.Length && _underWay.Count < MaxRequests)
        {
            Segment segment = plan.Segments[_next];
            long bytes = MemoryOf(segment);
            if (_next > needed && _heldBytes + bytes > memoryBytes)
                return;
            _heldBytes += bytes;
            MostHeldBytes = Math.Max(MostHeldBytes, _heldBytes);
            BytesRead += segment.Length;
            Task<PooledBuffer> read = ReadAsync(segment);
            _reads[_next++] = read;
            _underWay.Add(read);
        }
    }

    private async Task<PooledBuffer> ReadAsync(Segment segment)
    {
        CompactionInput input = plan.Inputs[segment.Input];
        string key = services.Keys.Object(input.Level, input.Id);
        await services.Rate.TakeAsync(segment.Length, cancellationToken);
        PooledBuffer buffer = PooledBuffer.Rent(segment.Length);
        try
        {
            int count = await services.Store.GetRangeAsync(key, segment.Position, buffer.Memory, cancellationToken);
            if (count < segment.Length)
            {
                long end = segment.Position + count;
                throw new CorruptInputException(input.Id, $"Object {key} ends at {end}; records should lie behind that.");
            }
            services.Metrics.Read(count);
            return buffer;
        }
        catch (ObjectNotFoundException error)
        {
            buffer.Release();
            throw new CorruptInputException(input.Id, error.Message, error);
        }
        catch
        {
            buffer.Release();
            throw;
        }
    }

    /// <summary>What a pooled buffer of that length takes.</summary>
    private static long MemoryOf(Segment segment) => BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, segment.Length));
}

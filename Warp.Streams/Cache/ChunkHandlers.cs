using Warp.Actors.Cluster.Peers;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Warp.Streams.Format;
using Warp.Streams.Objects;

namespace Warp.Streams.Cache;

/// <summary>Reads a chunk for another node of the zone: from memory, or else from the store, once for all who ask.</summary>
public sealed class ReadChunkHandler(ChunkCache chunks, ObjectKeys keys) : IPeerHandler
{
    public ApiKey ApiKey => PrivateApis.ReadChunk;

    public async ValueTask<IResponse> HandleAsync(IRequest request, PeerContext context)
    {
        var asked = (ReadChunkRequest)request;
        ObjectId id = asked.ObjectId.ToObjectId();
        if (asked.Level is < 0 or > ObjectKeys.MaxLevel || asked.ChunkNumber < 0)
            throw new PeerErrorException(PeerError.NotFound, $"there is no chunk {asked.ChunkNumber} of level {asked.Level}");
        try
        {
            using ChunkLease lease = await chunks.GetFromStoreAsync(
                id,
                keys.Object(asked.Level, id),
                asked.ChunkNumber,
                asked.ObjectSizeBytes < 0 ? null : asked.ObjectSizeBytes,
                context.CancellationToken);
            using var builder = new RecordSetBuilder();
            builder.Append(lease.Memory, lease.Buffer);
            return new ReadChunkResponse { Data = builder.Build() };
        }
        catch (Exception error) when (error is ObjectNotFoundException or ArgumentOutOfRangeException)
        {
            throw new PeerErrorException(PeerError.NotFound, error.Message);
        }
        catch (Exception error) when (error is ObjectStoreException or CorruptObjectException or ObjectDisposedException)
        {
            throw new PeerErrorException(PeerError.Failed, error.Message);
        }
    }
}

/// <summary>Keeps a chunk that another node of the zone has just written.</summary>
public sealed class OfferChunkHandler(ChunkCache chunks) : IPeerHandler
{
    public ApiKey ApiKey => PrivateApis.OfferChunk;

    public ValueTask<IResponse> HandleAsync(IRequest request, PeerContext context)
    {
        var offered = (OfferChunkRequest)request;
        int length = offered.Data.Length;
        if (length is > 0 and <= ObjectFormat.ChunkSize && offered.ChunkNumber >= 0)
        {
            PooledBuffer buffer = PooledBuffer.Rent(length);
            offered.Data.Memory.CopyTo(buffer.Memory);
            chunks.Offer(new ChunkKey(offered.ObjectId.ToObjectId(), offered.ChunkNumber), buffer);
            buffer.Release();
        }
        return ValueTask.FromResult<IResponse>(new OfferChunkResponse());
    }
}

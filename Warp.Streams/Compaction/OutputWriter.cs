using Warp.Actors.Sequencing;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;
using Warp.Streams.Format;
using Warp.Streams.Objects;

namespace Warp.Streams.Compaction;

/// <summary>
/// Writes batches, in order of topic id, partition and offset, into objects with absolute offsets: part by part, one part on its way while
/// the next one is filled. An object that fits into one part is put as one. Used by one task at a time.
/// </summary>
internal sealed class OutputWriter(
    CompactionServices services, JobLease lease, int level, long targetBytes, CancellationToken cancellationToken) : IAsyncDisposable
{
    private readonly List<OutputObject> _outputs = [];
    private readonly Random _random = services.System.CreateRandom();
    private readonly byte[] _header = new byte[RecordBatchHeader.Size];
    private ObjectId _id;
    private FooterBuilder? _footer;
    private IMultipartUpload? _upload;
    private PooledBuffer? _part;
    private Task _sending = Task.CompletedTask;
    private int _filled;
    private long _position;

    /// <summary>The objects that were finished.</summary>
    public IReadOnlyList<OutputObject> Outputs => _outputs;

    /// <summary>Bytes that were sent.</summary>
    public long BytesWritten { get; private set; }

    /// <summary>Writes a batch.</summary>
    /// <param name="partition">Its partition, not before that of the last one.</param>
    /// <param name="header">Its header, with its offset in the log.</param>
    /// <param name="bytes">All of its bytes, whatever offset they carry.</param>
    /// <returns>Where it lies now.</returns>
    public async ValueTask<(ObjectId Object, long Position)> AppendAsync(
        TopicPartition partition, RecordBatchHeader header, ReadOnlyMemory<byte> bytes)
    {
        if (_footer is not null && _position + bytes.Length > targetBytes)
            await FinishAsync();
        if (_footer is null)
            await BeginAsync();
        long position = _footer!.Add(
            partition.TopicId, partition.Partition, bytes.Length, header.RecordsCount, header.MaxTimestamp, header.BaseOffset,
            header.LastOffsetDelta + 1);
        // What readers would have to put in otherwise; the batch's checksum does not cover it.
        bytes[..RecordBatchHeader.Size].CopyTo(_header);
        RecordBatchHeader.SetBaseOffset(_header, header.BaseOffset);
        RecordBatchHeader.SetPartitionLeaderEpoch(_header, 0);
        await WriteAsync(_header);
        await WriteAsync(bytes[RecordBatchHeader.Size..]);
        return (_id, position);
    }

    /// <summary>Finishes the object that was begun last, if there is one; it is durable then.</summary>
    public async Task FinishAsync()
    {
        if (_footer is null)
            return;
        ObjectFooter footer = _footer.Build(out byte[] tail);
        await WriteAsync(tail);
        await _sending;
        await services.Rate.TakeAsync(_filled, cancellationToken);
        await lease.RenewIfDueAsync(cancellationToken);
        if (_upload is null)
        {
            await services.Store.PutAsync(services.Keys.Object(level, _id), [_part!.Memory[.._filled]], cancellationToken);
        }
        else
        {
            if (_filled > 0)
                await _upload.AppendAsync([_part!.Memory[.._filled]], cancellationToken);
            await _upload.CompleteAsync(cancellationToken);
        }
        Sent(_filled);
        _outputs.Add(new OutputObject(_id, footer.ObjectSize, level));
        await CloseAsync();
    }

    /// <summary>Gives up the object that was not finished, and its memory.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await _sending;
        }
        catch (Exception)
        {
            // Whoever wrote has seen it, or ends for another reason.
        }
        await CloseAsync();
    }

    private async Task BeginAsync()
    {
        _id = ObjectId.Mint(services.Clock.Now, _random);
        await lease.RegisterAsync(_id, level, cancellationToken);
        _footer = new FooterBuilder(_id, services.Clock.Now, services.ClusterId, ObjectFlags.AbsoluteOffsets);
        _part = PooledBuffer.Rent(services.Settings.PartBytes);
        _filled = 0;
        _position = 0;
        ObjectHeader.Write(_header);
        await WriteAsync(_header.AsMemory(0, ObjectFormat.HeaderBytes));
    }

    private async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_filled == _part!.Length)
                await SendPartAsync();
            int count = Math.Min(bytes.Length, _part.Length - _filled);
            bytes[..count].CopyTo(_part.Memory[_filled..]);
            bytes = bytes[count..];
            _filled += count;
            _position += count;
        }
    }

    /// <summary>Sends the full part off once the one before has arrived, and begins another.</summary>
    private async Task SendPartAsync()
    {
        await _sending;
        await lease.RenewIfDueAsync(cancellationToken);
        _upload ??= await services.Store.StartUploadAsync(services.Keys.Object(level, _id), cancellationToken);
        PooledBuffer full = _part!;
        _part = PooledBuffer.Rent(services.Settings.PartBytes);
        _filled = 0;
        _sending = SendAsync(_upload, full);
    }

    private async Task SendAsync(IMultipartUpload upload, PooledBuffer part)
    {
        try
        {
            await services.Rate.TakeAsync(part.Length, cancellationToken);
            await upload.AppendAsync([part.Memory], cancellationToken);
            Sent(part.Length);
        }
        finally
        {
            part.Release();
        }
    }

    private void Sent(int bytes)
    {
        BytesWritten += bytes;
        services.Metrics.Wrote(bytes);
    }

    private async Task CloseAsync()
    {
        _part?.Release();
        _part = null;
        _footer = null;
        if (_upload is { } upload)
        {
            _upload = null;
            await upload.DisposeAsync();
        }
    }
}

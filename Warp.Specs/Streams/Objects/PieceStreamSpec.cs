using Warp.Specs.Hosting;
using Warp.Streams.Objects;
using Xunit;

namespace Warp.Specs.Streams.Objects;

public sealed class PieceStreamSpec
{
    private static readonly ReadOnlyMemory<byte>[] s_pieces = ["abc"u8.ToArray(), default, "d"u8.ToArray(), "efgh"u8.ToArray(), default];

    [Fact]
    public void Bytes_are_read_across_pieces_and_again_from_any_position()
    {
        using var stream = new PieceStream(s_pieces);
        Assert.Equal(8, stream.Length);
        for (int position = 0; position <= 8; position++)
        {
            stream.Position = position;
            Assert.Equal(position, stream.Position);
            Assert.Equal("abcdefgh"[position..], new StreamReader(stream, leaveOpen: true).ReadToEnd());
            Assert.Equal(8, stream.Position);
        }
        Assert.Equal(5, stream.Seek(-3, SeekOrigin.End));
        Assert.Equal('f', stream.ReadByte());
        Assert.Throws<ArgumentOutOfRangeException>(() => stream.Position = 9);
    }

    [Fact]
    public async Task A_second_attempt_sends_the_same_bytes()
    {
        var random = new Random(TestRun.TakeSeed());
        var pieces = new ReadOnlyMemory<byte>[20];
        for (int i = 0; i < pieces.Length; i++)
        {
            var piece = new byte[random.Next(400_000)];
            random.NextBytes(piece);
            pieces[i] = piece;
        }
        byte[] all = [.. pieces.SelectMany(static piece => piece.ToArray())];
        await using var stream = new PieceStream(pieces);
        foreach (int cutAt in new[] { 0, 1, all.Length / 3, all.Length })
        {
            stream.Position = 0;
            await stream.ReadExactlyAsync(new byte[cutAt], TestContext.Current.CancellationToken);
            stream.Position = 0;
            var sent = new MemoryStream();
            await stream.CopyToAsync(sent, TestContext.Current.CancellationToken);
            Assert.True(sent.ToArray().AsSpan().SequenceEqual(all));
        }
    }

    [Fact]
    public async Task Sending_takes_the_bytes_from_where_they_are()
    {
        var piece = new byte[10_000];
        var target = new WatchingStream();
        await new PieceStream([piece.AsMemory(10, 100), piece.AsMemory(500)]).CopyToAsync(target, TestContext.Current.CancellationToken);
        Assert.Equal([(10, 100), (500, 9_500)], target.Writes.Select(write =>
        {
            Assert.True(System.Runtime.InteropServices.MemoryMarshal.TryGetArray(write, out ArraySegment<byte> segment));
            Assert.Same(piece, segment.Array);
            return (segment.Offset, segment.Count);
        }));
    }

    private sealed class WatchingStream : MemoryStream
    {
        public List<ReadOnlyMemory<byte>> Writes { get; } = [];

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Writes.Add(buffer);
            return ValueTask.CompletedTask;
        }
    }
}

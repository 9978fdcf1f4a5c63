using System.Threading.Channels;
using Warp.Protocol.Wire;

namespace Warp.Actors.Cluster.Peers;

/// <summary>Something that waits to be sent.</summary>
internal interface IOutgoing
{
    /// <summary>Its turn has come: the frame, which the caller disposes, or null if nobody wants it sent any more.</summary>
    OutgoingFrame? TakeFrame();

    /// <summary>All of it has been handed to the connection, or never will be. Called once, also where there was no frame.</summary>
    void Left();
}

/// <summary>Sends frames in the order in which they were put in; all that wait at one moment go out together. Thread-safe.</summary>
internal sealed class FrameSender(PeerTransport transport, Action<int> sent)
{
    /// <summary>Frames are joined up to this size: beyond it a call to the kernel costs nothing any more.</summary>
    private const int BatchBytes = 1 << 20;

    private readonly Channel<IOutgoing> _queue = Channel.CreateUnbounded<IOutgoing>(new UnboundedChannelOptions { SingleReader = true });

    /// <summary>Puts something in; false when the connection has ended.</summary>
    public bool TryEnqueue(IOutgoing outgoing) => _queue.Writer.TryWrite(outgoing);

    /// <summary>Takes nothing more; what waits is still sent, unless the connection is gone.</summary>
    public void Complete() => _queue.Writer.TryComplete();

    /// <summary>Sends until <see cref="Complete"/> was called and nothing waits any more.</summary>
    /// <exception cref="Exception">The connection broke. Then <see cref="Discard"/> must follow.</exception>
    public async Task RunAsync()
    {
        var leaving = new List<IOutgoing>();
        var frames = new List<OutgoingFrame>();
        while (await _queue.Reader.WaitToReadAsync())
        {
            try
            {
                int bytes = 0;
                while (bytes < BatchBytes && _queue.Reader.TryRead(out IOutgoing? outgoing))
                {
                    leaving.Add(outgoing);
                    if (outgoing.TakeFrame() is not { } frame)
                        continue;
                    frames.Add(frame);
                    bytes += frame.Length;
                }
                foreach (OutgoingFrame frame in frames)
                {
                    foreach (ArraySegment<byte> piece in frame)
                        await transport.AddAsync(piece);
                }
                await transport.FlushAsync();
                sent(bytes);
            }
            finally
            {
                foreach (OutgoingFrame frame in frames)
                    frame.Dispose();
                frames.Clear();
                foreach (IOutgoing outgoing in leaving)
                    outgoing.Left();
                leaving.Clear();
            }
        }
    }

    /// <summary>Lets go of all that waits, after <see cref="RunAsync"/> has ended.</summary>
    public void Discard()
    {
        Complete();
        while (_queue.Reader.TryRead(out IOutgoing? outgoing))
        {
            outgoing.TakeFrame()?.Dispose();
            outgoing.Left();
        }
    }
}

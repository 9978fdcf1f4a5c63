using Warp.Protocol.Wire;

namespace Warp.Actors.Cluster.Peers;

/// <summary>
/// A message with bytes or records in it, which are slices of the frame that it came in. The message keeps the frame's buffer; whoever gets
/// the message disposes it. All other messages are whole once they have been read, and their buffers go back at once.
/// </summary>
public interface IHoldsFrame : IDisposable
{
    /// <summary>Takes over one reference to the frame, which <see cref="IDisposable.Dispose"/> gives back.</summary>
    void Hold(PooledBuffer frame);
}

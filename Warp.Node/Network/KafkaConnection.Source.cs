using Warp.Streams.Produce;

namespace Warp.Node.Network;

internal sealed partial class KafkaConnection : IProduceSource
{
    public int UnansweredRequests => _responses.InFlight;

    public bool IsAtBound => _responses.InFlight >= _services.Limits.RequestsInFlight;

    public int UsualWindow => _responses.UsualWindow;

    public TimeSpan Silence => SilenceAt(_services.Time.GetTimestamp());

    /// <summary>Until a moment, for how long nothing has gone in either direction.</summary>
    private TimeSpan SilenceAt(long now)
    {
        TimeSpan sinceReceived = _services.Time.GetElapsedTime(Volatile.Read(ref _lastReceived), now);
        TimeSpan sinceSent = _services.Time.GetElapsedTime(Volatile.Read(ref _lastSent), now);
        return sinceReceived < sinceSent ? sinceReceived : sinceSent;
    }
}

using Warp.Node.Quotas;

namespace Warp.Node.Network;

internal sealed partial class KafkaConnection
{
    private readonly Lock _muting = new();

    /// <summary>Until when it is not read, counted from when the connection was made.</summary>
    private TimeSpan _mutedUntil;

    private TimeSpan Age => _services.Time.GetElapsedTime(_opened);

    /// <summary>Does not read the next request before the pause is over (KIP-219). What has been received is still answered.</summary>
    private void Mute(Pause pause)
    {
        _services.Metrics.Throttled(pause);
        TimeSpan until = Age + TimeSpan.FromMilliseconds(pause.Milliseconds);
        lock (_muting)
        {
            if (until > _mutedUntil)
                _mutedUntil = until;
        }
    }

    private async ValueTask WaitWhileMutedAsync()
    {
        while (RestOfMute() is var rest && rest > TimeSpan.Zero)
        {
            _stage = ReceiveStage.HeldUp;
            await Task.Delay(rest, _services.Time, _stopReading.Token);
        }
    }

    private TimeSpan RestOfMute()
    {
        lock (_muting)
            return _mutedUntil - Age;
    }
}

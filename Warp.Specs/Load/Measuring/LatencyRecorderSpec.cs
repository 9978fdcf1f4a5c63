using Warp.Load.Measuring;
using Xunit;

namespace Warp.Specs.Load.Measuring;

public sealed class LatencyRecorderSpec
{
    private readonly LatencyRecorder _recorder = new();

    [Fact]
    public void A_snapshot_has_what_was_recorded_and_stays_as_it_is()
    {
        _recorder.Record(TimeSpan.FromMilliseconds(5));
        LatencyHistogram snapshot = _recorder.Snapshot();
        _recorder.Record(TimeSpan.FromMilliseconds(7));
        Assert.Equal((1, 5_000), (snapshot.Count, snapshot.MaxMicros));
        Assert.Equal((2, 7_000), (_recorder.Snapshot().Count, _recorder.Snapshot().MaxMicros));
    }

    [Fact]
    public void Nothing_is_missed_when_many_record_at_once()
    {
        const int Each = 10_000;
        Parallel.For(0, 4, thread =>
        {
            for (int i = 1; i <= Each; i++)
                _recorder.Record(TimeSpan.FromMicroseconds((thread * Each) + i));
        });
        Assert.Equal((4 * Each, 4 * Each), (_recorder.Snapshot().Count, _recorder.Snapshot().MaxMicros));
    }
}

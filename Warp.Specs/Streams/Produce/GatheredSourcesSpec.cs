using Warp.Specs.Streams.Format;
using Warp.Streams.Produce;
using Xunit;

namespace Warp.Specs.Streams.Produce;

/// <summary>When nobody is expected to send more.</summary>
public sealed class GatheredSourcesSpec
{
    private static readonly TimeSpan s_quiet = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan s_now = TimeSpan.FromSeconds(7);

    private readonly GatheredSources _sources = new();

    [Fact]
    public void A_connection_that_has_been_silent_for_long_enough_is_not_waited_for()
    {
        SampleSource source = Add(requests: 3);
        source.Silence = Milliseconds(2);
        Assert.Equal(s_now + Milliseconds(3), QuietAt());
        source.Silence = s_quiet;
        Assert.Equal(s_now, QuietAt());
        source.Silence = TimeSpan.FromHours(1);
        Assert.Equal(s_now, QuietAt());
    }

    [Fact]
    public void A_connection_that_may_not_send_more_is_not_waited_for()
    {
        SampleSource source = Add(requests: 64);
        source.IsAtBound = true;
        Assert.Equal(s_now, QuietAt());
    }

    [Fact]
    public void A_connection_with_requests_in_an_earlier_file_may_go_on_when_that_is_answered()
    {
        SampleSource source = Add(requests: 2);
        (source.UnansweredRequests, source.Silence, source.IsAtBound) = (5, TimeSpan.FromSeconds(1), true);
        Assert.Equal(s_now + s_quiet, QuietAt());
        source.UnansweredRequests = 2;
        Assert.Equal(s_now, QuietAt());
    }

    [Fact]
    public void One_that_still_sends_is_enough_to_wait_for()
    {
        SampleSource[] sources = [.. Enumerable.Range(0, 10).Select(_ => Add(requests: 1))];
        foreach (SampleSource source in sources)
            source.Silence = s_quiet;
        foreach (SampleSource source in sources)
        {
            source.Silence = TimeSpan.Zero;
            Assert.Equal(s_now + s_quiet, QuietAt());
            source.Silence = s_quiet;
            Assert.Equal(s_now, QuietAt());
        }
    }

    [Fact]
    public void One_whose_requests_have_left_does_not_matter_any_more()
    {
        SampleSource silent = Add(requests: 1);
        silent.Silence = s_quiet;
        SampleSource busy = Add(requests: 2);
        _sources.Remove(busy);
        Assert.Equal(s_now + s_quiet, QuietAt());
        _sources.Remove(busy);
        Assert.Equal(s_now, QuietAt());
    }

    [Fact]
    public void At_random_it_is_quiet_when_each_connection_is()
    {
        Random random = TestSeed.Random();
        var sources = new List<SampleSource>();
        for (int i = 0; i < 20_000; i++)
        {
            if (sources.Count < 8 && random.Next(3) == 0)
                sources.Add(Add(requests: 1));
            else if (sources.Count > 0 && random.Next(3) == 0)
                Remove(sources, random.Next(sources.Count));
            foreach (SampleSource source in sources)
            {
                source.Silence = Milliseconds(random.Next(8) == 0 ? random.Next(6) : 6);
                source.UnansweredRequests = random.Next(20) == 0 ? 2 : 1;
                source.IsAtBound = random.Next(4) == 0;
            }
            bool isQuiet = sources.TrueForAll(static source =>
                source.UnansweredRequests == 1 && (source.IsAtBound || source.Silence >= s_quiet));
            Assert.Equal(isQuiet, QuietAt() == s_now);
            Assert.InRange(QuietAt() - s_now, TimeSpan.Zero, s_quiet);
        }
    }

    [Fact]
    public void It_is_told_whether_the_sender_of_a_request_waits_for_an_earlier_file()
    {
        var source = new SampleSource { UnansweredRequests = 2 };
        Assert.True(_sources.Add(source));
        Assert.False(_sources.Add(source));
    }

    [Fact]
    public void A_connection_that_has_sent_as_much_as_it_usually_does_is_not_waited_for()
    {
        SampleSource source = Add(requests: 4);
        source.UsualWindow = 5;
        source.Silence = 2 * s_quiet;
        Assert.Equal(s_now + (2 * s_quiet), QuietAt());
        source.Silence = TimeSpan.Zero;
        source.UnansweredRequests = 5;
        _sources.Add(source);
        Assert.Equal(s_now, QuietAt());
        Assert.Equal(s_now + s_quiet, _sources.QuietAt(s_now, s_quiet, trustWindows: false));
    }

    private TimeSpan QuietAt() => _sources.QuietAt(s_now, s_quiet, trustWindows: true);

    private SampleSource Add(int requests)
    {
        var source = new SampleSource { UnansweredRequests = requests };
        for (int i = 0; i < requests; i++)
            _sources.Add(source);
        return source;
    }

    private void Remove(List<SampleSource> sources, int index)
    {
        _sources.Remove(sources[index]);
        sources.RemoveAt(index);
    }

    private static TimeSpan Milliseconds(double count) => TimeSpan.FromMilliseconds(count);
}

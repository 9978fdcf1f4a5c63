using System.Runtime.InteropServices;

namespace Warp.Streams.Produce;

/// <summary>
/// Those who have requests in the file that is being gathered, and whether any of them will send more before the file is stored. Clients
/// do not say how many requests they send without an answer; that they have reached it shows by their silence, or by its being the same
/// number each time, once all that they have sent is in this file. Who has requests in an earlier file will hear of these first, and may then go on. Not thread-safe.
/// </summary>
public sealed class GatheredSources
{
    private readonly Dictionary<IProduceSource, int> _requests = [];

    /// <summary>Who usually sends more than he has sent now is waited for so many times as long.</summary>
    private const int PatienceWithinWindow = 4;

    /// <summary>Of whom more was expected when it was last looked. Mostly still so, which saves looking at all the others.</summary>
    private IProduceSource? _expected;

    /// <summary>Notes a request.</summary>
    /// <returns>Whether its sender waits for an earlier file as well.</returns>
    public bool Add(IProduceSource source)
    {
        _expected = source;
        int requests = ++CollectionsMarshal.GetValueRefOrAddDefault(_requests, source, out _);
        return source.UnansweredRequests > requests;
    }

    /// <summary>Notes that a request has left with a file.</summary>
    public void Remove(IProduceSource source)
    {
        int left = _requests[source] - 1;
        if (left > 0)
        {
            _requests[source] = left;
            return;
        }
        _requests.Remove(source);
        if (_expected == source)
            _expected = null;
    }

    /// <summary>From when waiting gathers nothing, if nothing comes until then; the present moment if that is so already.</summary>
    /// <param name="now">The present moment.</param>
    /// <param name="quiet">The silence from which nothing is expected of a source.</param>
    /// <param name="trustWindows">Whether nothing is expected, even without silence, of those who have as many requests here as they usually send.</param>
    public TimeSpan QuietAt(TimeSpan now, TimeSpan quiet, bool trustWindows)
    {
        if (_expected is { } expected && WaitFor(expected, _requests[expected], quiet, trustWindows) is var wait && wait > TimeSpan.Zero)
            return now + wait;
        _expected = null;
        foreach ((IProduceSource source, int requests) in _requests)
        {
            if (WaitFor(source, requests, quiet, trustWindows) is var next && next > TimeSpan.Zero)
            {
                _expected = source;
                return now + next;
            }
        }
        return now;
    }

    /// <summary>How long it takes at least until nothing is expected of it any more.</summary>
    private static TimeSpan WaitFor(IProduceSource source, int requests, TimeSpan quiet, bool trustWindows)
    {
        if (source.UnansweredRequests > requests)
            return quiet;
        if (source.IsAtBound)
            return TimeSpan.Zero;
        int window = trustWindows ? source.UsualWindow : 0;
        return window == 0 ? quiet - source.Silence
            : requests >= window ? TimeSpan.Zero
            : (quiet * PatienceWithinWindow) - source.Silence;
    }
}

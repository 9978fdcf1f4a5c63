namespace Warp.Streams.Objects.Resilience;

/// <summary>
/// Watches the requests to a store and publishes how well it works: the state of a circuit breaker. Thread-safe.
/// </summary>
/// <remarks>
/// <para>Unavailable: of at least <see cref="FewestRequests"/> requests of the last 10 s, half or more failed; or
/// <see cref="MostFailuresInARow"/> did, each begun after the one before had failed, in whatever time: of requests that run side by side those
/// that fail are often answered first. Nothing is sent for a second then; after that one request
/// at a time is let through as a trial. A trial that succeeds ends it, one that fails doubles the pause, up to 10 s.</para>
/// <para>Degraded: one in twenty failed, or took longer than 2 s; or trials are under way.</para>
/// </remarks>
/// <param name="time">The time.</param>
public sealed class StoreHealth(TimeProvider time)
{
    /// <summary>With fewer requests in the window, their shares say nothing.</summary>
    public const int FewestRequests = 20;

    /// <summary>So many failures without a success between them are enough, however few requests there are.</summary>
    public const int MostFailuresInARow = 8;

    private const int Seconds = 10;
    private const double UnavailableShare = 0.5;
    private const double DegradedShare = 0.05;

    private static readonly TimeSpan s_slow = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_firstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Second[] _seconds = new Second[Seconds];
    private readonly long _startedAt = time.GetTimestamp();
    private int _failuresInARow;
    private TimeSpan _failedAt;
    private bool _isOpen;
    private bool _trialIsUnderWay;
    private TimeSpan _pause;
    private TimeSpan _openUntil;

    /// <summary>The state at this moment.</summary>
    public StoreState State
    {
        get
        {
            lock (_lock)
            {
                TimeSpan now = Now;
                if (_isOpen)
                    return now < _openUntil ? StoreState.Unavailable : StoreState.Degraded;
                Second sum = Sum(now);
                return sum.Requests >= FewestRequests && sum.Failed + sum.Slow >= sum.Requests * DegradedShare
                    ? StoreState.Degraded
                    : StoreState.Healthy;
            }
        }
    }

    private TimeSpan Now => time.GetElapsedTime(_startedAt);

    /// <summary>Whether a request may be sent. Then <see cref="Succeeded"/>, <see cref="Failed"/> or <see cref="GaveUp"/>
    /// follows.</summary>
    internal bool TryEnter()
    {
        lock (_lock)
        {
            if (!_isOpen)
                return true;
            if (_trialIsUnderWay || Now < _openUntil)
                return false;
            _trialIsUnderWay = true;
            return true;
        }
    }

    internal void Succeeded(TimeSpan duration)
    {
        lock (_lock)
        {
            if (_isOpen)
            {
                _isOpen = false;
                _trialIsUnderWay = false;
                Array.Clear(_seconds);
            }
            _failuresInARow = 0;
            ref Second second = ref SecondOf(Now);
            second.Requests++;
            if (duration > s_slow)
                second.Slow++;
        }
    }

    internal void Failed(TimeSpan duration)
    {
        lock (_lock)
        {
            TimeSpan now = Now;
            if (_isOpen)
            {
                // What was sent before it opened says nothing new.
                if (_trialIsUnderWay)
                    Open(now, _pause * 2);
                return;
            }
            ref Second second = ref SecondOf(now);
            second.Requests++;
            second.Failed++;
            Second sum = Sum(now);
            bool isMost = sum.Requests >= FewestRequests && sum.Failed >= sum.Requests * UnavailableShare;
            if (now - duration >= _failedAt)
            {
                _failuresInARow++;
                _failedAt = now;
            }
            if (_failuresInARow >= MostFailuresInARow || isMost)
                Open(now, s_firstPause);
        }
    }

    /// <summary>The caller lost interest in the request, which says nothing about the store.</summary>
    internal void GaveUp()
    {
        lock (_lock)
            _trialIsUnderWay = false;
    }

    private void Open(TimeSpan now, TimeSpan pause)
    {
        _isOpen = true;
        _trialIsUnderWay = false;
        _pause = pause < s_longestPause ? pause : s_longestPause;
        _openUntil = now + _pause;
    }

    private ref Second SecondOf(TimeSpan now)
    {
        long number = (long)now.TotalSeconds;
        ref Second second = ref _seconds[number % Seconds];
        if (second.Number != number)
            second = new Second { Number = number };
        return ref second;
    }

    private Second Sum(TimeSpan now)
    {
        long oldest = (long)now.TotalSeconds - Seconds;
        var sum = new Second();
        foreach (Second second in _seconds)
        {
            if (second.Number > oldest)
            {
                sum.Requests += second.Requests;
                sum.Failed += second.Failed;
                sum.Slow += second.Slow;
            }
        }
        return sum;
    }

    private struct Second
    {
        public long Number;
        public int Requests;
        public int Failed;
        public int Slow;
    }
}

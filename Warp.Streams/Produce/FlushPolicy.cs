namespace Warp.Streams.Produce;

/// <summary>Why a flush left.</summary>
public enum FlushTrigger
{
    /// <summary>Not yet.</summary>
    None,

    /// <summary>The size was reached.</summary>
    Size,

    /// <summary>The interval is over.</summary>
    Interval,

    /// <summary>The budget of PUTs had one to spare.</summary>
    Budget,

    /// <summary>Nobody will send more before being answered.</summary>
    Quiet,

    /// <summary>The node is stopping.</summary>
    Drain,
}

/// <summary>
/// Decides when what was gathered leaves. The interval exists to bound PUTs a second, so the ones that are not used are spent: a token
/// bucket lets a batch that finds a token leave at once. Under steady load the tokens are gone; then a second, larger bucket lets a flush
/// leave at the moment from which waiting would gather nothing, because all who have records in it wait for its answer. Under a load that
/// never pauses the interval rules. Over any time T at most <c>budget × T + budget</c> flushes leave early, of the larger budget.
/// Pure: times come from the caller, as spans since any fixed moment. Not thread-safe.
/// </summary>
public sealed class FlushPolicy(FlushSettings settings)
{
    /// <summary>A file that leaves for silence has this part of the size at least: smaller ones would cost more PUTs than their bytes are worth.</summary>
    private const int LeastPart = 16;

    /// <summary>The most that patience grows to: with the usual silence of 5 ms, longer than the interval.</summary>
    private const int MostPatience = 64;

    /// <summary>After so long without a mistake patience is halved.</summary>
    private static readonly TimeSpan s_forgetting = TimeSpan.FromSeconds(4);

    /// <summary>For how long a full object tells that the next ones would be full, too.</summary>
    private static readonly TimeSpan s_filling = TimeSpan.FromSeconds(1);

    private readonly TokenBucket _spare = new(settings.PutsPerSecond);
    private readonly TokenBucket _whenQuiet = new(settings.PutsPerSecond == 0 ? 0 : settings.PutsPerSecondMax);
    private TimeSpan _fillingUntil = TimeSpan.MinValue;
    private TimeSpan _forgetAt;
    private int _patience = 1;
    private bool _isOnTrial;

    /// <summary>
    /// The silence from which a client is taken to send nothing before it is answered. Where objects reach their size, silence may as well be
    /// that of a busy machine, and to flush for it costs PUTs and gains nothing. So there it must last longer after each mistake.
    /// </summary>
    public TimeSpan QuietFor(TimeSpan now) => now < _fillingUntil ? settings.Quiet * _patience : settings.Quiet;

    /// <summary>Whether it has not been deceived of late where objects reach their size.</summary>
    public bool TrustsWindows(TimeSpan now) => now >= _fillingUntil || _patience == 1;

    /// <summary>Whether a flush of so many bytes is worth a PUT before the interval is over, beyond those that are to be spared.</summary>
    public bool IsWorthAPut(long gatheredBytes) => gatheredBytes >= settings.SizeBytes / LeastPart;

    /// <summary>Whether a flush may leave now for silence. If not, it need not be found out who is silent.</summary>
    public bool MayLeaveQuietly(TimeSpan now) => _whenQuiet.HasToken(now);

    /// <summary>Whether to flush now.</summary>
    /// <param name="now">The present moment.</param>
    /// <param name="gatheredBytes">How much waits.</param>
    /// <param name="firstAt">Since when the oldest of it has waited.</param>
    /// <param name="quietAt">From when waiting gathers nothing, as far as is known now.</param>
    public FlushTrigger Decide(TimeSpan now, long gatheredBytes, TimeSpan firstAt, TimeSpan quietAt)
    {
        if (gatheredBytes >= settings.SizeBytes)
            return FlushTrigger.Size;
        if (now - firstAt >= settings.Interval)
            return FlushTrigger.Interval;
        if (_spare.HasToken(now))
            return FlushTrigger.Budget;
        return now >= quietAt && _whenQuiet.HasToken(now) ? FlushTrigger.Quiet : FlushTrigger.None;
    }

    /// <summary>When to ask again if nothing else happens: at the end of the interval, or when something allows to leave earlier.</summary>
    public TimeSpan NextLook(TimeSpan now, TimeSpan firstAt, TimeSpan quietAt)
    {
        TimeSpan atInterval = firstAt + settings.Interval;
        TimeSpan atToken = _spare.NextAt(now);
        TimeSpan whenQuiet = Later(quietAt, _whenQuiet.NextAt(now));
        return Earlier(atInterval, Earlier(atToken, whenQuiet));
    }

    /// <summary>Notes a flush. Every one takes a token, whatever its trigger.</summary>
    public void Flushed(TimeSpan now, FlushTrigger trigger)
    {
        if (trigger == FlushTrigger.Size)
            _fillingUntil = now + s_filling;
        bool wasRight = _isOnTrial;
        if (_patience > 1 && (wasRight || now >= _forgetAt))
        {
            _patience /= 2;
            _forgetAt = now + s_forgetting;
        }
        _isOnTrial = trigger == FlushTrigger.Quiet;
        _spare.Take(now);
        _whenQuiet.Take(now);
    }

    /// <summary>Notes that somebody sends more before an earlier file of his is answered. If that one left for his silence, it was a mistake.</summary>
    public void MoreCame(TimeSpan now)
    {
        if (!_isOnTrial)
            return;
        _isOnTrial = false;
        _patience = Math.Min(_patience * 2, MostPatience);
        _forgetAt = now + s_forgetting;
    }

    private static TimeSpan Earlier(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private static TimeSpan Later(TimeSpan one, TimeSpan other) => one > other ? one : other;
}

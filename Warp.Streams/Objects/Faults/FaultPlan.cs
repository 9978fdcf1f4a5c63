using System.Globalization;

namespace Warp.Streams.Objects.Faults;

/// <summary>What a <see cref="FaultObjectStore"/> does to its requests, by a seed. Shares are from 0 to 1, of all requests.</summary>
public sealed record FaultPlan
{
    /// <summary>Where the random numbers begin.</summary>
    public int Seed { get; init; }

    /// <summary>How many requests fail for the moment: before their effect, in the middle of it, or after it.</summary>
    public double Errors { get; init; }

    /// <summary>How many requests stall for <see cref="StallTime"/> before they go on.</summary>
    public double Stalls { get; init; }

    /// <summary>How long a stalled request waits.</summary>
    public TimeSpan StallTime { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How many requests are never answered; some of them after their effect.</summary>
    public double Timeouts { get; init; }

    /// <summary>
    /// Whether requests take as long as those of a distant store, in all: half of the reads 20 ms (one in a hundred 200 ms), of the rest
    /// 40 ms (250 ms).
    /// </summary>
    public bool IsDistant { get; init; }

    /// <summary>How long an object stays out of listings after its put.</summary>
    public TimeSpan ListDelay { get; init; }

    /// <summary>Reads
    /// <c>seed=1&amp;errors=0.1&amp;stalls=0.02&amp;stall-time=5s&amp;timeouts=0.01&amp;latency=s3&amp;list-delay=2s</c>.</summary>
    /// <exception cref="ArgumentException">It has another form.</exception>
    public static FaultPlan Parse(string text)
    {
        var plan = new FaultPlan();
        foreach ((string name, string value) in UrlParts.Parse(text))
        {
            plan = name switch
            {
                "seed" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int seed) => plan with { Seed = seed },
                "errors" when TryShare(value, out double share) => plan with { Errors = share },
                "stalls" when TryShare(value, out double share) => plan with { Stalls = share },
                "timeouts" when TryShare(value, out double share) => plan with { Timeouts = share },
                "stall-time" when TryDuration(value, out TimeSpan time) => plan with { StallTime = time },
                "list-delay" when TryDuration(value, out TimeSpan time) => plan with { ListDelay = time },
                "latency" when value is "s3" or "none" => plan with { IsDistant = value == "s3" },
                _ => throw new ArgumentException(
                    $"'{name}={value}' is no fault; known are seed=NUMBER, errors, stalls and timeouts (shares such as 0.1), stall-time and "
                    + "list-delay (such as 5s or 200ms), latency=s3."),
            };
        }
        return plan;
    }

    public override string ToString()
    {
        List<string> parts = [$"seed={Seed}"];
        Add("errors", Errors, 0);
        Add("stalls", Stalls, 0);
        Add("stall-time", StallTime.TotalMilliseconds, 5000, "ms");
        Add("timeouts", Timeouts, 0);
        if (IsDistant)
            parts.Add("latency=s3");
        Add("list-delay", ListDelay.TotalMilliseconds, 0, "ms");
        return string.Join('&', parts);

        void Add(string name, double value, double normal, string unit = "")
        {
            if (value != normal)
                parts.Add(string.Create(CultureInfo.InvariantCulture, $"{name}={value}{unit}"));
        }
    }

    private static bool TryShare(string text, out double share) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out share) && share is >= 0 and <= 1;

    private static bool TryDuration(string text, out TimeSpan duration)
    {
        (string number, double unit) = text.EndsWith("ms", StringComparison.Ordinal) ? (text[..^2], 1)
            : text.EndsWith('s') ? (text[..^1], 1000) : ("", 0);
        bool isNumber = double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value);
        duration = TimeSpan.FromMilliseconds(isNumber && value < 1e9 ? value * unit : 0);
        return isNumber;
    }
}

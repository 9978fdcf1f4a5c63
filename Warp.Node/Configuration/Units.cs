using System.Globalization;

namespace Warp.Node.Configuration;

/// <summary>Durations, sizes and shares as HOCON and operators write them: a number, perhaps white space, a unit.</summary>
internal static class Units
{
    private const long Kibi = 1024;

    private static readonly Dictionary<string, double> s_ticks = Table(
        (TimeSpan.TicksPerMicrosecond / 1000.0, "ns nano nanos nanosecond nanoseconds"),
        (TimeSpan.TicksPerMicrosecond, "us micro micros microsecond microseconds"),
        (TimeSpan.TicksPerMillisecond, "ms milli millis millisecond milliseconds"),
        (TimeSpan.TicksPerSecond, "s sec second seconds"),
        (TimeSpan.TicksPerMinute, "m min minute minutes"),
        (TimeSpan.TicksPerHour, "h hour hours"),
        (TimeSpan.TicksPerDay, "d day days"));

    private static readonly Dictionary<string, double> s_bytes = Table(
        (1, "B b byte bytes"),
        (1e3, "kB kilobyte kilobytes"),
        (1e6, "MB megabyte megabytes"),
        (1e9, "GB gigabyte gigabytes"),
        (1e12, "TB terabyte terabytes"),
        (Kibi, "K k Ki KiB kibibyte kibibytes"),
        (Kibi * Kibi, "M m Mi MiB mebibyte mebibytes"),
        (Kibi * Kibi * Kibi, "G g Gi GiB gibibyte gibibytes"),
        (Kibi * Kibi * Kibi * Kibi, "T t Ti TiB tebibyte tebibytes"));

    private static readonly (long Ticks, string Unit)[] s_durationForms =
    [
        (TimeSpan.TicksPerDay, "d"),
        (TimeSpan.TicksPerHour, "h"),
        (TimeSpan.TicksPerMinute, "min"),
        (TimeSpan.TicksPerSecond, "s"),
        (TimeSpan.TicksPerMillisecond, "ms"),
    ];

    private static readonly (long Bytes, string Unit)[] s_sizeForms =
    [
        (Kibi * Kibi * Kibi * Kibi, "TiB"),
        (Kibi * Kibi * Kibi, "GiB"),
        (Kibi * Kibi, "MiB"),
        (Kibi, "KiB"),
    ];

    /// <summary>Reads <c>250ms</c>, <c>10 s</c>, <c>1.5 minutes</c>; a number alone counts milliseconds.</summary>
    public static bool TryParseDuration(string text, out TimeSpan duration)
    {
        var isValid = TryParse(text, s_ticks, TimeSpan.TicksPerMillisecond, out var ticks);
        duration = new TimeSpan(ticks);
        return isValid;
    }

    /// <summary>Reads <c>8MiB</c>, <c>64k</c> (powers of 1024), <c>1 MB</c> (powers of 1000); a number alone counts bytes.</summary>
    public static bool TryParseSize(string text, out long bytes) => TryParse(text, s_bytes, 1, out bytes);

    /// <summary>Reads <c>25%</c> as 0.25; from 0 % to 100 %.</summary>
    public static bool TryParseShare(string text, out double share)
    {
        share = 0;
        if (!text.EndsWith('%') || !TryParseNumber(text.AsSpan(0, text.Length - 1), out var percent) || percent > 100)
            return false;
        share = percent / 100;
        return true;
    }

    /// <summary>The shortest exact form: <c>90s</c>, <c>2min</c>, <c>250ms</c>.</summary>
    public static string Format(TimeSpan duration)
    {
        foreach (var (ticks, unit) in s_durationForms)
        {
            if (duration.Ticks != 0 && duration.Ticks % ticks == 0)
                return $"{duration.Ticks / ticks}{unit}";
        }
        return $"{duration.TotalMilliseconds.ToString(CultureInfo.InvariantCulture)}ms";
    }

    /// <summary>The shortest exact form: <c>8MiB</c>, <c>1000</c>.</summary>
    public static string Format(long bytes)
    {
        foreach (var (size, unit) in s_sizeForms)
        {
            if (bytes != 0 && bytes % size == 0)
                return $"{bytes / size}{unit}";
        }
        return bytes.ToString(CultureInfo.InvariantCulture);
    }

    private static bool TryParse(string text, Dictionary<string, double> units, double unitless, out long result)
    {
        result = 0;
        var digits = text.AsSpan().TrimEnd();
        while (digits.Length > 0 && char.IsAsciiLetter(digits[^1]))
            digits = digits[..^1];
        var unit = text.AsSpan(digits.Length).Trim().ToString();
        var scale = unitless;
        if ((unit.Length > 0 && !units.TryGetValue(unit, out scale)) || !TryParseNumber(digits, out var number))
            return false;
        var scaled = Math.Round(number * scale);
        // 2^53: beyond it a double no longer counts one by one, and no setting needs that much.
        if (scaled > 1L << 53)
            return false;
        result = (long)scaled;
        return true;
    }

    private static bool TryParseNumber(ReadOnlySpan<char> text, out double number) =>
        double.TryParse(text.Trim(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out number);

    private static Dictionary<string, double> Table(params (double Scale, string Names)[] rows) =>
        rows.SelectMany(row => row.Names.Split(' '), (row, name) => (name, row.Scale)).ToDictionary(pair => pair.name, pair => pair.Scale);
}

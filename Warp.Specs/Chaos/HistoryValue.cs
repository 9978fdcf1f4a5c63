using System.Globalization;

namespace Warp.Specs.Chaos;

/// <summary>What a producer of a history writes: the how-manieth of its values for a partition this is.</summary>
/// <param name="Producer">Which producer.</param>
/// <param name="Partition">To which partition.</param>
/// <param name="Number">From 0, each next value one higher.</param>
public readonly record struct HistoryValue(int Producer, int Partition, long Number)
{
    /// <summary>The form that travels in a record: <c>producer/partition/number</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Producer}/{Partition}/{Number}");

    /// <summary>Reads what <see cref="ToString"/> writes; what follows a blank is padding.</summary>
    /// <exception cref="FormatException">It is something else.</exception>
    public static HistoryValue Parse(string text)
    {
        int end = text.IndexOf(' ', StringComparison.Ordinal);
        string[] parts = (end < 0 ? text : text[..end]).Split('/');
        if (parts.Length == 3
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int producer)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int partition)
            && long.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out long number))
            return new HistoryValue(producer, partition, number);
        throw new FormatException($"no value of a history: '{text}'");
    }
}

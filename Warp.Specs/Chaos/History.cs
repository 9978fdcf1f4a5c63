namespace Warp.Specs.Chaos;

/// <summary>
/// What producers wrote and what they were told, to be compared with what is there afterwards. Each producer writes rising numbers to each
/// partition; a value that was neither acknowledged nor refused may be there or not, but if it is, then once and in its place.
/// Recording is thread-safe.
/// </summary>
/// <param name="exactlyOnce">
/// Whether the producers are idempotent. Those that are not may leave a value more than once, in which case its first appearance counts.
/// </param>
public sealed class History(bool exactlyOnce = true)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(int Producer, int Partition), long> _next = [];
    private readonly Dictionary<(int Producer, int Partition), long> _lastAcknowledged = [];
    private readonly Dictionary<HistoryValue, long> _acknowledged = [];
    private readonly Dictionary<HistoryValue, string> _failed = [];

    /// <summary>Values that were acknowledged so far.</summary>
    public int AcknowledgedCount
    {
        get
        {
            lock (_lock)
                return _acknowledged.Count;
        }
    }

    /// <summary>Values whose producer was told of an error, and the error.</summary>
    public IReadOnlyDictionary<HistoryValue, string> Failed
    {
        get
        {
            lock (_lock)
                return new Dictionary<HistoryValue, string>(_failed);
        }
    }

    /// <summary>The next value that a producer is to write to a partition, which counts as written from now on.</summary>
    public HistoryValue Next(int producer, int partition)
    {
        lock (_lock)
        {
            long number = _next.GetValueOrDefault((producer, partition));
            _next[(producer, partition)] = number + 1;
            return new HistoryValue(producer, partition, number);
        }
    }

    /// <summary>The broker has promised that a value is in the log, at this offset.</summary>
    public void Acknowledge(HistoryValue value, long offset)
    {
        lock (_lock)
        {
            _acknowledged.Add(value, offset);
            (int, int) writer = (value.Producer, value.Partition);
            _lastAcknowledged[writer] = Math.Max(value.Number, _lastAcknowledged.GetValueOrDefault(writer, -1));
        }
    }

    /// <summary>The values that come next, for <see cref="HasPassed"/>.</summary>
    public IReadOnlyList<HistoryValue> Mark()
    {
        lock (_lock)
            return [.. _next.Select(static entry => new HistoryValue(entry.Key.Producer, entry.Key.Partition, entry.Value))];
    }

    /// <summary>Whether every producer has an acknowledgement of each partition for what it wrote after the mark.</summary>
    public bool HasPassed(IReadOnlyList<HistoryValue> mark)
    {
        lock (_lock)
            return mark.All(value => _lastAcknowledged.GetValueOrDefault((value.Producer, value.Partition), -1) >= value.Number);
    }

    /// <summary>The producer has given up on a value; it may be in the log all the same.</summary>
    public void Fail(HistoryValue value, string error)
    {
        lock (_lock)
            _failed.Add(value, error);
    }

    /// <summary>Compares with all that can be read, when no producer writes any more.</summary>
    /// <param name="records">The whole of every partition, each in the order in which it was read.</param>
    /// <returns>Every defect; none if the log has kept its promises.</returns>
    public IReadOnlyList<Defect> Check(IEnumerable<ReadRecord> records)
    {
        lock (_lock)
            return [.. Defects(records.ToList())];
    }

    private IEnumerable<Defect> Defects(List<ReadRecord> records)
    {
        var offsets = new Dictionary<HistoryValue, List<long>>();
        var lastOffset = new Dictionary<int, long>();
        var lastNumber = new Dictionary<(int Producer, int Partition), long>();
        foreach (var (partition, offset, value) in records)
        {
            if (lastOffset.TryGetValue(partition, out long before) && offset <= before)
                yield return new Defect(DefectKind.OutOfOrder, $"offset {offset} of partition {partition} was read after offset {before}");
            lastOffset[partition] = offset;

            var writer = (value.Producer, value.Partition);
            if (value.Partition != partition || value.Number >= _next.GetValueOrDefault(writer))
            {
                yield return new Defect(DefectKind.Foreign, $"{value} is at {partition}@{offset}, where nobody wrote it");
                continue;
            }
            if (offsets.TryGetValue(value, out var earlier))
            {
                if (exactlyOnce)
                    yield return new Defect(DefectKind.Doubled, $"{value} is at {partition}@{offset} and before at {earlier[0]}");
                earlier.Add(offset);
                continue;
            }
            offsets.Add(value, [offset]);
            if (lastNumber.TryGetValue(writer, out long number) && value.Number < number)
                yield return new Defect(DefectKind.OutOfOrder, $"{value} is at {partition}@{offset}, behind its producer's {number}");
            lastNumber[writer] = Math.Max(value.Number, lastNumber.GetValueOrDefault(writer));
        }

        var promised = new Dictionary<(int Partition, long Offset), HistoryValue>();
        foreach (var (value, offset) in _acknowledged)
        {
            if (!offsets.TryGetValue(value, out var found))
                yield return new Defect(DefectKind.Lost, $"{value} was acknowledged at {value.Partition}@{offset} and is not there");
            else if (!found.Contains(offset))
                yield return new Defect(DefectKind.WrongOffset, $"{value} is at {found[0]}, acknowledged at {value.Partition}@{offset}");
            if (promised.TryGetValue((value.Partition, offset), out var other))
                yield return new Defect(DefectKind.SharedOffset, $"{value} and {other} were acknowledged at {value.Partition}@{offset}");
            promised[(value.Partition, offset)] = value;
        }
    }
}

using System.Buffers.Binary;
using System.Text;
using Warp.Protocol.Records;

namespace Warp.Node.Demo;

/// <summary>
/// The records of a demo: about 200 bytes, JSON and blanks, that can be read with any client, and in a header when the record was made, by the
/// monotonic clock of the process.
/// </summary>
internal static class DemoRecords
{
    private const string MadeHeader = "made";
    private const int ValueBytes = 170;
    private const int SensorCount = 1_000;

    /// <summary>Makes a batch.</summary>
    /// <param name="firstNumber">The number of the first record; they go on from there.</param>
    /// <param name="count">Records in the batch, 1 or more.</param>
    /// <param name="time">The clock.</param>
    /// <param name="made">When the records were made, by <see cref="TimeProvider.GetTimestamp"/>.</param>
    public static byte[] BuildBatch(long firstNumber, int count, TimeProvider time, long made)
    {
        var batch = new RecordBatchBuilder();
        long timestamp = time.GetUtcNow().ToUnixTimeMilliseconds();
        var header = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(header, made);
        for (long number = firstNumber; number < firstNumber + count; number++)
        {
            string sensor = $"sensor-{number % SensorCount:d3}";
            byte[] key = Encoding.ASCII.GetBytes(sensor);
            batch.Append(timestamp, key, Value(number, sensor, timestamp), new KeyValuePair<string, byte[]?>(MadeHeader, header));
        }
        return batch.Build();
    }

    /// <summary>When a record was made, by <see cref="TimeProvider.GetTimestamp"/>.</summary>
    /// <returns>False for a record that is not the demo's.</returns>
    public static bool TryReadMade(in Record record, out long made)
    {
        made = 0;
        foreach (RecordHeader header in record.Headers)
        {
            if (header.Value.Length == sizeof(long) && header.KeyText == MadeHeader)
            {
                made = BinaryPrimitives.ReadInt64BigEndian(header.Value);
                return true;
            }
        }
        return false;
    }

    private static byte[] Value(long number, string sensor, long timestamp)
    {
        double celsius = 20 + (8 * Math.Sin(number / 500.0));
        string json = $$"""{"number":{{number}},"sensor":"{{sensor}}","at":{{timestamp}},"celsius":{{celsius:f2}}}""";
        return Encoding.ASCII.GetBytes(json.PadRight(ValueBytes));
    }
}

using Warp.Actors.Sequencing;
using Warp.Streams.Format;

namespace Warp.Specs.Streams.Format;

/// <summary>Objects for tests. Their batches are random bytes: the format does not look into them.</summary>
internal static class ObjectSamples
{
    public static readonly DateTimeOffset CreatedAt = DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_123);

    public static Guid Topic(int n) => new(n, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8);

    public static BatchToWrite Batch(Random random, int topic, int partition, int length, int recordCount = 1, long maxTimestamp = 0)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return new BatchToWrite(Topic(topic), partition, bytes, recordCount, maxTimestamp);
    }

    /// <summary>Batches of a few partitions in random order, most of them small.</summary>
    public static BatchToWrite[] Batches(Random random, int count, int maxLength = 30_000)
    {
        var batches = new BatchToWrite[count];
        for (int i = 0; i < count; i++)
        {
            int length = random.Next(20) == 0 ? random.Next(1, 150_000) : random.Next(1, maxLength);
            long timestamp = CreatedAt.ToUnixTimeMilliseconds() + random.Next(-5000, 5000);
            batches[i] = Batch(random, random.Next(3), random.Next(3), length, random.Next(1, 500), timestamp);
        }
        return batches;
    }

    public static EncodedObject Encode(Random random, params BatchToWrite[] batches) =>
        ObjectWriter.Encode(ObjectId.Mint(CreatedAt, random), CreatedAt, "cluster-1", batches);

    /// <summary>The whole object in one array.</summary>
    public static byte[] ToArray(this EncodedObject encoded)
    {
        var bytes = new byte[encoded.Length];
        int position = 0;
        foreach (ReadOnlyMemory<byte> block in encoded.Content)
        {
            block.CopyTo(bytes.AsMemory(position));
            position += block.Length;
        }
        return bytes;
    }

    /// <summary>The footer, read from the object's own bytes.</summary>
    public static ObjectFooter Footer(this EncodedObject encoded) => ObjectFooter.Parse(encoded.ToArray(), encoded.Length);
}

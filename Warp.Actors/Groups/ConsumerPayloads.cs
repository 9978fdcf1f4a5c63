using System.Buffers.Binary;
using System.Text;
using Warp.Actors.Catalog;
using Warp.Actors.Sequencing;

namespace Warp.Actors.Groups;

/// <summary>What a consumer of the classic protocol tells its assignor, as far as a broker can use it.</summary>
/// <param name="Topics">The subscribed topics.</param>
/// <param name="Owned">What it owned when it joined; empty for eager consumers and in version 0.</param>
/// <param name="Generation">The generation in which it owned that; −1 when it does not say.</param>
/// <param name="RackId">Null when it does not say.</param>
internal sealed record ClassicSubscription(IReadOnlyList<string> Topics, IReadOnlySet<TopicPartition> Owned, int Generation, string? RackId);

/// <summary>
/// The bytes that classic consumers exchange through the broker: subscriptions (versions 0 to 3; later ones are read as far as these go)
/// and assignments.
/// </summary>
internal static class ConsumerPayloads
{
    private const short LatestVersion = 3;

    /// <summary>Reads a subscription; null when the bytes are something else. Topics that there are not cannot be owned.</summary>
    public static ClassicSubscription? ReadSubscription(ReadOnlyMemory<byte> metadata, CatalogImage catalog)
    {
        var reader = new Reader(metadata.Span);
        short version = reader.Int16();
        var topics = new List<string>();
        for (int left = reader.Count(elementBytes: 2); left > 0; left--)
            topics.Add(reader.String());
        reader.SkipBytes();
        HashSet<TopicPartition> owned = version >= 1 ? reader.Partitions(catalog) : [];
        int generation = version >= 2 ? reader.Int32() : -1;
        string? rack = version >= 3 ? reader.NullableString() : null;
        return version < 0 || reader.HasFailed ? null : new ClassicSubscription(topics, owned, generation, rack);
    }

    /// <summary>Reads an assignment; null when the bytes are something else. No bytes are no partitions.</summary>
    public static IReadOnlySet<TopicPartition>? ReadAssignment(ReadOnlyMemory<byte> assignment, CatalogImage catalog)
    {
        if (assignment.IsEmpty)
            return PartitionSets.Empty;
        var reader = new Reader(assignment.Span);
        short version = reader.Int16();
        HashSet<TopicPartition> partitions = reader.Partitions(catalog);
        return version < 0 || reader.HasFailed ? null : partitions;
    }

    /// <summary>Writes an assignment in the version of the member's subscription. Topics that are no more are left out.</summary>
    public static byte[] WriteAssignment(IEnumerable<TopicPartition> partitions, ReadOnlyMemory<byte> subscription, CatalogImage catalog)
    {
        short version = subscription.Length < 2 ? (short)0 : Math.Min(BinaryPrimitives.ReadInt16BigEndian(subscription.Span), LatestVersion);
        var topics = (from partition in partitions
                      group partition.Partition by catalog.Find(partition.TopicId)?.Name into byName
                      where byName.Key is not null
                      orderby byName.Key
                      select (Name: Encoding.UTF8.GetBytes(byName.Key), Partitions: byName.Order().ToArray())).ToList();
        var bytes = new byte[2 + 4 + topics.Sum(static topic => 2 + topic.Name.Length + 4 + (4 * topic.Partitions.Length)) + 4];
        Span<byte> rest = bytes;
        Put16(ref rest, version);
        Put32(ref rest, topics.Count);
        foreach (var (name, numbers) in topics)
        {
            Put16(ref rest, (short)name.Length);
            name.CopyTo(rest);
            rest = rest[name.Length..];
            Put32(ref rest, numbers.Length);
            foreach (int number in numbers)
                Put32(ref rest, number);
        }
        Put32(ref rest, -1);
        return bytes;
    }

    private static void Put16(ref Span<byte> rest, short value)
    {
        BinaryPrimitives.WriteInt16BigEndian(rest, value);
        rest = rest[2..];
    }

    private static void Put32(ref Span<byte> rest, int value)
    {
        BinaryPrimitives.WriteInt32BigEndian(rest, value);
        rest = rest[4..];
    }

    /// <summary>Reads until something does not fit; from then on it reads nothing but zeros.</summary>
    private ref struct Reader(ReadOnlySpan<byte> bytes)
    {
        private ReadOnlySpan<byte> _rest = bytes;

        public bool HasFailed { get; private set; }

        public short Int16() => Take(2) is { Length: 2 } taken ? BinaryPrimitives.ReadInt16BigEndian(taken) : (short)0;

        public int Int32() => Take(4) is { Length: 4 } taken ? BinaryPrimitives.ReadInt32BigEndian(taken) : 0;

        /// <summary>The length of an array whose elements have at least so many bytes.</summary>
        public int Count(int elementBytes)
        {
            int count = Int32();
            if (count >= 0 && count <= _rest.Length / elementBytes)
                return count;
            HasFailed = true;
            return 0;
        }

        public string String() => Encoding.UTF8.GetString(Take(Int16()));

        public string? NullableString()
        {
            short length = Int16();
            return length == -1 ? null : Encoding.UTF8.GetString(Take(length));
        }

        public void SkipBytes()
        {
            int length = Int32();
            if (length != -1)
                Take(length);
        }

        public HashSet<TopicPartition> Partitions(CatalogImage catalog)
        {
            var partitions = new HashSet<TopicPartition>();
            for (int topics = Count(elementBytes: 6); topics > 0; topics--)
            {
                TopicImage? topic = catalog.Find(String());
                for (int left = Count(elementBytes: 4); left > 0; left--)
                {
                    int partition = Int32();
                    if (topic is not null && partition >= 0 && partition < topic.OpenPartitionCount)
                        partitions.Add(new TopicPartition(topic.Id, partition));
                }
            }
            return partitions;
        }

        private ReadOnlySpan<byte> Take(int count)
        {
            if (HasFailed || count < 0 || count > _rest.Length)
            {
                HasFailed = true;
                return default;
            }
            ReadOnlySpan<byte> taken = _rest[..count];
            _rest = _rest[count..];
            return taken;
        }
    }
}

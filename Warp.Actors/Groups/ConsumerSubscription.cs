using System.Buffers.Binary;
using System.Text;

namespace Warp.Actors.Groups;

/// <summary>
/// What consumers write into their metadata: version, topics, and more that only they need. All versions begin alike, which is why
/// Kafka's broker may look into it too.
/// </summary>
internal static class ConsumerSubscription
{
    /// <summary>The protocol type of consumers.</summary>
    public const string ProtocolType = "consumer";

    /// <summary>Reads the subscribed topics; false when the bytes are something else.</summary>
    public static bool TryReadTopics(ReadOnlySpan<byte> metadata, ISet<string> topics)
    {
        if (!TryTake(ref metadata, 2, out _) || !TryTake(ref metadata, 4, out ReadOnlySpan<byte> count))
            return false;
        int left = BinaryPrimitives.ReadInt32BigEndian(count);
        while (left-- > 0)
        {
            if (!TryTake(ref metadata, 2, out ReadOnlySpan<byte> length)
                || !TryTake(ref metadata, BinaryPrimitives.ReadInt16BigEndian(length), out ReadOnlySpan<byte> name))
            {
                return false;
            }
            topics.Add(Encoding.UTF8.GetString(name));
        }
        return true;
    }

    private static bool TryTake(ref ReadOnlySpan<byte> bytes, int count, out ReadOnlySpan<byte> taken)
    {
        taken = default;
        if (count < 0 || count > bytes.Length)
            return false;
        taken = bytes[..count];
        bytes = bytes[count..];
        return true;
    }
}

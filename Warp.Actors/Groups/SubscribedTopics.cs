using System.Buffers.Binary;
using Warp.Actors.Catalog;

namespace Warp.Actors.Groups;

/// <summary>Finds the topics that members subscribe to, in one version of the catalog. Used by one thread.</summary>
internal sealed class SubscribedTopics(CatalogImage catalog)
{
    private const ulong FnvOffset = 14695981039346656037;
    private const ulong FnvPrime = 1099511628211;

    private readonly Dictionary<string, List<TopicImage>> _byPattern = [];

    /// <summary>The topics that a member subscribes to and that there are, each once.</summary>
    public IEnumerable<TopicImage> Of(ConsumerMember member)
    {
        IEnumerable<TopicImage> named = member.SubscribedTopics.Select(catalog.Find).OfType<TopicImage>();
        return member.SubscribedPattern is { } pattern ? named.Union(Matching(pattern)) : named;
    }

    /// <summary>The topics that any of these subscribes to.</summary>
    public IReadOnlyList<TopicImage> OfAll(IEnumerable<ConsumerMember> members) =>
        [.. members.SelectMany(Of).DistinctBy(static topic => topic.Id).OrderBy(static topic => topic.Id)];

    /// <summary>
    /// A number (FNV-1a) that changes when the subscribed topics or their partitions do. What a pattern matches can change only with
    /// them, too.
    /// </summary>
    public long HashOf(IEnumerable<ConsumerMember> members)
    {
        ulong hash = FnvOffset;
        Span<byte> bytes = stackalloc byte[20];
        foreach (TopicImage topic in OfAll(members))
        {
            topic.Id.TryWriteBytes(bytes);
            BinaryPrimitives.WriteInt32BigEndian(bytes[16..], topic.OpenPartitionCount);
            foreach (byte b in bytes)
                hash = unchecked((hash ^ b) * FnvPrime);
        }
        return unchecked((long)hash);
    }

    private List<TopicImage> Matching(TopicPattern pattern)
    {
        if (!_byPattern.TryGetValue(pattern.Text, out List<TopicImage>? topics))
        {
            topics = [.. catalog.ByName.Values.Where(topic => topic.IsOpen && pattern.Matches(topic.Name))];
            _byPattern.Add(pattern.Text, topics);
        }
        return topics;
    }
}

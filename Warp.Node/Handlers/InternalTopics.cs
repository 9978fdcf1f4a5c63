namespace Warp.Node.Handlers;

/// <summary>
/// The topics that Kafka keeps for itself. Here groups and transactions live in the journal, so they are not made by themselves.
/// </summary>
internal static class InternalTopics
{
    public static bool Contains(string name) => name is "__consumer_offsets" or "__transaction_state";
}

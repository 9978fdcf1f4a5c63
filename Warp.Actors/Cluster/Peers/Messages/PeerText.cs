namespace Warp.Actors.Cluster.Peers;

/// <summary>What keeps values within what the wire can carry.</summary>
internal static class PeerText
{
    /// <summary>The end of the year 9999, in ms since 1970: later times cannot be told.</summary>
    public const long MaxTimeMs = 253_402_300_799_999;

    /// <summary>Sentences are for people; what does not fit into a string of Kafka's would fail the whole message.</summary>
    private const int MaxLength = 4000;

    public static string Cut(string text) => text.Length <= MaxLength
        ? text
        : text[..(char.IsHighSurrogate(text[MaxLength - 1]) ? MaxLength - 1 : MaxLength)] + "…";
}

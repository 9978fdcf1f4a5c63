namespace Warp.Protocol.Messages;

/// <summary>Lists of messages that are filled again and again.</summary>
internal static class FlatLists
{
    /// <summary>Room for more elements than that is given up, so that one large message does not take memory for ever.</summary>
    private const int MaxKept = 256;

    public static void Clear<T>(List<T> list)
    {
        list.Clear();
        if (list.Capacity > MaxKept)
            list.Capacity = 0;
    }
}

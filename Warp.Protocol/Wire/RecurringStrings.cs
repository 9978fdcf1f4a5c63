using System.Text;

namespace Warp.Protocol.Wire;

/// <summary>
/// Strings that come with every request, such as a client's id: the bytes are compared with the string of the last time, which is then used
/// again. A fixed number of places, each for the last string that fell there, so that nobody can fill the memory. Thread-safe.
/// </summary>
internal static class RecurringStrings
{
    private const int Places = 1024;
    private const int LongestBytes = 256;

    private static readonly string?[] s_strings = new string?[Places];

    /// <summary>The string of valid UTF-8.</summary>
    public static string Get(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > LongestBytes)
            return Encoding.UTF8.GetString(utf8);
        var hash = default(HashCode);
        hash.AddBytes(utf8);
        ref string? place = ref s_strings[(uint)hash.ToHashCode() % Places];
        // What is not ASCII is never equal, and made anew.
        if (Volatile.Read(ref place) is { } known && Ascii.Equals(utf8, known))
            return known;
        string made = Encoding.UTF8.GetString(utf8);
        Volatile.Write(ref place, made);
        return made;
    }
}

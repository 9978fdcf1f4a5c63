using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Warp.Actors.Sequencing;

namespace Warp.Streams.Objects;

/// <summary>The one place that makes and reads the keys of objects.</summary>
/// <remarks>
/// <code>
/// &lt;prefix&gt;l0/&lt;hh&gt;/&lt;ulid&gt;                 record batches (l1, l2: of compaction); hh spreads the keys over a store's partitions
/// &lt;prefix&gt;warp/cluster                     who owns this store
/// &lt;prefix&gt;warp/lineage/&lt;20 digits&gt;         the marks that a journal must not be behind of
/// </code>
/// </remarks>
public sealed class ObjectKeys
{
    /// <summary>The longest key, in characters.</summary>
    public const int MaxLength = 512;

    /// <summary>The highest level that has keys.</summary>
    public const int MaxLevel = 9;

    private const int MaxSegmentLength = 255;

    private static readonly SearchValues<char> SegmentCharacters =
        SearchValues.Create("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-=");

    private readonly string _prefix;

    /// <param name="prefix">Before every key, so that a store can be shared; empty for none. A slash is added where it lacks one.</param>
    /// <exception cref="ArgumentException">It cannot be the beginning of a key.</exception>
    public ObjectKeys(string prefix = "")
    {
        ValidatePrefix(prefix);
        _prefix = prefix.Length == 0 || prefix.EndsWith('/') ? prefix : prefix + "/";
    }

    /// <summary>Says which cluster the store belongs to.</summary>
    public string Identity => _prefix + "warp/cluster";

    /// <summary>The beginning of every lineage mark's key; they list in the order of their numbers.</summary>
    public string LineagePrefix => _prefix + "warp/lineage/";

    /// <summary>The mark of one lineage number, 0 or more.</summary>
    public string Lineage(long number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        return LineagePrefix + number.ToString("D20", CultureInfo.InvariantCulture);
    }

    /// <summary>Reads the number back from the key of a lineage mark.</summary>
    public bool TryParseLineage(string key, out long number)
    {
        number = 0;
        return key.StartsWith(LineagePrefix, StringComparison.Ordinal)
            && long.TryParse(key.AsSpan(LineagePrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out number)
            && key == Lineage(number);
    }

    /// <summary>The beginning of the keys of all record objects of a level.</summary>
    public string LevelPrefix(int level)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(level);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(level, MaxLevel);
        return $"{_prefix}l{level}/";
    }

    /// <summary>The key of a record object. The low byte of the id is random, so its two digits spread the keys evenly.</summary>
    public string Object(int level, ObjectId id) => $"{LevelPrefix(level)}{(byte)id.Value:x2}/{id}";

    /// <summary>Whether a key is that of an object that compaction has written: a record object of level 1 or higher.</summary>
    public bool IsCompacted(string key) =>
        key.Length > _prefix.Length + 2
        && key.StartsWith(_prefix, StringComparison.Ordinal)
        && key[_prefix.Length] == 'l'
        && key[_prefix.Length + 1] is >= '1' and <= '9'
        && key[_prefix.Length + 2] == '/';

    /// <summary>Reads level and id back from the key of a record object.</summary>
    public bool TryParseObject(string key, out int level, out ObjectId id)
    {
        level = 0;
        id = default;
        int digit = _prefix.Length + 1;
        if (key.Length < digit + 1 || !char.IsAsciiDigit(key[digit]))
            return false;
        level = key[digit] - '0';
        return ObjectId.TryParse(key[(key.LastIndexOf('/') + 1)..], out id) && key == Object(level, id);
    }

    /// <summary>
    /// Checks a key: 1 to 512 characters, segments separated by single slashes, each of 1 to 255 letters, digits, <c>.</c>, <c>_</c>,
    /// <c>-</c> or <c>=</c> (ASCII) and not beginning with a dot. Such a key is the same in every store and cannot leave a folder.
    /// </summary>
    /// <exception cref="ArgumentException">The key breaks a rule.</exception>
    public static void Validate([NotNull] string? key)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        ValidatePrefix(key);
        if (key.EndsWith('/'))
            throw new ArgumentException($"The object key '{key}' ends with a slash.", nameof(key));
    }

    /// <summary>Checks the beginning of a key by the same rules; its last segment may be empty or cut off.</summary>
    /// <exception cref="ArgumentException">No key can begin like this.</exception>
    public static void ValidatePrefix([NotNull] string? prefix)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        if (prefix.Length > MaxLength)
            throw new ArgumentException($"An object key has at most {MaxLength} characters; this one has {prefix.Length}.", nameof(prefix));
        string[] segments = prefix.Split('/');
        for (int i = 0; i < segments.Length; i++)
        {
            bool mayBeEmpty = i == segments.Length - 1;
            if (!IsSegment(segments[i]) && !(mayBeEmpty && segments[i].Length == 0))
                throw new ArgumentException($"The object key '{prefix}' may not have the segment '{segments[i]}'.", nameof(prefix));
        }
    }

    /// <summary>Whether a key can have this text between two slashes.</summary>
    internal static bool IsSegment(string text) =>
        text.Length is > 0 and <= MaxSegmentLength && text[0] != '.' && !text.AsSpan().ContainsAnyExcept(SegmentCharacters);
}

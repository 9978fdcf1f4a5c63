using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Warp.Actors.Sequencing;

/// <summary>
/// The name of one object: a ULID, that is 48 bits of milliseconds since 1970 (the database's clock at dispatch) and 80 random bits.
/// Ids sort by time, as numbers and as text.
/// </summary>
public readonly record struct ObjectId : IComparable<ObjectId>
{
    private const string Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    /// <summary>Length of the text form, in characters (Crockford's base 32).</summary>
    public const int TextLength = 26;

    /// <summary>Length of the binary form, in bytes (big-endian).</summary>
    public const int SizeBytes = 16;

    // Two halves, since what holds a UInt128 is aligned to 16 bytes.
    private readonly ulong _high;
    private readonly ulong _low;

    public ObjectId(UInt128 value) => (_high, _low) = ((ulong)(value >> 64), (ulong)value);

    public UInt128 Value => new(_high, _low);

    /// <summary>When the id was minted, to the millisecond.</summary>
    public DateTimeOffset Time => DateTimeOffset.FromUnixTimeMilliseconds((long)(ulong)(Value >> 80));

    /// <summary>Mints an id.</summary>
    /// <param name="time">From the sampled database clock.</param>
    /// <param name="random">The injected random source.</param>
    public static ObjectId Mint(DateTimeOffset time, Random random)
    {
        Span<byte> bytes = stackalloc byte[SizeBytes];
        random.NextBytes(bytes[6..]);
        long ms = time.ToUnixTimeMilliseconds();
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)(ms >> 32));
        BinaryPrimitives.WriteUInt32BigEndian(bytes[2..], (uint)ms);
        return FromBytes(bytes);
    }

    /// <summary>Reads the 16-byte form.</summary>
    public static ObjectId FromBytes(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt128BigEndian(bytes));

    /// <summary>Writes the 16-byte form.</summary>
    public void WriteTo(Span<byte> destination) => BinaryPrimitives.WriteUInt128BigEndian(destination, Value);

    /// <summary>The 16-byte form in an array of its own.</summary>
    public byte[] ToByteArray()
    {
        var bytes = new byte[SizeBytes];
        WriteTo(bytes);
        return bytes;
    }

    /// <summary>Reads the 26-character form, upper or lower case.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out ObjectId id)
    {
        id = default;
        if (text is not { Length: TextLength } || text[0] > '7')
            return false;
        UInt128 value = 0;
        foreach (char c in text)
        {
            int digit = Alphabet.IndexOf(char.ToUpperInvariant(c));
            if (digit < 0)
                return false;
            value = (value << 5) | (uint)digit;
        }
        id = new ObjectId(value);
        return true;
    }

    public int CompareTo(ObjectId other) => Value.CompareTo(other.Value);

    public override string ToString() => string.Create(TextLength, Value, static (text, value) =>
    {
        for (int i = text.Length - 1; i >= 0; i--, value >>= 5)
            text[i] = Alphabet[(int)(uint)(value & 31)];
    });

    public static bool operator <(ObjectId left, ObjectId right) => left.CompareTo(right) < 0;
    public static bool operator >(ObjectId left, ObjectId right) => left.CompareTo(right) > 0;
    public static bool operator <=(ObjectId left, ObjectId right) => left.CompareTo(right) <= 0;
    public static bool operator >=(ObjectId left, ObjectId right) => left.CompareTo(right) >= 0;
}

namespace Warp.Streams.Format;

/// <summary>Reads a footer's primitives; every read checks what is left and says what was being read.</summary>
internal ref struct FooterReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _left = bytes;

    public readonly int Remaining => _left.Length;

    public ReadOnlySpan<byte> Bytes(int count, string what)
    {
        if (count > _left.Length)
            throw new CorruptObjectException($"The footer ends inside {what}.");
        ReadOnlySpan<byte> found = _left[..count];
        _left = _left[count..];
        return found;
    }

    /// <summary>An unsigned LEB128 number of up to 64 bits.</summary>
    public ulong Unsigned(string what)
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte next = Bytes(1, what)[0];
            if (shift == 63 && next > 1)
                break;
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return value;
        }
        throw new CorruptObjectException($"The footer's {what} has more than 64 bits.");
    }

    /// <summary>A number from <paramref name="min"/> to <paramref name="max"/>.</summary>
    public long Number(long min, long max, string what)
    {
        ulong value = Unsigned(what);
        if (value > long.MaxValue || (long)value < min || (long)value > max)
            throw new CorruptObjectException($"The footer's {what} is {value}; it must be from {min} to {max}.");
        return (long)value;
    }

    public long ZigZag(string what)
    {
        ulong value = Unsigned(what);
        return (long)(value >> 1) ^ -(long)(value & 1);
    }
}

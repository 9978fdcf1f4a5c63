using System.Runtime.InteropServices;
using Warp.Protocol.Wire;

namespace Warp.Actors.Sequencing;

/// <summary>
/// The extents of one partition, by offset. A broker has millions of them, of which it reads the last few again and again and the others hardly
/// ever: so the last one is kept as it is, and those before it take about 28 bytes each, a third of it, in small pages. Nothing is copied when
/// the list grows. Used by its sequencer only.
/// </summary>
public sealed class ExtentList
{
    /// <summary>Of the first page: room for four. Most partitions never need a second one, since compaction makes few extents of many.</summary>
    private const int LeastPageBytes = 128;

    /// <summary>To find an extent, a page is read from its start; 36 extents take a microsecond.</summary>
    private const int MostPageBytes = 1024;

    /// <summary>The most an extent takes: its shape, its object, and five numbers.</summary>
    private const int MostExtentBytes = 1 + ObjectId.SizeBytes + (5 * Varint.MaxSize64);

    private const int SourceBits = 3;

    /// <summary>Set in the shape of an extent that does not begin where the one before it ends.</summary>
    private const int GapBit = 4;

    private readonly List<Page> _pages = [];
    private Extent _last;

    // Extents are counted from the list's beginning on; those that were removed since then count, too.
    private long _first;
    private long _end;

    /// <summary>The offset behind the last extent that is in a page.</summary>
    private long _packedUpTo;

    public int Count => (int)(_end - _first);

    /// <summary>All of them.</summary>
    public ExtentRange All => new(this, _first, Count);

    /// <summary>Puts an extent behind the last.</summary>
    public void Add(in Extent extent)
    {
        if (Count > 0)
            Pack(_last);
        _last = extent;
        _end++;
    }

    /// <summary>Makes the last extent longer, if the given one continues it.</summary>
    public bool TryContinue(in Extent next)
    {
        if (Count == 0 || !_last.IsContinuedBy(next))
            return false;
        _last = _last.With(next);
        return true;
    }

    /// <summary>Takes the first extents out.</summary>
    public void RemoveFirst(int count)
    {
        _first += count;
        int pages = 0;
        while (pages < _pages.Count && EndOf(pages) <= _first)
            pages++;
        _pages.RemoveRange(0, pages);
    }

    /// <summary>Which one holds an offset, or is the next one after it; the count if none is.</summary>
    public int Find(long offset)
    {
        if (Count == 0 || offset > _last.LastOffset)
            return Count;
        if (offset >= _last.BaseOffset || _pages.Count == 0)
            return Count - 1;
        int page = LastPage(offset, static (page, offset) => page.FirstOffset <= offset);
        int index = (int)Math.Max(0, _pages[page].FirstIndex - _first);
        foreach (Extent extent in All[index..])
        {
            if (extent.LastOffset >= offset)
                break;
            index++;
        }
        return index;
    }

    /// <summary>The last page that something is true of, or the first.</summary>
    private int LastPage(long value, Func<Page, long, bool> isTrue)
    {
        int low = 0;
        int high = _pages.Count;
        while (high - low > 1)
        {
            int middle = (low + high) >>> 1;
            if (isTrue(_pages[middle], value))
                low = middle;
            else
                high = middle;
        }
        return low;
    }

    /// <summary>The index behind the last extent of a page.</summary>
    private long EndOf(int page) => page + 1 < _pages.Count ? _pages[page + 1].FirstIndex : _end - 1;

    private void Pack(in Extent extent)
    {
        Span<byte> bytes = stackalloc byte[MostExtentBytes];
        int size = Write(bytes, extent, _packedUpTo);
        if (_pages.Count == 0 || _pages[^1].Used + size > _pages[^1].Bytes.Length)
        {
            int length = _pages.Count == 0 ? LeastPageBytes : Math.Min(2 * _pages[^1].Bytes.Length, MostPageBytes);
            _pages.Add(new Page(new byte[length], _end - 1, extent.BaseOffset, 0));
            size = Write(bytes, extent, extent.BaseOffset);
        }
        ref Page page = ref CollectionsMarshal.AsSpan(_pages)[^1];
        bytes[..size].CopyTo(page.Bytes.AsSpan(page.Used));
        page = page with { Used = page.Used + size };
        _packedUpTo = extent.LastOffset + 1;
    }

    private static int Write(Span<byte> bytes, in Extent extent, long expected)
    {
        int size = 1;
        bytes[0] = (byte)extent.Source;
        if (extent.BaseOffset != expected)
        {
            bytes[0] |= GapBit;
            size += Varint.Write(bytes[size..], Varint.ZigZag(extent.BaseOffset - expected));
        }
        size += Varint.Write(bytes[size..], (ulong)(extent.LastOffset - extent.BaseOffset));
        extent.ObjectId.WriteTo(bytes[size..]);
        size += ObjectId.SizeBytes;
        size += Varint.Write(bytes[size..], (ulong)extent.Position);
        size += Varint.Write(bytes[size..], (ulong)extent.Length);
        return size + Varint.Write(bytes[size..], Varint.ZigZag(extent.MaxTimestamp - TimeOf(extent.ObjectId)));
    }

    private static Extent Read(ReadOnlySpan<byte> bytes, ref int position, long expected)
    {
        byte shape = bytes[position++];
        long baseOffset = expected + ((shape & GapBit) != 0 ? Varint.UnZigZag(Number(bytes, ref position)) : 0);
        long lastOffset = baseOffset + (long)Number(bytes, ref position);
        var objectId = ObjectId.FromBytes(bytes.Slice(position, ObjectId.SizeBytes));
        position += ObjectId.SizeBytes;
        return new Extent(
            baseOffset,
            lastOffset,
            (ExtentSource)(shape & SourceBits),
            objectId,
            Position: (long)Number(bytes, ref position),
            Length: (long)Number(bytes, ref position),
            MaxTimestamp: TimeOf(objectId) + Varint.UnZigZag(Number(bytes, ref position)));
    }

    private static ulong Number(ReadOnlySpan<byte> bytes, ref int position)
    {
        position += Varint.TryRead(bytes[position..], 64, out ulong number);
        return number;
    }

    /// <summary>Records are about as old as their object, in ms.</summary>
    private static long TimeOf(ObjectId id) => (long)(ulong)(id.Value >> 80);

    /// <summary>Goes through extents in their order.</summary>
    public struct Enumerator
    {
        private readonly ExtentList _list;
        private readonly long _end;
        private long _next;
        private int _page;
        private int _position;
        private long _expected;

        internal Enumerator(ExtentList list, long from, int count)
        {
            _list = list;
            _end = from + count;
            if (count == 0 || from == list._end - 1)
            {
                _next = from;
                return;
            }
            _page = list.LastPage(from, static (page, index) => page.FirstIndex <= index);
            _next = list._pages[_page].FirstIndex;
            _expected = list._pages[_page].FirstOffset;
            while (_next < from)
                MoveNext();
        }

        public Extent Current { get; private set; }

        public bool MoveNext()
        {
            if (_next >= _end)
                return false;
            if (_next++ == _list._end - 1)
            {
                Current = _list._last;
                return true;
            }
            Page page = _list._pages[_page];
            Current = Read(page.Bytes, ref _position, _expected);
            _expected = Current.LastOffset + 1;
            if (_position == page.Used && _page + 1 < _list._pages.Count)
            {
                _position = 0;
                _expected = _list._pages[++_page].FirstOffset;
            }
            return true;
        }
    }

    /// <param name="Bytes">Extents one after the other.</param>
    /// <param name="FirstIndex">The index of the first.</param>
    /// <param name="FirstOffset">The base offset of the first.</param>
    /// <param name="Used">How many of the bytes are.</param>
    private readonly record struct Page(byte[] Bytes, long FirstIndex, long FirstOffset, int Used);
}

/// <summary>Some extents of a list that lie side by side. Good until the list changes.</summary>
public readonly struct ExtentRange
{
    private readonly ExtentList _list;
    private readonly long _from;

    internal ExtentRange(ExtentList list, long from, int length)
    {
        _list = list;
        _from = from;
        Length = length;
    }

    public int Length { get; }

    /// <summary>One of them. Who wants many goes through them instead: to find one takes longer than to go on to the next.</summary>
    public Extent this[int index]
    {
        get
        {
            ExtentList.Enumerator one = Slice(index, 1).GetEnumerator();
            one.MoveNext();
            return one.Current;
        }
    }

    /// <summary>A part of them.</summary>
    public ExtentRange Slice(int start, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)start, (uint)Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)length, (uint)(Length - start));
        return new ExtentRange(_list, _from + start, length);
    }

    public ExtentList.Enumerator GetEnumerator() => new(_list, _from, Length);

    /// <summary>Appends them to a list of others.</summary>
    public void AddTo(List<Extent> list)
    {
        list.EnsureCapacity(list.Count + Length);
        foreach (Extent extent in this)
            list.Add(extent);
    }

    /// <summary>A copy.</summary>
    public Extent[] ToArray()
    {
        var copy = new Extent[Length];
        int i = 0;
        foreach (Extent extent in this)
            copy[i++] = extent;
        return copy;
    }
}

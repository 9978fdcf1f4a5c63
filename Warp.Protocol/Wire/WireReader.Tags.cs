namespace Warp.Protocol.Wire;

public ref partial struct WireReader
{
    /// <summary>Reads how many tagged fields follow.</summary>
    public int ReadTagCount(string owner)
    {
        uint count = ReadUvarint(owner);
        // A tag and a size take at least a byte each.
        if (count > (uint)Remaining / 2)
            throw Malformed(owner, $"claims {count} tagged fields where {Remaining} bytes are left");
        return (int)count;
    }

    /// <summary>Enters a tagged field: until <see cref="EndTag"/>, reading stops at the field's end.</summary>
    /// <returns>What <see cref="EndTag"/> needs to leave it again.</returns>
    public int BeginTag(out uint tag, string owner)
    {
        tag = ReadUvarint(owner);
        uint size = ReadUvarint(owner);
        if (size > (uint)Remaining)
            throw Malformed(owner, $"has a tagged field {tag} of {size} bytes where {Remaining} are left");
        int outerEnd = _end;
        _end = _position + (int)size;
        return outerEnd;
    }

    /// <summary>Leaves a tagged field, all of which must have been read.</summary>
    public void EndTag(int outerEnd, string owner)
    {
        if (_position != _end)
            throw Malformed(owner, $"has a tagged field with {Remaining} bytes too many");
        _end = outerEnd;
    }

    /// <summary>Passes over the open tagged field: nobody here knows it.</summary>
    public void SkipTag() => _position = _end;

    /// <summary>Passes over a whole section of tagged fields.</summary>
    public void SkipTags(string owner)
    {
        for (int tags = ReadTagCount(owner); tags > 0; tags--)
        {
            int outerEnd = BeginTag(out _, owner);
            SkipTag();
            EndTag(outerEnd, owner);
        }
    }
}

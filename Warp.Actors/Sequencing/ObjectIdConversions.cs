namespace Warp.Actors.Sequencing;

/// <summary>Object ids travel in journaled events as uuids: the same 16 bytes.</summary>
public static class ObjectIdConversions
{
    public static Guid ToGuid(this ObjectId id)
    {
        Span<byte> bytes = stackalloc byte[ObjectId.SizeBytes];
        id.WriteTo(bytes);
        return new Guid(bytes, bigEndian: true);
    }

    public static ObjectId ToObjectId(this Guid guid)
    {
        Span<byte> bytes = stackalloc byte[ObjectId.SizeBytes];
        guid.TryWriteBytes(bytes, bigEndian: true, out _);
        return ObjectId.FromBytes(bytes);
    }
}

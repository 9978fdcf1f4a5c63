using Warp.Actors.Persistence;
using Warp.Protocol.Wire;

namespace Warp.Actors.Sequencing;

/// <summary>How a sequencer's events and snapshots are written.</summary>
internal static class SequencerEvents
{
    public static EventCodec Codec { get; } = new(EventSpecs.All);

    /// <summary>The version comes first, so that a later layout can be told from this one.</summary>
    public static byte[] EncodeSnapshot(SequencerSnapshot snapshot) =>
        [(byte)SequencerSnapshot.HighestVersion, .. EventCodec.Bytes(snapshot, SequencerSnapshot.HighestVersion)];

    public static SequencerSnapshot DecodeSnapshot(ReadOnlyMemory<byte> bytes)
    {
        byte version = bytes.Span[0];
        if (version > SequencerSnapshot.HighestVersion)
            throw new JournalException($"A sequencer's snapshot has version {version}, this version of Warp knows {SequencerSnapshot.HighestVersion}; run a newer one.");
        var reader = new WireReader(bytes[1..]);
        return SequencerSnapshot.Read(ref reader, version);
    }
}

using Warp.Protocol.Messages;
using Warp.Protocol.Wire;

namespace Warp.Actors.Persistence;

/// <summary>Turns a family of events into journal records and back. Thread-safe.</summary>
public sealed class EventCodec
{
    private readonly Dictionary<ushort, EventSpec> _byKind;

    /// <param name="specs">The events that the family knows.</param>
    public EventCodec(IReadOnlyList<EventSpec> specs) => _byKind = specs.ToDictionary(static spec => spec.Kind);

    /// <summary>Writes an event, in the highest version that it has.</summary>
    /// <param name="event">The event.</param>
    /// <param name="limit">A version that others can still read; none higher is used.</param>
    public EventRecord Encode(IEvent @event, short limit = short.MaxValue)
    {
        short version = VersionOf(@event, limit);
        return new EventRecord(@event.Kind, (ushort)version, Bytes(@event, version));
    }

    /// <summary>Writes events one after the other into memory that is lent: the records are good until the writer is used again.</summary>
    /// <param name="events">The events.</param>
    /// <param name="limit">A version that others can still read; none higher is used.</param>
    /// <param name="writer">Empty; it keeps the bytes.</param>
    /// <param name="records">Receives a record for each event.</param>
    public void EncodeAll(IReadOnlyList<IEvent> events, short limit, WireWriter writer, Span<EventRecord> records)
    {
        for (int i = 0; i < records.Length; i++)
        {
            short version = VersionOf(events[i], limit);
            events[i].Write(writer, version);
            // So far only its end is known for sure: the memory may have to grow.
            records[i] = new EventRecord(events[i].Kind, (ushort)version, writer.Content);
        }
        int start = 0;
        for (int i = 0; i < records.Length; i++)
        {
            int end = records[i].Payload.Length;
            records[i] = records[i] with { Payload = writer.Content[start..end] };
            start = end;
        }
    }

    /// <summary>Reads an event back.</summary>
    /// <exception cref="JournalException">The kind or version is not known, or the bytes are damaged: recovery must not go on.</exception>
    public IEvent Decode(string persistenceId, in EventRecord record)
    {
        if (!_byKind.TryGetValue(record.Kind, out EventSpec? spec))
            throw new JournalException($"{persistenceId} has an event of kind {record.Kind}, which this version of Warp does not know; run a newer one.");
        if (record.Version > spec.HighestVersion)
        {
            throw new JournalException(
                $"{persistenceId} has a {spec.Name} of version {record.Version}, this version of Warp knows {spec.HighestVersion}; run a newer one.");
        }
        return ReadWhole(persistenceId, spec.Name, record.Payload, (short)record.Version, new MessageReader<IEvent>(spec.Read));
    }

    /// <summary>A snapshot's bytes; the version comes first, so that a later layout can be told from this one.</summary>
    public static byte[] EncodeSnapshot(IMessage snapshot, short version)
    {
        using var writer = new WireWriter();
        writer.WriteInt8((sbyte)version);
        snapshot.Write(writer, version);
        return writer.ToArray();
    }

    /// <summary>Reads a snapshot back.</summary>
    /// <param name="persistenceId">Whose it is, for the error.</param>
    /// <param name="snapshot">What <see cref="EncodeSnapshot"/> made.</param>
    /// <param name="highestVersion">The highest version that can be read.</param>
    /// <param name="read">Reads the layout.</param>
    /// <exception cref="JournalException">The version is not known, or the bytes are damaged: recovery must not go on.</exception>
    public static T DecodeSnapshot<T>(string persistenceId, ReadOnlyMemory<byte> snapshot, short highestVersion, MessageReader<T> read)
    {
        if (snapshot.IsEmpty)
            throw Damaged(persistenceId, typeof(T).Name, "it is empty.", null);
        byte version = snapshot.Span[0];
        if (version > highestVersion)
        {
            throw new JournalException(
                $"{persistenceId} has a {typeof(T).Name} of version {version}, this version of Warp knows {highestVersion}; run a newer one.");
        }
        return ReadWhole(persistenceId, typeof(T).Name, snapshot[1..], version, read);
    }

    /// <summary>A message's bytes.</summary>
    public static byte[] Bytes(IMessage message, short version)
    {
        using var writer = new WireWriter();
        message.Write(writer, version);
        return writer.ToArray();
    }

    private short VersionOf(IEvent @event, short limit) => Math.Min(_byKind[@event.Kind].HighestVersion, limit);

    private static T ReadWhole<T>(string persistenceId, string name, ReadOnlyMemory<byte> bytes, short version, MessageReader<T> read)
    {
        try
        {
            var reader = new WireReader(bytes);
            T message = read(ref reader, version);
            return reader.Remaining == 0 ? message : throw Damaged(persistenceId, name, $"{reader.Remaining} bytes are left over.", null);
        }
        catch (MalformedMessageException error)
        {
            throw Damaged(persistenceId, name, error.Message, error);
        }
    }

    private static JournalException Damaged(string persistenceId, string name, string why, Exception? cause) =>
        new($"{persistenceId} has a damaged {name}: {why} Restore the journal from a backup.", cause);
}

/// <summary>Reads one message in a version.</summary>
public delegate T MessageReader<out T>(ref WireReader reader, short version);

using Warp.Protocol.Messages;
using Warp.Protocol.Wire;

namespace Warp.Actors.Persistence;

/// <summary>Turns a family of events into journal records and back. Thread-safe.</summary>
public sealed class EventCodec
{
    private readonly Dictionary<ushort, EventSpec> _byKind;

    /// <param name="specs">The events that the family knows.</param>
    public EventCodec(IReadOnlyList<EventSpec> specs) => _byKind = specs.ToDictionary(static spec => spec.Kind);

    public EventRecord Encode(IEvent @event)
    {
        EventSpec spec = _byKind[@event.Kind];
        return new EventRecord(@event.Kind, (ushort)spec.HighestVersion, Bytes(@event, spec.HighestVersion));
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
        try
        {
            var reader = new WireReader(record.Payload);
            return spec.Read(ref reader, (short)record.Version);
        }
        catch (MalformedMessageException error)
        {
            throw new JournalException($"{persistenceId} has a damaged {spec.Name}: {error.Message} Restore the journal from a backup.", error);
        }
    }

    /// <summary>A message's bytes.</summary>
    public static byte[] Bytes(IMessage message, short version)
    {
        using var writer = new WireWriter();
        message.Write(writer, version);
        return writer.ToArray();
    }
}

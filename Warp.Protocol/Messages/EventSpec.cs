using Warp.Protocol.Wire;

namespace Warp.Protocol.Messages;

/// <summary>Reads an event.</summary>
/// <exception cref="MalformedMessageException">The bytes are no such event.</exception>
public delegate IEvent EventReader(ref WireReader reader, short version);

/// <summary>What a schema says about an event type.</summary>
/// <param name="Kind">Its number in the journal.</param>
/// <param name="Name">Its type's name.</param>
/// <param name="HighestVersion">The version to write; 0 to this can be read.</param>
/// <param name="Read">Reads one.</param>
public sealed record EventSpec(ushort Kind, string Name, short HighestVersion, EventReader Read);

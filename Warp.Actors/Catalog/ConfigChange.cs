using System.Collections.Immutable;
using Warp.Protocol.Messages;

namespace Warp.Actors.Catalog;

/// <summary>The outcome of altering a resource's configs: all of it, or nothing and why.</summary>
public sealed record ConfigChange
{
    private ConfigChange()
    {
    }

    /// <summary>What is set on the resource afterwards; null when the change is refused.</summary>
    public ImmutableSortedDictionary<string, string>? Values { get; private init; }

    /// <summary>None when the change is made.</summary>
    public ErrorCode ErrorCode { get; private init; }

    /// <summary>Says which config is wrong and why; null when the change is made.</summary>
    public string? ErrorMessage { get; private init; }

    internal static ConfigChange Accepted(ImmutableSortedDictionary<string, string> values) => new() { Values = values };

    /// <summary>Kafka has no such config, or it does not take that value.</summary>
    internal static ConfigChange InvalidConfig(string message) => new() { ErrorCode = ErrorCode.InvalidConfig, ErrorMessage = message };

    /// <summary>The request makes no sense whatever the configs are.</summary>
    internal static ConfigChange InvalidRequest(string message) => new() { ErrorCode = ErrorCode.InvalidRequest, ErrorMessage = message };
}

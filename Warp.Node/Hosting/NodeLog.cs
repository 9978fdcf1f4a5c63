using Microsoft.Extensions.Logging;
using Warp.Node.Configuration;

namespace Warp.Node.Hosting;

/// <summary>What a node says of its own life.</summary>
internal static partial class NodeLog
{
    [LoggerMessage(LogLevel.Information, "Node {NodeId} of cluster {ClusterId} serves Kafka clients at {Kafka}, metrics and health at {Http}")]
    public static partial void Started(ILogger log, int nodeId, string clusterId, HostPort kafka, HostPort http);

    [LoggerMessage(LogLevel.Warning, "The node cannot start yet: {Reason} It goes on trying for {Seconds} s")]
    public static partial void JournalAwaited(ILogger log, string reason, int seconds);

    [LoggerMessage(LogLevel.Information, "Draining: no more requests are taken, what is pending is flushed and answered")]
    public static partial void Draining(ILogger log);

    [LoggerMessage(LogLevel.Warning, "Not everything could be answered in time: {Reason}")]
    public static partial void NotDrained(ILogger log, string reason);

    [LoggerMessage(LogLevel.Information, "Stopped")]
    public static partial void Stopped(ILogger log);
}

using System.Net;
using Microsoft.Extensions.Logging;

namespace Warp.Node.Network;

/// <summary>What listeners and connections log.</summary>
internal static partial class NetworkLog
{
    [LoggerMessage(LogLevel.Information, "Listening for Kafka clients on {Address}")]
    public static partial void Listening(ILogger log, EndPoint? address);

    [LoggerMessage(LogLevel.Warning, "A connection could not be accepted; trying again: {Reason}")]
    public static partial void AcceptFailed(ILogger log, string reason);

    [LoggerMessage(LogLevel.Debug, "Connection {Connection} opened by {Peer}")]
    public static partial void Opened(ILogger log, long connection, EndPoint? peer);

    [LoggerMessage(LogLevel.Debug, "Connection {Connection} closed")]
    public static partial void Closed(ILogger log, long connection);

    [LoggerMessage(LogLevel.Debug, "Connection {Connection} of {Peer} sent a frame that gets no answer ({Reason}): {Detail}")]
    public static partial void Rejected(ILogger log, long connection, EndPoint? peer, string reason, string detail);

    [LoggerMessage(LogLevel.Debug, "Connection {Connection} broke: {Reason}")]
    public static partial void Broken(ILogger log, long connection, string reason);

    [LoggerMessage(LogLevel.Debug, "Connection {Connection} of {Peer} has been quiet for too long")]
    public static partial void Idle(ILogger log, long connection, EndPoint? peer);

    [LoggerMessage(LogLevel.Error, "{Api} version {Version} of client {Client} ({Peer}) could not be handled; its connection is closed")]
    public static partial void HandlerFailed(ILogger log, Exception error, string api, short version, string? client, EndPoint? peer);

    [LoggerMessage(LogLevel.Error, "Connection {Connection} failed")]
    public static partial void ConnectionFailed(ILogger log, Exception error, long connection);

    [LoggerMessage(LogLevel.Warning, "{Count} connections had not been answered in time, and were closed")]
    public static partial void NotDrained(ILogger log, int count);
}

using System.Net;
using Microsoft.Extensions.Logging;
using Warp.Actors.Persistence;

namespace Warp.Actors.Cluster.Peers;

/// <summary>What nodes log of their connections to each other.</summary>
internal static partial class PeerLog
{
    [LoggerMessage(LogLevel.Information, "Listening for the other nodes of the cluster on {Address}")]
    public static partial void Listening(ILogger log, EndPoint? address);

    [LoggerMessage(LogLevel.Warning, "A connection of another node could not be accepted; trying again: {Reason}")]
    public static partial void AcceptFailed(ILogger log, string reason);

    [LoggerMessage(LogLevel.Warning, "The connection of {Remote} was closed: {Count} others are in their handshake")]
    public static partial void TooManyHandshakes(ILogger log, EndPoint? remote, int count);

    [LoggerMessage(LogLevel.Information, "Connection {Connection} to {Peer} is open; node {Node} has feature level {FeatureLevel}")]
    public static partial void Connected(ILogger log, long connection, PeerAddress peer, NodeIncarnation node, int featureLevel);

    [LoggerMessage(LogLevel.Information, "Connection {Connection} to {Peer} has ended: {Reason}")]
    public static partial void Disconnected(ILogger log, long connection, PeerAddress peer, string reason);

    [LoggerMessage(LogLevel.Warning, "{Peer} cannot be reached: {Reason}")]
    public static partial void Unreachable(ILogger log, PeerAddress peer, string reason);

    [LoggerMessage(LogLevel.Warning, "No connection with {Peer} ({Refusal}): {Reason}")]
    public static partial void Refused(ILogger log, PeerAddress peer, PeerRefusal refusal, string reason);

    [LoggerMessage(LogLevel.Warning, "Connection {Connection} to {Peer} is given up: no sign of life for {Silence}")]
    public static partial void Silent(ILogger log, long connection, PeerAddress peer, TimeSpan silence);

    [LoggerMessage(LogLevel.Warning, "Connection {Connection} to {Peer} brought what is no answer, and is closed: {Reason}")]
    public static partial void Garbage(ILogger log, long connection, PeerAddress peer, string reason);

    [LoggerMessage(LogLevel.Error, "Connection {Connection} to {Peer} failed")]
    public static partial void Failed(ILogger log, Exception error, long connection, PeerAddress peer);

    [LoggerMessage(LogLevel.Information, "Node {Node} is connected from {Remote} with feature level {FeatureLevel}")]
    public static partial void SessionBegun(ILogger log, NodeIncarnation node, EndPoint? remote, int featureLevel);

    [LoggerMessage(LogLevel.Information, "The connection of node {Node} from {Remote} has ended: {Reason}")]
    public static partial void SessionEnded(ILogger log, NodeIncarnation node, EndPoint? remote, string reason);

    [LoggerMessage(LogLevel.Warning, "The connection of {Remote} is refused ({Refusal}): {Reason}")]
    public static partial void SessionRefused(ILogger log, EndPoint? remote, PeerRefusal refusal, string reason);

    [LoggerMessage(LogLevel.Warning, "Node {Node} at {Remote} sent what is no request; its connection is closed: {Reason}")]
    public static partial void SessionGarbage(ILogger log, NodeIncarnation node, EndPoint? remote, string reason);

    [LoggerMessage(LogLevel.Error, "The connection of node {Node} from {Remote} failed")]
    public static partial void SessionFailed(ILogger log, Exception error, NodeIncarnation node, EndPoint? remote);

    [LoggerMessage(LogLevel.Error, "{Api} version {Version} of node {Node} could not be handled")]
    public static partial void HandlerFailed(ILogger log, Exception error, string api, short version, NodeIncarnation node);
}

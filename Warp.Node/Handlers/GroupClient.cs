using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Warp.Actors.Groups;
using Warp.Actors.Kernel;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// Asks group coordinators for handlers: one that does not answer becomes an error that makes the client look for its coordinator again,
/// never an exception. Thread-safe.
/// </summary>
public sealed partial class GroupClient(GroupRegion region, ILogger<GroupClient> log)
{
    /// <summary>All groups that there may be.</summary>
    public IEnumerable<string> GroupIds => region.GroupIds;

    /// <summary>Sends a command and waits for its answer, for as long as a rebalance takes.</summary>
    /// <param name="groupId">The group.</param>
    /// <param name="command">What it is to do.</param>
    /// <param name="failed">Makes the answer when none comes.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<TAnswer> RunAsync<TAnswer>(
        string groupId, GroupCommand command, Func<ErrorCode, TAnswer> failed, CancellationToken cancellationToken)
        where TAnswer : GroupAnswer
    {
        try
        {
            return (TAnswer)await region.RunAsync(groupId, command, cancellationToken);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            return failed(ErrorOf(groupId, error));
        }
    }

    /// <summary>What a group has committed; nothing for a group that does not exist.</summary>
    public Task<(ErrorCode Error, ImmutableDictionary<TopicPartition, CommittedOffset> Offsets)> ReadOffsetsAsync(
        string groupId, CancellationToken cancellationToken) => AskAsync(
            groupId,
            reply => new GroupMessage.ReadOffsets(reply),
            ImmutableDictionary<TopicPartition, CommittedOffset>.Empty,
            cancellationToken);

    /// <summary>Whether a member that reads offsets is one in its epoch; classic groups, and groups that do not exist, do not ask.</summary>
    public async Task<ErrorCode> CheckMemberAsync(string groupId, string memberId, int memberEpoch, CancellationToken cancellationToken)
    {
        var (failure, answer) = await AskAsync(groupId, reply => new GroupMessage.CheckMember(memberId, memberEpoch, reply), ErrorCode.None, cancellationToken);
        return failure == ErrorCode.None ? answer : failure;
    }

    /// <summary>What there is to see of a group; null when it does not exist.</summary>
    public Task<(ErrorCode Error, GroupDescription? Group)> DescribeAsync(string groupId, CancellationToken cancellationToken) =>
        AskAsync<GroupDescription?>(groupId, reply => new GroupMessage.Describe(reply), null, cancellationToken);

    private async Task<(ErrorCode Error, T Answer)> AskAsync<T>(
        string groupId, Ask<GroupMessage, T> question, T without, CancellationToken cancellationToken)
    {
        try
        {
            return region.Find(groupId) is { } group
                ? (ErrorCode.None, await group.AskAsync(question, ActorQuestions.LongestWait, cancellationToken))
                : (ErrorCode.None, without);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            return (ErrorOf(groupId, error), without);
        }
    }

    private ErrorCode ErrorOf(string groupId, Exception error)
    {
        LogNoAnswer(groupId, error.Message);
        return error switch
        {
            NotCoordinatorException { IsLoading: true } => ErrorCode.CoordinatorLoadInProgress,
            NotCoordinatorException or ActorStoppedException => ErrorCode.NotCoordinator,
            _ => ErrorCode.CoordinatorNotAvailable,
        };
    }

    [LoggerMessage(LogLevel.Information, "The group {Group} did not answer: {Reason}")]
    private partial void LogNoAnswer(string group, string reason);
}

using Warp.Actors.Kernel;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>How handlers ask actors: how long they wait, and what they tell the client when no answer comes.</summary>
internal static class ActorQuestions
{
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    /// <summary>The wait that a request asks for, as far as it is reasonable; the longest where it names none.</summary>
    public static TimeSpan WaitOf(int timeoutMs) =>
        timeoutMs <= 0 || timeoutMs > LongestWait.TotalMilliseconds ? LongestWait : TimeSpan.FromMilliseconds(timeoutMs);

    /// <summary>The error of a question to a partition's sequencer that failed; all of them make the client try again.</summary>
    public static ErrorCode PartitionErrorOf(Exception error) => error switch
    {
        TimeoutException => ErrorCode.RequestTimedOut,
        ActorStoppedException => ErrorCode.NotLeaderOrFollower,
        _ => ErrorCode.KafkaStorageError,
    };
}

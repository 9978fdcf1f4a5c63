using System.Collections.Immutable;
using Warp.Actors.Kernel;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Actors.Groups;

/// <summary>What a <see cref="GroupCoordinator"/> can be told or asked.</summary>
public abstract record GroupMessage
{
    private GroupMessage()
    {
    }

    /// <summary>A question that is answered from what is journaled.</summary>
    public abstract record Question : GroupMessage, IAsk
    {
        public abstract void Fail(Exception error);
    }

    /// <summary>A message that may change the journal; it waits for the write before it.</summary>
    public abstract record Command : GroupMessage
    {
        /// <summary>What the rules decide.</summary>
        public abstract GroupCommand Asked { get; }
    }

    /// <summary>Changes the group. The answer may take as long as a rebalance.</summary>
    public sealed record Run(GroupCommand What, Reply<GroupAnswer> Reply) : Command, IAsk
    {
        public override GroupCommand Asked => What;

        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>Time has passed.</summary>
    internal sealed record Tick : Command
    {
        public override GroupCommand Asked { get; } = new GroupCommand.Tick();
    }

    /// <summary>The committed offsets of all partitions.</summary>
    public sealed record ReadOffsets(Reply<ImmutableDictionary<TopicPartition, CommittedOffset>> Reply) : Question
    {
        public override void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>Whether a member that reads offsets is who it says, in a group of the consumer protocol; classic groups do not ask.</summary>
    public sealed record CheckMember(string MemberId, int MemberEpoch, Reply<ErrorCode> Reply) : Question
    {
        public override void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>What there is to see of the group; null when there is no such group.</summary>
    public sealed record Describe(Reply<GroupDescription?> Reply) : Question
    {
        public override void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>The node stops: nobody is kept waiting any more.</summary>
    internal sealed record Drain : GroupMessage;
}

using Warp.Protocol.Messages;

namespace Warp.Actors.Groups;

/// <summary>Whose offsets a group of the consumer protocol takes and shows.</summary>
internal static class ConsumerOffsets
{
    /// <summary>Whether a commit is from a member in its epoch; the group has members.</summary>
    public static ErrorCode CheckCommit(ConsumerGroup group, GroupCommand.CommitOffsets commit)
    {
        if (!group.Members.TryGetValue(commit.MemberId, out ConsumerMember? member))
            return ErrorCode.UnknownMemberId;
        if (member.Classic is null && !commit.KnowsMemberEpochs)
            return ErrorCode.UnsupportedVersion;
        return CheckEpoch(member, commit.Generation);
    }

    /// <summary>Whether a question is from a member in its epoch.</summary>
    public static ErrorCode CheckReader(ConsumerGroup? group, string memberId, int memberEpoch)
    {
        if (group is null)
            return ErrorCode.None;
        return group.Members.TryGetValue(memberId, out ConsumerMember? member) ? CheckEpoch(member, memberEpoch) : ErrorCode.UnknownMemberId;
    }

    private static ErrorCode CheckEpoch(ConsumerMember member, int epoch)
    {
        if (epoch == member.Epoch)
            return ErrorCode.None;
        return member.Classic is null ? ErrorCode.StaleMemberEpoch : ErrorCode.IllegalGeneration;
    }
}

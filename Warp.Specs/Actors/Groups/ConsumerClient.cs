using Warp.Actors.Groups;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Xunit;

namespace Warp.Specs.Actors.Groups;

/// <summary>A client as Kafka's behave, of either protocol; it remembers what it owns. The classic one is eager and follows a leader.</summary>
internal sealed class ConsumerClient(string name, string? instanceId)
{
    private HashSet<TopicPartition> _assigned = [];
    private string[] _topics = ["t0"];
    private int _lives;
    private bool _isFull = true;
    private bool _mustJoin = true;
    private bool _mustSync;

    public bool IsClassic { get; private set; }

    public string MemberId { get; private set; } = $"{name}-0";

    /// <summary>0 before it has joined.</summary>
    public int Epoch { get; private set; }

    public HashSet<TopicPartition> Owned { get; private set; } = [];

    public override string ToString() => $"{MemberId} {(IsClassic ? "classic" : "consumer")} at {Epoch} with {Owned.Count} of {_assigned.Count}";

    /// <summary>Is gone; whoever comes next under its name is somebody new.</summary>
    public void Vanish()
    {
        MemberId = IsClassic ? "" : $"{name}-{++_lives}";
        Drop();
    }

    public void UseOtherProtocol()
    {
        IsClassic = !IsClassic;
        Vanish();
    }

    public void Subscribe(Random random)
    {
        _topics = [.. new[] { "t0", "t1", "t2" }.Where(_ => random.Next(2) == 0).DefaultIfEmpty("t0")];
        _isFull = true;
        _mustJoin |= IsClassic;
    }

    /// <summary>Does what it was told, or only the part of it that costs nothing.</summary>
    public void GiveUp(bool isWilling)
    {
        if (isWilling)
            Owned = [.. _assigned];
        else
            Owned.UnionWith(_assigned);
    }

    public GroupCommand Next(Random random)
    {
        if (!IsClassic)
            return Beat(random);
        if (_mustJoin)
        {
            Owned = [];
            _assigned = [];
            return GroupBench.Join(MemberId, instanceId, new ClassicProtocol("range", GroupBench.Subscription(_topics)));
        }
        return _mustSync
            ? new GroupCommand.SyncGroup(MemberId, instanceId, Epoch, "consumer", "range", [])
            : new GroupCommand.Heartbeat(MemberId, instanceId, Epoch);
    }

    public GroupCommand? Leave(Random random)
    {
        if (IsClassic)
            return MemberId.Length == 0 ? null : GroupBench.Leave(MemberId, instanceId);
        int epoch = instanceId is not null && random.Next(2) == 0 ? ConsumerMember.AwayEpoch : -1;
        return ConsumerBench.Beating(MemberId, epoch, null, instanceId);
    }

    /// <summary>It does not know whether its request arrived: it says everything again.</summary>
    public void LoseAnswer() => _isFull = true;

    public void Receive(GroupAnswer answer)
    {
        switch (answer.Error)
        {
            case ErrorCode.None:
                Accept(answer);
                break;
            case ErrorCode.RebalanceInProgress:
                if (answer is GroupAnswer.JoinGroup { MemberId.Length: > 0 } joined)
                    MemberId = joined.MemberId;
                _mustJoin = true;
                break;
            case ErrorCode.IllegalGeneration or ErrorCode.FencedMemberEpoch:
                Drop();
                break;
            case ErrorCode.UnknownMemberId when !IsClassic:
                Drop();
                break;
            case ErrorCode.UnknownMemberId or ErrorCode.FencedInstanceId or ErrorCode.GroupIdNotFound:
                Vanish();
                break;
            case ErrorCode.UnreleasedInstanceId or ErrorCode.GroupMaxSizeReached or ErrorCode.InconsistentGroupProtocol:
                break;
            default:
                Assert.Fail($"{this} was told {answer.Error}");
                break;
        }
    }

    private GroupCommand.ConsumerHeartbeat Beat(Random random)
    {
        if (Epoch == 0)
            return ConsumerBench.Joining(MemberId, instanceId, _topics);
        bool isFull = _isFull || random.Next(4) == 0;
        return ConsumerBench.Beating(MemberId, Epoch, isFull || random.Next(2) == 0 ? Owned : null, instanceId) with
        {
            RebalanceTimeoutMs = isFull ? 60_000 : -1,
            SubscribedTopics = isFull ? _topics : null,
        };
    }

    private void Accept(GroupAnswer answer)
    {
        switch (answer)
        {
            case GroupAnswer.ConsumerHeartbeat { MemberEpoch: > 0 } beat:
                _isFull = false;
                Epoch = beat.MemberEpoch;
                if (beat.Assignment is { } assignment)
                {
                    _assigned = [.. assignment];
                    Owned.UnionWith(_assigned);
                }
                break;
            case GroupAnswer.JoinGroup joined:
                (MemberId, Epoch, _mustJoin, _mustSync) = (joined.MemberId, joined.Generation, false, true);
                break;
            case GroupAnswer.SyncGroup:
                _mustSync = false;
                break;
        }
    }

    private void Drop()
    {
        (Epoch, _isFull, _mustJoin, _mustSync) = (0, true, true, false);
        _assigned = [];
        Owned = [];
    }
}

using Warp.Protocol.Messages;

namespace Warp.Actors.Groups;

/// <content>From one generation to the next.</content>
internal sealed partial class ClassicRules
{
    /// <summary>Calls everybody to join anew.</summary>
    public void PrepareRebalance()
    {
        if (Group.State == ClassicGroupState.CompletingRebalance)
            AnswerSyncs(ErrorCode.RebalanceInProgress);
        bool isInitial = Group.State == ClassicGroupState.Empty;
        Group = Group with
        {
            State = ClassicGroupState.PreparingRebalance,
            PendingSyncs = [],
            SyncDeadline = null,
            IsInitialRebalance = isInitial,
            HasNewMember = false,
        };
        if (isInitial)
        {
            TimeSpan delay = turn.Context.Settings.InitialRebalanceDelay;
            Group = Group with
            {
                InitialDelay = delay,
                InitialDelayLeft = Group.RebalanceTimeout > delay ? Group.RebalanceTimeout - delay : TimeSpan.Zero,
                JoinDeadline = turn.After(delay),
            };
        }
        else if (Group.AllHaveJoined)
        {
            StartGeneration();
        }
        else
        {
            Group = Group with { JoinDeadline = turn.After(Group.RebalanceTimeout) };
        }
    }

    private void RebalanceOrStart()
    {
        if (Group.State == ClassicGroupState.PreparingRebalance)
            StartIfAllHaveJoined();
        else
            PrepareRebalance();
    }

    private void StartIfAllHaveJoined()
    {
        if (Group is { State: ClassicGroupState.PreparingRebalance, IsInitialRebalance: false, AllHaveJoined: true })
            StartGeneration();
    }

    /// <summary>Starts a generation of those who have joined, and of the static members, who need not.</summary>
    private void StartGeneration()
    {
        foreach (LiveMember late in Group.Members.Values.Where(static member => member.JoinReply is null && member.Info.InstanceId is null))
        {
            turn.Note($"{late.Info.Id} is removed: it did not rejoin within the rebalance timeout");
            Remove(late.Info.Id);
        }
        if (!Group.Members.IsEmpty && !ElectLeader())
        {
            // Only static members are left, and none has come: wait until their sessions end.
            Group = Group with { JoinDeadline = turn.After(Group.RebalanceTimeout) };
            return;
        }
        Group = Group with { Generation = Group.Generation + 1, JoinDeadline = null, IsInitialRebalance = false };
        if (Group.Members.IsEmpty)
        {
            Group = Group with { State = ClassicGroupState.Empty, ProtocolName = null };
            turn.Record(new ClassicGroupEmptied
            {
                Time = turn.Context.Now.EpochMs,
                Generation = Group.Generation,
                ProtocolType = Group.ProtocolType,
            });
            return;
        }
        Group = Group with
        {
            State = ClassicGroupState.CompletingRebalance,
            ProtocolName = SelectProtocol(),
            PendingSyncs = [.. Group.Members.Keys],
            SyncDeadline = turn.After(Group.RebalanceTimeout),
        };
        foreach (LiveMember member in Group.MembersInOrder)
        {
            if (member.JoinReply is { } join)
                turn.Answer(join, Joined(member.Info.Id));
            Put(member with
            {
                Info = member.Info with { Assignment = default },
                JoinReply = null,
                IsNew = false,
                SessionDeadline = turn.After(TimeSpan.FromMilliseconds(member.Info.SessionTimeoutMs)),
            });
        }
        turn.Record(new ClassicGenerationStarted
        {
            Time = turn.Context.Now.EpochMs,
            Generation = Group.Generation,
            ProtocolType = Group.ProtocolType!,
            ProtocolName = Group.ProtocolName!,
            LeaderId = Group.LeaderId!,
            Members = [.. Group.MembersInOrder.Select(static member => member.Info.ToRecord())],
        });
    }

    /// <summary>Makes somebody leader who is there: the old one if it is. False when nobody is.</summary>
    private bool ElectLeader()
    {
        if (Group.LeaderId is { } leader && Group.Members[leader].JoinReply is not null)
            return true;
        if (Group.MembersInOrder.FirstOrDefault(static member => member.JoinReply is not null) is not { } first)
            return false;
        Group = Group with { LeaderId = first.Info.Id };
        return true;
    }

    /// <summary>Each member votes for the one it likes best of those that all support; among equals the first named wins.</summary>
    private string SelectProtocol()
    {
        var votes = new Dictionary<string, int>();
        string winner = "";
        List<LiveMember> members = [.. Group.MembersInOrder];
        HashSet<string> common = [.. members[0].Info.Protocols.Select(static protocol => protocol.Name)];
        foreach (LiveMember member in members)
            common.IntersectWith(member.Info.Protocols.Select(static protocol => protocol.Name));
        foreach (LiveMember member in members)
        {
            string vote = member.Info.Protocols.First(protocol => common.Contains(protocol.Name)).Name;
            votes[vote] = votes.GetValueOrDefault(vote) + 1;
        }
        foreach ((string protocol, int count) in votes)
        {
            if (count > votes.GetValueOrDefault(winner))
                winner = protocol;
        }
        return winner;
    }
}

using Warp.Protocol.Messages;

namespace Warp.Actors.Groups;

/// <summary>One decision in the making: the rules change it step by step. Used by one thread.</summary>
internal sealed class GroupTurn(GroupState state, GroupContext context)
{
    private readonly List<IEvent> _events = [];
    private readonly List<KeyValuePair<long, GroupAnswer>> _answers = [];
    private readonly List<string> _notes = [];

    public GroupContext Context => context;

    public TimeSpan Now => context.Now.Uptime;

    public GroupImage Image { get; private set; } = state.Image;

    public ClassicGroup Group { get; set; } = state.Classic;

    public ConsumerLiveness Liveness { get; set; } = state.Liveness;

    public TimeSpan ExpiryCheck { get; set; } = state.ExpiryCheck;

    /// <inheritdoc cref="GroupState.Exists"/>
    public bool Exists => Image.Exists || !Group.Members.IsEmpty || !Group.PendingMembers.IsEmpty;

    private TimeSpan Wake { get; set; } = state.Wake;

    public void Record(IEvent @event)
    {
        _events.Add(@event);
        Image = Image.Apply(@event);
    }

    public void Answer(long replyId, GroupAnswer answer) => _answers.Add(KeyValuePair.Create(replyId, answer));

    /// <summary>Says something to the operator, as a sentence without a full stop.</summary>
    public void Note(string note) => _notes.Add(note);

    /// <summary>A moment from now, at which something is to be looked at again.</summary>
    public TimeSpan After(TimeSpan delay)
    {
        TimeSpan due = Now + delay;
        if (due < Wake)
            Wake = due;
        return due;
    }

    /// <summary>Sets by when a member of the consumer protocol must be heard of; the moments come from <see cref="After"/>.</summary>
    public void Expect(string memberId, MemberDeadlines deadlines) =>
        Liveness = Liveness with { Deadlines = Liveness.Deadlines.SetItem(memberId, deadlines) };

    /// <summary>Waits no longer for a member of the consumer protocol.</summary>
    public void Forget(string memberId) => Liveness = Liveness with { Deadlines = Liveness.Deadlines.Remove(memberId) };

    /// <summary>Looks at all deadlines for the earliest.</summary>
    public void ResetWake() => Wake = new[] { ExpiryCheck, Group.JoinDeadline, Group.SyncDeadline }
        .Concat(Group.Members.Values.Select(static member => member.SessionDeadline))
        .Concat(Liveness.Deadlines.Values.Select(static deadlines => (TimeSpan?)deadlines.Next))
        .Concat(Group.PendingMembers.Values.Select(static deadline => (TimeSpan?)deadline))
        .Min()!.Value;

    public GroupDecision ToDecision() => new(new GroupState(Image, Group, ExpiryCheck, Wake) { Liveness = Liveness }, _events, _answers)
    {
        Notes = _notes,
    };
}

using Microsoft.Extensions.Logging;
using Warp.Actors.Catalog;
using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Protocol.Messages;

namespace Warp.Actors.Groups;

/// <summary>
/// The persistent actor of one group. A thin shell: the rules are in <see cref="GroupRules"/>, the state in <see cref="GroupState"/>. It
/// keeps the answers that wait, one timer for all deadlines, and decides together what came while a write was under way, so that one
/// event batch carries many commits.
/// </summary>
public sealed class GroupCoordinator : PersistentActor<GroupMessage>
{
    /// <summary>Before the name of a group: its persistence id.</summary>
    public const string PersistenceIdPrefix = "group-";

    /// <summary>After a write was refused, what is due waits this long.</summary>
    private static readonly TimeSpan s_refusalPause = TimeSpan.FromSeconds(1);

    /// <summary>A timer cannot be set for later than 49 days; an early tick does no harm.</summary>
    private static readonly TimeSpan s_longestTimer = TimeSpan.FromDays(1);

    private static readonly EventCodec s_codec = new(EventSpecs.All);

    private readonly PublishedCatalog _catalog;
    private readonly int _nodeId;
    private readonly Dictionary<long, Reply<GroupAnswer>> _replies = [];
    private GroupState _state = new(GroupImage.None, new ClassicGroup(), default, default);
    private CatalogImage? _configured;
    private GroupSettings _settings = new();
    private long _lastReplyId;
    private bool _isDraining;
    private ITimer? _timer;
    private TimeSpan _timerDue = TimeSpan.MaxValue;

    /// <param name="services">Journal and leases.</param>
    /// <param name="groupId">The group.</param>
    /// <param name="shardId">The shard that the group belongs to.</param>
    /// <param name="catalog">Settings, and the topics that there are.</param>
    public GroupCoordinator(PersistenceServices services, string groupId, int shardId, PublishedCatalog catalog)
        : base(services, s_codec, PersistenceIdPrefix + groupId, shardId)
    {
        _catalog = catalog;
        _nodeId = services.Leases.Node.NodeId;
    }

    protected internal override async ValueTask StopAsync()
    {
        if (_timer is not null)
            await _timer.DisposeAsync();
        foreach (Reply<GroupAnswer> reply in _replies.Values)
            reply.Fail(new ActorStoppedException(PersistenceId));
        await base.StopAsync();
    }

    protected override bool IsCommand(GroupMessage message) => message is GroupMessage.Command;

    protected override void Apply(IEvent @event) => _state = _state with { Image = _state.Image.Apply(@event) };

    protected override ReadOnlyMemory<byte> TakeSnapshot() =>
        EventCodec.EncodeSnapshot(_state.Image.ToSnapshot(), Math.Min(GroupSnapshot.HighestVersion, Services.HighestVersion));

    protected override void RestoreSnapshot(ReadOnlyMemory<byte> snapshot) => _state = _state with
    {
        Image = GroupImage.Of(EventCodec.DecodeSnapshot(PersistenceId, snapshot, GroupSnapshot.HighestVersion, GroupSnapshot.Read)),
    };

    protected override void Recovered()
    {
        _state = GroupState.Recover(_state.Image, Context());
        ArmTimer(TimeSpan.Zero);
    }

    protected override void Handle(GroupMessage message)
    {
        switch (message)
        {
            case GroupMessage.Command command:
                Decide(command);
                break;
            case GroupMessage.ReadOffsets read:
                WhenOwner(prove: false, () => read.Reply.Set(_state.Image.Offsets), read);
                break;
            case GroupMessage.CheckMember check:
                WhenOwner(prove: false, () => check.Reply.Set(ConsumerOffsets.CheckReader(_state.Image.Consumer, check.MemberId, check.MemberEpoch)), check);
                break;
            case GroupMessage.Describe describe:
                WhenOwner(prove: false, () => describe.Reply.Set(GroupDescription.Of(_state)), describe);
                break;
            case GroupMessage.Drain:
                _isDraining = true;
                ReleaseParked();
                break;
        }
    }

    private GroupContext Context()
    {
        CatalogImage catalog = _catalog.Current;
        if (!ReferenceEquals(catalog, _configured))
        {
            _settings = GroupSettings.Of(catalog.BrokerConfigsOf(_nodeId));
            _configured = catalog;
        }
        var now = new GroupTime(Time.GetElapsedTime(0), Services.Leases.Clock.Now.ToUnixTimeMilliseconds());
        return new GroupContext(now, _settings, catalog);
    }

    /// <summary>Decides a command, and after it all that were put aside during a write; their events are journaled at once.</summary>
    private void Decide(GroupMessage.Command command)
    {
        GroupContext context = Context();
        GroupState draft = _state;
        long firstReplyId = _lastReplyId + 1;
        var events = new List<IEvent>();
        var answers = new List<KeyValuePair<long, GroupAnswer>>();
        GroupMessage? next = command;
        do
        {
            command = (GroupMessage.Command)next;
            _lastReplyId++;
            if (command is GroupMessage.Run run)
                _replies.Add(_lastReplyId, run.Reply);
            GroupDecision decision = GroupRules.Decide(draft, command.Asked, _lastReplyId, context);
            draft = decision.Next;
            events.AddRange(decision.Events);
            answers.AddRange(decision.Answers);
            foreach (string note in decision.Notes)
                Log.LogInformation("{Group}: {Note}", PersistenceId, note);
        }
        while (TryUnstash(out next));
        if (events.Count == 0)
        {
            _state = draft;
            var ready = new Answers(Take(answers));
            WhenOwner(prove: false, ready.Send, ready);
            Settle(TimeSpan.Zero);
            return;
        }
        Persist(command, new Changes(events), Written, Refused);

        void Written()
        {
            _state = _state with { Classic = draft.Classic, Liveness = draft.Liveness, ExpiryCheck = draft.ExpiryCheck, Wake = draft.Wake };
            LogGenerations(events);
            new Answers(Take(answers)).Send();
            Settle(TimeSpan.Zero);
        }

        void Refused(WriteResult result)
        {
            // Nothing of it has happened: who waited before goes on waiting.
            var error = new JournalException($"The journal refused the change: {result.Detail}");
            for (long id = firstReplyId; id <= _lastReplyId; id++)
            {
                _replies.Remove(id, out Reply<GroupAnswer>? reply);
                reply?.Fail(error);
            }
            Settle(s_refusalPause);
        }
    }

    /// <summary>After each change.</summary>
    private void Settle(TimeSpan pause)
    {
        if (_isDraining)
            ReleaseParked();
        ArmTimer(pause);
    }

    private List<KeyValuePair<Reply<GroupAnswer>, GroupAnswer>> Take(List<KeyValuePair<long, GroupAnswer>> answers)
    {
        var taken = new List<KeyValuePair<Reply<GroupAnswer>, GroupAnswer>>(answers.Count);
        foreach ((long id, GroupAnswer answer) in answers)
        {
            if (_replies.Remove(id, out Reply<GroupAnswer>? reply))
                taken.Add(KeyValuePair.Create(reply, answer));
        }
        return taken;
    }

    private void ArmTimer(TimeSpan pause)
    {
        TimeSpan now = Time.GetElapsedTime(0);
        TimeSpan due = _state.Wake > now + pause ? _state.Wake : now + pause;
        if (due >= _timerDue)
            return;
        _timer?.Dispose();
        _timerDue = due;
        _timer = After(due - now < s_longestTimer ? due - now : s_longestTimer, () =>
        {
            _timerDue = TimeSpan.MaxValue;
            Self.Tell(new GroupMessage.Tick());
        });
    }

    private void ReleaseParked()
    {
        foreach (LiveMember member in _state.Classic.Members.Values)
        {
            foreach (long? id in (ReadOnlySpan<long?>)[member.JoinReply, member.SyncReply])
            {
                if (id is { } parked && _replies.Remove(parked, out Reply<GroupAnswer>? reply))
                    reply.Fail(new ActorStoppedException(PersistenceId));
            }
        }
    }

    private void LogGenerations(List<IEvent> events)
    {
        if (events.OfType<ConsumerTargetAssigned>().LastOrDefault() is { } target)
            Log.LogInformation("{Group} has the target of epoch {Epoch} for {Members} members", PersistenceId, target.Epoch, _state.Image.Consumer?.Members.Count ?? 0);

        foreach (ClassicGenerationStarted started in events.OfType<ClassicGenerationStarted>())
        {
            Log.LogInformation(
                "{Group} has generation {Generation} with {Members} members", PersistenceId, started.Generation, started.Members.Count);
        }
    }

    /// <summary>Answers that are decided, and only wait to be given.</summary>
    private sealed class Answers(List<KeyValuePair<Reply<GroupAnswer>, GroupAnswer>> answers) : IAsk
    {
        public void Send()
        {
            foreach ((Reply<GroupAnswer> reply, GroupAnswer answer) in answers)
                reply.Set(answer);
        }

        public void Fail(Exception error)
        {
            foreach ((Reply<GroupAnswer> reply, _) in answers)
                reply.Fail(error);
        }
    }
}

using System.Collections.Immutable;
using Warp.Actors.Catalog;
using Warp.Actors.Groups;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Xunit;

namespace Warp.Specs.Actors.Groups;

/// <summary>
/// One group on its rules alone: the test's clock, the events that would be journaled, and the answers that would be given. Checks on the
/// way that no question is answered twice, and that what is journaled is the state.
/// </summary>
internal sealed class GroupBench
{
    public const string Range = "range";
    public const string RoundRobin = "roundrobin";

    private static readonly EventCodec s_codec = new(Warp.Actors.Groups.EventSpecs.All);
    private readonly Dictionary<long, GroupAnswer> _answers = [];
    private readonly HashSet<long> _asked = [];
    private readonly List<EventRecord> _journal = [];
    private byte[]? _snapshot;
    private long _lastId;
    private TimeSpan _uptime = TimeSpan.FromHours(1);
    private long _epochMs = 1_700_000_000_000;

    public GroupBench(GroupSettings? settings = null)
    {
        Settings = settings ?? new GroupSettings();
        State = GroupState.Recover(GroupImage.None, Context);
    }

    public GroupSettings Settings { get; set; }

    public GroupState State { get; private set; }

    /// <summary>The topics: <c>t0</c> to <c>t2</c> with 10 partitions each, unless a test changes them.</summary>
    public CatalogImage Catalog { get; set; } = Enumerable.Range(0, 3).Aggregate(
        CatalogImage.Empty(ImmutableSortedDictionary<string, string>.Empty),
        static (image, i) => image
            .Apply(new TopicCreated { TopicId = TopicId(i), Name = $"t{i}", PartitionCount = 10, ReplicationFactor = 1 })
            .Apply(new TopicOpened { TopicId = TopicId(i), PartitionCount = 10 }));

    /// <summary>Everything that was decided to be journaled.</summary>
    public List<IEvent> Events { get; } = [];

    public ClassicGroup Group => State.Classic;

    /// <summary>How many questions wait for an answer.</summary>
    public int ParkedCount => _asked.Count;

    private GroupContext Context => new(new GroupTime(_uptime, _epochMs), Settings, Catalog);

    public static Guid TopicId(int i) => new(i + 1, 0, 0, new byte[8]);

    public static TopicPartition Partition(int topic, int partition) => new(TopicId(topic), partition);

    /// <summary>The metadata of a consumer that subscribes to these topics.</summary>
    public static byte[] Subscription(params string[] topics)
    {
        using var writer = new WireWriter();
        writer.WriteInt16(0);
        writer.WriteInt32(topics.Length);
        foreach (string topic in topics)
            writer.WriteString(topic, compact: false);
        writer.WriteInt32(-1);
        return writer.ToArray();
    }

    public static GroupCommand.JoinGroup Join(string memberId = "", string? instanceId = null, params ClassicProtocol[] protocols) => new()
    {
        MemberId = memberId,
        InstanceId = instanceId,
        ClientId = "client",
        ClientHost = "/10.0.0.1",
        SessionTimeoutMs = 10_000,
        RebalanceTimeoutMs = 60_000,
        ProtocolType = "consumer",
        Protocols = protocols.Length > 0 ? [.. protocols] : [new(Range, Subscription("t0"))],
        UniqueId = Guid.NewGuid().ToString(),
    };

    /// <summary>Sends a command; its answer may come later.</summary>
    public long Send(GroupCommand command)
    {
        long id = ++_lastId;
        if (command is not GroupCommand.Tick)
            _asked.Add(id);
        GroupState before = State;
        GroupDecision decision = GroupRules.Decide(State, command, id, Context);
        GroupImage folded = before.Image;
        foreach (IEvent @event in decision.Events)
        {
            EventRecord record = s_codec.Encode(@event);
            _journal.Add(record);
            folded = folded.Apply(s_codec.Decode("group-test", record));
            Events.Add(@event);
        }
        State = decision.Next;
        Assert.Equal(EventCodec.Bytes(folded.ToSnapshot(), 0), EventCodec.Bytes(State.Image.ToSnapshot(), 0));
        foreach ((long answered, GroupAnswer answer) in decision.Answers)
        {
            Assert.True(_asked.Remove(answered), $"question {answered} was answered twice");
            _answers.Add(answered, answer);
        }
        return id;
    }

    /// <summary>Sends a command that is answered at once.</summary>
    public TAnswer Ask<TAnswer>(GroupCommand command)
        where TAnswer : GroupAnswer => Answer<TAnswer>(Send(command));

    public ErrorCode ErrorOf(GroupCommand command) => Ask<GroupAnswer>(command).Error;

    public bool IsAnswered(long id) => _answers.ContainsKey(id);

    public TAnswer Answer<TAnswer>(long id)
        where TAnswer : GroupAnswer
    {
        Assert.True(_answers.TryGetValue(id, out GroupAnswer? answer), "the question still waits");
        return Assert.IsAssignableFrom<TAnswer>(answer);
    }

    /// <summary>Lets time pass, with a tick whenever something may be due.</summary>
    public void Advance(TimeSpan by)
    {
        TimeSpan end = _uptime + by;
        while (State.Wake <= end)
        {
            if (State.Wake > _uptime)
            {
                _epochMs += (long)(State.Wake - _uptime).TotalMilliseconds;
                _uptime = State.Wake;
            }
            TimeSpan wake = State.Wake;
            Send(new GroupCommand.Tick());
            Assert.True(State.Wake > wake, "a tick must not leave anything due");
        }
        _epochMs += (long)(end - _uptime).TotalMilliseconds;
        _uptime = end;
    }

    /// <summary>Lets as little time pass as it takes until these have their answers.</summary>
    public void AdvanceUntilAnswered(params long[] ids)
    {
        while (!ids.All(IsAnswered))
            Advance(State.Wake - _uptime);
    }

    public void AdvanceSeconds(double seconds) => Advance(TimeSpan.FromSeconds(seconds));

    /// <summary>Forgets all but the journal. Nobody gets the answers that still waited.</summary>
    public void Restart()
    {
        GroupImage image = GroupImage.None;
        if (_snapshot is not null)
        {
            var reader = new WireReader(_snapshot);
            image = GroupImage.Of(GroupSnapshot.Read(ref reader, 0));
        }
        foreach (EventRecord record in _journal)
            image = image.Apply(s_codec.Decode("group-test", record));
        _asked.Clear();
        _uptime = TimeSpan.FromMinutes(1);
        State = GroupState.Recover(image, Context);
    }

    /// <summary>Writes a snapshot, so that the next restart begins with it.</summary>
    public void TakeSnapshot()
    {
        _snapshot = EventCodec.Bytes(State.Image.ToSnapshot(), 0);
        _journal.Clear();
    }

    /// <summary>Members that all join an empty group; the first leads. Stable afterwards, each with its place as assignment.</summary>
    public string[] Stabilize(params GroupCommand.JoinGroup[] joins)
    {
        long[] ids = [.. joins.Select(Send)];
        AdvanceUntilAnswered(ids);
        string[] members = [.. ids.Select(id => Answer<GroupAnswer.JoinGroup>(id).MemberId)];
        AssignAll(members);
        return members;
    }

    /// <summary>Lets all members ask for their assignments, the leader giving each its place among them.</summary>
    public void AssignAll(params string[] members)
    {
        foreach (string member in members.OrderBy(member => member == Group.LeaderId))
            Send(Sync(member, member == Group.LeaderId ? [.. members.Select(Place)] : []));
        Assert.Equal(ClassicGroupState.Stable, Group.State);

        static KeyValuePair<string, ReadOnlyMemory<byte>> Place(string member, int i) => new(member, new[] { (byte)i });
    }

    public GroupCommand.SyncGroup Sync(string member, params KeyValuePair<string, ReadOnlyMemory<byte>>[] assignments) =>
        new(member, InstanceOf(member), Group.Generation, null, null, assignments);

    public GroupCommand.Heartbeat Beat(string member) => new(member, InstanceOf(member), Group.Generation);

    public static GroupCommand.LeaveGroup Leave(string member, string? instance = null) => new([new LeavingMember(member, instance)]);

    public static GroupCommand.CommitOffsets Commit(
        long offset,
        string member = "",
        int generation = -1,
        TopicPartition? partition = null,
        string metadata = "",
        long retentionMs = -1) =>
        new(member, null, generation, retentionMs, [new OffsetToCommit(partition ?? Partition(0, 0), offset, 3, metadata)]);

    private string? InstanceOf(string member) => Group.Members.GetValueOrDefault(member)?.Info.InstanceId;
}

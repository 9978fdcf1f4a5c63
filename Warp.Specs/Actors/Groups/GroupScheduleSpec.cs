using Warp.Actors.Groups;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Actors.Groups;

/// <summary>
/// Random schedules of members that join, sync, commit, leave, fall silent and come back, with time passing and restarts in between. After
/// each step the invariants of a group hold, and in the end it is stable.
/// </summary>
public sealed class GroupScheduleSpec
{
    private static readonly int s_schedules = TestRun.IsLong ? 10_000 : 1_000;

    [Fact]
    public void Every_schedule_keeps_the_invariants_of_a_group()
    {
        int seed = TestRun.TakeSeed();
        for (int i = 0; i < s_schedules; i++)
        {
            var schedule = new Schedule(new Random(HashCode.Combine(seed, i)));
            try
            {
                schedule.Run(steps: 60);
            }
            catch (Exception error)
            {
                Assert.Fail($"schedule {i} of WARP_SEED={seed}:\n{string.Join('\n', schedule.Log.TakeLast(25))}\n{error}");
            }
        }
    }

    private sealed class Schedule(Random random)
    {
        private const int PartitionCount = 10;

        private readonly GroupBench _bench = new(new GroupSettings { MaxSize = 6 });
        private readonly List<Client> _clients = [.. Enumerable.Range(0, 8).Select(i => new Client(i % 3 == 0 ? $"instance-{i}" : null))];
        private readonly Dictionary<TopicPartition, long> _committed = [];
        private readonly Dictionary<int, Dictionary<string, byte[]>> _assignments = [];
        private int _generation;

        public List<string> Log { get; } = [];

        public void Run(int steps)
        {
            for (int i = 0; i < steps; i++)
            {
                Step();
                Receive();
                Check();
            }
            Settle();
        }

        private void Step()
        {
            Client client = _clients[random.Next(_clients.Count)];
            switch (random.Next(16))
            {
                case < 5:
                    Go(client);
                    break;
                case 5:
                    Note($"{client} falls silent");
                    client.Vanish();
                    break;
                case 6 when client.MemberId.Length > 0:
                    Note($"{client} leaves");
                    _bench.Send(GroupBench.Leave(client.MemberId, client.InstanceId));
                    client.Forget();
                    break;
                case 7:
                    Note("restart");
                    if (random.Next(2) == 0)
                        _bench.TakeSnapshot();
                    _bench.Restart();
                    _clients.ForEach(static other => other.LoseConnection());
                    break;
                case 8:
                    CommitAsStranger();
                    break;
                case 9 when client.MemberId.Length > 0 && client.Generation > 0:
                    // A message that was under way for long.
                    Note($"{client} sends an old heartbeat");
                    _bench.Send(new GroupCommand.Heartbeat(client.MemberId, client.InstanceId, client.Generation - 1));
                    break;
                default:
                    double seconds = random.Next(4) == 0 ? random.Next(1, 90) : random.NextDouble() * 4;
                    Note($"{seconds:F1} s pass");
                    _bench.AdvanceSeconds(seconds);
                    break;
            }
        }

        /// <summary>What a client would do next.</summary>
        private void Go(Client client)
        {
            if (client.Waiting is not null)
                return;
            if (client.State == ClientState.Out || (client.State == ClientState.Stable && random.Next(8) == 0))
            {
                Note($"{client} joins");
                var protocol = new ClassicProtocol(GroupBench.Range, new[] { client.Version });
                client.Join = _bench.Send(GroupBench.Join(client.MemberId, client.InstanceId, protocol) with
                {
                    RequiresKnownMemberId = random.Next(4) > 0,
                    CanSkipAssignment = random.Next(2) == 0,
                    SessionTimeoutMs = 6_000 * random.Next(1, 8),
                    RebalanceTimeoutMs = 5_000 * random.Next(1, 12),
                });
            }
            else if (client.State == ClientState.Joined)
            {
                Note($"{client} syncs");
                client.Sync = _bench.Send(new GroupCommand.SyncGroup(
                    client.MemberId, client.InstanceId, client.Generation, "consumer", GroupBench.Range, client.Assign(random)));
            }
            else if (random.Next(2) == 0)
            {
                Commit(client);
            }
            else
            {
                ErrorCode error = _bench.ErrorOf(new GroupCommand.Heartbeat(client.MemberId, client.InstanceId, client.Generation));
                Note($"{client} sends a heartbeat: {error}");
                client.React(error);
            }
        }

        private void Commit(Client client)
        {
            TopicPartition partition = GroupBench.Partition(1, random.Next(PartitionCount));
            long offset = random.Next();
            GroupCommand.CommitOffsets commit = GroupBench.Commit(offset, client.MemberId, client.Generation, partition);
            ErrorCode error = _bench.ErrorOf(commit with { InstanceId = client.InstanceId });
            Note($"{client} commits: {error}");
            if (error == ErrorCode.None)
                _committed[partition] = offset;
            client.React(error);
        }

        private void CommitAsStranger()
        {
            TopicPartition partition = GroupBench.Partition(2, random.Next(PartitionCount));
            long offset = random.Next();
            ErrorCode error = _bench.ErrorOf(GroupBench.Commit(offset, partition: partition));
            Assert.Equal(_bench.Group.State == ClassicGroupState.Empty ? ErrorCode.None : ErrorCode.UnknownMemberId, error);
            if (error == ErrorCode.None)
                _committed[partition] = offset;
        }

        /// <summary>Gives the clients the answers that have come.</summary>
        private void Receive()
        {
            foreach (Client client in _clients)
            {
                if (client.Join is { } join && _bench.IsAnswered(join))
                {
                    client.Join = null;
                    client.Receive(_bench.Answer<GroupAnswer.JoinGroup>(join));
                    Note($"{client} has joined");
                }
                if (client.Sync is { } sync && _bench.IsAnswered(sync))
                {
                    client.Sync = null;
                    var answer = _bench.Answer<GroupAnswer.SyncGroup>(sync);
                    if (answer.Error == ErrorCode.None)
                        Note(client, answer.Assignment.ToArray());
                    client.Receive(answer);
                }
            }
        }

        /// <summary>One assignment a generation, and no partition with two members.</summary>
        private void Note(Client client, byte[] assignment)
        {
            Note($"{client} has {assignment.Length} partitions");
            if (!_assignments.TryGetValue(client.Generation, out Dictionary<string, byte[]>? ofGeneration))
                _assignments.Add(client.Generation, ofGeneration = []);
            // Of a static member that was replaced, the successor has the same.
            string owner = client.InstanceId ?? client.MemberId;
            if (ofGeneration.TryGetValue(owner, out byte[]? before))
                Assert.Equal(before, assignment);
            ofGeneration[owner] = assignment;
            byte[] all = [.. ofGeneration.Values.SelectMany(static partitions => partitions)];
            Assert.Equal(all.Distinct().Count(), all.Length);
        }

        private void Check()
        {
            ClassicGroup group = _bench.Group;
            Assert.True(group.Generation >= _generation, "the generation went back");
            _generation = group.Generation;
            Assert.Equal(group.Generation, _bench.State.Image.Generation);
            Assert.Equal(group.Members.Values.Count(static member => member.JoinReply is not null), group.JoiningCount);
            Assert.True(group.State is ClassicGroupState.Empty or ClassicGroupState.PreparingRebalance || !group.Members.IsEmpty);
            Assert.True(group.State != ClassicGroupState.Empty || group.Members.IsEmpty);
            Assert.True(group.JoiningCount <= 6, "more members than there may be");
            Assert.True(group.LeaderId is null ? group.Members.IsEmpty : group.Members.ContainsKey(group.LeaderId));
            foreach ((string id, LiveMember member) in group.Members)
            {
                Assert.Equal(id, member.Info.Id);
                Assert.False(group.PendingMembers.ContainsKey(id), "a member is pending");
                Assert.False(member.JoinReply is not null && member.SyncReply is not null, "a member waits for two answers");
                Assert.True(member.JoinReply is null || group.State == ClassicGroupState.PreparingRebalance, "a join waits for nothing");
                Assert.True(member.SyncReply is null || group.State == ClassicGroupState.CompletingRebalance, "a sync waits for nothing");
                Assert.True(member.SessionDeadline is not null || member.JoinReply is not null || member.SyncReply is not null,
                    "a member lives for ever");
                if (member.Info.InstanceId is { } instance)
                    Assert.Equal(id, group.StaticMembers[instance]);
            }
            Assert.Equal(group.Members.Values.Count(static member => member.Info.InstanceId is not null), group.StaticMembers.Count);
            int parked = group.Members.Values.Count(static member => (member.JoinReply ?? member.SyncReply) is not null);
            Assert.Equal(parked, _bench.ParkedCount);
            Assert.True(group.State != ClassicGroupState.PreparingRebalance || group.JoinDeadline is not null,
                "a rebalance without an end");
            Assert.True(group.State != ClassicGroupState.CompletingRebalance || group.SyncDeadline is not null,
                "a generation without an end");
            foreach ((TopicPartition partition, long offset) in _committed)
                Assert.Equal(offset, _bench.State.Image.Offsets[partition].Offset);
        }

        /// <summary>Left alone, the members that there are agree on a generation, and one after another leave it empty.</summary>
        private void Settle()
        {
            Note("settle");
            List<Client> members = [.. _clients.Take(5)];
            foreach (Client client in _clients.Skip(5))
                client.Vanish();
            for (int round = 0; round < 400; round++)
            {
                foreach (Client client in members)
                {
                    Go(client);
                    Receive();
                }
                _bench.AdvanceSeconds(1);
                Receive();
                Check();
                if (_bench.Group is { State: ClassicGroupState.Stable, Members.Count: 5 }
                    && members.All(static client => client.State == ClientState.Stable)
                    && members.All(client => client.Generation == _bench.Group.Generation))
                {
                    foreach (Client client in members)
                        _bench.Send(GroupBench.Leave(client.MemberId, client.InstanceId));
                    // Ids that were given out to clients that vanished hold it up for as long as their sessions.
                    _bench.AdvanceSeconds(60);
                    Check();
                    Assert.Equal(ClassicGroupState.Empty, _bench.Group.State);
                    return;
                }
            }
            Assert.Fail($"the group did not become stable: {_bench.Group.State}, {string.Join(", ", members)}");
        }

        private void Note(string what) => Log.Add(what);
    }

    private enum ClientState
    {
        Out,
        Joined,
        Stable,
    }

    /// <summary>A client as Kafka's behave.</summary>
    private sealed class Client(string? instanceId)
    {
        private List<string> _members = [];

        public string? InstanceId => instanceId;

        public string MemberId { get; private set; } = "";

        public int Generation { get; private set; } = -1;

        public ClientState State { get; private set; }

        public byte Version { get; private set; }

        public long? Join { get; set; }

        public long? Sync { get; set; }

        public long? Waiting => Join ?? Sync;

        public override string ToString() => $"{InstanceId ?? "dynamic"} [{MemberId}] {State} of {Generation}";

        /// <summary>Leaves nobody behind who would act on an answer.</summary>
        public void Vanish()
        {
            Forget();
            Version++;
        }

        public void Forget()
        {
            (MemberId, Generation, State, Join, Sync) = ("", -1, ClientState.Out, null, null);
        }

        /// <summary>The node went down: what was asked is asked again.</summary>
        public void LoseConnection()
        {
            if (Sync is not null)
                State = ClientState.Out;
            (Join, Sync) = (null, null);
        }

        /// <summary>The leader gives each partition to one member.</summary>
        public KeyValuePair<string, ReadOnlyMemory<byte>>[] Assign(Random random)
        {
            var partitions = _members.ToDictionary(static id => id, static _ => new List<byte>());
            if (_members.Count > 0)
            {
                for (byte i = 0; i < 12; i++)
                    partitions[_members[random.Next(_members.Count)]].Add(i);
            }
            return [.. partitions.Select(static entry => KeyValuePair.Create(entry.Key, new ReadOnlyMemory<byte>([.. entry.Value])))];
        }

        public void Receive(GroupAnswer.JoinGroup answer)
        {
            switch (answer.Error)
            {
                case ErrorCode.None:
                    (MemberId, Generation, State) = (answer.MemberId, answer.Generation, ClientState.Joined);
                    _members = answer.LeaderId == MemberId && !answer.SkipAssignment
                        ? [.. answer.Members.Select(static member => member.MemberId)]
                        : [];
                    break;
                case ErrorCode.MemberIdRequired:
                    MemberId = answer.MemberId;
                    break;
                default:
                    React(answer.Error);
                    break;
            }
        }

        public void Receive(GroupAnswer.SyncGroup answer)
        {
            if (answer.Error == ErrorCode.None)
                State = ClientState.Stable;
            else
                React(answer.Error);
        }

        public void React(ErrorCode error)
        {
            switch (error)
            {
                case ErrorCode.None:
                    break;
                case ErrorCode.RebalanceInProgress:
                    State = ClientState.Out;
                    break;
                case ErrorCode.IllegalGeneration:
                case ErrorCode.UnknownMemberId:
                case ErrorCode.FencedInstanceId:
                case ErrorCode.GroupMaxSizeReached:
                    Forget();
                    break;
                default:
                    Assert.Fail($"{this} was told {error}");
                    break;
            }
        }
    }
}

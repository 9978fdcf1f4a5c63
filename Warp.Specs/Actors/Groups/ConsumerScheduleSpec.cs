using Warp.Actors.Catalog;
using Warp.Actors.Groups;
using Warp.Actors.Sequencing;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Actors.Groups;

/// <summary>
/// Random schedules of members of both protocols that join, send heartbeats with and without having given up what they should, lose
/// answers, leave, fall silent and come back, with topics growing, time passing and restarts in between. After each step no partition is
/// owned by two, and in the end everybody has its target.
/// </summary>
public sealed class ConsumerScheduleSpec
{
    private static readonly int s_schedules = TestRun.IsLong ? 10_000 : 100;

    [Fact]
    public void Every_schedule_keeps_the_invariants_of_a_consumer_group()
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
                Assert.Fail($"schedule {i} of WARP_SEED={seed}:\n{string.Join('\n', schedule.Log.TakeLast(30))}\n{error}");
            }
        }
    }

    private sealed class Schedule(Random random)
    {
        private readonly GroupBench _bench = new(new GroupSettings { ConsumerMaxSize = 8, InitialRebalanceDelay = TimeSpan.Zero });
        private readonly List<ConsumerClient> _clients = [.. Enumerable.Range(0, 6).Select(static i => new ConsumerClient($"c{i}", i % 3 == 0 ? $"instance-{i}" : null))];
        private int _generation;
        private int _topicPartitions = 10;

        public List<string> Log { get; } = [];

        public void Run(int steps)
        {
            for (int i = 0; i < steps; i++)
            {
                Step();
                Check();
            }
            Settle();
        }

        private void Step()
        {
            ConsumerClient client = _clients[random.Next(_clients.Count)];
            switch (random.Next(16))
            {
                case 0:
                    Note($"{client} falls silent");
                    client.Vanish();
                    break;
                case 1:
                    Note($"{client} leaves");
                    Send(client, client.Leave(random), isLost: random.Next(4) == 0);
                    client.Vanish();
                    break;
                case 2:
                    Note("restart");
                    if (random.Next(2) == 0)
                        _bench.TakeSnapshot();
                    _bench.Restart();
                    break;
                case 3 when _topicPartitions < 16:
                    Note("topic grows");
                    _topicPartitions++;
                    _bench.Catalog = _bench.Catalog
                        .Apply(new PartitionsAdded { TopicId = GroupBench.TopicId(0), PartitionCount = _topicPartitions })
                        .Apply(new TopicOpened { TopicId = GroupBench.TopicId(0), PartitionCount = _topicPartitions });
                    break;
                case 4 when client.Epoch >= 0:
                    client.Subscribe(random);
                    Note($"{client} subscribes anew");
                    break;
                case 5:
                    client.UseOtherProtocol();
                    Note($"{client} changes its protocol");
                    break;
                case 6 or 7:
                    double seconds = random.Next(4) == 0 ? random.Next(1, 60) : random.NextDouble() * 4;
                    Note($"{seconds:F1} s pass");
                    _bench.AdvanceSeconds(seconds);
                    break;
                default:
                    bool isLost = random.Next(6) == 0;
                    client.GiveUp(isWilling: random.Next(2) == 0);
                    Go(client, isLost);
                    break;
            }
        }

        private void Go(ConsumerClient client, bool isLost)
        {
            GroupCommand command = client.Next(random);
            Send(client, command, isLost);
        }

        private void Send(ConsumerClient client, GroupCommand? command, bool isLost)
        {
            if (command is null)
                return;
            long id = _bench.Send(command);
            string what = command.GetType().Name;
            if (!_bench.IsAnswered(id))
            {
                // Only a classic group lets its members wait.
                _bench.AdvanceSeconds(0.1);
                if (!_bench.IsAnswered(id))
                {
                    Note($"{client} waits for {what}");
                    return;
                }
            }
            GroupAnswer answer = _bench.Answer<GroupAnswer>(id);
            Note($"{client} sends {what}{(isLost ? " and loses the answer" : "")}: {answer.Error}");
            if (isLost)
                client.LoseAnswer();
            else
                client.Receive(answer);
        }

        private void Check()
        {
            GroupState state = _bench.State;
            Assert.True(state.Image.Generation >= _generation, "the epoch went back");
            _generation = state.Image.Generation;
            if (state.Image.Consumer is not { } group)
            {
                Assert.Empty(state.Liveness.Deadlines);
                return;
            }
            Assert.Empty(state.Classic.Members);
            Assert.Equal(0, _bench.ParkedCount);
            Assert.Equal(group.Members.Keys.Order(), state.Liveness.Deadlines.Keys.Order());
            Assert.True(group.TargetEpoch <= group.Epoch, "the target is ahead of the group");
            var owners = new Dictionary<TopicPartition, string>();
            var targets = new HashSet<TopicPartition>();
            foreach (ConsumerMember member in group.Members.Values)
            {
                Assert.True(member.Epoch <= group.TargetEpoch, "a member is ahead of the target");
                Assert.True(state.Liveness.Deadlines[member.Id].Next >= TimeSpan.Zero);
                foreach (TopicPartition partition in member.Held)
                    Assert.True(owners.TryAdd(partition, member.Id), $"{partition} is held by two");
                foreach (TopicPartition partition in member.Target)
                    Assert.True(targets.Add(partition), $"{partition} is meant for two");
                if (member.InstanceId is { } instance)
                    Assert.Equal(member.Id, group.StaticMembers[instance]);
            }
            Assert.Equal(owners.OrderBy(static e => e.Key.ToString()), group.Owners.OrderBy(static e => e.Key.ToString()));
            Assert.Equal(group.Members.Values.Count(static member => member.InstanceId is not null), group.StaticMembers.Count);
            CheckClients(group);
        }

        /// <summary>What clients of which the group knows believe to own, they own alone.</summary>
        private void CheckClients(ConsumerGroup group)
        {
            var owned = new Dictionary<TopicPartition, ConsumerClient>();
            foreach (ConsumerClient client in _clients.Where(client => !client.IsClassic && group.Members.GetValueOrDefault(client.MemberId)?.Epoch == client.Epoch))
            {
                foreach (TopicPartition partition in client.Owned)
                    Assert.True(owned.TryAdd(partition, client), $"{partition} is owned by {client} and {owned.GetValueOrDefault(partition)}");
            }
        }

        private void Settle()
        {
            Note("settle");
            foreach (ConsumerClient client in _clients.Where(static client => client.IsClassic))
                client.Vanish();
            foreach (ConsumerClient client in _clients.Where(static client => client.IsClassic))
                client.UseOtherProtocol();
            for (int round = 0; round < 200; round++)
            {
                foreach (ConsumerClient client in _clients)
                {
                    client.GiveUp(isWilling: true);
                    Go(client, isLost: false);
                    Check();
                }
                _bench.AdvanceSeconds(1);
                Check();
                if (_bench.State.Image.Consumer is { State: ConsumerGroupState.Stable } group && group.Members.Count == _clients.Count
                    && _clients.All(client => group.Members.GetValueOrDefault(client.MemberId) is { } member && member.Assigned.SetEquals(client.Owned)))
                {
                    AssertComplete(group);
                    return;
                }
            }
            Assert.Fail($"the group did not become stable: {_bench.State.Image.Consumer?.State}, {string.Join(", ", _clients)}");
        }

        /// <summary>Each partition of a topic that somebody subscribes to is assigned, and to a subscriber.</summary>
        private void AssertComplete(ConsumerGroup group)
        {
            HashSet<TopicPartition> expected = [.. group.Members.Values.SelectMany(static member => member.SubscribedTopics).Distinct()
                .Select(name => _bench.Catalog.Find(name)!)
                .SelectMany(static topic => Enumerable.Range(0, topic.OpenPartitionCount).Select(i => new TopicPartition(topic.Id, i)))];
            Assert.Equal(expected, group.Owners.Keys.ToHashSet());
            foreach (ConsumerMember member in group.Members.Values)
            {
                Assert.True(member.Assigned.SetEquals(member.Target));
                Assert.All(member.Assigned, partition => Assert.Contains(_bench.Catalog.Find(partition.TopicId)!.Name, member.SubscribedTopics));
            }
        }

        private void Note(string what) => Log.Add(what);
    }
}

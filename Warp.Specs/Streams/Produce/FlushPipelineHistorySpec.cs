using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Specs.Actors;
using Warp.Specs.Hosting;
using Warp.Streams.Produce;
using Xunit;

namespace Warp.Specs.Streams.Produce;

/// <summary>
/// Random schedules: whatever store and journal do, and whenever the node goes and comes back, nothing that was acknowledged is lost,
/// doubled or out of order.
/// </summary>
public sealed class FlushPipelineHistorySpec
{
    private const int SchedulesAtATime = 5;
    private const int SchedulesOfAWorld = 25;
    private const int RestartsOfAWorld = 3;

    [Fact]
    public async Task Acknowledged_batches_are_in_the_log_once_and_in_order()
    {
        int seed = TestRun.TakeSeed();
        int worlds = TestRun.IsLong ? 80 : 8;
        int troubles = 0;
        for (int i = 0; i < worlds; i++)
            troubles += await RunWorldAsync(unchecked((seed * 397) ^ i));
        Assert.True(troubles > worlds * SchedulesOfAWorld, "The faults did not reach the producers: this tested nothing.");
        Assert.True(ReusedRequest.RecycledCount > troubles, "Requests were hardly ever used again.");
    }

    /// <summary>Runs schedules in one world, each with a topic and producers of its own, and checks the logs after a restart.</summary>
    private static async Task<int> RunWorldAsync(int seed)
    {
        var random = new Random(seed);
        var settings = new FlushSettings(
            TimeSpan.FromMilliseconds(random.Next(0, 40)), random.Next(200, 5000), random.Next(0, 50), PutsInFlight: random.Next(1, 6));
        await using StreamsWorld world = await StreamsWorld.StartAsync(settings, new HastyTime(10), shards: random.Next(1, 5));
        var schedules = new List<Schedule>();
        for (int i = 0; i < SchedulesOfAWorld; i++)
            schedules.Add(new Schedule(world, await world.OpenTopicAsync(3), random.Next()));
        world.Store.Script = new RandomPuts(random.Next()).DecideAsync;
        world.Journal.FailNext(RandomFaults(random));
        Task load = RunAsync(schedules);
        for (int i = 0; i < RestartsOfAWorld; i++)
        {
            await Task.WhenAny(load, Task.Delay(random.Next(300)));
            await world.RestartAsync();
            world.Journal.FailNext(RandomFaults(random));
        }
        await load;
        await Wait.UntilAsync(() => world.Batches.Live == 0, StreamsWorld.Patience, "all buffers to be given back");
        // The journal behind the new process has no faults.
        await world.RestartAsync();
        int troubles = 0;
        foreach (Schedule schedule in schedules)
            troubles += await schedule.CheckAsync();
        return troubles;
    }

    private static async Task RunAsync(List<Schedule> schedules)
    {
        foreach (Schedule[] group in schedules.Chunk(SchedulesAtATime))
            await Task.WhenAll(group.Select(static schedule => schedule.RunAsync()));
    }

    /// <summary>More than a run needs, one append in eleven with a fault.</summary>
    private static AppendFault[] RandomFaults(Random random)
    {
        int kinds = Enum.GetValues<AppendFault>().Length;
        return [.. Enumerable.Range(0, 20_000).Select(_ => random.Next(11) == 0 ? (AppendFault)random.Next(1, kinds) : AppendFault.None)];
    }

    /// <summary>A topic, and those who write to it at the same time.</summary>
    private sealed class Schedule
    {
        private readonly StreamsWorld _world;
        private readonly TopicPartition[] _topic;
        private readonly List<IdempotentClient> _clients = [];
        private readonly List<(TopicPartition Partition, long Offset, string Value)> _plain = [];

        public Schedule(StreamsWorld world, TopicPartition[] topic, int seed)
        {
            _world = world;
            _topic = topic;
            var random = new Random(seed);
            int clients = random.Next(2, 5);
            for (int i = 0; i < clients; i++)
            {
                TopicPartition partition = topic[random.Next(topic.Length)];
                _clients.Add(new IdempotentClient(world, partition, producerId: i, random.Next(5, 20), new Random(random.Next())));
            }
        }

        public Task RunAsync() => Task.WhenAll([.. _clients.Select(static client => client.RunAsync()), WritePlainAsync()]);

        /// <summary>Checks the logs; the answer is how often producers had to try again.</summary>
        public async Task<int> CheckAsync()
        {
            foreach (TopicPartition partition in _topic)
            {
                List<LogEntry> log = await _world.ReadLogAsync(partition);
                foreach (IdempotentClient client in _clients.Where(client => client.Partition == partition))
                    client.Check(log);
                foreach ((TopicPartition at, long offset, string value) in _plain)
                    Assert.True(at != partition || log[(int)offset].Value == value);
            }
            return _clients.Sum(static client => client.Troubles);
        }

        /// <summary>Writes without idempotence: what is acknowledged is where the answer says; what fails may be there, too.</summary>
        private async Task WritePlainAsync()
        {
            for (int i = 0; i < 15; i++)
            {
                TopicPartition partition = _topic[i % _topic.Length];
                BatchAnswer answer = await _world.ProduceAsync(partition, SampleBatches.Build($"plain {i}"));
                Assert.True(answer.Error == ErrorCode.None || answer.Error.IsRetriable());
                if (answer.Error == ErrorCode.None)
                    _plain.Add((partition, answer.BaseOffset, $"plain {i}"));
                else
                    await Task.Delay(5);
            }
        }
    }

    /// <summary>Puts that take their time, and fail in every way. Thread-safe.</summary>
    private sealed class RandomPuts(int seed)
    {
        private readonly Lock _lock = new();
        private readonly Random _random = new(seed);

        public async Task<PutFate> DecideAsync(string key)
        {
            int chance;
            int delay;
            lock (_lock)
            {
                chance = _random.Next(100);
                delay = _random.Next(16);
            }
            if (delay < 8)
                await Task.Delay(delay);
            return chance switch
            {
                < 8 => PutFate.FailForNow,
                < 16 => PutFate.StoreButFail,
                < 24 => PutFate.FailForGood,
                _ => PutFate.Store,
            };
        }
    }
}

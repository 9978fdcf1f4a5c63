using BenchmarkDotNet.Attributes;
using Warp.Actors.Kernel;

namespace Warp.Bench.Micro;

/// <summary>An actor's mailbox: messages that nobody waits for, and questions.</summary>
public class MailboxBenchmarks
{
    private const int Tells = 1000;

    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(10);

    private ActorSystem _system = null!;
    private ActorRef<Message> _actor = null!;

    [GlobalSetup]
    public void Setup()
    {
        _system = new ActorSystem(TimeProvider.System, new Random(1));
        _actor = _system.Spawn<Message>("bench", static () => new Counter());
    }

    /// <summary>A thousand messages, and the wait until they have been handled; the time is for one of them.</summary>
    [Benchmark(OperationsPerInvoke = Tells)]
    public async Task<long> Tell()
    {
        for (int i = 0; i < Tells - 1; i++)
            _actor.Tell(Message.Increment.Instance);
        return await Ask();
    }

    [Benchmark]
    public Task<long> Ask() => _actor.AskAsync<long>(static reply => new Message.Read(reply), s_deadline, CancellationToken.None);

    [GlobalCleanup]
    public void Cleanup() => _system.DisposeAsync().AsTask().Wait();

    private abstract record Message
    {
        public sealed record Increment : Message
        {
            public static readonly Increment Instance = new();
        }

        public sealed record Read(Reply<long> Reply) : Message, IAsk
        {
            public void Fail(Exception error) => Reply.Fail(error);
        }
    }

    private sealed class Counter : Actor<Message>
    {
        private long _count;

        protected override ValueTask ReceiveAsync(Message message)
        {
            _count++;
            if (message is Message.Read read)
                read.Reply.Set(_count);
            return ValueTask.CompletedTask;
        }
    }
}

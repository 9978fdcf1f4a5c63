using System.Threading.Channels;
using Warp.Streams.Objects;

namespace Warp.Specs.Streams.Produce;

/// <summary>A store whose puts do what a test says, and whose reads can be made to fail.</summary>
/// <param name="clock">Dates the objects; the real one when left out.</param>
/// <param name="inner">Does the work; one in memory when left out.</param>
internal sealed class ScriptedObjectStore(TimeProvider? clock = null, IObjectStore? inner = null) : IObjectStore
{
    private readonly IObjectStore _inner = inner ?? new MemoryObjectStore(clock ?? TimeProvider.System);
    private readonly Channel<HeldPut> _held = Channel.CreateUnbounded<HeldPut>();
    private int _putsUnderWay;
    private int _mostPutsUnderWay;
    private int _puts;
    private int _gets;

    public string Description => "scripted:";

    /// <summary>Decides each put; it stores at once when left out.</summary>
    public Func<string, Task<PutFate>>? Script { get; set; }

    /// <summary>What reading an object fails with; null for no failure.</summary>
    public Func<string, Exception?>? ReadFailure { get; set; }

    /// <summary>What deleting objects fails with; null for no failure.</summary>
    public Func<Exception?>? DeleteFailure { get; set; }

    /// <summary>When set, reads wait for it.</summary>
    public Task ReadGate { get; set; } = Task.CompletedTask;

    /// <summary>Sees the bytes of each put before it is decided.</summary>
    public Action<IReadOnlyList<ReadOnlyMemory<byte>>>? OnContent { get; set; }

    /// <summary>Puts so far, those that failed too.</summary>
    public int Puts => Volatile.Read(ref _puts);

    /// <summary>Reads of ranges so far.</summary>
    public int Gets => Volatile.Read(ref _gets);

    /// <summary>The most puts that were under way at the same time.</summary>
    public int MostPutsUnderWay => Volatile.Read(ref _mostPutsUnderWay);

    /// <summary>From now on every put waits until the test has decided it; see <see cref="NextPutAsync"/>.</summary>
    public void HoldPuts() => Script = async key =>
    {
        var held = new HeldPut(key);
        await _held.Writer.WriteAsync(held);
        return await held.Fate;
    };

    /// <summary>The next put that waits for a decision.</summary>
    public Task<HeldPut> NextPutAsync(CancellationToken cancellationToken) =>
        _held.Reader.ReadAsync(cancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(60), cancellationToken);

    /// <summary>Whether a put waits that nobody has taken.</summary>
    public bool AnyHeld => _held.Reader.TryPeek(out _);

    /// <summary>The keys of the objects of a level.</summary>
    public async Task<List<string>> KeysAsync(int level = 0) =>
        await _inner.ListAsync($"l{level}/", null, CancellationToken.None).Select(static info => info.Key).ToListAsync();

    /// <summary>Puts bytes as they are, past the script.</summary>
    public Task AddAsync(string key, IReadOnlyList<ReadOnlyMemory<byte>> content) => _inner.PutAsync(key, content, CancellationToken.None);

    public async Task<PutOutcome> PutAsync(string key, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _puts);
        OnContent?.Invoke(content);
        Raise(Interlocked.Increment(ref _putsUnderWay));
        try
        {
            switch (Script is { } script ? await script(key) : PutFate.Store)
            {
                case PutFate.Store:
                    return await _inner.PutAsync(key, content, cancellationToken);
                case PutFate.StoreButFail:
                    await _inner.PutAsync(key, content, cancellationToken);
                    throw new ObjectStoreException(Description, key, "The reply was lost.", isTransient: true);
                case PutFate.FailForNow:
                    throw new ObjectStoreException(Description, key, "Come again.", isTransient: true);
                default:
                    throw new ObjectStoreException(Description, key, "No.", isTransient: false);
            }
        }
        finally
        {
            Interlocked.Decrement(ref _putsUnderWay);
        }
    }

    public async Task<int> GetRangeAsync(string key, long position, Memory<byte> destination, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _gets);
        await ReadGate.WaitAsync(cancellationToken);
        if (ReadFailure?.Invoke(key) is { } failure)
            throw failure;
        return await _inner.GetRangeAsync(key, position, destination, cancellationToken);
    }

    public Task<byte[]> GetAsync(string key, CancellationToken cancellationToken) => _inner.GetAsync(key, cancellationToken);

    public Task<long?> HeadAsync(string key, CancellationToken cancellationToken) => _inner.HeadAsync(key, cancellationToken);

    public Task<IMultipartUpload> StartUploadAsync(string key, CancellationToken cancellationToken) =>
        _inner.StartUploadAsync(key, cancellationToken);

    public Task<int> AbortUploadsAsync(string prefix, DateTimeOffset startedBefore, CancellationToken cancellationToken) =>
        _inner.AbortUploadsAsync(prefix, startedBefore, cancellationToken);

    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? startAfter, CancellationToken cancellationToken) =>
        _inner.ListAsync(prefix, startAfter, cancellationToken);

    public Task DeleteAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken) =>
        DeleteFailure?.Invoke() is { } failure ? Task.FromException(failure) : _inner.DeleteAsync(keys, cancellationToken);

    public ValueTask DisposeAsync() => _inner.DisposeAsync();

    private void Raise(int underWay)
    {
        int most = Volatile.Read(ref _mostPutsUnderWay);
        while (underWay > most && Interlocked.CompareExchange(ref _mostPutsUnderWay, underWay, most) is var found && found != most)
            most = found;
    }
}

/// <summary>What becomes of a put.</summary>
internal enum PutFate
{
    Store,

    /// <summary>The object is stored, but whoever put it hears of a failure.</summary>
    StoreButFail,

    /// <summary>Nothing is stored; trying again may help.</summary>
    FailForNow,

    /// <summary>Nothing is stored, and trying again does not help.</summary>
    FailForGood,
}

/// <summary>A put that waits for the test's decision.</summary>
internal sealed class HeldPut(string key)
{
    private readonly TaskCompletionSource<PutFate> _fate = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Key { get; } = key;

    public Task<PutFate> Fate => _fate.Task;

    public void End(PutFate fate) => _fate.SetResult(fate);
}

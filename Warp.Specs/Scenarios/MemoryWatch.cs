using Warp.Specs.Hosting;

namespace Warp.Specs.Scenarios;

/// <summary>Reads a node's resident memory from its metrics four times a second, until disposed.</summary>
public sealed class MemoryWatch : IDisposable
{
    private static readonly TimeSpan _period = TimeSpan.FromMilliseconds(250);

    private readonly WarpProcess _node;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private readonly List<double> _bytes = [];
    private readonly Task _watching;

    public MemoryWatch(WarpProcess node)
    {
        _node = node;
        _watching = WatchAsync();
    }

    /// <summary>The most that was seen.</summary>
    public double HighestBytes
    {
        get
        {
            lock (_lock)
                return _bytes.Count == 0 ? 0 : _bytes.Max();
        }
    }

    public void Dispose()
    {
        _stopping.Cancel();
        _watching.Wait();
        _stopping.Dispose();
    }

    /// <summary>The highest of each tenth of the time, in MB: whether it grows.</summary>
    public override string ToString()
    {
        lock (_lock)
        {
            var tenths = _bytes.Chunk(Math.Max(1, (_bytes.Count + 9) / 10));
            return string.Join(" ", tenths.Select(static part => $"{part.Max() / 1e6:F0}")) + " MB";
        }
    }

    private async Task WatchAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                var metrics = await _node.MetricsAsync();
                lock (_lock)
                    _bytes.Add(metrics["process_resident_memory_bytes"]);
            }
            catch (HttpRequestException)
            {
                return; // the node has gone, which is for the test to notice
            }
            await Task.Delay(_period, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}

using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Warp.Specs.Hosting;

namespace Warp.Specs.Clients.Matrix;

/// <summary>A kcat that consumes in a group until it is told to end; prints partition and offset of each record. Thread-safe.</summary>
internal sealed partial class KcatMember : IDisposable
{
    private readonly Lock _lock = new();
    private readonly SortedSet<int> _assignment = [];
    private readonly List<ConsumedPosition> _consumed = [];
    private readonly StringBuilder _errors = new();
    private readonly Process _process;

    public KcatMember(string[] arguments)
    {
        _process = new Process
        {
            StartInfo = new("kcat", arguments) { RedirectStandardOutput = true, RedirectStandardError = true },
        };
        _process.OutputDataReceived += (_, line) => AddConsumed(line.Data);
        _process.ErrorDataReceived += (_, line) => FollowRebalances(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <exception cref="ClientCallException">It has ended.</exception>
    public MemberAnswer State
    {
        get
        {
            lock (_lock)
                return _process.HasExited ? throw new ClientCallException(null, $"{_errors}") : new([.. _assignment], [.. _consumed]);
        }
    }

    /// <summary>Lets it leave the group and end.</summary>
    public async Task CloseAsync(CancellationToken cancellation)
    {
        Signal.Send(_process, Signal.Term);
        await _process.WaitForExitAsync(cancellation);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    private void AddConsumed(string? line)
    {
        if (line?.Split(' ') is not [var partition, var offset])
            return; // the end of the stream
        lock (_lock)
            _consumed.Add(new(Number(partition), Number(offset)));
    }

    private void FollowRebalances(string? line)
    {
        if (line is null)
            return;
        lock (_lock)
        {
            _errors.AppendLine(line);
            if (RebalanceLine().Match(line) is not { Success: true } match)
                return;
            var partitions = PartitionNumber().Matches(match.Groups["partitions"].Value).Select(each => Number(each.Groups[1].Value));
            switch (match.Groups["event"].Value)
            {
                case "assigned":
                    _assignment.Clear();
                    _assignment.UnionWith(partitions);
                    break;
                case "incremental assignment":
                    _assignment.UnionWith(partitions);
                    break;
                default:
                    _assignment.ExceptWith(partitions);
                    break;
            }
        }
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^% Group \S+ rebalanced.*?: (?<event>assigned|revoked|incremental \w+)(?<partitions>.*)$")]
    private static partial Regex RebalanceLine();

    [GeneratedRegex(@"\[(\d+)\]")]
    private static partial Regex PartitionNumber();
}

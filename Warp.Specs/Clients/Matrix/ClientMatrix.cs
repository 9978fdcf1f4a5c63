using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Clients.Matrix;

/// <summary>
/// All clients on one node. The first test of an area lets every client undergo all checks of the area, the clients side by side, since
/// they mostly wait. When the tests are done, the results are in <c>TestResults/client-matrix.md</c>, and
/// beside it, in <c>client-matrix.log</c>, what the node has said.
/// </summary>
public sealed class ClientMatrix : IAsyncLifetime
{
    private static readonly TimeSpan _checkTimeout = TimeSpan.FromSeconds(TestRun.IsLong ? 300 : 45);

    private readonly ConcurrentDictionary<(string Client, string Check), TaskCompletionSource<MatrixResult>> _results = new();
    private readonly Dictionary<MatrixArea, Task> _runs = [];
    private readonly Dictionary<string, CheckContext> _contexts = [];
    private readonly CancellationTokenSource _stopping = new();
    private WarpProcess? _node;
    private ConfluentDriver? _reference;

    /// <summary>The names of an area's checks, in the order in which a client undergoes them.</summary>
    public static IEnumerable<string> ChecksOf(MatrixArea area) => (area switch
    {
        MatrixArea.Records => [.. RecordChecks.All, .. AdminChecks.All, .. CrossChecks.All((_, _) => Task.CompletedTask)],
        _ => GroupChecks.All.Concat(GroupChecks.AfterRestart),
    }).Select(check => check.Name);

    public async ValueTask InitializeAsync()
    {
        _node = await WarpProcess.StartAsync();
        _reference = new ConfluentDriver(_node.Bootstrap);
        // By default the first rebalance of a group waits 3 s for more members: too long for the many groups of the checks.
        var cluster = await _reference.DescribeClusterAsync(_stopping.Token);
        await _reference.SetBrokerConfigAsync(cluster.Controller, "group.initial.rebalance.delay.ms", "0");
        foreach (string client in MatrixClients.All)
            _contexts.Add(client, new(client, MatrixClients.Start(client, _node.Bootstrap), _reference, _node.Bootstrap));
    }

    /// <summary>The result of a check, as soon as it is there. The tests of a collection ask one after another.</summary>
    public async Task<MatrixResult> ResultAsync(MatrixArea area, string client, string check)
    {
        if (!_runs.TryGetValue(area, out var run))
            _runs.Add(area, run = RunAsync(area, Task.WhenAll(_runs.Values)));
        var result = ResultOf(client, check).Task;
        if (await Task.WhenAny(result, run) == run)
            await run; // throws what kept it from the check
        return await result;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_runs.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        try
        {
            await WriteResultsAsync();
        }
        finally
        {
            foreach (var context in _contexts.Values)
                await context.Driver.DisposeAsync();
            if (_reference is not null)
                await _reference.DisposeAsync();
            if (_node is not null)
                await _node.DisposeAsync();
            _stopping.Dispose();
        }
    }

    private async Task RunAsync(MatrixArea area, Task before)
    {
        await before;
        if (area == MatrixArea.Records)
        {
            await RunAllAsync([.. RecordChecks.All, .. AdminChecks.All, .. CrossChecks.All(FinishAsync)]);
        }
        else
        {
            await RunAllAsync(GroupChecks.All);
            await _node!.KillAsync();
            await _node.StartAgainAsync();
            await RunAllAsync(GroupChecks.AfterRestart);
        }
    }

    private Task RunAllAsync(IReadOnlyList<MatrixCheck> checks) => Task.WhenAll(_contexts.Values.Select(context => Task.Run(async () =>
    {
        foreach (var check in checks.Where(check => ClientGaps.Find(context.Client, check.Name) is null))
            ResultOf(context.Client, check.Name).SetResult(await RunAsync(check, context));
    })));

    private async Task<MatrixResult> RunAsync(MatrixCheck check, CheckContext context)
    {
        var elapsed = Stopwatch.StartNew();
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        timeout.CancelAfter(_checkTimeout);
        try
        {
            await check.Run(context, timeout.Token).WaitAsync(timeout.Token);
            return new(null, elapsed.Elapsed);
        }
        catch (Exception failure)
        {
            return new(ExceptionDispatchInfo.Capture(failure), elapsed.Elapsed);
        }
    }

    private async Task FinishAsync(string client, string check) => (await ResultOf(client, check).Task).Failure?.Throw();

    private TaskCompletionSource<MatrixResult> ResultOf(string client, string check) =>
        _results.GetOrAdd((client, check), static _ => new(TaskCreationOptions.RunContinuationsAsynchronously));

    // The table is written for a client that is missing, too: its checks have failed.
    private static async Task<string> VersionOfAsync(IClientDriver driver)
    {
        using var timeout = new CancellationTokenSource(_checkTimeout);
        try
        {
            return await driver.VersionAsync(timeout.Token);
        }
        catch (Exception failure) when (failure is InvalidOperationException or Win32Exception or ClientCallException)
        {
            return "(missing)";
        }
    }

    private async Task WriteResultsAsync()
    {
        var versions = new List<string>();
        foreach (var context in _contexts.Values)
            versions.Add(await VersionOfAsync(context.Driver));
        string folder = Path.Combine(Repository.Root, "TestResults");
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "client-matrix.md"), MatrixTable.Render(versions, Find));
        await File.WriteAllTextAsync(Path.Combine(folder, "client-matrix.log"), _node!.Output);

        MatrixResult? Find(string client, string check) =>
            _results.TryGetValue((client, check), out var result) && result.Task.IsCompleted ? result.Task.Result : null;
    }
}

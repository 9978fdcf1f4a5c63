using System.Net.Sockets;
using Warp.Load;
using Warp.Load.Broker;
using Warp.Load.Client;
using Warp.Load.Reporting;
using Warp.Node.Configuration;

namespace Warp.Node.Cli;

/// <summary><c>warp bench</c>: puts a load on a running broker, Warp or not, and prints what it has come to.</summary>
public static class BenchCommand
{
    /// <summary>How long a broker may take to answer at all.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    /// <summary>Runs the load until its time is over or it is stopped; then what was measured until then is printed.</summary>
    /// <param name="arguments">The broker and the load.</param>
    /// <param name="surroundings">Where the result goes.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns><see cref="ExitCode.Failed"/> when requests were refused or not answered; the result says which.</returns>
    /// <exception cref="ConfigurationException">The load makes no sense, or nobody answers at an address.</exception>
    public static async Task<int> RunAsync(
        BenchArguments arguments, CommandSurroundings surroundings, TimeProvider time, CancellationToken cancellationToken)
    {
        LoadPlan plan = arguments.Plan;
        if (plan.Problem() is { } problem)
            throw new ConfigurationException($"{problem} (warp bench --help shows how)");
        using var broker = new RunningBroker(arguments.Bootstrap.EndPoint, arguments.Metrics);
        try
        {
            await ProbeAsync(arguments.Bootstrap, time, cancellationToken);
            await ProbeMetricsAsync(broker, arguments.Metrics);
            if (!arguments.Json)
                await surroundings.Output.WriteAsync($"load on {arguments.Bootstrap}, {LoadReport.Introduce(plan)}");
            LoadResult result = await LoadRun.RunAsync(plan, broker, time, cancellationToken);
            await surroundings.Output.WriteAsync(arguments.Json ? LoadReport.WriteJson(plan, result) : LoadReport.Write(plan, result));
            return result.Problems.Count == 0 ? ExitCode.Ok : ExitCode.Failed;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await surroundings.Error.WriteLineAsync("warp: stopped before anything was measured");
            return ExitCode.Ok;
        }
    }

    /// <summary>Connects once, so that a wrong address is told apart from what goes wrong later.</summary>
    private static async Task ProbeAsync(HostPort address, TimeProvider time, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(s_patience, time);
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            await using KafkaClient client = await KafkaClient.ConnectAsync(address.EndPoint, "warp-bench", giveUp.Token);
        }
        catch (SocketException e)
        {
            throw new ConfigurationException(
                $"no broker answers at {address} ({e.Message}); --bootstrap takes its address for Kafka clients");
        }
        catch (Exception e) when (e is IOException or KafkaException)
        {
            string why = (e.InnerException ?? e).Message.TrimEnd('.');
            throw new ConfigurationException(
                $"what listens at {address} is no Kafka broker, or one that asks for TLS or a password ({why})");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ConfigurationException($"the broker at {address} did not answer within {s_patience.TotalSeconds} s");
        }
    }

    private static async Task ProbeMetricsAsync(RunningBroker broker, Uri? metrics)
    {
        try
        {
            await broker.ReadCountersAsync();
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or InvalidDataException)
        {
            string why = e.InnerException is SocketException socket ? socket.Message : e.Message.TrimEnd('.');
            throw new ConfigurationException(
                $"no Warp node tells its metrics at {metrics} ({why}); --metrics takes its HTTP address (warp.http.listen)");
        }
    }
}

/// <summary>A load and the broker that gets it; <paramref name="Metrics"/> null is for a broker that is no Warp, or cannot be asked.</summary>
public sealed record BenchArguments(HostPort Bootstrap, Uri? Metrics, LoadPlan Plan, bool Json);

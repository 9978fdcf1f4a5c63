using System.Diagnostics;
using System.Text;
using Confluent.Kafka;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Deploy;

/// <summary><c>deploy/local-cluster.sh</c> runs a cluster that works, and leaves nothing behind.</summary>
public sealed class LocalClusterSpec
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(90);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Three_nodes_take_and_serve_records_and_end_together()
    {
        int port = FreePorts.TakeRow(10);
        var output = new StringBuilder();
        using Process script = Start("3", "--base-port", $"{port}", "--zones", "a,b", "--warp", Path.Combine(AppContext.BaseDirectory, "warp.dll"));
        script.OutputDataReceived += (_, line) => Append(line.Data);
        script.ErrorDataReceived += (_, line) => Append(line.Data);
        script.BeginOutputReadLine();
        script.BeginErrorReadLine();
        try
        {
            await Wait.UntilAsync(() => Text().Contains("deletes the data", StringComparison.Ordinal) || script.HasExited, s_patience, "the nodes");
            string bootstrap = $"127.0.0.1:{port},127.0.0.1:{port + 1},127.0.0.1:{port + 2}";
            Assert.Contains($"bootstrap.servers   {bootstrap}\n", Text());

            using (var producer = new ProducerBuilder<Null, string>(new ProducerConfig { BootstrapServers = $"127.0.0.1:{port}" }).Build())
            {
                for (int i = 0; i < 10; i++)
                    await producer.ProduceAsync("tried", new() { Value = $"{i}" }, Cancellation);
            }
            using var consumer = new ConsumerBuilder<Ignore, string>(
                new ConsumerConfig { BootstrapServers = $"127.0.0.1:{port + 2}", GroupId = "tried", AutoOffsetReset = AutoOffsetReset.Earliest }).Build();
            consumer.Subscribe("tried");
            for (int i = 0; i < 10; i++)
                Assert.Equal($"{i}", consumer.Consume(Cancellation).Message.Value);
        }
        finally
        {
            Signal.Send(script, Signal.Term);
            await script.WaitForExitAsync(CancellationToken.None).WaitAsync(s_patience, CancellationToken.None);
        }
        Assert.Equal(0, script.ExitCode);
        string folder = Text().Split('\n').First(static line => line.Contains("logs ", StringComparison.Ordinal)).Split(' ')[^1];
        Assert.False(Directory.Exists(Path.GetDirectoryName(folder)));
        foreach (string id in Text().Split('\n').First(static line => line.Contains("pids ", StringComparison.Ordinal)).Split(' ')[^3..])
            Assert.Throws<ArgumentException>(() => Process.GetProcessById(int.Parse(id)));

        string Text()
        {
            lock (output)
                return output.ToString();
        }

        void Append(string? line)
        {
            lock (output)
                output.Append(line).Append('\n');
        }
    }

    [Theory]
    [InlineData("0", "'0' is neither a number of nodes")]
    [InlineData("--bogus", "'--bogus' is neither a number of nodes")]
    [InlineData("--dir", "--dir needs a value")]
    public async Task Wrong_arguments_are_told_in_one_line(string argument, string line)
    {
        using Process script = Start(argument);
        string errors = await script.StandardError.ReadToEndAsync(Cancellation);
        await script.WaitForExitAsync(Cancellation);
        Assert.Equal(2, script.ExitCode);
        Assert.StartsWith($"local-cluster: {line}", Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    [Fact]
    public async Task Its_help_is_its_first_lines()
    {
        using Process script = Start("--help");
        string help = await script.StandardOutput.ReadToEndAsync(Cancellation);
        await script.WaitForExitAsync(Cancellation);
        Assert.Equal(0, script.ExitCode);
        Assert.StartsWith("Runs a whole cluster on this machine", help);
        Assert.Contains("--base-port P", help);
        Assert.DoesNotContain("pipefail", help);
    }

    private static Process Start(params string[] arguments) => Process.Start(
        new ProcessStartInfo(Path.Combine(Repository.Root, "deploy", "local-cluster.sh"), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
}

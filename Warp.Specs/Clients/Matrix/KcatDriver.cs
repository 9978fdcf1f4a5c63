using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Warp.Specs.Clients.Matrix;

/// <summary>Drives the command line client kcat: each call is a process, and each member of a group is one that stays.</summary>
public sealed partial class KcatDriver(string bootstrap) : IClientDriver
{
    // No record of the checks contains these.
    private const string KeyDelimiter = "\u001f\u001e\u001f\u001f\u001e\u001f";
    private const string RecordDelimiter = "\u001e\u001f\u001e\u001e\u001f\u001e";

    private readonly Dictionary<string, KcatMember> _members = [];

    public async Task<string> VersionAsync(CancellationToken cancellation)
    {
        string text = Encoding.UTF8.GetString(await RunAsync(["-V"], cancellation));
        return VersionNumbers().Match(text) is { Success: true } match
            ? $"{match.Groups["kcat"].Value} (librdkafka {match.Groups["librdkafka"].Value})"
            : throw new InvalidOperationException($"kcat -V says {text}");
    }

    public async Task ProduceAsync(ProduceCall call, CancellationToken cancellation)
    {
        // One process gives all its records the same headers, and makes either all or none of its empty fields null.
        foreach (var run in SplitIntoRuns(call.Records))
        {
            string file = Path.GetTempFileName();
            try
            {
                await File.WriteAllBytesAsync(file, [.. run.SelectMany(Line)], cancellation);
                List<string> arguments =
                [
                    "-P", "-t", call.Topic, "-p", call.Partition?.ToString(CultureInfo.InvariantCulture) ?? "-1", "-z", call.Codec,
                    "-X", $"acks={call.Acks}", "-X", $"enable.idempotence={(call.Idempotent ? "true" : "false")}",
                    "-K", KeyDelimiter, "-D", RecordDelimiter, "-l", file,
                ];
                if (HasNull(run[0]))
                    arguments.Add("-Z");
                foreach (var header in run[0].Headers)
                    arguments.AddRange(["-H", $"{header.Name}={Encoding.UTF8.GetString(header.Value!)}"]);
                await RunAsync(arguments, cancellation);
            }
            finally
            {
                File.Delete(file);
            }
        }
    }

    public async Task<IReadOnlyList<IReadOnlyList<MatrixRecord>>> ReadAsync(
        string topic, int partition, IReadOnlyList<string> positions, CancellationToken cancellation)
    {
        var runs = new List<IReadOnlyList<MatrixRecord>>();
        foreach (string position in positions)
        {
            string start = position.StartsWith("time:", StringComparison.Ordinal) ? $"s@{position[5..]}" : position;
            byte[] output = await RunAsync(
                ["-C", "-t", topic, "-p", $"{partition}", "-o", start, "-e", "-q", "-X", "check.crcs=true", "-X", "fetch.wait.max.ms=100",
                    "-f", KcatRecords.Format],
                cancellation);
            runs.Add(KcatRecords.Parse(output));
        }
        return runs;
    }

    public async Task<WatermarksAnswer> WatermarksAsync(string topic, int partition, CancellationToken cancellation) =>
        new(await OffsetForTimeAsync(topic, partition, -2, cancellation), await OffsetForTimeAsync(topic, partition, -1, cancellation));

    public async Task<long> OffsetForTimeAsync(string topic, int partition, long timestampMs, CancellationToken cancellation)
    {
        using var answer = await RunForJsonAsync(["-Q", "-J", "-t", $"{topic}:{partition}:{timestampMs}"], cancellation);
        return answer.RootElement.GetProperty(topic).GetProperty($"{partition}").GetProperty("offset").GetInt64();
    }

    public async Task<ClusterAnswer> DescribeClusterAsync(CancellationToken cancellation)
    {
        using var answer = await RunForJsonAsync(["-L", "-J"], cancellation);
        var brokers = answer.RootElement.GetProperty("brokers").EnumerateArray().Select(broker => broker.GetProperty("id").GetInt32());
        return new(null, answer.RootElement.GetProperty("controllerid").GetInt32(), [.. brokers]);
    }

    public async Task<IReadOnlyList<string>> ListTopicsAsync(CancellationToken cancellation)
    {
        using var answer = await RunForJsonAsync(["-L", "-J"], cancellation);
        return [.. answer.RootElement.GetProperty("topics").EnumerateArray().Select(topic => topic.GetProperty("topic").GetString()!)];
    }

    public async Task<IReadOnlyList<PartitionAnswer>> DescribeTopicAsync(string topic, CancellationToken cancellation)
    {
        using var answer = await RunForJsonAsync(["-L", "-J", "-t", topic], cancellation);
        return
        [
            .. answer.RootElement.GetProperty("topics")[0].GetProperty("partitions").EnumerateArray().Select(each => new PartitionAnswer(
                each.GetProperty("partition").GetInt32(),
                each.GetProperty("leader").GetInt32(),
                [.. each.GetProperty("replicas").EnumerateArray().Select(replica => replica.GetProperty("id").GetInt32())])),
        ];
    }

    public Task StartMemberAsync(MemberCall call, CancellationToken cancellation)
    {
        string[] arguments =
        [
            "-b", bootstrap, "-G", call.Group, "-u", "-f", "%p %o\\n", "-X", "auto.offset.reset=earliest", "-X", "session.timeout.ms=6000",
            "-X", $"partition.assignment.strategy={call.Assignor}", "-X", $"enable.auto.commit={(call.AutoCommit ? "true" : "false")}",
            "-X", "heartbeat.interval.ms=300", "-X", "fetch.wait.max.ms=100", "-X", "auto.commit.interval.ms=200",
            "-X", "topic.metadata.refresh.interval.ms=500",
            .. call.Instance is null ? Array.Empty<string>() : ["-X", $"group.instance.id={call.Instance}"], call.Topic,
        ];
        _members.Add(call.Member, new KcatMember(arguments));
        return Task.CompletedTask;
    }

    public Task<MemberAnswer> MemberStateAsync(string member, CancellationToken cancellation) => Task.FromResult(_members[member].State);

    public async Task CloseMemberAsync(string member, CancellationToken cancellation)
    {
        _members.Remove(member, out var closing);
        using (closing)
            await closing!.CloseAsync(cancellation);
    }

    public ValueTask DisposeAsync()
    {
        foreach (var member in _members.Values)
            member.Dispose();
        return ValueTask.CompletedTask;
    }

    [GeneratedRegex(@"Version (?<kcat>[\d.]+).*librdkafka (?<librdkafka>[\d.]+)")]
    private static partial Regex VersionNumbers();

    private static bool HasNull(MatrixRecord record) => record.Key is null || record.Value is null;

    private static List<List<MatrixRecord>> SplitIntoRuns(IReadOnlyList<MatrixRecord> records)
    {
        var runs = new List<List<MatrixRecord>>();
        foreach (var record in records)
        {
            if (runs is [.., [var first, ..]] && HasNull(first) == HasNull(record) && SameHeaders(first, record))
                runs[^1].Add(record);
            else
                runs.Add([record]);
        }
        return runs;
    }

    private static bool SameHeaders(MatrixRecord one, MatrixRecord other) =>
        one.Headers.Count == other.Headers.Count
        && one.Headers.Zip(other.Headers).All(pair =>
            pair.First.Name == pair.Second.Name && pair.First.Value.AsSpan().SequenceEqual(pair.Second.Value));

    private static byte[] Line(MatrixRecord record) =>
        [.. record.Key ?? [], .. Encoding.ASCII.GetBytes(KeyDelimiter), .. record.Value ?? [], .. Encoding.ASCII.GetBytes(RecordDelimiter)];

    private async Task<JsonDocument> RunForJsonAsync(List<string> arguments, CancellationToken cancellation) =>
        JsonDocument.Parse(await RunAsync(arguments, cancellation));

    private async Task<byte[]> RunAsync(List<string> arguments, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo("kcat", ["-b", bootstrap, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        try
        {
            var errors = process.StandardError.ReadToEndAsync(cancellation);
            using var output = new MemoryStream();
            await process.StandardOutput.BaseStream.CopyToAsync(output, cancellation);
            await process.WaitForExitAsync(cancellation);
            return process.ExitCode == 0 ? output.ToArray() : throw Failure(await errors);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
    }

    private static ClientCallException Failure(string errors) =>
        new(errors.Contains("Broker: Message size too large", StringComparison.Ordinal) ? 10 : null, errors);
}

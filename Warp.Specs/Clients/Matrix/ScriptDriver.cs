using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Warp.Specs.Hosting;

namespace Warp.Specs.Clients.Matrix;

/// <summary>
/// A driver in a process of its own, in the language of its client: a line of JSON is a call, a line of JSON is its answer
/// (<c>Scripts/driver.py</c> describes them). The process starts with the first call, and anew after one that was given up.
/// </summary>
public sealed class ScriptDriver(string interpreter, string script, string bootstrap) : IClientDriver
{
    private static readonly JsonSerializerOptions _json = new(JsonSerializerDefaults.Web);
    private static readonly JsonSerializerOptions _arguments = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private readonly StringBuilder _errors = new();
    private Process? _process;

    public Task<string> VersionAsync(CancellationToken cancellation) => CallAsync<string>("version", new { }, cancellation);

    public Task ProduceAsync(ProduceCall call, CancellationToken cancellation)
    {
        var records = call.Records.Select(record => JsonSerializer.SerializeToElement(record, _json));
        return CallAsync(
            "produce", new { call.Topic, call.Partition, call.Codec, call.Acks, call.Idempotent, Records = records }, cancellation);
    }

    public async Task<IReadOnlyList<IReadOnlyList<MatrixRecord>>> ReadAsync(
        string topic, int partition, IReadOnlyList<string> positions, CancellationToken cancellation) =>
        await CallAsync<List<List<MatrixRecord>>>("read", new { topic, partition, positions }, cancellation);

    public Task<WatermarksAnswer> WatermarksAsync(string topic, int partition, CancellationToken cancellation) =>
        CallAsync<WatermarksAnswer>("watermarks", new { topic, partition }, cancellation);

    public Task<long> OffsetForTimeAsync(string topic, int partition, long timestampMs, CancellationToken cancellation) =>
        CallAsync<long>("offset_for_time", new { topic, partition, timestampMs }, cancellation);

    public Task<ClusterAnswer> DescribeClusterAsync(CancellationToken cancellation) =>
        CallAsync<ClusterAnswer>("describe_cluster", new { }, cancellation);

    public Task CreateTopicAsync(
        string topic, int partitions, IReadOnlyDictionary<string, string> configs, CancellationToken cancellation) =>
        CallAsync("create_topic", new { topic, partitions, configs }, cancellation);

    public Task<IReadOnlyList<string>> ListTopicsAsync(CancellationToken cancellation) =>
        CallAsync<IReadOnlyList<string>>("list_topics", new { }, cancellation);

    public Task<IReadOnlyList<PartitionAnswer>> DescribeTopicAsync(string topic, CancellationToken cancellation) =>
        CallAsync<IReadOnlyList<PartitionAnswer>>("describe_topic", new { topic }, cancellation);

    public Task CreatePartitionsAsync(string topic, int total, CancellationToken cancellation) =>
        CallAsync("create_partitions", new { topic, total }, cancellation);

    public Task<IReadOnlyDictionary<string, string?>> DescribeConfigsAsync(string topic, CancellationToken cancellation) =>
        CallAsync<IReadOnlyDictionary<string, string?>>("describe_configs", new { topic }, cancellation);

    public Task AlterConfigsAsync(string topic, IReadOnlyDictionary<string, string> configs, CancellationToken cancellation) =>
        CallAsync("alter_configs", new { topic, configs }, cancellation);

    public Task ChangeConfigsAsync(string topic, IReadOnlyDictionary<string, string> configs, CancellationToken cancellation) =>
        CallAsync("change_configs", new { topic, configs }, cancellation);

    public Task DeleteRecordsAsync(string topic, int partition, long before, CancellationToken cancellation) =>
        CallAsync("delete_records", new { topic, partition, before }, cancellation);

    public Task DeleteTopicAsync(string topic, CancellationToken cancellation) =>
        CallAsync("delete_topic", new { topic }, cancellation);

    public Task<int> CountReassignmentsAsync(string topic, CancellationToken cancellation) =>
        CallAsync<int>("count_reassignments", new { topic }, cancellation);

    public Task StartMemberAsync(MemberCall call, CancellationToken cancellation) => CallAsync("start_member", call, cancellation);

    public Task<MemberAnswer> MemberStateAsync(string member, CancellationToken cancellation) =>
        CallAsync<MemberAnswer>("member_state", new { member }, cancellation);

    public Task CommitMemberAsync(string member, CancellationToken cancellation) =>
        CallAsync("commit_member", new { member }, cancellation);

    public Task CloseMemberAsync(string member, CancellationToken cancellation) => CallAsync("close_member", new { member }, cancellation);

    public Task<long?> CommittedAsync(string group, string topic, int partition, CancellationToken cancellation) =>
        CallAsync<long?>("committed", new { group, topic, partition }, cancellation);

    public Task<IReadOnlyList<string>> ListGroupsAsync(CancellationToken cancellation) =>
        CallAsync<IReadOnlyList<string>>("list_groups", new { }, cancellation);

    public Task<GroupAnswer> DescribeGroupAsync(string group, CancellationToken cancellation) =>
        CallAsync<GroupAnswer>("describe_group", new { group }, cancellation);

    public Task<IReadOnlyDictionary<int, long>> GroupOffsetsAsync(string group, string topic, CancellationToken cancellation) =>
        CallAsync<IReadOnlyDictionary<int, long>>("group_offsets", new { group, topic }, cancellation);

    public Task SetGroupOffsetAsync(string group, string topic, int partition, long offset, CancellationToken cancellation) =>
        CallAsync("set_group_offset", new { group, topic, partition, offset }, cancellation);

    public Task DeleteGroupAsync(string group, CancellationToken cancellation) => CallAsync("delete_group", new { group }, cancellation);

    public ValueTask DisposeAsync()
    {
        Stop();
        return ValueTask.CompletedTask;
    }

    private Task CallAsync(string call, object arguments, CancellationToken cancellation) =>
        CallAsync<JsonElement>(call, arguments, cancellation);

    private async Task<T> CallAsync<T>(string call, object arguments, CancellationToken cancellation)
    {
        _process ??= Start();
        string request = JsonSerializer.Serialize(
            new { call, arguments = JsonSerializer.SerializeToElement(arguments, arguments.GetType(), _arguments) }, _json);
        string? line;
        try
        {
            await _process.StandardInput.WriteLineAsync(request.AsMemory(), cancellation);
            await _process.StandardInput.FlushAsync(cancellation);
            line = await _process.StandardOutput.ReadLineAsync(cancellation);
        }
        catch (Exception failure) when (failure is OperationCanceledException or IOException)
        {
            throw Lost($"{script} did not answer {call}: {failure.Message}");
        }
        var answer = JsonSerializer.Deserialize<Answer<T>>(line ?? throw Lost($"{script} has ended in {call}"), _json)!;
        return answer.Error is null ? answer.Result! : throw new ClientCallException(answer.Code, answer.Error);
    }

    private Process Start()
    {
        var start = new ProcessStartInfo(interpreter)
        {
            ArgumentList = { Path.Combine(AppContext.BaseDirectory, "Clients", "Matrix", "Scripts", script), bootstrap },
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            Environment =
            {
                ["NODE_PATH"] = Path.Combine(Repository.Root, ".test-deps", "node", "node_modules"),
                ["PYTHONDONTWRITEBYTECODE"] = "1",
            },
        };
        var process = new Process { StartInfo = start };
        process.ErrorDataReceived += (_, line) =>
        {
            lock (_errors)
                _errors.AppendLine(line.Data);
        };
        process.Start();
        process.BeginErrorReadLine();
        return process;
    }

    private InvalidOperationException Lost(string message)
    {
        Stop();
        lock (_errors)
            return new InvalidOperationException($"{message}\n{_errors}");
    }

    private void Stop()
    {
        if (_process is null)
            return;
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _process = null;
    }

    private sealed record Answer<T>(T? Result, string? Error, int? Code);
}

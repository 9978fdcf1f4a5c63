using System.Globalization;
using Spectre.Console;
using Warp.Actors.Maintenance;
using Warp.Node.Control.Reports;

namespace Warp.Node.Cli.Ctl;

/// <summary>
/// Prints answers for people: in a terminal as tables that fit into it, elsewhere as columns however wide, so that grep and awk can work with
/// them.
/// </summary>
internal sealed class CtlTables
{
    private const string None = "-";

    private readonly IAnsiConsole _console;
    private readonly bool _isTerminal;

    /// <param name="output">Where to.</param>
    /// <param name="isTerminal">Whether somebody sees it there.</param>
    public CtlTables(TextWriter output, bool isTerminal)
    {
        _isTerminal = isTerminal;
        _console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output),
            Ansi = isTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            Interactive = InteractionSupport.No,
        });
        if (!isTerminal)
            _console.Profile.Width = 100_000;
    }

    public void Write(ClusterReport report)
    {
        Note(report.JournalProblem);
        Table table = Columns("NODE", "STATE", "ZONE", "GROUP", "ROLES", "SHARDS", "SINGLETONS", "KAFKA", "HTTP", "VERSION", "HEARD");
        foreach (NodeReport node in report.Nodes)
        {
            string state = node.Unreached.Count == 0 ? node.State : $"{node.State}, does not reach {string.Join(" ", node.Unreached)}";
            Row(
                table,
                node.Id == report.AnsweredBy ? $"{node.Id} *" : $"{node.Id}",
                state,
                node.Zone ?? None,
                node.Group,
                node.Roles.Count == 4 ? "all" : string.Join(Comma, node.Roles),
                $"{node.Shards}",
                node.Singletons.Count == 0 ? None : string.Join(Comma, node.Singletons),
                node.Kafka,
                node.Http,
                Version(node.Version),
                node.SecondsSinceHeard is { } seconds ? $"{Text(seconds)} s ago" : None);
        }
        _console.Write(table);
        Line($"Cluster {report.ClusterId}; * answers; "
            + (report.Coordinator is { } coordinator ? $"node {coordinator} coordinates the shards" : "no node coordinates the shards at this moment")
            + $"; feature level {report.FeatureLevel}");
    }

    public void Write(ShardsReport report)
    {
        Note(report.JournalProblem);
        bool named = report.Shards.Any(static shard => shard.Singleton is not null);
        Table table = named
            ? Columns("SINGLETON", "SHARD", "STATE", "NODE", "ASSIGNED", "EPOCH", "LEASE")
            : Columns("SHARD", "STATE", "NODE", "ASSIGNED", "EPOCH", "LEASE");
        foreach (ShardReport shard in report.Shards)
        {
            string[] cells =
            [
                $"{shard.Shard}",
                shard.State,
                Text(shard.Owner),
                Text(shard.AssignedTo),
                $"{shard.Epoch}",
                shard.LeaseSeconds is { } seconds ? $"{Text(seconds)} s" : None,
            ];
            Row(table, shard.Singleton is null ? cells : [shard.Singleton, .. cells]);
        }
        _console.Write(table);
    }

    public void Write(DoneReport report) => Line(report.Message);

    public void Write(MovesReport report)
    {
        Line(report.Message);
        if (report.Moves.Count < 3)
            return;
        Table table = Columns("SHARD", "TO NODE");
        foreach (MoveReport move in report.Moves)
            Row(table, $"{move.Shard}", Text(move.To));
        _console.Write(table);
    }

    public void Write(TopicsReport report)
    {
        if (report.Topics is not [{ Logs: { } logs } topic])
        {
            Table topics = Columns("TOPIC", "PARTITIONS", "REPLICATION", "CREATED", "CONFIGS", "ID");
            foreach (TopicReport one in report.Topics)
                Row(topics, one.Name, $"{one.Partitions}", $"{one.ReplicationFactor}", Text(one.Created), Configs(one), $"{one.Id}");
            _console.Write(topics);
            return;
        }
        Line($"Topic {topic.Name}, id {topic.Id}, made {Text(topic.Created)}, configs: {Configs(topic)}");
        Table table = Columns("PARTITION", "SHARD", "NODE", "START", "END", "STABLE", "BYTES");
        foreach (LogReport log in logs)
        {
            string[] ends = log.Error is null
                ? [$"{log.LogStart}", $"{log.HighWatermark}", $"{log.LastStable}", $"{log.Bytes}"]
                : [log.Error, None, None, None];
            Row(table, [$"{log.Partition}", $"{log.Shard}", Text(log.Owner), .. ends]);
        }
        _console.Write(table);
    }

    public void Write(GroupsReport report)
    {
        foreach (string problem in report.Problems)
            Note(problem);
        Table table = Columns("GROUP", "STATE", "TYPE", "ASSIGNOR", "MEMBERS", "COORDINATOR");
        foreach (GroupReport group in report.Groups)
        {
            Row(
                table,
                group.Id,
                group.State,
                group.Type,
                group.Assignor.Length == 0 ? None : group.Assignor,
                $"{group.MemberCount}",
                $"{group.Coordinator}");
        }
        _console.Write(table);
        if (report.Groups is not [{ Members: { } members, Offsets: { } offsets }])
            return;
        if (members.Count > 0)
        {
            Table people = Columns("MEMBER", "INSTANCE", "CLIENT", "HOST", "PARTITIONS");
            foreach (MemberReport member in members)
            {
                Row(
                    people,
                    member.Id,
                    member.InstanceId ?? None,
                    member.ClientId,
                    member.ClientHost,
                    member.Partitions.Count == 0 ? None : string.Join(" ", member.Partitions));
            }
            _console.Write(people);
        }
        if (offsets.Count == 0)
            return;
        Table lags = Columns("TOPIC", "PARTITION", "COMMITTED", "END", "LAG");
        foreach (OffsetReport offset in offsets)
            Row(lags, offset.Topic, $"{offset.Partition}", $"{offset.Committed}", Text(offset.End), Text(offset.Lag));
        _console.Write(lags);
    }

    public void Write(CompactionStatus status)
    {
        Line($"{(status.IsPaused ? "Paused" : "Running")}: {status.Running.Count} jobs under way, {status.Waiting.Count} waiting, "
            + $"{status.WaitingWorkers} idle workers; {status.Finished} finished, {status.Failed} failed since the planner started"
            + $"{(status.LastLookAt is { } looked ? $"; last look {Text(looked)}" : "")}");
        if (status.LastFailure is { } failure)
            Line($"Last failure: {failure}");
        if (status.NotBefore is { } moment)
            Line($"No job begins before {Text(moment)}");
        if (status.Unreadable.Count > 0)
            Line($"Left alone for a while, since they cannot be read: {string.Join(" ", status.Unreadable)}");
        if (status.Objects.Count > 0)
        {
            Table levels = Columns("LEVEL", "OBJECTS", "BYTES", "LIVE BYTES");
            foreach (CompactionLevelStatus level in status.Objects)
                Row(levels, $"{level.Level}", $"{level.Objects}", $"{level.Bytes}", $"{level.LiveBytes}");
            _console.Write(levels);
        }
        if (status.Running.Count == 0)
            return;
        Table jobs = Columns("JOB", "NODE", "TO LEVEL", "INPUTS", "BYTES", "STARTED");
        foreach (CompactionJobStatus job in status.Running)
        {
            Row(
                jobs,
                $"{job.JobId}",
                Text(job.NodeId),
                $"{job.Level}",
                $"{job.Inputs}",
                $"{job.InputBytes}",
                job.StartedAt is { } started ? Text(started) : None);
        }
        _console.Write(jobs);
    }

    public void Write(JournalReport report)
    {
        Table table = Columns("", "");
        table.ShowHeaders = false;
        Row(table, "journal", report.Journal);
        Row(table, "store", report.Store);
        Row(table, "belong together", report.Objection is null ? "yes" : $"NO: {report.Objection}");
        Row(table, "cluster", report.ClusterId);
        Row(table, "lineage", $"{report.Lineage}");
        Row(table, "feature level", $"{report.FeatureLevel}");
        Row(table, "shards", $"{report.ShardCount}, by {report.EntityHash}");
        Row(table, "database time", report.DatabaseTime.ToString("yyyy-MM-dd HH:mm:ss.fffZ", CultureInfo.InvariantCulture));
        Row(table, "node's clock", report.ClockOffsetSeconds >= 0
            ? $"{report.ClockOffsetSeconds.ToString("F3", CultureInfo.InvariantCulture)} s ahead"
            : $"{(-report.ClockOffsetSeconds).ToString("F3", CultureInfo.InvariantCulture)} s behind");
        Row(table, "round trip", $"{Text(report.RoundTripMilliseconds)} ms");
        Row(table, "leases renewed", $"{Text(report.SecondsSinceRenewal)} s ago");
        _console.Write(table);
    }

    /// <summary>In a terminal cells are broken at spaces.</summary>
    private string Comma => _isTerminal ? ", " : ",";

    private static string Text(int? value) => value?.ToString(CultureInfo.InvariantCulture) ?? None;

    private static string Text(long? value) => value?.ToString(CultureInfo.InvariantCulture) ?? None;

    private static string Text(double value) => value.ToString("F1", CultureInfo.InvariantCulture);

    private static string Text(DateTimeOffset value) => value.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ssZ", CultureInfo.InvariantCulture);

    /// <summary>The version without more of the commit than tells it from others.</summary>
    private static string Version(string whole) => whole.Length - whole.IndexOf('+') > 8 && whole.Contains('+') ? whole[..(whole.IndexOf('+') + 8)] : whole;

    private static string Configs(TopicReport topic) =>
        topic.Configs.Count == 0 ? None : string.Join(" ", topic.Configs.Select(static config => $"{config.Key}={config.Value}"));

    private static void Row(Table table, params string[] cells) => table.AddRow([.. cells.Select(static cell => new Text(cell))]);

    private Table Columns(params string[] names)
    {
        var table = new Table { Border = _isTerminal ? TableBorder.Rounded : TableBorder.None };
        foreach (string name in names)
            table.AddColumn(new TableColumn(new Text(name)) { Padding = new Padding(_isTerminal ? 1 : 0, 0, _isTerminal ? 1 : 2, 0) });
        return table;
    }

    private void Note(string? problem)
    {
        if (problem is not null)
            Line(problem);
    }

    private void Line(string text) => _console.WriteLine(text);
}

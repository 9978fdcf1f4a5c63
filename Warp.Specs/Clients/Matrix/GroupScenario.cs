using System.Diagnostics;
using Xunit;

namespace Warp.Specs.Clients.Matrix;

/// <summary>A topic and a consumer group on it, whose members are run by the client at hand. One caller at a time.</summary>
internal sealed class GroupScenario
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(30);

    private readonly CheckContext _context;
    private readonly CancellationToken _cancellation;
    private readonly Dictionary<string, MemberAnswer> _members = [];
    private readonly HashSet<ConsumedPosition> _consumed = [];
    private readonly long[] _produced;

    private GroupScenario(CheckContext context, string name, int partitions, CancellationToken cancellation)
    {
        _context = context;
        _cancellation = cancellation;
        _produced = new long[partitions];
        Name = context.Own(name);
    }

    /// <summary>Of the topic, and of the group.</summary>
    public string Name { get; }

    /// <summary>Creates the topic.</summary>
    public static async Task<GroupScenario> CreateAsync(CheckContext context, string name, int partitions, CancellationToken cancellation)
    {
        var scenario = new GroupScenario(context, name, partitions, cancellation);
        await context.PrepareTopicAsync(name, cancellation, partitions);
        return scenario;
    }

    /// <summary>Goes on with what a scenario of that name has left: so many records in one partition.</summary>
    public static GroupScenario Continue(CheckContext context, string name, long produced, CancellationToken cancellation)
    {
        var scenario = new GroupScenario(context, name, 1, cancellation);
        scenario._produced[0] = produced;
        return scenario;
    }

    /// <summary>Produces so many records to each partition.</summary>
    public async Task ProduceAsync(int count)
    {
        var records = Enumerable.Range(0, count).Select(n => MatrixRecord.Of(null, $"value {n}")).ToList();
        await Task.WhenAll(_produced.Select((_, partition) =>
            _context.Reference.ProduceAsync(new(Name, partition, records), _cancellation)));
        for (int partition = 0; partition < _produced.Length; partition++)
            _produced[partition] += count;
    }

    public Task StartAsync(string member, string assignor = "range", string? instance = null, bool autoCommit = false)
    {
        _members[member] = new([], []);
        return _context.Driver.StartMemberAsync(
            new($"{Name} {member}", Name, Name, assignor, instance, autoCommit), _cancellation);
    }

    public Task CommitAsync(string member) => _context.Driver.CommitMemberAsync($"{Name} {member}", _cancellation);

    public Task CloseAsync(string member)
    {
        _members.Remove(member);
        return _context.Driver.CloseMemberAsync($"{Name} {member}", _cancellation);
    }

    /// <summary>Waits until the members have so many partitions each, every partition at one member.</summary>
    public Task AssignedAsync(params int[] counts) => UntilAsync(
        () => _members.Values.Select(member => member.Assignment.Count).Order().SequenceEqual(counts.Order())
            && _members.Values.SelectMany(member => member.Assignment).Distinct().Count() == _produced.Length,
        $"assignments of {string.Join(" and ", counts)} partitions");

    /// <summary>Waits until all that was produced has been consumed by some member.</summary>
    public Task ConsumedAsync() => UntilAsync(
        () => _produced.Select((count, partition) => _consumed.Count(each => each.Partition == partition) == count).All(all => all),
        $"{_produced.Sum()} records to be consumed");

    /// <summary>The partitions of a member, ascending.</summary>
    public async Task<IReadOnlyList<int>> AssignmentAsync(string member) =>
        (await _context.Driver.MemberStateAsync($"{Name} {member}", _cancellation)).Assignment;

    /// <summary>What a member has consumed, as soon as that is so many records.</summary>
    public async Task<IReadOnlyList<ConsumedPosition>> ConsumedByAsync(string member, int count)
    {
        await UntilAsync(() => _members[member].Consumed.Count >= count, $"{count} records at {member}");
        return _members[member].Consumed;
    }

    /// <summary>Waits until the group's committed offset in partition 0 is the given one, as the reference client sees it.</summary>
    public async Task CommittedAsync(long offset)
    {
        long? committed = null;
        for (var elapsed = Stopwatch.StartNew(); committed != offset; await Task.Delay(_interval, _cancellation))
        {
            Assert.True(elapsed.Elapsed < _patience, $"waited in vain for a commit of {offset}; {committed} is committed");
            var offsets = await _context.Reference.GroupOffsetsAsync(Name, Name, _cancellation);
            committed = offsets.TryGetValue(0, out long found) ? found : null;
        }
    }

    private async Task UntilAsync(Func<bool> condition, string what)
    {
        for (var elapsed = Stopwatch.StartNew(); ; await Task.Delay(_interval, _cancellation))
        {
            foreach (string member in _members.Keys.ToList())
            {
                _members[member] = await _context.Driver.MemberStateAsync($"{Name} {member}", _cancellation);
                _consumed.UnionWith(_members[member].Consumed);
            }
            if (condition())
                return;
            Assert.True(elapsed.Elapsed < _patience, $"waited in vain for {what}; {string.Join("; ", _members.Select(Show))}");
        }
    }

    private static string Show(KeyValuePair<string, MemberAnswer> member) =>
        $"{member.Key} has partitions {string.Join(", ", member.Value.Assignment)} and {member.Value.Consumed.Count} records";
}

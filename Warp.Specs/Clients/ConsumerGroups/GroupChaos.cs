using System.Diagnostics;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Clients.ConsumerGroups;

/// <summary>
/// One group of five consumer processes on a topic under steady load, whose members come, leave, are killed, and are paused past the
/// session timeout. Checks after each change that the rebalance ended in time, and that only a member that was killed or paused can
/// have left records that are processed again.
/// </summary>
internal sealed class GroupChaos : IAsyncDisposable
{
    private const int MemberCount = 5;

    private readonly GroupLoad _load;
    private readonly Random _random;
    private readonly TimeSpan _session;
    private readonly TimeSpan _rebalance;
    private readonly Dictionary<string, string> _settings;
    private readonly List<MemberProcess> _members = [];
    private readonly List<MemberProcess> _disturbed = [];
    private readonly List<string> _log = [];

    /// <param name="bootstrap">The node.</param>
    /// <param name="load">What is consumed.</param>
    /// <param name="random">Chooses what happens to whom.</param>
    /// <param name="session">After which silence a member is given up.</param>
    /// <param name="rebalance">How long members may take to give up partitions.</param>
    /// <param name="settings">Of the consumers, apart from the address.</param>
    public GroupChaos(
        string bootstrap, GroupLoad load, Random random, TimeSpan session, TimeSpan rebalance, IReadOnlyDictionary<string, string> settings)
    {
        (_load, _random, _session, _rebalance) = (load, random, session, rebalance);
        _settings = new Dictionary<string, string>(settings)
        {
            ["bootstrap.servers"] = bootstrap,
            ["group.id"] = load.Topic,
            ["auto.offset.reset"] = "earliest",
            ["enable.auto.offset.store"] = "false",
            ["auto.commit.interval.ms"] = "200",
            ["max.poll.interval.ms"] = $"{rebalance.TotalMilliseconds}",
        };
    }

    private enum Change
    {
        Add,
        Close,
        Kill,
        Pause,
    }

    /// <summary>What happened and how long it took, a line each.</summary>
    public IReadOnlyList<string> Log => _log;

    /// <summary>Makes so many changes, then lets the group finish.</summary>
    public async Task RunAsync(int changes)
    {
        for (int i = 0; i < MemberCount; i++)
            _members.Add(Start());
        await StableAsync("the start", TimeSpan.FromSeconds(60), []);
        var deck = new Queue<Change>();
        for (int i = 1; i <= changes; i++)
        {
            if (deck.Count == 0)
                deck = new Queue<Change>(Shuffled());
            Change change = deck.Dequeue();
            int doubled = _load.Doubled.Count;
            await MakeAsync(change, i);
            // Whoever took over has read past all that its predecessor may have processed without a commit.
            long[] ends = _load.Ends;
            await Wait.UntilAsync(() => _load.HasPassed(ends), _session + _rebalance, $"records after change {i} ({change}) of {_load.Topic}");
            if (change is Change.Add or Change.Close)
                Assert.Equal(doubled, _load.Doubled.Count);
        }
        await _load.StopAsync();
        await Wait.UntilAsync(() => _load.Missed.Count == 0, TimeSpan.FromSeconds(60), $"every record of {_load.Topic} to be seen");
        int before = _load.Doubled.Count;
        await Task.WhenAll(_members.Select(static member => member.CloseAsync()));
        _log.Add($"{_load.Topic}: {_load.DeliveredCount} records, {before} of them more than once after kills and pauses");
        Assert.All(_members.Except(_disturbed), static member => Assert.Empty(member.Errors));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (MemberProcess member in _members)
            await member.DisposeAsync();
    }

    private Change[] Shuffled()
    {
        Change[] changes = Enum.GetValues<Change>();
        _random.Shuffle(changes);
        return changes;
    }

    private MemberProcess Start() => new(_load.Topic, _settings, _load.Seen);

    private async Task MakeAsync(Change change, int number)
    {
        MemberProcess member = _members[_random.Next(_members.Count)];
        string what = $"change {number} ({change})";
        switch (change)
        {
            case Change.Add:
                _members.Add(Start());
                await StableAsync(what, _rebalance, []);
                break;
            case Change.Close:
                _members.Remove(member);
                await member.CloseAsync();
                await member.DisposeAsync();
                await StableAsync(what, _rebalance, []);
                break;
            case Change.Kill:
                _members.Remove(member);
                await member.KillAsync();
                await member.DisposeAsync();
                _members.Add(Start());
                await StableAsync(what, _session + _rebalance, []);
                break;
            default:
                _disturbed.Add(member);
                member.Pause();
                await StableAsync(what, _session + _rebalance, [member]);
                member.Resume();
                await StableAsync($"change {number} (Resume)", _rebalance, []);
                break;
        }
    }

    /// <summary>Waits until the members, without those that are away, have every partition among them, each one its own.</summary>
    private async Task StableAsync(string after, TimeSpan timeout, IReadOnlyCollection<MemberProcess> away)
    {
        var elapsed = Stopwatch.StartNew();
        List<MemberProcess> present = [.. _members.Except(away)];
        await Wait.UntilAsync(
            () => present.All(static member => member.Assigned.Count > 0)
                && present.SelectMany(static member => member.Assigned).Order().SequenceEqual(Enumerable.Range(0, GroupLoad.PartitionCount)),
            timeout,
            $"every partition of {_load.Topic} to have one of {present.Count} members after {after}");
        _log.Add($"{_load.Topic}: {after}: {present.Count} members, stable after {elapsed.Elapsed.TotalSeconds:F1} s");
    }
}

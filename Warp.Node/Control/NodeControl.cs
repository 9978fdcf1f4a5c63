using Microsoft.Extensions.Logging;
using Warp.Actors.Cluster;
using Warp.Actors.Groups;
using Warp.Node.Handlers;
using Warp.Node.Hosting;

namespace Warp.Node.Control;

/// <summary>What operators can ask and tell a running node. Thread-safe.</summary>
internal sealed class NodeControl
{
    private readonly TaskCompletionSource _leaveRequested = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly NodeCluster _cluster;

    /// <param name="services">The node.</param>
    /// <param name="times">Its time constants.</param>
    /// <param name="time">Its own clock.</param>
    public NodeControl(NodeServices services, TimeConstants times, TimeProvider time)
    {
        NodeCluster cluster = _cluster = services.Cluster;
        var sequencers = new SequencerQuestions(cluster.Region, services.System.Loggers.CreateLogger<SequencerQuestions>());
        Survey = new GroupSurvey(cluster.Groups, cluster.Published);
        Nodes = new ClusterControl(cluster, times, Leave);
        Shards = new ShardControl(cluster, times);
        Topics = new TopicQueries(cluster, sequencers);
        Groups = new GroupQueries(cluster, Survey, sequencers);
        Store = new StoreControl(cluster, services.Collection, services.Collector);
        Journal = new JournalQueries(cluster, services.Collection.Store, time);
    }

    /// <summary>Ends when this node's process is to drain and end, for good.</summary>
    public Task LeaveRequested => _leaveRequested.Task;

    /// <summary>This node's number.</summary>
    public int NodeId => _cluster.Node.NodeId;

    public ClusterControl Nodes { get; }

    public ShardControl Shards { get; }

    public TopicQueries Topics { get; }

    public GroupQueries Groups { get; }

    public GroupSurvey Survey { get; }

    public StoreControl Store { get; }

    public JournalQueries Journal { get; }

    /// <summary>Has this node's process drain and end, and its row removed.</summary>
    public void Leave()
    {
        _cluster.LeavesForGood = true;
        _leaveRequested.TrySetResult();
    }
}

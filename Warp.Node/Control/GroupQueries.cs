using Warp.Actors.Catalog;
using Warp.Actors.Cluster;
using Warp.Actors.Cluster.Peers;
using Warp.Actors.Groups;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Node.Control.Reports;
using Warp.Node.Handlers;
using Warp.Node.Hosting;
using Warp.Protocol.Messages;

namespace Warp.Node.Control;

/// <summary>Shows the groups of all nodes. Thread-safe.</summary>
internal sealed class GroupQueries(NodeCluster cluster, GroupSurvey survey, SequencerQuestions sequencers)
{
    private static readonly TimeSpan s_call = TimeSpan.FromSeconds(10);

    public async Task<GroupsReport> ListAsync(CancellationToken cancellationToken)
    {
        ClusterMembers members = cluster.Membership.Current;
        var problems = new List<string>();
        NodeIncarnation[] nodes = [.. members.Live.Select(static row => row.Node).Append(cluster.Node).Distinct()];
        (NodeIncarnation Node, SurveyGroupsResponse? Answer)[] answers = await Task.WhenAll(nodes.Select(async node =>
        {
            try
            {
                return (node, (SurveyGroupsResponse?)await AskAsync(node, null, cancellationToken));
            }
            catch (PeerCallException error)
            {
                lock (problems)
                    problems.Add($"Node {node.NodeId} does not tell of its groups: {error.Message}");
                return (node, null);
            }
        }));
        IEnumerable<GroupReport> groups =
            from answer in answers
            where answer.Answer is not null
            from found in answer.Answer.Groups
            orderby found.GroupId
            select Report(answer.Node, found, null, null);
        return new GroupsReport([.. groups.DistinctBy(static group => group.Id)], problems);
    }

    /// <exception cref="ControlException">There is no such group, or nobody can tell of it at this moment.</exception>
    public async Task<GroupsReport> ShowAsync(string id, CancellationToken cancellationToken)
    {
        if (cluster.Groups.HomeOf(id).Owner is not { } owner)
            throw ControlException.Unavailable($"No node coordinates the group {id} at this moment; try again in some seconds.");
        SurveyGroupsResponse.SurveyedGroup group = (await AskAsync(owner, id, cancellationToken)).Groups.FirstOrDefault()
            ?? throw ControlException.NotFound($"There is no group {id}; `groups` lists them.");
        CatalogImage image = cluster.Published.Current;
        var offsets = (
            from entry in @group.Offsets
            let topic = image.Find(entry.Partition.TopicId)
            where topic is not null
            orderby topic.Name, entry.Partition.Partition
            select (Topic: topic.Name, Partition: Of(entry.Partition), Committed: entry.Offset)).ToList();
        LogEnds[] ends = await sequencers.DescribeLogsAsync([.. offsets.Select(static entry => entry.Partition)], cancellationToken);
        return new GroupsReport(
            [
                Report(
                    owner,
                    group,
                    [.. group.Members.Select(member => Report(image, member))],
                    [.. offsets.Zip(ends, static (entry, end) => Report(entry.Topic, entry.Partition.Partition, entry.Committed, end))]),
            ],
            []);
    }

    private async Task<SurveyGroupsResponse> AskAsync(NodeIncarnation node, string? groupId, CancellationToken cancellationToken) =>
        node == cluster.Node
            ? await survey.RunAsync(groupId, cancellationToken)
            : await cluster.RequirePeers().CallAsync<SurveyGroupsResponse>(
                node, new SurveyGroupsRequest { GroupId = groupId }, s_call, cancellationToken);

    private static GroupReport Report(
        NodeIncarnation node,
        SurveyGroupsResponse.SurveyedGroup group,
        IReadOnlyList<MemberReport>? members,
        IReadOnlyList<OffsetReport>? offsets) =>
        new(group.GroupId, group.Type, group.State, group.Assignor, node.NodeId, group.MemberCount, members, offsets);

    private static MemberReport Report(CatalogImage image, SurveyGroupsResponse.SurveyedMember member) => new(
        member.MemberId,
        member.InstanceId,
        member.ClientId,
        member.ClientHost,
        [
            .. from partition in member.Partitions
               let topic = image.Find(partition.TopicId)
               where topic is not null
               orderby topic.Name, partition.Partition
               select $"{topic.Name}-{partition.Partition}",
        ]);

    private static OffsetReport Report(string topic, int partition, long committed, LogEnds end) => end.Error == ErrorCode.None
        ? new OffsetReport(topic, partition, committed, end.HighWatermark, Math.Max(0, end.HighWatermark - committed))
        : new OffsetReport(topic, partition, committed, null, null);

    private static TopicPartition Of(PeerPartition partition) => new(partition.TopicId, partition.Partition);
}

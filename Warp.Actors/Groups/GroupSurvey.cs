using System.Collections.Immutable;
using Warp.Actors.Catalog;
using Warp.Actors.Cluster.Peers;
using Warp.Actors.Kernel;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Actors.Groups;

/// <summary>Tells of the groups that this node coordinates, to operators here and on other nodes.</summary>
public sealed class GroupSurvey(GroupRegion groups, PublishedCatalog catalog) : IPeerHandler
{
    private static readonly TimeSpan s_ask = TimeSpan.FromSeconds(5);

    public ApiKey ApiKey => PrivateApis.SurveyGroups;

    public async ValueTask<IResponse> HandleAsync(IRequest request, PeerContext context) =>
        await RunAsync(((SurveyGroupsRequest)request).GroupId, context.CancellationToken);

    /// <summary>All groups in short, or one with its members and offsets; none where there is no such group here.</summary>
    public async Task<SurveyGroupsResponse> RunAsync(string? groupId, CancellationToken cancellationToken)
    {
        IEnumerable<string> ids = groupId is null ? groups.GroupIds : [groupId];
        SurveyGroupsResponse.SurveyedGroup?[] found = await Task.WhenAll(
            ids.Select(id => DescribeAsync(id, isWhole: groupId is not null, cancellationToken)));
        return new SurveyGroupsResponse { Groups = [.. found.OfType<SurveyGroupsResponse.SurveyedGroup>()] };
    }

    private async Task<SurveyGroupsResponse.SurveyedGroup?> DescribeAsync(string id, bool isWhole, CancellationToken cancellationToken)
    {
        try
        {
            if (groups.Find(id) is not { } group
                || await group.AskAsync<GroupDescription?>(static reply => new GroupMessage.Describe(reply), s_ask, cancellationToken) is not { } says)
            {
                return null;
            }
            var answer = new SurveyGroupsResponse.SurveyedGroup
            {
                GroupId = id,
                Type = says.Type,
                State = says.State,
                Assignor = says.ProtocolName,
                MemberCount = says.Consumer?.Members.Count ?? says.Members.Count,
            };
            if (!isWhole)
                return answer;
            answer.Members = MembersOf(says);
            ImmutableDictionary<TopicPartition, CommittedOffset> offsets =
                await group.AskAsync<ImmutableDictionary<TopicPartition, CommittedOffset>>(
                    static reply => new GroupMessage.ReadOffsets(reply), s_ask, cancellationToken);
            answer.Offsets =
            [
                .. offsets.Select(static entry => new SurveyGroupsResponse.SurveyedOffset
                {
                    Partition = Of(entry.Key),
                    Offset = entry.Value.Offset,
                }),
            ];
            return answer;
        }
        catch (Exception error) when (error is NotCoordinatorException or ActorStoppedException)
        {
            // Its shard has just moved, or comes: it is told of there, or the next time.
            return null;
        }
    }

    private List<SurveyGroupsResponse.SurveyedMember> MembersOf(GroupDescription says) => says.Consumer is { } consumer
        ?
        [
            .. consumer.Members.Values.Select(static member => new SurveyGroupsResponse.SurveyedMember
            {
                MemberId = member.Id,
                InstanceId = member.InstanceId,
                ClientId = member.ClientId,
                ClientHost = member.ClientHost,
                Partitions = [.. member.Assigned.Select(Of)],
            }),
        ]
        :
        [
            .. says.Members.Select(member => new SurveyGroupsResponse.SurveyedMember
            {
                MemberId = member.Id,
                InstanceId = member.InstanceId,
                ClientId = member.ClientId,
                ClientHost = member.ClientHost,
                // What other protocols than that of consumers assign is known to their members alone.
                Partitions = [.. (ConsumerPayloads.ReadAssignment(member.Assignment, catalog.Current) ?? PartitionSets.Empty).Select(Of)],
            }),
        ];

    private static PeerPartition Of(TopicPartition partition) => new() { TopicId = partition.TopicId, Partition = partition.Partition };
}

using Warp.Actors.Catalog;
using Warp.Node.Handlers;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Handlers;

/// <summary>ListConfigResources, and the APIs of ACLs.</summary>
public sealed class ClusterAdministrationSpec(ActorsFixture actors) : IClassFixture<ActorsFixture>
{
    private const sbyte TopicType = 2, BrokerType = 4, BrokerLogger = 8, ClientMetrics = 16, Group = 32;

    [Fact]
    public async Task Topics_and_brokers_have_configs()
    {
        TopicImage topic = await actors.CreateTopicAsync("has-configs");
        (sbyte, string) theTopic = (TopicType, topic.Name), theBroker = (BrokerType, $"{ActorsFixture.NodeId}");
        Assert.Equal([theBroker, theTopic], await ListAsync());
        Assert.Equal([theTopic], await ListAsync(TopicType));
        Assert.Equal([theBroker], await ListAsync(BrokerType, ClientMetrics));
        Assert.Empty(await ListAsync(BrokerLogger, ClientMetrics, Group));
    }

    [Fact]
    public async Task The_first_version_knows_only_client_metrics_of_which_there_are_none()
    {
        await actors.CreateTopicAsync("has-configs-too");
        var response = await Resources.CallAsync<ListConfigResourcesResponse>(new ListConfigResourcesRequest(), 0);
        Assert.Equal((ErrorCode.None, 0), (response.ErrorCode, response.ConfigResources.Count));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(64)]
    public async Task Resources_of_an_unknown_type_cannot_be_listed(sbyte type)
    {
        var request = new ListConfigResourcesRequest { ResourceTypes = [TopicType, type] };
        var response = await Resources.CallAsync<ListConfigResourcesResponse>(request, 1);
        Assert.Equal((ErrorCode.UnsupportedVersion, 0), (response.ErrorCode, response.ConfigResources.Count));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task There_are_no_acls_without_an_authorizer(short version)
    {
        var described = await new DescribeAclsHandler().CallAsync<DescribeAclsResponse>(new DescribeAclsRequest(), version);
        Assert.Equal((ErrorCode.SecurityDisabled, 0), (described.ErrorCode, described.Resources.Count));
        Assert.NotNull(described.ErrorMessage);

        var create = new CreateAclsRequest { Creations = [new(), new()] };
        var created = await new CreateAclsHandler().CallAsync<CreateAclsResponse>(create, version);
        Assert.Equal([ErrorCode.SecurityDisabled, ErrorCode.SecurityDisabled], created.Results.Select(static result => result.ErrorCode));

        var deleted = await new DeleteAclsHandler().CallAsync<DeleteAclsResponse>(new DeleteAclsRequest { Filters = [new()] }, version);
        var result = Assert.Single(deleted.FilterResults);
        Assert.Equal((ErrorCode.SecurityDisabled, 0), (result.ErrorCode, result.MatchingAcls.Count));
    }

    private ListConfigResourcesHandler Resources => new(actors.Client, actors.Cluster);

    private async Task<IEnumerable<(sbyte Type, string Name)>> ListAsync(params sbyte[] types)
    {
        var request = new ListConfigResourcesRequest { ResourceTypes = [.. types] };
        var response = await Resources.CallAsync<ListConfigResourcesResponse>(request, 1);
        Assert.Equal(ErrorCode.None, response.ErrorCode);
        return response.ConfigResources
            .Where(static resource => resource.ResourceName != "has-configs-too")
            .Select(static resource => (resource.ResourceType, resource.ResourceName));
    }
}

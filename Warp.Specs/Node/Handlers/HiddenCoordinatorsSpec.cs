using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Warp.Actors.Catalog;
using Warp.Actors.Cluster;
using Warp.Actors.Cluster.Peers;
using Warp.Actors.Groups;
using Warp.Actors.Persistence;
using Warp.Actors.Sharding;
using Warp.Node.Handlers;
using Warp.Node.Hosting;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Warp.Specs.Actors.Cluster.Peers;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Handlers;

/// <summary>
/// Requests of clients that do not see their coordinator: two nodes with a connection, of which one has the groups (real coordinators without
/// an initial delay), and the other one the clients.
/// </summary>
public sealed class HiddenCoordinatorsSpec : IAsyncLifetime
{
    private const int ShardCount = 4;

    private readonly CancellationTokenSource _draining = new();
    private ActorsFixture _actors = null!;
    private TestPeer _owner = null!;
    private TestPeer _asked = null!;
    private ClusterPeers _peers = null!;
    private HiddenCoordinators _hidden = null!;
    private Dictionary<ApiKey, ApiHandler> _handlers = null!;
    private Func<PassOnRequest, PeerContext, ValueTask<IResponse>> _answer = null!;

    public async ValueTask InitializeAsync()
    {
        _actors = await ActorsFixture.StartAsync(BrokerConfigs.GroupInitialRebalanceDelayMs, "0");
        var passedOn = new PassedOnHandler(GroupApis.Own(_actors.Groups, _actors.Published));
        _answer = passedOn.HandleAsync;
        _owner = new TestPeer(
            ActorsFixture.NodeId, [new DelegatePeerHandler<PassOnRequest>(PrivateApis.PassOn, (request, context) => _answer(request, context))]);
        _asked = new TestPeer(1);
        var membership = new ClusterMembership(new ClusterMembers(
            _asked.Identity.Node, [Row(_asked, "analytics"), Row(_owner, "ingest")], DateTimeOffset.UnixEpoch, TimeSpan.FromSeconds(10))
        {
            FeatureLevel = FeatureLevels.PassingOn,
        });
        _peers = new ClusterPeers(_asked.System, _asked.Network, membership);
        var homes = new ShardHomes();
        homes.Update(Enumerable.Range(0, ShardCount).Select(shard => KeyValuePair.Create(shard, new ShardHome(1, _owner.Identity.Node))));
        // It has no groups, so that it does without what these need.
        var times = new TimeConstants();
        var persistence = new PersistenceServices(null!, null!, new ShardLeases(_asked.System, null!, _asked.Identity.Node, times), times);
        var region = new GroupRegion(_asked.System, persistence, ShardCount, _actors.Published, homes);
        var view = new ClusterView(TestPeer.ClusterId, new ClusterNode(1, "asked", 9092, null, "analytics"), membership);
        _hidden = new HiddenCoordinators(view, region, _peers, NullLogger<HiddenCoordinators>.Instance, _draining.Token);
        var groups = new GroupClient(region, NullLogger<GroupClient>.Instance);
        _handlers = GroupApis.PassingOn(GroupApis.Own(groups, _actors.Published), _hidden).ToDictionary(static handler => handler.Key);
    }

    public async ValueTask DisposeAsync()
    {
        _peers.Dispose();
        await _asked.DisposeAsync();
        await _owner.DisposeAsync();
        await _actors.DisposeAsync();
        _draining.Dispose();
    }

    [Fact]
    public async Task A_group_has_its_life_at_the_owner_in_every_version()
    {
        TopicImage topic = await _actors.CreateTopicAsync("passed-on");
        for (short version = 0; version <= 9; version++)
        {
            string group = $"life-{version}";
            JoinGroupRequest join = JoinOf(group);
            if (version == 4)
                join.MemberId = (await CallAsync<JoinGroupResponse>(join, version)).MemberId;
            if (version >= 5)
                join.GroupInstanceId = "instance";
            JoinGroupResponse joined = await CallAsync<JoinGroupResponse>(join, version);
            Assert.Equal((ErrorCode.None, 1, joined.MemberId), (joined.ErrorCode, joined.GenerationId, joined.Leader));
            Assert.Equal([1, 2], Assert.Single(joined.Members).Metadata.ToArray());
            var sync = new SyncGroupRequest
            {
                GroupId = group,
                GenerationId = 1,
                MemberId = joined.MemberId,
                Assignments = [new() { MemberId = joined.MemberId, Assignment = new byte[] { 7 } }],
            };
            Assert.Equal([7], (await CallAsync<SyncGroupResponse>(sync, Math.Min(version, (short)4))).Assignment.ToArray());
            var beat = new HeartbeatRequest { GroupId = group, MemberId = joined.MemberId, GenerationId = 1 };
            Assert.Equal(ErrorCode.None, (await CallAsync<HeartbeatResponse>(beat, Math.Min(version, (short)4))).ErrorCode);
            Assert.Equal(ErrorCode.None, await CommitAsync(group, joined.MemberId, 1, topic, 5 + version));
            Assert.Equal(5 + version, await CommittedAsync(group, topic, Math.Max(version, (short)1)));
            LeaveGroupRequest leave = version < 3
                ? new() { GroupId = group, MemberId = joined.MemberId }
                : new() { GroupId = group, Members = [new() { MemberId = joined.MemberId }] };
            Assert.Equal(ErrorCode.None, (await CallAsync<LeaveGroupResponse>(leave, Math.Min(version, (short)5))).ErrorCode);
            Assert.Equal(ErrorCode.UnknownMemberId, (await CallAsync<HeartbeatResponse>(beat, Math.Min(version, (short)4))).ErrorCode);
        }
        ListGroupsResponse listed = await CallAsync<ListGroupsResponse>(new ListGroupsRequest(), 5);
        Assert.Equal(ErrorCode.None, listed.ErrorCode);
        Assert.Equal(Enumerable.Range(0, 10).Select(static version => $"life-{version}"), listed.Groups.Select(static group => group.GroupId));
        var deletion = new OffsetDeleteRequest
        {
            GroupId = "life-2",
            Topics = [new() { Name = "passed-on", Partitions = [new() { PartitionIndex = 0 }] }],
        };
        Assert.Equal(ErrorCode.None, (await CallAsync<OffsetDeleteResponse>(deletion, 0)).ErrorCode);
        Assert.Equal(-1, await CommittedAsync("life-2", topic, 8));
    }

    [Fact]
    public async Task A_member_of_the_consumer_protocol_lives_at_the_owner_with_the_clients_own_name_and_address()
    {
        TopicImage topic = await _actors.CreateTopicAsync("consumed", partitions: 3);
        var request = new ConsumerGroupHeartbeatRequest
        {
            GroupId = "modern", MemberId = "me", RebalanceTimeoutMs = 60_000, SubscribedTopicNames = ["consumed"], TopicPartitions = [],
        };
        ConsumerGroupHeartbeatResponse joined = await CallAsync<ConsumerGroupHeartbeatResponse>(request, 1);
        Assert.Equal((ErrorCode.None, topic.Id), (joined.ErrorCode, Assert.Single(joined.Assignment!.TopicPartitions).TopicId));
        var question = new ConsumerGroupDescribeRequest { GroupIds = ["modern"] };
        ConsumerGroupDescribeResponse.Member member = Assert.Single(Assert.Single(
            (await CallAsync<ConsumerGroupDescribeResponse>(question, 0)).Groups).Members);
        Assert.Equal(("a-client", "/10.1.2.3"), (member.ClientId, member.ClientHost));
    }

    [Fact]
    public async Task The_requests_of_a_client_arrive_in_their_order_even_before_there_is_a_connection()
    {
        var arrived = new List<int>();
        _answer = (request, _) =>
        {
            lock (arrived)
                arrived.Add(int.Parse(request.ClientId!));
            return ValueTask.FromResult<IResponse>(new PassOnResponse { Body = BytesOf(new HeartbeatResponse(), 0) });
        };
        await Task.WhenAll(Enumerable.Range(0, 500).Select(i => _hidden.PassOnAsync(
            _owner.Identity.Node, Context(new HeartbeatRequest(), 0, CancellationToken.None, clientId: $"{i}"), new HeartbeatRequest())));
        Assert.Equal(Enumerable.Range(0, 500), arrived);
    }

    [Fact]
    public async Task A_client_that_disconnects_no_longer_waits_at_the_owner()
    {
        var waits = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource();
        _answer = async (_, context) =>
        {
            context.CancellationToken.Register(cancelled.SetResult);
            waits.SetResult();
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
            throw new InvalidOperationException();
        };
        using var closed = new CancellationTokenSource();
        ValueTask<IResponse?> joining = HandleAsync(JoinOf("left-alone"), 0, closed.Token);
        await waits.Task.WaitAsync(TestPeer.Patience, TestContext.Current.CancellationToken);
        await closed.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await joining);
        await cancelled.Task.WaitAsync(TestPeer.Patience, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_node_that_drains_sends_those_who_wait_to_look_for_their_coordinator()
    {
        var waits = new TaskCompletionSource();
        _answer = async (_, context) =>
        {
            waits.SetResult();
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
            throw new InvalidOperationException();
        };
        ValueTask<IResponse?> joining = HandleAsync(JoinOf("drained"), 0, CancellationToken.None);
        await waits.Task.WaitAsync(TestPeer.Patience, TestContext.Current.CancellationToken);
        await _draining.CancelAsync();
        Assert.Equal(ErrorCode.NotCoordinator, ((JoinGroupResponse)(await joining)!).ErrorCode);
    }

    [Fact]
    public async Task An_owner_that_is_gone_is_an_error_that_clients_know()
    {
        TopicImage topic = await _actors.CreateTopicAsync("gone");
        await _owner.Listener.DisposeAsync();
        Assert.Equal(ErrorCode.NotCoordinator, (await CallAsync<JoinGroupResponse>(JoinOf("g"), 5)).ErrorCode);
        Assert.Equal(ErrorCode.NotCoordinator, await CommitAsync("g", "m", 1, topic, 5));
        var described = await CallAsync<DescribeGroupsResponse>(new DescribeGroupsRequest { Groups = ["g", "h"] }, 5);
        Assert.Equal(
            [("g", ErrorCode.NotCoordinator), ("h", ErrorCode.NotCoordinator)],
            described.Groups.Select(static group => (group.GroupId, group.ErrorCode)));
        Assert.Equal(ErrorCode.CoordinatorNotAvailable, (await CallAsync<ListGroupsResponse>(new ListGroupsRequest(), 5)).ErrorCode);
    }

    [Fact]
    public async Task An_owner_that_is_none_says_so_and_passes_nothing_on()
    {
        for (int shard = 0; shard < ShardCount; shard++)
            await _actors.GroupRegion.StopAsync(shard);
        JoinGroupResponse joined = await CallAsync<JoinGroupResponse>(JoinOf("g"), 5);
        Assert.True(joined.ErrorCode is ErrorCode.NotCoordinator or ErrorCode.CoordinatorLoadInProgress);
    }

    [Theory]
    [InlineData(ApiKey.Produce, 3)]
    [InlineData(ApiKey.FindCoordinator, 3)]
    [InlineData(ApiKey.JoinGroup, 99)]
    [InlineData((ApiKey)1080, 0)]
    public async Task Nothing_is_passed_on_but_what_concerns_groups(ApiKey api, short version)
    {
        var request = new PassOnRequest { KafkaApi = (short)api, KafkaVersion = version, ClientHost = "", Body = new byte[10] };
        PeerCallException refused = await Assert.ThrowsAsync<PeerCallException>(() => _peers.CallAsync<PassOnResponse>(
            _owner.Identity.Node, request, TestPeer.Patience, CancellationToken.None));
        Assert.Equal(PeerError.Unsupported, refused.Error);
    }

    private static NodeRow Row(TestPeer peer, string group) => new(
        peer.Identity.Node,
        new NodeDescription(
            new NodeAddress("127.0.0.1", 1), new NodeAddress("127.0.0.1", peer.Listener.BoundPort), new NodeAddress("127.0.0.1", 2), "", group, 15, "1", 1),
        DateTimeOffset.UnixEpoch,
        NodeStatus.Well);

    private static RequestContext Context(IRequest request, short version, CancellationToken closed, string clientId = "a-client") => new()
    {
        Header = new RequestHeader((short)request.ApiKey, version, 1, clientId),
        Frame = PooledBuffer.Rent(1),
        ConnectionId = 1,
        RemoteEndPoint = new IPEndPoint(IPAddress.Parse("10.1.2.3"), 5000),
        ConnectionClosed = closed,
    };

    private static byte[] BytesOf(IMessage message, short version)
    {
        using var writer = new WireWriter();
        message.Write(writer, version);
        return writer.ToArray();
    }

    private static JoinGroupRequest JoinOf(string group) => new()
    {
        GroupId = group,
        SessionTimeoutMs = 30_000,
        RebalanceTimeoutMs = 30_000,
        ProtocolType = "consumer",
        Protocols = [new() { Name = "range", Metadata = new byte[] { 1, 2 } }],
    };

    private ValueTask<IResponse?> HandleAsync(IRequest request, short version, CancellationToken closed) =>
        _handlers[request.ApiKey].HandleAsync(Context(request, version, closed), request);

    private async Task<TResponse> CallAsync<TResponse>(IRequest request, short version)
        where TResponse : class, IResponse =>
        (TResponse)(await HandleAsync(request, version, TestContext.Current.CancellationToken))!;

    private async Task<ErrorCode> CommitAsync(string group, string member, int generation, TopicImage topic, long offset)
    {
        var request = new OffsetCommitRequest
        {
            GroupId = group,
            MemberId = member,
            GenerationIdOrMemberEpoch = generation,
            Topics = [new() { Name = topic.Name, Partitions = [new() { PartitionIndex = 0, CommittedOffset = offset }] }],
        };
        return (await CallAsync<OffsetCommitResponse>(request, 8)).Topics[0].Partitions[0].ErrorCode;
    }

    private async Task<long> CommittedAsync(string group, TopicImage topic, short version)
    {
        if (version < 8)
        {
            var request = new OffsetFetchRequest { GroupId = group, Topics = [new() { Name = topic.Name, PartitionIndexes = [0] }] };
            return (await CallAsync<OffsetFetchResponse>(request, version)).Topics[0].Partitions[0].CommittedOffset;
        }
        var one = new OffsetFetchRequest { Groups = [new() { GroupId = group, Topics = [new() { Name = topic.Name, PartitionIndexes = [0] }] }] };
        return (await CallAsync<OffsetFetchResponse>(one, version)).Groups[0].Topics[0].Partitions[0].CommittedOffset;
    }
}

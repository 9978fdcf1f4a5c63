using Microsoft.Extensions.Logging.Abstractions;
using Warp.Actors.Catalog;
using Warp.Actors.Kernel;
using Warp.Node.Handlers;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Handlers;

public sealed class InitProducerIdSpec(ActorsFixture actors) : IClassFixture<ActorsFixture>
{
    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public async Task An_idempotent_producer_gets_an_id_and_epoch_0(short version)
    {
        InitProducerIdResponse response = await CallAsync(
            new ProducerIdPool(actors.Client), new InitProducerIdRequest { TransactionalId = null }, version);
        Assert.Equal((ErrorCode.None, (short)0), (response.ErrorCode, response.ProducerEpoch));
        Assert.True(response.ProducerId >= 0);
    }

    [Fact]
    public async Task No_id_is_given_twice_not_even_by_two_nodes()
    {
        ProducerIdPool[] nodes = [new(actors.Client), new(actors.Client)];
        long?[] ids = await Task.WhenAll(Enumerable.Range(0, 2 * ProducerIdPool.BlockSize + 500).Select(i => Task.Run(
            async () => await nodes[i % 2].TakeAsync(TestContext.Current.CancellationToken))));
        Assert.DoesNotContain(null, ids);
        Assert.Equal(ids.Length, ids.Distinct().Count());
    }

    [Theory]
    [InlineData("")]
    [InlineData("a-transaction")]
    public async Task A_transactional_id_is_refused(string transactionalId)
    {
        var request = new InitProducerIdRequest { TransactionalId = transactionalId, TransactionTimeoutMs = 1000 };
        InitProducerIdResponse response = await CallAsync(new ProducerIdPool(actors.Client), request, 4);
        Assert.Equal((ErrorCode.InvalidRequest, -1L, (short)-1), (response.ErrorCode, response.ProducerId, response.ProducerEpoch));
    }

    [Theory]
    [InlineData(5, -1)]
    [InlineData(-1, 5)]
    public async Task Half_an_identity_is_refused(long producerId, short epoch)
    {
        var request = new InitProducerIdRequest { TransactionalId = null, ProducerId = producerId, ProducerEpoch = epoch };
        Assert.Equal(ErrorCode.InvalidRequest, (await CallAsync(new ProducerIdPool(actors.Client), request, 3)).ErrorCode);
    }

    [Fact]
    public async Task Without_the_catalog_the_producer_is_told_to_try_again()
    {
        await using var system = new ActorSystem(TimeProvider.System, new Random(1));
        ActorRef<CatalogMessage> failing = system.Spawn<CatalogMessage>("failing", static () => new FailingCatalog());
        var client = new CatalogClient(failing, actors.Published, static _ => Task.CompletedTask, TimeProvider.System, NullLogger<CatalogClient>.Instance);
        var pool = new ProducerIdPool(client);
        for (int i = 0; i < 2; i++)
        {
            InitProducerIdResponse response = await CallAsync(pool, new InitProducerIdRequest { TransactionalId = null }, 5);
            Assert.Equal((ErrorCode.CoordinatorLoadInProgress, -1L), (response.ErrorCode, response.ProducerId));
        }
    }

    private static Task<InitProducerIdResponse> CallAsync(ProducerIdPool pool, InitProducerIdRequest request, short version) =>
        new InitProducerIdHandler(pool).CallAsync<InitProducerIdResponse>(request, version);

    private sealed class FailingCatalog : Actor<CatalogMessage>
    {
        protected override ValueTask ReceiveAsync(CatalogMessage message)
        {
            ((IAsk)message).Fail(new InvalidOperationException("no"));
            return ValueTask.CompletedTask;
        }
    }
}

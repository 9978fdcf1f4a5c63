using System.Collections.Immutable;
using Warp.Actors.Catalog;
using Warp.Protocol.Messages;
using Xunit;

namespace Warp.Specs.Actors.Catalog;

public sealed class ClientQuotaRulesSpec
{
    private static readonly KeyValuePair<string, string?> s_user = new("user", "u");
    private static readonly KeyValuePair<string, string?> s_client = new("client-id", null);

    [Theory]
    [InlineData("producer_byte_rate", 1024)]
    [InlineData("consumer_byte_rate", 9e18)]
    [InlineData("request_percentage", 0.5)]
    [InlineData("controller_mutation_rate", 2.5)]
    public void A_valid_quota_is_set(string key, double value)
    {
        CatalogImage image = Altered(Image(), Change([s_user, s_client], (key, value)));
        Assert.Equal(value, Assert.Single(image.Quotas.Of(new QuotaEntity(new("u"), QuotaSubject.Default))).Value);
    }

    [Theory]
    [InlineData("producer_byte_rate", 0)]
    [InlineData("producer_byte_rate", -1)]
    [InlineData("producer_byte_rate", double.NaN)]
    [InlineData("producer_byte_rate", 1e19)]
    [InlineData("producer_byte_rate", 1.5)]
    [InlineData("consumer_byte_rate", double.PositiveInfinity)]
    [InlineData("request_percentage", 0)]
    [InlineData("request_percentage", double.PositiveInfinity)]
    [InlineData("connection_creation_rate", 5)]
    [InlineData("unknown", 5)]
    [InlineData("", 5)]
    public void An_invalid_quota_is_refused_with_all_others_of_its_entity(string key, double value)
    {
        var (events, results) = ClientQuotaRules.Alter(
            ClientQuotas.Empty, [Change([s_user], ("controller_mutation_rate", 1), (key, value))]);
        Assert.Empty(events);
        Assert.Equal(ErrorCode.InvalidRequest, Assert.Single(results).Error);
        Assert.NotNull(results[0].Message);
    }

    [Theory]
    [InlineData("127.0.0.1", "connection_creation_rate", 5, true)]
    [InlineData("::1", "connection_creation_rate", 5, true)]
    [InlineData(null, "connection_creation_rate", 5, true)]
    [InlineData("127.0.0.1", "connection_creation_rate", 3e9, false)]
    [InlineData("127.0.0.1", "producer_byte_rate", 5, false)]
    [InlineData("localhost", "connection_creation_rate", 5, false)]
    public void An_address_has_a_quota_of_its_own(string? ip, string key, double value, bool valid)
    {
        var (events, results) = ClientQuotaRules.Alter(ClientQuotas.Empty, [Change([new("ip", ip)], (key, value))]);
        Assert.Equal(valid ? ErrorCode.None : ErrorCode.InvalidRequest, Assert.Single(results).Error);
        Assert.Equal(valid ? 1 : 0, events.Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("user=")]
    [InlineData("user=u user=v")]
    [InlineData("group=g")]
    [InlineData("ip=10.0.0.1 user=u")]
    [InlineData("ip=10.0.0.1 client-id=c")]
    public void An_impossible_entity_is_refused(string parts)
    {
        var entity = parts.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(static part => part.Split('=')).Select(static part => KeyValuePair.Create(part[0], (string?)part[1]));
        var (events, results) = ClientQuotaRules.Alter(ClientQuotas.Empty, [Change([.. entity], ("request_percentage", 1))]);
        Assert.Empty(events);
        Assert.Equal(ErrorCode.InvalidRequest, Assert.Single(results).Error);
    }

    [Fact]
    public void Entities_succeed_and_fail_by_themselves()
    {
        var (events, results) = ClientQuotaRules.Alter(
            ClientQuotas.Empty,
            [
                Change([s_user], ("request_percentage", 1)),
                Change([s_client], ("request_percentage", 0)),
                Change([s_user, s_client], ("request_percentage", 2)),
                Change([s_client, s_user], ("request_percentage", 3)),
            ]);
        Assert.Equal(
            [ErrorCode.None, ErrorCode.InvalidRequest, ErrorCode.InvalidRequest, ErrorCode.InvalidRequest],
            results.Select(static result => result.Error));
        Assert.Equal("user", Assert.Single(Assert.Single(events).Entry.Entity).Type);
    }

    [Fact]
    public void A_key_is_altered_once()
    {
        var (events, results) = ClientQuotaRules.Alter(
            ClientQuotas.Empty, [Change([s_user], ("request_percentage", 1), ("request_percentage", 2))]);
        Assert.Empty(events);
        Assert.Equal(ErrorCode.InvalidRequest, Assert.Single(results).Error);
    }

    [Fact]
    public void Quotas_are_removed_and_others_stay()
    {
        CatalogImage image = Altered(Image(), Change([s_user], ("request_percentage", 1), ("producer_byte_rate", 2)));
        image = Altered(image, Change([s_user], ("request_percentage", null), ("unknown", null)));
        Assert.Equal(KeyValuePair.Create("producer_byte_rate", 2.0), Assert.Single(image.Quotas.Of(new QuotaEntity(new("u"), null))));
        Assert.True(Altered(image, Change([s_user], ("producer_byte_rate", null))).Quotas.IsEmpty);
    }

    [Fact]
    public void What_changes_nothing_is_not_journaled()
    {
        CatalogImage image = Altered(Image(), Change([s_user], ("request_percentage", 1)));
        var (events, results) = ClientQuotaRules.Alter(
            image.Quotas, [Change([s_user], ("request_percentage", 1)), Change([s_client], ("request_percentage", null))]);
        Assert.Empty(events);
        Assert.All(results, static result => Assert.Equal(ErrorCode.None, result.Error));
    }

    [Fact]
    public void Quotas_outlive_a_snapshot()
    {
        CatalogImage image = Altered(
            Image(),
            Change([s_user, s_client], ("request_percentage", 1.25)),
            Change([new("ip", null)], ("connection_creation_rate", 7)));
        CatalogImage restored = Image().Restore(image.ToSnapshot());
        Assert.Equal(2, restored.Quotas.All.Count());
        Assert.Equal(1.25, restored.Quotas.Find("request_percentage", "u", "any")?.Limit);
        Assert.Equal(7, restored.Quotas.Of(new QuotaEntity(null, null, QuotaSubject.Default))["connection_creation_rate"]);
    }

    private static CatalogImage Image() => CatalogImage.Empty(ImmutableSortedDictionary<string, string>.Empty);

    private static QuotaAlteration Change(KeyValuePair<string, string?>[] entity, params (string Key, double? Value)[] changes) =>
        new(entity, [.. changes.Select(static change => KeyValuePair.Create(change.Key, change.Value))]);

    private static CatalogImage Altered(CatalogImage image, params QuotaAlteration[] alterations)
    {
        var (events, results) = ClientQuotaRules.Alter(image.Quotas, alterations);
        Assert.All(results, static result => Assert.Null(result.Message));
        return events.Aggregate(image, static (before, changed) => before.Apply(changed));
    }
}

using System.Collections.Immutable;
using Warp.Actors.Catalog;
using Warp.Node.Quotas;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Quotas;

public sealed class ClientQuotaMetersSpec
{
    private const string Key = QuotaKey.ProducerByteRate;

    private readonly ManualTime _time = new();

    [Fact]
    public void Without_a_quota_nothing_is_measured()
    {
        var meters = Meters(ClientIdQuota.Of("some", Key, 1));
        Assert.Equal(0, meters.Record(Key, "u", "other", 1e12));
        Assert.Equal(0, meters.Record(QuotaKey.ConsumerByteRate, "u", "some", 1e12));
        Assert.Equal(double.PositiveInfinity, meters.MostAtOnce(Key, "u", "other"));
        Assert.Equal(0, meters.Count);
    }

    [Fact]
    public void A_client_id_is_measured_over_all_its_connections()
    {
        var meters = Meters(ClientIdQuota.Of("some", Key, 100));
        Assert.Equal(1000, meters.MostAtOnce(Key, "u", "some"));
        Assert.Equal(0, meters.Record(Key, "u", "some", 1000));
        Assert.InRange(meters.Record(Key, "v", "some", 1000), 8_000, 10_000);
    }

    [Fact]
    public void Each_client_id_has_the_default_for_itself()
    {
        var meters = Meters(ClientIdQuota.Of(null, Key, 100));
        Assert.Equal(0, meters.Record(Key, "u", "one", 1000));
        Assert.Equal(0, meters.Record(Key, "u", "two", 1000));
        Assert.True(meters.Record(Key, "u", "one", 100) > 0);
    }

    [Fact]
    public void Another_limit_holds_at_once()
    {
        ClientQuotas quotas = ClientIdQuota.Of("some", Key, 100);
        var meters = new ClientQuotaMeters(() => quotas, _time);
        Assert.Equal(0, meters.Record(Key, "u", "some", 1000));
        quotas = ClientIdQuota.Of("some", Key, 50);
        Assert.True(meters.Record(Key, "u", "some", 0) > 0);
        quotas = ClientIdQuota.Of("some", Key, 500);
        Assert.Equal(0, meters.Record(Key, "u", "some", 0));
    }

    [Fact]
    public void Client_ids_that_are_gone_are_forgotten()
    {
        var meters = Meters(ClientIdQuota.Of(null, Key, 100));
        for (int i = 0; i < 1000; i++)
            meters.Record(Key, "u", $"made-up-{i}", 1);
        Assert.Equal(1000, meters.Count);
        _time.Advance(TimeSpan.FromSeconds(12));
        meters.Record(Key, "u", "real", 1);
        Assert.Equal(1, meters.Count);
    }

    [Fact]
    public void A_wait_is_never_more_than_an_int_holds()
    {
        var meters = Meters(ClientIdQuota.Of("some", Key, 1));
        Assert.Equal(int.MaxValue, meters.Record(Key, "u", "some", 1e300));
    }

    private ClientQuotaMeters Meters(ClientQuotas quotas) => new(() => quotas, _time);
}

/// <summary>A quota of a client id.</summary>
internal static class ClientIdQuota
{
    /// <param name="clientId">Null for the default of all.</param>
    /// <param name="key">What is limited.</param>
    /// <param name="limit">The quota.</param>
    public static ClientQuotas Of(string? clientId, string key, double limit) =>
        ClientQuotas.Empty.With(
            new QuotaEntity(null, new QuotaSubject(clientId)), ImmutableSortedDictionary<string, double>.Empty.Add(key, limit));
}

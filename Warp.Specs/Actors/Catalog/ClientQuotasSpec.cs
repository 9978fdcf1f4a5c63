using System.Collections.Immutable;
using Warp.Actors.Catalog;
using Xunit;

namespace Warp.Specs.Actors.Catalog;

public sealed class ClientQuotasSpec
{
    private const string Key = QuotaKey.ProducerByteRate;

    /// <summary>From the one that counts most down; the place is the quota.</summary>
    private static readonly QuotaEntity[] s_byPrecedence =
    [
        new(new("u"), new("c")),
        new(new("u"), QuotaSubject.Default),
        new(new("u"), null),
        new(QuotaSubject.Default, new("c")),
        new(QuotaSubject.Default, QuotaSubject.Default),
        new(QuotaSubject.Default, null),
        new(null, new("c")),
        new(null, QuotaSubject.Default),
    ];

    [Fact]
    public void Among_all_that_match_the_most_particular_one_counts()
    {
        // Every set of entities that have a quota: 2^8 of them.
        for (int set = 0; set < 1 << s_byPrecedence.Length; set++)
        {
            ClientQuotas quotas = ClientQuotas.Empty;
            int? first = null;
            for (int i = s_byPrecedence.Length - 1; i >= 0; i--)
            {
                if ((set >> i & 1) == 0)
                    continue;
                quotas = quotas.With(s_byPrecedence[i], One(Key, i));
                first = i;
            }
            Assert.Equal(first, quotas.Find(Key, "u", "c")?.Limit);
        }
    }

    [Theory]
    [InlineData("u", "other", 1)]
    [InlineData("other", "c", 3)]
    [InlineData("other", "other", 4)]
    public void Strangers_have_the_defaults(string user, string clientId, double limit)
    {
        ClientQuotas quotas = ClientQuotas.Empty;
        for (int i = 0; i < s_byPrecedence.Length; i++)
            quotas = quotas.With(s_byPrecedence[i], One(Key, i));
        Assert.Equal(limit, quotas.Find(Key, user, clientId)?.Limit);
    }

    [Fact]
    public void A_quota_of_another_key_hides_nothing()
    {
        ClientQuotas quotas = ClientQuotas.Empty
            .With(s_byPrecedence[0], One(QuotaKey.ConsumerByteRate, 1))
            .With(s_byPrecedence[7], One(Key, 2));
        Assert.Equal(2, quotas.Find(Key, "u", "c")?.Limit);
        Assert.Null(quotas.Find(QuotaKey.RequestPercentage, "u", "c"));
    }

    [Fact]
    public void Those_share_a_quota_whom_its_entity_does_not_tell_apart()
    {
        Assert.Equal(new AppliedQuota(1, "u", "c"), Shared(1));
        Assert.Equal(new AppliedQuota(2, "u", null), Shared(2));
        Assert.Equal(new AppliedQuota(4, "u", "c"), Shared(4));
        Assert.Equal(new AppliedQuota(5, "u", null), Shared(5));
        Assert.Equal(new AppliedQuota(7, null, "c"), Shared(7));

        static AppliedQuota? Shared(int place) => ClientQuotas.Empty.With(s_byPrecedence[place], One(Key, place)).Find(Key, "u", "c");
    }

    [Fact]
    public void An_entity_without_quotas_is_gone()
    {
        ClientQuotas quotas = ClientQuotas.Empty.With(s_byPrecedence[0], One(Key, 1));
        Assert.False(quotas.IsEmpty);
        Assert.True(quotas.With(s_byPrecedence[0], ImmutableSortedDictionary<string, double>.Empty).IsEmpty);
    }

    [Theory]
    [InlineData("user=u client-id=c", "user=u,client-id=c", true, true)]
    [InlineData("user=u", "user=u,client-id=c", false, true)]
    [InlineData("user=u", "user=u,client-id=c", true, false)]
    [InlineData("user=u", "user=u", true, true)]
    [InlineData("user=u", "user=", false, false)]
    [InlineData("user!", "user=", true, true)]
    [InlineData("user!", "user=u", true, false)]
    [InlineData("user*", "user=", true, true)]
    [InlineData("user*", "user=u", true, true)]
    [InlineData("user*", "client-id=c", false, false)]
    [InlineData("ip*", "ip=10.0.0.1", true, true)]
    [InlineData("", "user=u", false, true)]
    [InlineData("", "user=u", true, false)]
    public void A_filter_finds_entities_by_their_parts(string components, string parts, bool strict, bool matches)
    {
        var filter = new QuotaFilter(components.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToDictionary(TypeOf, MatchOf), strict);
        Assert.Null(QuotaEntity.TryMake(parts.Split(',').Select(PartOf), out QuotaEntity entity));
        Assert.Equal(matches, filter.Matches(entity));

        static KeyValuePair<string, string?> PartOf(string part) =>
            part.Split('=') is [var type, var name] && name.Length > 0 ? new(type, name) : new(part.TrimEnd('='), null);
        static string TypeOf(string component) => component.Split('=', '!', '*')[0];
        static (QuotaMatch Match, string? Name) MatchOf(string component) => component[^1] switch
        {
            '!' => (QuotaMatch.Default, null),
            '*' => (QuotaMatch.Any, null),
            _ => (QuotaMatch.Exact, component.Split('=')[1]),
        };
    }

    private static ImmutableSortedDictionary<string, double> One(string key, double value) =>
        ImmutableSortedDictionary<string, double>.Empty.Add(key, value);
}

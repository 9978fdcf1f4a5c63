using System.Collections.Immutable;

namespace Warp.Actors.Catalog;

/// <summary>All quotas of the cluster. Immutable.</summary>
public sealed class ClientQuotas
{
    public static readonly ClientQuotas Empty = new(ImmutableDictionary<QuotaEntity, ImmutableSortedDictionary<string, double>>.Empty);

    private readonly ImmutableDictionary<QuotaEntity, ImmutableSortedDictionary<string, double>> _byEntity;

    private ClientQuotas(ImmutableDictionary<QuotaEntity, ImmutableSortedDictionary<string, double>> byEntity) => _byEntity = byEntity;

    public bool IsEmpty => _byEntity.IsEmpty;

    /// <summary>The entities that have quotas, with their quotas by key.</summary>
    public IEnumerable<KeyValuePair<QuotaEntity, ImmutableSortedDictionary<string, double>>> All => _byEntity;

    /// <summary>The quotas of exactly this entity.</summary>
    public ImmutableSortedDictionary<string, double> Of(QuotaEntity entity) =>
        _byEntity.GetValueOrDefault(entity, ImmutableSortedDictionary<string, double>.Empty);

    /// <summary>The same with another set of quotas for one entity; an empty one removes it.</summary>
    public ClientQuotas With(QuotaEntity entity, ImmutableSortedDictionary<string, double> quotas) =>
        new(quotas.IsEmpty ? _byEntity.Remove(entity) : _byEntity.SetItem(entity, quotas));

    /// <summary>
    /// The quota that applies to a client: that of user and client id together before that of the user before that of the client id,
    /// and among these a name before the default.
    /// </summary>
    /// <param name="key">What is limited.</param>
    /// <param name="user">The client's user.</param>
    /// <param name="clientId">The client's id.</param>
    public AppliedQuota? Find(string key, string user, string clientId)
    {
        if (IsEmpty)
            return null;
        var theUser = new QuotaSubject(user);
        var theClient = new QuotaSubject(clientId);
        return Try(theUser, theClient) ?? Try(theUser, QuotaSubject.Default) ?? Try(theUser, null)
            ?? Try(QuotaSubject.Default, theClient) ?? Try(QuotaSubject.Default, QuotaSubject.Default) ?? Try(QuotaSubject.Default, null)
            ?? Try(null, theClient) ?? Try(null, QuotaSubject.Default);

        AppliedQuota? Try(QuotaSubject? ofUser, QuotaSubject? ofClient) =>
            _byEntity.TryGetValue(new QuotaEntity(ofUser, ofClient), out ImmutableSortedDictionary<string, double>? quotas)
            && quotas.TryGetValue(key, out double limit)
                ? new AppliedQuota(limit, ofUser is null ? null : user, ofClient is null ? null : clientId)
                : null;
    }
}

/// <summary>A quota, and who shares it: all connections of the user, of the client id, or of both together.</summary>
/// <param name="Limit">The quota.</param>
/// <param name="User">Null when it is the same for all users.</param>
/// <param name="ClientId">Null when all clients of the user share it.</param>
public readonly record struct AppliedQuota(double Limit, string? User, string? ClientId);

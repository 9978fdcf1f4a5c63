namespace Warp.Actors.Catalog;

/// <summary>
/// What a quota is for: a user, a client id, one of both, or an IP address. Each may be a name or stand for all without a quota.
/// </summary>
/// <param name="User">The user; null where it does not matter.</param>
/// <param name="ClientId">The client id; null where it does not matter.</param>
/// <param name="Ip">The address; null where it does not matter.</param>
public readonly record struct QuotaEntity(QuotaSubject? User, QuotaSubject? ClientId, QuotaSubject? Ip = null)
{
    // Kafka's names of the parts, on the wire and in the journal.
    public const string UserType = "user";
    public const string ClientIdType = "client-id";
    public const string IpType = "ip";

    /// <summary>The types and names of its parts, without those that do not matter; a null name is the default.</summary>
    public IEnumerable<KeyValuePair<string, string?>> Parts
    {
        get
        {
            if (User is { } user)
                yield return new(UserType, user.Name);
            if (ClientId is { } clientId)
                yield return new(ClientIdType, clientId.Name);
            if (Ip is { } ip)
                yield return new(IpType, ip.Name);
        }
    }

    /// <summary>The part of a type; null where it does not matter.</summary>
    public QuotaSubject? PartOf(string type) => type switch
    {
        UserType => User,
        ClientIdType => ClientId,
        IpType => Ip,
        _ => null,
    };

    /// <summary>Puts an entity together.</summary>
    /// <param name="parts">Types and names.</param>
    /// <param name="entity">The entity.</param>
    /// <returns>Null, or a sentence that says why there is no such entity.</returns>
    public static string? TryMake(IEnumerable<KeyValuePair<string, string?>> parts, out QuotaEntity entity)
    {
        entity = default;
        foreach ((string type, string? name) in parts)
        {
            if (entity.PartOf(type) is not null)
                return $"A quota has one {type} only";
            if (name is "")
                return $"The {type} of a quota must not be empty";
            switch (type)
            {
                case UserType:
                    entity = entity with { User = new QuotaSubject(name) };
                    break;
                case ClientIdType:
                    entity = entity with { ClientId = new QuotaSubject(name) };
                    break;
                case IpType:
                    entity = entity with { Ip = new QuotaSubject(name) };
                    break;
                default:
                    return $"There are quotas of {UserType}, {ClientIdType} and {IpType}, but not of '{type}'";
            }
        }
        if (entity == default)
            return "A quota needs a user, a client id or an IP address";
        return entity.Ip is not null && (entity.User ?? entity.ClientId) is not null
            ? "A quota of an IP address has neither user nor client id"
            : null;
    }

    public override string ToString() => string.Join(", ", Parts.Select(static part => $"{part.Key} {part.Value ?? "<default>"}"));
}

/// <summary>One part of a <see cref="QuotaEntity"/>.</summary>
/// <param name="Name">Its name, or null for the default: all that have no quota of their own.</param>
public readonly record struct QuotaSubject(string? Name)
{
    public static QuotaSubject Default => default;
}

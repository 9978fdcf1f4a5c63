using System.Collections.Immutable;
using System.Net;
using Warp.Protocol.Messages;

namespace Warp.Actors.Catalog;

/// <summary>The rules by which quotas are altered, as Kafka has them. Functions of the image; nothing is changed.</summary>
public static class ClientQuotaRules
{
    /// <summary>Decides on the alterations of a request: each entity is altered whole or not at all.</summary>
    /// <returns>What to journal, and a result for each alteration.</returns>
    public static (IReadOnlyList<ClientQuotasChanged> Events, IReadOnlyList<TopicResult> Results) Alter(
        ClientQuotas quotas, IReadOnlyList<QuotaAlteration> alterations)
    {
        var entities = new List<(QuotaEntity Entity, string? Fault)>();
        foreach (QuotaAlteration alteration in alterations)
        {
            string? fault = QuotaEntity.TryMake(alteration.Entity, out QuotaEntity entity) ?? FaultOfAddress(entity);
            entities.Add((entity, fault));
        }
        var valid = entities.Where(static entry => entry.Fault is null).ToLookup(static entry => entry.Entity);
        var events = new List<ClientQuotasChanged>();
        var results = new List<TopicResult>();
        for (int i = 0; i < alterations.Count; i++)
        {
            (QuotaEntity entity, string? fault) = entities[i];
            if (fault is null && valid[entity].Count() > 1)
                fault = $"The quotas of {entity} are altered more than once in the request";
            ImmutableSortedDictionary<string, double> before = quotas.Of(entity);
            ImmutableSortedDictionary<string, double> after = before;
            fault ??= TryChange(alterations[i].Changes, entity.Ip is not null, ref after);
            if (fault is null && !before.SequenceEqual(after))
                events.Add(new ClientQuotasChanged { Entry = EntryOf(entity, after) });
            results.Add(fault is null ? new TopicResult(ErrorCode.None) : new TopicResult(ErrorCode.InvalidRequest, fault + "."));
        }
        return (events, results);
    }

    internal static ClientQuotasEntry EntryOf(QuotaEntity entity, ImmutableSortedDictionary<string, double> quotas) => new()
    {
        Entity = [.. entity.Parts.Select(static part => new ClientQuotasEntry.ClientQuotasEntityPart
        {
            Type = part.Key,
            Name = part.Value,
        })],
        Quotas = [.. quotas.Select(static quota => new ClientQuotasEntry.ClientQuotasValue { Key = quota.Key, Value = quota.Value })],
    };

    internal static ClientQuotas Apply(ClientQuotas quotas, ClientQuotasEntry entry)
    {
        IEnumerable<KeyValuePair<string, string?>> parts = entry.Entity.Select(static part => KeyValuePair.Create(part.Type, part.Name));
        if (QuotaEntity.TryMake(parts, out QuotaEntity entity) is { } fault)
            throw new InvalidDataException(fault);
        return quotas.With(
            entity,
            entry.Quotas.ToImmutableSortedDictionary(static quota => quota.Key, static quota => quota.Value, StringComparer.Ordinal));
    }

    /// <summary>Host names are not looked up: whoever answers for the name could change what it means.</summary>
    private static string? FaultOfAddress(QuotaEntity entity) =>
        entity.Ip is { Name: { } address } && !IPAddress.TryParse(address, out _) ? $"'{address}' is not an IP address" : null;

    private static string? TryChange(
        IReadOnlyList<KeyValuePair<string, double?>> changes, bool ofAddress, ref ImmutableSortedDictionary<string, double> quotas)
    {
        var keys = new HashSet<string>(StringComparer.Ordinal);
        foreach ((string key, double? value) in changes)
        {
            if (!keys.Add(key))
                return $"The quota {key} is altered more than once";
            if (value is { } limit && QuotaKey.Validate(ofAddress, key, limit) is { } fault)
                return fault;
            quotas = value is { } valid ? quotas.SetItem(key, valid) : quotas.Remove(key);
        }
        return null;
    }
}

/// <summary>A change of one entity's quotas.</summary>
/// <param name="Entity">Types and names, to be checked; a null name is the default.</param>
/// <param name="Changes">Keys and values, to be checked; a null value removes.</param>
public sealed record QuotaAlteration(
    IReadOnlyList<KeyValuePair<string, string?>> Entity, IReadOnlyList<KeyValuePair<string, double?>> Changes);

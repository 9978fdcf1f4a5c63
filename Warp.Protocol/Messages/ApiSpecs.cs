using System.Diagnostics.CodeAnalysis;

namespace Warp.Protocol.Messages;

/// <summary>The table of all APIs that have a schema, by key.</summary>
public static partial class ApiSpecs
{
    private static readonly ApiSpec[] s_all = Create();
    private static readonly ApiSpec?[] s_byKey = Index(s_all);

    /// <summary>All APIs, in the order of their keys.</summary>
    public static IReadOnlyList<ApiSpec> All => s_all;

    /// <summary>Finds an API by the number that a request names.</summary>
    public static bool TryGet(short key, [NotNullWhen(true)] out ApiSpec? spec)
    {
        spec = key >= 0 && key < s_byKey.Length ? s_byKey[key] : null;
        return spec is not null;
    }

    /// <summary>The API of a key.</summary>
    /// <exception cref="KeyNotFoundException">It has no schema.</exception>
    public static ApiSpec Get(ApiKey key) =>
        TryGet((short)key, out var spec) ? spec : throw new KeyNotFoundException($"The API {key} has no schema.");

    private static partial ApiSpec[] Create();

    private static ApiSpec?[] Index(ApiSpec[] specs)
    {
        var byKey = new ApiSpec?[(int)specs[^1].Key + 1];
        foreach (var spec in specs)
            byKey[(int)spec.Key] = spec;
        return byKey;
    }
}

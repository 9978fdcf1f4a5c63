namespace Warp.Load.Costs;

/// <summary>What a load has asked of the object store. Pure.</summary>
/// <param name="Puts">PUTs, and requests that cost the same.</param>
/// <param name="Gets">GETs, and requests that cost the same.</param>
/// <param name="PutBytes">Bytes that were put.</param>
/// <param name="GetBytes">Bytes that were read.</param>
public readonly record struct StoreUsage(double Puts, double Gets, double PutBytes, double GetBytes)
{
    /// <summary>A GB here is 10^9 bytes; prices do not say, and the difference is 7 %.</summary>
    public const double Gigabyte = 1e9;

    /// <summary>What it costs at list prices; dollars.</summary>
    public double CostDollars(StorePrices prices) =>
        (Puts * prices.PutDollars)
        + (Gets * prices.GetDollars)
        + (PutBytes / Gigabyte * prices.UploadDollarsPerGigabyte)
        + (GetBytes / Gigabyte * prices.RetrievalDollarsPerGigabyte);
}

namespace Warp.Actors.Catalog;

/// <summary>A thing that quotas limit, by the name that Kafka's clients give it (KIP-546).</summary>
public static class QuotaKey
{
    /// <summary>Bytes of produce requests a second.</summary>
    public const string ProducerByteRate = "producer_byte_rate";

    /// <summary>Bytes of records fetched a second.</summary>
    public const string ConsumerByteRate = "consumer_byte_rate";

    /// <summary>Time that requests keep a thread of the node busy, in percent of one thread.</summary>
    public const string RequestPercentage = "request_percentage";

    /// <summary>Partitions created and deleted a second (KIP-599).</summary>
    public const string ControllerMutationRate = "controller_mutation_rate";

    /// <summary>New connections a second, of an IP address (KIP-612).</summary>
    public const string ConnectionCreationRate = "connection_creation_rate";

    /// <summary>Checks a quota.</summary>
    /// <param name="ofAddress">Whether it is for an IP address, rather than for users and client ids.</param>
    /// <param name="key">What it limits.</param>
    /// <param name="value">The limit.</param>
    /// <returns>Null when it is valid, otherwise a sentence that says why not.</returns>
    public static string? Validate(bool ofAddress, string key, double value)
    {
        double? largest = key switch
        {
            ProducerByteRate or ConsumerByteRate when !ofAddress => long.MaxValue,
            RequestPercentage or ControllerMutationRate when !ofAddress => double.MaxValue,
            ConnectionCreationRate when ofAddress => int.MaxValue,
            _ => null,
        };
        if (largest is not { } max)
            return $"'{key}' is not a quota of {(ofAddress ? "an IP address" : "a user or client id")}";
        if (!(value > 0))
            return $"The quota {key} must be greater than 0, not {value}";
        if (value > max)
            return $"The quota {key} is {value}, at most {max} is possible";
        bool isWhole = max < double.MaxValue;
        return isWhole && Math.Abs(value % 1) > 1e-6 ? $"The quota {key} must be a whole number, not {value}" : null;
    }
}

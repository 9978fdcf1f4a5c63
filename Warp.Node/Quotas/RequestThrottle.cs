using Warp.Actors.Catalog;
using Warp.Node.Handlers;
using Warp.Protocol.Messages;

namespace Warp.Node.Quotas;

/// <summary>
/// Holds requests against the quotas of their clients (KIP-13, KIP-124, KIP-219): the response tells the client how long to pause, and the
/// connection is not read for that time. Stateless but for the meters; thread-safe.
/// </summary>
public sealed class RequestThrottle(ClientQuotaMeters meters)
{
    /// <summary>Who connects without authentication, by Kafka's name.</summary>
    private const string User = "ANONYMOUS";

    /// <summary>Who is busy too much pauses at most for a window: its requests may be few but slow.</summary>
    private const int LongestRequestPauseMs = (int)RateMeter.WindowMs;

    /// <summary>
    /// Looks at a request before its handler does. A fetch is cut down to what the client may have at once; one whose client is above its
    /// quota already gets nothing, because to read records from the store only for them to be thrown away would cost twice.
    /// </summary>
    /// <returns>The response that such a fetch gets; null for everything else.</returns>
    public FetchResponse? Refuse(RequestContext context, IRequest request)
    {
        if (request is not FetchRequest fetch)
            return null;
        string client = ClientOf(context);
        fetch.MaxBytes = (int)Math.Min(fetch.MaxBytes, meters.MostAtOnce(QuotaKey.ConsumerByteRate, User, client));
        int pauseMs = meters.Record(QuotaKey.ConsumerByteRate, User, client, 0);
        return pauseMs == 0 ? null : new FetchResponse { ThrottleTimeMs = pauseMs };
    }

    /// <summary>Counts a request that has been handled, and writes the pause into its response.</summary>
    /// <param name="context">The request.</param>
    /// <param name="response">Null when there is none (Produce with acks=0): then the request takes no time, but its bytes count.</param>
    /// <param name="busy">For how long the request has kept a thread.</param>
    public Pause Charge(RequestContext context, IResponse? response, TimeSpan busy)
    {
        string client = ClientOf(context);
        Pause pause = Pause.None;
        switch ((ApiKey)context.Header.ApiKey)
        {
            case ApiKey.Produce:
                int produceMs = meters.Record(QuotaKey.ProducerByteRate, User, client, context.Frame.Length);
                pause = pause.Or(QuotaKey.ProducerByteRate, produceMs);
                break;
            case ApiKey.Fetch when response is FetchResponse fetched:
                int fetchMs = meters.Record(QuotaKey.ConsumerByteRate, User, client, RecordBytes(fetched));
                pause = pause.Or(QuotaKey.ConsumerByteRate, Math.Max(fetched.ThrottleTimeMs, fetchMs));
                break;
        }
        if (response is null)
            return pause;
        double percentSeconds = busy.TotalSeconds * 100;
        int busyPauseMs = meters.Record(QuotaKey.RequestPercentage, User, client, percentSeconds);
        pause = pause.Or(QuotaKey.RequestPercentage, Math.Min(busyPauseMs, LongestRequestPauseMs));
        if (pause.Milliseconds > 0 && response is IThrottledResponse throttled)
            throttled.ThrottleTimeMs = pause.Milliseconds;
        return pause;
    }

    private static string ClientOf(RequestContext context) => context.Header.ClientId ?? "";

    private static long RecordBytes(FetchResponse response)
    {
        long bytes = 0;
        foreach (FetchResponse.FetchableTopicResponse topic in response.Responses)
        {
            foreach (FetchResponse.PartitionData partition in topic.Partitions)
                bytes += partition.Records.Length;
        }
        return bytes;
    }
}

/// <summary>For how long a connection is not read.</summary>
/// <param name="Quota">The quota that asks for it.</param>
/// <param name="Milliseconds">0 for no pause.</param>
public readonly record struct Pause(string? Quota, int Milliseconds)
{
    public static Pause None => default;

    /// <summary>The longer one.</summary>
    internal Pause Or(string quota, int milliseconds) => milliseconds > Milliseconds ? new Pause(quota, milliseconds) : this;
}

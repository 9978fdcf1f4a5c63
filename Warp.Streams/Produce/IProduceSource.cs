namespace Warp.Streams.Produce;

/// <summary>A client's connection, as far as the flush pipeline wants to know whether more will come from it. Thread-safe.</summary>
public interface IProduceSource
{
    /// <summary>Requests that were received and whose answers have not been sent.</summary>
    int UnansweredRequests { get; }

    /// <summary>Whether it is not read any further before a request is answered.</summary>
    bool IsAtBound { get; }

    /// <summary>How many requests it usually sends before it waits for an answer; 0 if that is not known.</summary>
    int UsualWindow { get; }

    /// <summary>For how long nothing has been received from it, and no answer sent.</summary>
    TimeSpan Silence { get; }
}

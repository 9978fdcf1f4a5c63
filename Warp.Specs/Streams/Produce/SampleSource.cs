using Warp.Streams.Produce;

namespace Warp.Specs.Streams.Produce;

/// <summary>A connection that is as a test says.</summary>
internal sealed class SampleSource : IProduceSource
{
    public int UnansweredRequests { get; set; }

    public bool IsAtBound { get; set; }

    public int UsualWindow { get; set; }

    public TimeSpan Silence { get; set; }
}

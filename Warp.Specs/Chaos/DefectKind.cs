namespace Warp.Specs.Chaos;

/// <summary>The promises of a log.</summary>
public enum DefectKind
{
    /// <summary>An acknowledged value is not there.</summary>
    Lost,

    /// <summary>A value is there more than once.</summary>
    Doubled,

    /// <summary>A producer's values are not in the order in which it wrote them, or a partition's offsets do not rise.</summary>
    OutOfOrder,

    /// <summary>An acknowledged value is there, but not at the offset that the acknowledgement named.</summary>
    WrongOffset,

    /// <summary>Two acknowledgements name the same offset of a partition.</summary>
    SharedOffset,

    /// <summary>A value is there that nobody wrote, or not to that partition.</summary>
    Foreign,
}

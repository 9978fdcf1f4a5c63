using Warp.Protocol.Messages;

namespace Warp.Actors.Sequencing;

/// <summary>The answers that the batches of a commit got; none for those that are (or were, before a restart) held back.</summary>
/// <param name="id">The commit's object.</param>
/// <param name="timeMs">When it was made, in ms.</param>
/// <param name="batchCount">How many batches it has.</param>
public sealed class RecentCommit(ObjectId id, long timeMs, int batchCount)
{
    /// <summary>0 without an answer, 1 more than the base offset, or 1 less than the error below 0, since an error has no offset.</summary>
    private readonly long[] _answers = new long[batchCount];

    public ObjectId Id { get; } = id;

    public long TimeMs { get; } = timeMs;

    /// <summary>How many batches the commit has.</summary>
    public int Count => _answers.Length;

    /// <summary>How many have an answer.</summary>
    public int AnswerCount => Count - _answers.AsSpan().Count(0);

    /// <summary>All answers, in the order of the batches.</summary>
    public IEnumerable<BatchAnswer?> Answers => Enumerable.Range(0, Count).Select(AnswerOf);

    /// <summary>The answer of one batch, if it has one. The log start is not among what is remembered.</summary>
    public BatchAnswer? AnswerOf(int index) => _answers[index] switch
    {
        0 => null,
        > 0 and var offset => new BatchAnswer(ErrorCode.None, offset - 1, -1),
        var error => BatchAnswer.Failed((ErrorCode)(short)(-1 - error)),
    };

    internal void Set(int index, ErrorCode error, long baseOffset) =>
        _answers[index] = error == ErrorCode.None ? 1 + baseOffset : -1 - (ushort)error;
}

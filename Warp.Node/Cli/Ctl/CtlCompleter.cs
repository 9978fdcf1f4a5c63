namespace Warp.Node.Cli.Ctl;

/// <summary>What the word at the cursor may become.</summary>
/// <param name="Word">As far as it is there.</param>
/// <param name="Candidates">All that begin with it, in order.</param>
public sealed record Completion(string Word, IReadOnlyList<string> Candidates)
{
    /// <summary>What all candidates begin with.</summary>
    public string Common
    {
        get
        {
            if (Candidates.Count == 0)
                return Word;
            string first = Candidates[0];
            int length = Candidates.Min(candidate => candidate.Zip(first).TakeWhile(static pair => pair.First == pair.Second).Count());
            return first[..length];
        }
    }
}

/// <summary>Completes commands of the palette, and what their arguments name.</summary>
/// <param name="values">Gives what an argument may be; nothing where nobody knows.</param>
public sealed class CtlCompleter(Func<CtlArgumentKind, CancellationToken, Task<IReadOnlyList<string>>> values)
{
    /// <summary>Words of the prompt itself.</summary>
    public static readonly IReadOnlyList<string> Own = ["help", "exit"];

    /// <summary>Completes a line at its end.</summary>
    public async Task<Completion> CompleteAsync(string line, CancellationToken cancellationToken)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        bool isBegun = line.Length > 0 && line[^1] != ' ';
        string word = isBegun ? words[^1] : "";
        string[] before = isBegun ? words[..^1] : words;
        IEnumerable<string> candidates = await CandidatesAsync(before, cancellationToken);
        return new Completion(
            word, [.. candidates.Where(candidate => candidate.StartsWith(word, StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal)]);
    }

    private async Task<IEnumerable<string>> CandidatesAsync(string[] before, CancellationToken cancellationToken)
    {
        string[] plain = [.. before.Where(static word => !word.StartsWith('-'))];
        if (plain is ["help", ..])
            return NextWords(plain[1..]);
        if (CtlPalette.Verbs.FirstOrDefault(verb => plain.Take(verb.Words.Split(' ').Length).SequenceEqual(verb.Words.Split(' '))) is not { } verb)
            return plain.Length == 0 ? NextWords(plain).Concat(Own) : NextWords(plain);
        int given = plain.Length - verb.Words.Split(' ').Length;
        IEnumerable<string> flags = verb.Flags.Keys.Append("--json").Except(before);
        return given < verb.Arguments.Count
            ? (await values(verb.Arguments[given].Kind, cancellationToken)).Concat(verb.Arguments[given].IsOptional ? flags : [])
            : flags;
    }

    private static IEnumerable<string> NextWords(string[] before) => CtlPalette.Find(before)
        .Select(verb => verb.Words.Split(' ').ElementAtOrDefault(before.Length))
        .OfType<string>();
}

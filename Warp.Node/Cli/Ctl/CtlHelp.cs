using Warp.Node.Configuration;

namespace Warp.Node.Cli.Ctl;

/// <summary><c>warp ctl help</c>: the palette, or one command of it.</summary>
internal static class CtlHelp
{
    /// <summary>Prints it.</summary>
    /// <param name="words">The first words of commands; none for all.</param>
    /// <param name="surroundings">Where to.</param>
    /// <returns><see cref="ExitCode.Unusable"/> when there is no such command.</returns>
    public static int Write(IReadOnlyList<string> words, CommandSurroundings surroundings)
    {
        IReadOnlyList<CtlVerb> verbs = CtlPalette.Find(words);
        if (verbs.Count == 0)
        {
            string asked = string.Join(' ', words);
            string? nearest = Spelling.Nearest(asked, CtlPalette.Verbs.Select(static verb => verb.Words));
            surroundings.Error.WriteLine(
                $"warp: there is no command {asked} ({(nearest is null ? "warp ctl help lists all" : $"did you mean {nearest}?")})");
            return ExitCode.Unusable;
        }
        if (verbs is [var one] && words.Count > 0)
            WriteOne(one, surroundings.Output);
        else
            WriteMany(verbs, words.Count == 0, surroundings.Output);
        return ExitCode.Ok;
    }

    private static void WriteMany(IReadOnlyList<CtlVerb> verbs, bool isAll, TextWriter output)
    {
        int width = verbs.Max(static verb => verb.Usage.Length) + 2;
        output.WriteLine("Commands:");
        foreach (CtlVerb verb in verbs)
            output.WriteLine($"  {verb.Usage.PadRight(width)}{verb.Summary}");
        if (!isAll)
            return;
        output.WriteLine();
        output.WriteLine("With each: --node host:port (another node than that of this machine), --json (for programs).");
        output.WriteLine("`warp ctl help COMMAND` explains one. `warp ctl` alone is a prompt.");
        output.WriteLine(CtlPalette.ExitCodes);
    }

    private static void WriteOne(CtlVerb verb, TextWriter output)
    {
        output.WriteLine($"warp ctl {verb.Usage}");
        output.WriteLine($"  {verb.Summary}");
        if (verb.Details.Length > 0)
            output.WriteLine($"  {verb.Details}");
        foreach ((string flag, string meaning) in verb.Flags)
            output.WriteLine($"  {flag}  {meaning}");
        output.WriteLine("Example:");
        output.WriteLine($"  {verb.Example}");
    }
}

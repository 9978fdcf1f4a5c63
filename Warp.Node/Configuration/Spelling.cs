namespace Warp.Node.Configuration;

/// <summary>Finds what someone who mistyped a word may have meant.</summary>
internal static class Spelling
{
    /// <summary>The candidate with the fewest slips, if these are not more than a third of the word; else null.</summary>
    public static string? Nearest(string word, IEnumerable<string> candidates)
    {
        string? nearest = candidates.MinBy(candidate => Slips(word, candidate));
        return nearest is not null && Slips(word, nearest) <= word.Length / 3 ? nearest : null;
    }

    /// <summary>How many characters were left out, added, changed or swapped with their neighbour (optimal string alignment).</summary>
    private static int Slips(string one, string other)
    {
        var slips = new int[one.Length + 1, other.Length + 1];
        for (var i = 0; i <= one.Length; i++)
        {
            for (var j = 0; j <= other.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    slips[i, j] = i + j;
                    continue;
                }
                var change = one[i - 1] == other[j - 1] ? 0 : 1;
                slips[i, j] = Math.Min(slips[i - 1, j - 1] + change, Math.Min(slips[i - 1, j], slips[i, j - 1]) + 1);
                if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1])
                    slips[i, j] = Math.Min(slips[i, j], slips[i - 2, j - 2] + 1);
            }
        }
        return slips[one.Length, other.Length];
    }
}

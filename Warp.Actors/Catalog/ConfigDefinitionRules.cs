using System.Globalization;
using System.Text.RegularExpressions;

namespace Warp.Actors.Catalog;

/// <summary>The rules that config definitions are made with, and how lists are taken apart.</summary>
public static partial class ConfigDefinitionRules
{
    /// <summary>An integer not below <paramref name="least"/>.</summary>
    public static ConfigRule AtLeast(long least) =>
        value => Number(value) >= least ? null : $"it must be at least {least}";

    /// <summary>A number from <paramref name="least"/> to <paramref name="most"/>, both allowed.</summary>
    public static ConfigRule Between(double least, double most) =>
        value => double.Parse(value, CultureInfo.InvariantCulture) is var number && number >= least && number <= most
            ? null : $"it must be from {least} to {most}";

    /// <summary>What <paramref name="rule"/> allows, and one number besides.</summary>
    public static ConfigRule Or(long exception, ConfigRule rule) =>
        value => Number(value) == exception || rule(value) is not { } fault ? null : $"{fault}, or {exception}";

    /// <summary>One of these words, in exactly this spelling.</summary>
    public static ConfigRule OneOf(params string[] words) =>
        value => words.Contains(value) ? null : $"it must be one of {string.Join(", ", words)}";

    /// <summary>A list of these words, each at most once; it may be empty.</summary>
    public static ConfigRule SubsetOf(params string[] words) => value =>
    {
        string[] elements = SplitList(value);
        if (elements.Except(words).FirstOrDefault() is { } stranger)
            return $"'{stranger}' is not one of {string.Join(", ", words)}";
        return elements.Distinct().Count() == elements.Length ? null : "no element may appear twice";
    };

    /// <summary>A list of at least one of these words, each at most once.</summary>
    public static ConfigRule NonEmptySubsetOf(params string[] words) =>
        value => SplitList(value).Length == 0 ? "it must not be empty" : SubsetOf(words)(value);

    /// <summary>A list of <c>partition:broker</c> pairs, or <c>*</c> for all.</summary>
    public static string? ThrottledReplicas(string value) =>
        value == "*" || SplitList(value).All(element => PartitionAndBroker().IsMatch(element))
            ? null : "it must be * or a list of partition:broker";

    /// <summary>The elements of a list's text, without blanks around them; a blank text has none.</summary>
    public static string[] SplitList(string value) =>
        string.IsNullOrWhiteSpace(value) ? [] : value.Split(',', StringSplitOptions.TrimEntries);

    private static long Number(string value) => long.Parse(value, CultureInfo.InvariantCulture);

    [GeneratedRegex("^[0-9]+:[0-9]+$")]
    private static partial Regex PartitionAndBroker();
}

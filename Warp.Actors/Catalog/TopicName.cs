namespace Warp.Actors.Catalog;

/// <summary>Kafka's rules for the names of topics. A name that breaks one gets INVALID_TOPIC_EXCEPTION.</summary>
public static class TopicName
{
    /// <summary>Longest name, in characters.</summary>
    public const int MaxLength = 249;

    /// <summary>Checks a name by itself.</summary>
    /// <returns>Null when it is valid, otherwise a sentence that says why not.</returns>
    public static string? Validate(string name)
    {
        if (name.Length == 0)
            return "A topic name must not be empty";
        if (name is "." or "..")
            return $"'{name}' is not a topic name";
        if (name.Length > MaxLength)
            return $"A topic name has at most {MaxLength} characters, this one has {name.Length}";
        foreach (char c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-'))
                return $"The topic name '{name}' has characters other than ASCII letters, digits, '.', '_' and '-'";
        }
        return null;
    }

    /// <summary>
    /// What no two topics may share: Kafka's metrics write '.' as '_', so <c>a.b</c> cannot be made beside <c>a_b</c>.
    /// </summary>
    public static string CollisionKey(string name) => name.Replace('.', '_');

    /// <summary>Two different topics that cannot both be.</summary>
    public static bool Collide(string one, string other) => one != other && CollisionKey(one) == CollisionKey(other);
}

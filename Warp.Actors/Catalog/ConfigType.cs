namespace Warp.Actors.Catalog;

/// <summary>The type of a config's value, with the ids of DescribeConfigs v3+ (KIP-569).</summary>
public enum ConfigType : sbyte
{
    Boolean = 1,
    String = 2,
    Int = 3,
    Short = 4,
    Long = 5,
    Double = 6,

    /// <summary>Elements separated by commas; the empty text is the empty list.</summary>
    List = 7,
    Class = 8,

    /// <summary>Never shown: DescribeConfigs answers null for it.</summary>
    Password = 9,
}

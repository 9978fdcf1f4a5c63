using System.Globalization;

namespace Warp.Actors.Catalog;

/// <summary>A broker config that gives the default of a topic config.</summary>
/// <param name="Name">The broker config's name, such as <c>log.retention.hours</c>.</param>
/// <param name="Scale">How many of the topic config's units make one of the broker config's: 1, or a minute's or an hour's ms.</param>
public sealed record BrokerSynonym(string Name, int Scale = 1)
{
    /// <summary>
    /// The broker config's value in the topic config's unit. Less than none of a coarser unit means "no limit", which is -1.
    /// </summary>
    /// <param name="value">Valid for the broker config.</param>
    public string ToTopicValue(string value) => Scale == 1
        ? value
        : Math.Max(-1, long.Parse(value, CultureInfo.InvariantCulture) * Scale).ToString(CultureInfo.InvariantCulture);
}

namespace Warp.Actors.Groups;

/// <summary>Which groups with members may change their protocol; the names are those of <c>group.consumer.migration.policy</c>.</summary>
[Flags]
public enum ConsumerMigrationPolicy
{
    Disabled = 0,

    /// <summary>Classic groups, when a member of the consumer protocol joins.</summary>
    Upgrade = 1,

    /// <summary>Groups of the consumer protocol, when its last member leaves.</summary>
    Downgrade = 2,

    Bidirectional = Upgrade | Downgrade,
}

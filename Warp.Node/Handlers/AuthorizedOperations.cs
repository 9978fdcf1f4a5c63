namespace Warp.Node.Handlers;

/// <summary>
/// The bits that tell a client what it may do (KIP-430): one for each operation, at the position of the operation's number in ACLs.
/// Nobody is refused anything here, so these are all that make sense for the resource.
/// </summary>
internal static class AuthorizedOperations
{
    public const int Topic =
        1 << Read | 1 << Write | 1 << Create | 1 << Delete | 1 << Alter | 1 << Describe | 1 << DescribeConfigs | 1 << AlterConfigs;

    public const int Cluster =
        1 << Create | 1 << Alter | 1 << Describe | 1 << ClusterAction | 1 << DescribeConfigs | 1 << AlterConfigs | 1 << IdempotentWrite;

    public const int Group = 1 << Read | 1 << Delete | 1 << Describe;

    private const int Read = 3;
    private const int Write = 4;
    private const int Create = 5;
    private const int Delete = 6;
    private const int Alter = 7;
    private const int Describe = 8;
    private const int ClusterAction = 9;
    private const int DescribeConfigs = 10;
    private const int AlterConfigs = 11;
    private const int IdempotentWrite = 12;
}

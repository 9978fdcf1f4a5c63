using Warp.Protocol.Messages;

namespace Warp.Actors.Cluster.Peers;

/// <summary>A request to the sequencer of a shard.</summary>
public interface IShardRequest : IRequest
{
    int ShardId { get; set; }
}

public sealed partial class CommitObjectRequest : IShardRequest;

public sealed partial class AwaitHeldBatchRequest : IShardRequest;

public sealed partial class OpenPartitionsRequest : IShardRequest;

public sealed partial class DropPartitionsRequest : IShardRequest;

public sealed partial class TrimLogRequest : IShardRequest;

public sealed partial class ApplyRetentionRequest : IShardRequest;

public sealed partial class ReadExtentsRequest : IShardRequest;

public sealed partial class DescribeLogsRequest : IShardRequest;

public sealed partial class DescribeLogProducersRequest : IShardRequest;

public sealed partial class FindTimestampRequest : IShardRequest;

public sealed partial class WatchPartitionsRequest : IShardRequest;

public sealed partial class DescribeObjectsRequest : IShardRequest;

public sealed partial class FindCleanableRequest : IShardRequest;

public sealed partial class FindExtentsRequest : IShardRequest;

public sealed partial class ReplaceExtentsRequest : IShardRequest;

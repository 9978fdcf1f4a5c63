using Warp.Actors.Kernel;
using Warp.Actors.Maintenance;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Actors.Cluster.Peers;

/// <summary>How the messages to the compaction planner travel, those of workers and those of operators.</summary>
internal static class CompactionExchanges
{
    private const sbyte Tell = 0;
    private const sbyte Pause = 1;
    private const sbyte Resume = 2;
    private const sbyte RunNow = 3;

    public static IReadOnlyList<IExchange<CompactionMessage>> All { get; } =
    [
        Of<CompactionMessage.RenewJob, RenewCompactionJobRequest, RenewCompactionJobResponse, bool>(
            PrivateApis.RenewCompactionJob,
            static message => message.Reply,
            static message => new RenewCompactionJobRequest { JobId = message.JobId },
            static (request, reply) => new CompactionMessage.RenewJob(request.JobId, reply),
            static answer => new RenewCompactionJobResponse { IsYours = answer },
            static response => response.IsYours),

        Of<CompactionMessage.FinishJob, FinishCompactionJobRequest, FinishCompactionJobResponse, bool>(
            PrivateApis.FinishCompactionJob,
            static message => message.Reply,
            static message => new FinishCompactionJobRequest
            {
                JobId = message.JobId,
                Outputs = message.Result.Outputs,
                ReplacedExtents = message.Result.ReplacedExtents,
                AddedExtents = message.Result.AddedExtents,
                RefusedPartitions = message.Result.RefusedPartitions,
                Requests = message.Result.Requests,
                BytesRead = message.Result.BytesRead,
                BytesWritten = message.Result.BytesWritten,
                PeakBytes = message.Result.PeakBytes,
            },
            static (request, reply) => new CompactionMessage.FinishJob(
                request.JobId,
                new CompactionResult(
                    request.Outputs,
                    request.ReplacedExtents,
                    request.AddedExtents,
                    request.RefusedPartitions,
                    request.Requests,
                    request.BytesRead,
                    request.BytesWritten,
                    request.PeakBytes),
                reply),
            static answer => new FinishCompactionJobResponse { IsAccepted = answer },
            static response => response.IsAccepted),

        Of<CompactionMessage.FailJob, FailCompactionJobRequest, FailCompactionJobResponse, bool>(
            PrivateApis.FailCompactionJob,
            static message => message.Reply,
            static message => new FailCompactionJobRequest
            {
                JobId = message.JobId,
                Reason = PeerText.Cut(message.Reason),
                Culprit = message.Culprit?.ToGuid() ?? Guid.Empty,
            },
            static (request, reply) => new CompactionMessage.FailJob(
                request.JobId, request.Reason, request.Culprit == Guid.Empty ? null : request.Culprit.ToObjectId(), reply),
            static answer => new FailCompactionJobResponse { IsAccepted = answer },
            static response => response.IsAccepted),

        Steer<CompactionMessage.SetPaused>(static message => message.Reply, static message => message.IsPaused ? Pause : Resume),
        Steer<CompactionMessage.RunNow>(static message => message.Reply, static _ => RunNow),
        Steer<CompactionMessage.Describe>(static message => message.Reply, static _ => Tell),
    ];

    public static TakeCompactionJobResponse.CompactionJobOffer ToOffer(CompactionJob job) => new()
    {
        JobId = job.JobId,
        Level = job.Level,
        TargetBytes = job.TargetBytes,
        Inputs = [.. job.Inputs.Select(static input => new TakeCompactionJobResponse.JobInput
        {
            ObjectId = input.Id.ToGuid(),
            Level = input.Level,
            SizeBytes = input.SizeBytes,
        })],
    };

    public static CompactionJob FromOffer(TakeCompactionJobResponse.CompactionJobOffer job) => new(
        job.JobId,
        job.Level,
        job.TargetBytes,
        [.. job.Inputs.Select(static input => new CompactionInput(input.ObjectId.ToObjectId(), input.Level, input.SizeBytes))]);

    private static Exchange<CompactionMessage, TQuestion, TRequest, TResponse, TReply> Of<TQuestion, TRequest, TResponse, TReply>(
        ApiKey key,
        Func<TQuestion, Reply<TReply>> replyOf,
        Func<TQuestion, TRequest> toRequest,
        Func<TRequest, Reply<TReply>, TQuestion> fromRequest,
        Func<TReply, TResponse> toResponse,
        Func<TResponse, TReply> fromResponse)
        where TQuestion : CompactionMessage
        where TRequest : class, IRequest
        where TResponse : class, IResponse =>
        new(key, replyOf, toRequest, fromRequest, toResponse, fromResponse);

    /// <summary>Three messages that are one request; which of them it becomes, the request says.</summary>
    private static IExchange<CompactionMessage> Steer<TQuestion>(
        Func<TQuestion, Reply<CompactionStatus>> replyOf, Func<TQuestion, sbyte> action)
        where TQuestion : CompactionMessage =>
        new Exchange<CompactionMessage, CompactionMessage, SteerCompactionRequest, SteerCompactionResponse, CompactionStatus>(
            PrivateApis.SteerCompaction,
            message => replyOf((TQuestion)message),
            message => new SteerCompactionRequest { Action = action((TQuestion)message) },
            static (request, reply) => request.Action switch
            {
                Tell => new CompactionMessage.Describe(reply),
                Pause or Resume => new CompactionMessage.SetPaused(request.Action == Pause, reply),
                RunNow => new CompactionMessage.RunNow(reply),
                _ => throw new PeerErrorException(PeerError.Unsupported, $"there is no action {request.Action}"),
            },
            StatusOf,
            StatusOf)
        {
            MessageType = typeof(TQuestion),
        };

    private static SteerCompactionResponse StatusOf(CompactionStatus status) => new()
    {
        IsPaused = status.IsPaused,
        WaitingWorkers = status.WaitingWorkers,
        Running = [.. status.Running.Select(JobOf)],
        Waiting = [.. status.Waiting.Select(JobOf)],
        Objects = [.. status.Objects.Select(static level => new SteerCompactionResponse.LevelStatus
        {
            Level = level.Level,
            Objects = level.Objects,
            Bytes = level.Bytes,
            LiveBytes = level.LiveBytes,
        })],
        Finished = status.Finished,
        CompactedObjects = status.CompactedObjects,
        WrittenBytes = status.WrittenBytes,
        Failed = status.Failed,
        LastFailure = status.LastFailure is { } failure ? PeerText.Cut(failure) : null,
        LastLookAtMs = MsOf(status.LastLookAt),
        NotBeforeMs = MsOf(status.NotBefore),
        Unreadable = [.. status.Unreadable],
    };

    private static CompactionStatus StatusOf(SteerCompactionResponse status) => new(
        status.IsPaused,
        status.WaitingWorkers,
        [.. status.Running.Select(JobOf)],
        [.. status.Waiting.Select(JobOf)],
        [.. status.Objects.Select(static level => new CompactionLevelStatus(level.Level, level.Objects, level.Bytes, level.LiveBytes))],
        status.Finished,
        status.CompactedObjects,
        status.WrittenBytes,
        status.Failed,
        status.LastFailure,
        TimeOf(status.LastLookAtMs),
        TimeOf(status.NotBeforeMs),
        status.Unreadable);

    private static PeerJobStatus JobOf(CompactionJobStatus job) => new()
    {
        JobId = job.JobId ?? Guid.Empty,
        NodeId = job.NodeId ?? -1,
        StartedAtMs = MsOf(job.StartedAt),
        Level = job.Level,
        Inputs = job.Inputs,
        InputBytes = job.InputBytes,
    };

    private static CompactionJobStatus JobOf(PeerJobStatus job) => new(
        job.JobId == Guid.Empty ? null : job.JobId,
        job.NodeId < 0 ? null : job.NodeId,
        TimeOf(job.StartedAtMs),
        job.Level,
        job.Inputs,
        job.InputBytes);

    private static long MsOf(DateTimeOffset? time) => time?.ToUnixTimeMilliseconds() ?? -1;

    private static DateTimeOffset? TimeOf(long ms) =>
        ms is < 0 or > PeerText.MaxTimeMs ? null : DateTimeOffset.FromUnixTimeMilliseconds(ms);
}

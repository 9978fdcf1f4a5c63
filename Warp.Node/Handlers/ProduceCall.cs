using System.Threading.Tasks.Sources;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Streams.Produce;

namespace Warp.Node.Handlers;

/// <summary>A produce request whose batches are on their way; awaited, it is the response.</summary>
/// <param name="context">The request.</param>
/// <param name="request">Its body.</param>
/// <param name="response">What refused batches have their errors in, and accepted ones no error yet.</param>
/// <param name="batches">The accepted ones, in the response's order.</param>
/// <param name="timeout">How long the client waits.</param>
internal sealed class ProduceCall(
    RequestContext context, ProduceRequest request, ProduceResponse response, List<PendingBatch> batches, TimeSpan timeout)
    : PendingRequest(batches, timeout, context.Source), IValueTaskSource<IResponse?>
{
    /// <summary>To be awaited once.</summary>
    public ValueTask<IResponse?> Response => new(this, Version);

    IResponse? IValueTaskSource<IResponse?>.GetResult(short token)
    {
        GetResult(token);
        int next = 0;
        foreach (ProduceResponse.TopicProduceResponse topic in response.Responses)
        {
            foreach (ProduceResponse.PartitionProduceResponse answer in topic.PartitionResponses)
            {
                // What has an error already is not among the batches.
                if (answer.ErrorCode == ErrorCode.None)
                    Answer(answer, Batches[next++]);
            }
        }
        return Finish(context, request, response);
    }

    /// <summary>With <c>acks=0</c> there is no response; an error closes the connection instead.</summary>
    public static IResponse? Finish(RequestContext context, ProduceRequest request, ProduceResponse response)
    {
        if (request.Acks != 0)
            return response;
        context.CloseConnection = response.Responses.Any(static topic => topic.PartitionResponses.Any(static answer => answer.ErrorCode != ErrorCode.None));
        return null;
    }

    private static void Answer(ProduceResponse.PartitionProduceResponse answer, PendingBatch batch)
    {
        if (!batch.TryGetAnswer(out BatchAnswer result))
        {
            // The batch goes on; a client that sends it again is told its first offset.
            answer.ErrorCode = ErrorCode.RequestTimedOut;
            return;
        }
        answer.ErrorCode = result.Error;
        answer.BaseOffset = result.BaseOffset;
        answer.LogStartOffset = result.LogStartOffset;
    }
}

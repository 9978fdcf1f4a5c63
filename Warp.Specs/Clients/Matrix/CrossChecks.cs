using Xunit;

namespace Warp.Specs.Clients.Matrix;

/// <summary>The checks that a client reads what every client has written, with every codec that both have.</summary>
internal static class CrossChecks
{
    /// <summary>One check for each writer.</summary>
    /// <param name="finish">Waits for another check of a client; throws if it has failed.</param>
    public static IEnumerable<MatrixCheck> All(Func<string, string, Task> finish) =>
        MatrixClients.All.Select(writer => new MatrixCheck(Read(writer), async (context, cancellation) =>
        {
            foreach (string codec in CodecsOf(writer).Intersect(CodecsOf(context.Client)))
            {
                await finish(writer, RecordChecks.ProduceWith(codec));
                await ReadAsync(context, writer, codec, cancellation);
            }
        }));

    /// <summary>The name of the check that reads what a client has written.</summary>
    public static string Read(string writer) => $"consume what {writer} has produced";

    private static IEnumerable<string> CodecsOf(string client) =>
        RecordChecks.Codecs.Where(codec => ClientGaps.Find(client, RecordChecks.ProduceWith(codec)) is null);

    private static async Task ReadAsync(CheckContext context, string writer, string codec, CancellationToken cancellation)
    {
        string topic = RecordChecks.CodecTopic(writer, codec);
        var records = await context.ReadAllAsync(topic, cancellation);
        Assert.Equal(MatrixCorpus.Records.Select(record => record.Content), records.Select(record => record.Content));
        Assert.Equal(Enumerable.Range(0, records.Count).Select(n => (long?)n), records.Select(record => record.Offset));

        var times = ClientGaps.Find(writer, RecordChecks.Timestamps) is null
            ? MatrixCorpus.Records
            : (await context.Reference.ReadAsync(topic, 0, ["beginning"], cancellation))[0];
        Assert.Equal(times.Select(record => record.TimestampMs), records.Select(record => record.TimestampMs));
    }
}

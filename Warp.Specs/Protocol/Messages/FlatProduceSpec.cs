using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Warp.Specs.Protocol.Wire;
using Xunit;

namespace Warp.Specs.Protocol.Messages;

/// <summary>The twins of the generated Produce messages are the same on the wire.</summary>
public sealed class FlatProduceSpec
{
    private const int SamplesPerVersion = 50;

    public static TheoryData<short> Versions => [.. Enumerable.Range(0, FlatProduceRequest.HighestVersion + 1).Select(static version => (short)version)];

    [Fact]
    public void There_is_a_twin_for_every_version() =>
        Assert.Equal((0, FlatProduceRequest.HighestVersion), (ApiSpecs.Get(ApiKey.Produce).MinVersion, ApiSpecs.Get(ApiKey.Produce).MaxVersion));

    [Theory]
    [MemberData(nameof(Versions))]
    public void A_request_is_read_and_written_as_the_generated_one_is(short version)
    {
        var random = new Random(RandomMessages.Seed());
        var messages = new RandomMessages(random);
        // One and the same all the time: nothing of a request may show in the next.
        var flat = new FlatProduceRequest();
        for (int i = 0; i < SamplesPerVersion; i++)
        {
            var (message, bytes) = messages.Make(typeof(ProduceRequest), version);
            var reader = new WireReader(bytes);
            flat.Read(ref reader, version);

            Assert.Equal(0, reader.Remaining);
            Assert.Equal(WireHex.Text(bytes), WireHex.Text(RandomMessages.Write(flat, version)));
            AssertSame((ProduceRequest)message, flat, version);
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void Bytes_are_refused_by_both_or_by_none(short version)
    {
        var random = new Random(RandomMessages.Seed());
        var messages = new RandomMessages(random);
        var flat = new FlatProduceRequest();
        for (int i = 0; i < SamplesPerVersion * 10; i++)
        {
            byte[] bytes = messages.Make(typeof(ProduceRequest), version).Bytes;
            bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            bytes = bytes[..(bytes.Length - random.Next(2))];
            Assert.Equal(
                Refuses(bytes, (ref WireReader reader) => ProduceRequest.Read(ref reader, version)),
                Refuses(bytes, (ref WireReader reader) => flat.Read(ref reader, version)));
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void A_response_is_written_as_the_generated_one_is(short version)
    {
        var random = new Random(RandomMessages.Seed());
        var flat = new FlatProduceResponse();
        for (int i = 0; i < SamplesPerVersion; i++)
        {
            flat.Clear();
            var response = new ProduceResponse { ThrottleTimeMs = flat.ThrottleTimeMs = random.Next(2) * random.Next() };
            for (int topics = random.Next(4); topics > 0; topics--)
                response.Responses.Add(MakeTopic(random, flat));
            Assert.Equal(WireHex.Text(RandomMessages.Write(response, version)), WireHex.Text(RandomMessages.Write(flat, version)));
        }
    }

    private static ProduceResponse.TopicProduceResponse MakeTopic(Random random, FlatProduceResponse flat)
    {
        int partitions = random.Next(4);
        var bytes = new byte[16];
        random.NextBytes(bytes);
        var topic = new ProduceResponse.TopicProduceResponse { Name = $"töpic-{random.Next(5)}", TopicId = new Guid(bytes) };
        flat.Add(new FlatProduceRequest.Topic(topic.Name, topic.TopicId, partitions));
        for (int i = 0; i < partitions; i++)
        {
            var answer = new FlatProduceResponse.Partition(random.Next());
            if (random.Next(3) > 0)
                answer = answer with { BaseOffset = random.NextInt64(), LogAppendTimeMs = random.NextInt64(), LogStartOffset = random.NextInt64() };
            if (random.Next(3) == 0)
                answer = answer with { ErrorCode = ErrorCode.InvalidRecord, ErrorMessage = random.Next(2) == 0 ? null : "No." };
            if (random.Next(3) == 0)
                answer.BadRecords = [.. Enumerable.Range(0, random.Next(4)).Select(_ => random.Next())];
            flat.Add(answer);
            topic.PartitionResponses.Add(new ProduceResponse.PartitionProduceResponse
            {
                Index = answer.Index,
                ErrorCode = answer.ErrorCode,
                BaseOffset = answer.BaseOffset,
                LogAppendTimeMs = answer.LogAppendTimeMs,
                LogStartOffset = answer.LogStartOffset,
                ErrorMessage = answer.ErrorMessage,
                RecordErrors = [.. (answer.BadRecords ?? []).Select(bad => new ProduceResponse.BatchIndexAndErrorMessage
                {
                    BatchIndex = bad,
                    BatchIndexErrorMessage = answer.ErrorMessage,
                })],
            });
        }
        return topic;
    }

    private static void AssertSame(ProduceRequest expected, FlatProduceRequest actual, short version)
    {
        Assert.Equal((expected.Acks, expected.TimeoutMs), (actual.Acks, actual.TimeoutMs));
        Assert.Equal(version >= 3 ? expected.TransactionalId : null, actual.TransactionalId);
        Assert.Equal(expected.TopicData.Select(static topic => topic.PartitionData.Count), actual.Topics.ToArray().Select(static topic => topic.PartitionCount));
        Assert.Equal(expected.TopicData.Select(topic => version < 13 ? topic.Name : ""), actual.Topics.ToArray().Select(static topic => topic.Name));
        Assert.Equal(expected.TopicData.Select(topic => version < 13 ? Guid.Empty : topic.TopicId), actual.Topics.ToArray().Select(static topic => topic.TopicId));
        Assert.Equal(
            expected.TopicData.SelectMany(static topic => topic.PartitionData).Select(static partition => (partition.Index, partition.Records.IsNull, Convert.ToHexString(partition.Records.Memory.Span))),
            actual.Partitions.ToArray().Select(static partition => (partition.Index, partition.Records is null, Convert.ToHexString(partition.Records.GetValueOrDefault().Span))));
    }

    private static bool Refuses(byte[] bytes, Reading read)
    {
        try
        {
            var reader = new WireReader(bytes);
            read(ref reader);
            return false;
        }
        catch (MalformedMessageException)
        {
            return true;
        }
    }

    private delegate void Reading(ref WireReader reader);
}

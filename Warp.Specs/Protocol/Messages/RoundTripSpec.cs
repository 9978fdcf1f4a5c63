using System.Collections;
using Warp.Actors.Cluster.Peers;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Warp.Specs.Protocol.Wire;
using Xunit;

namespace Warp.Specs.Protocol.Messages;

public sealed class RoundTripSpec
{
    private const int SamplesPerVersion = 20;

    [Fact]
    public void Every_version_of_every_message_reads_what_it_wrote()
    {
        var messages = new RandomMessages(new Random(RandomMessages.Seed()));
        foreach (var (spec, request, version) in AllVersions())
        {
            for (int i = 0; i < SamplesPerVersion; i++)
            {
                var (_, bytes) = messages.Make(spec, request, version);
                var reader = new WireReader(bytes);
                var read = Read(spec, request, version, ref reader);
                Assert.True(reader.Remaining == 0, $"{spec.Name} v{version} leaves {reader.Remaining} bytes");
                Assert.Equal(WireHex.Text(bytes), WireHex.Text(RandomMessages.Write(read, version)));
            }
        }
    }

    [Fact]
    public void Every_field_keeps_its_value_in_some_version()
    {
        var messages = new RandomMessages(new Random(RandomMessages.Seed()));
        foreach (var api in Versions().GroupBy(item => (item.Spec, item.Request)))
        {
            var lost = new HashSet<string>();
            CollectFields(RandomMessages.TypeOf(api.Key.Spec, api.Key.Request), lost);
            for (int round = 0; round < 1000 && lost.Count > 0; round++)
            {
                foreach (var (spec, request, version) in api)
                {
                    var (message, bytes) = messages.Make(spec, request, version);
                    var reader = new WireReader(bytes);
                    DropKept(message, Read(spec, request, version, ref reader), lost);
                }
            }
            Assert.Empty(lost);
        }
    }

    [Fact]
    public void A_request_does_not_lose_a_value_that_its_version_cannot_carry()
    {
        var request = new ListOffsetsRequest { IsolationLevel = 1 };
        var error = Assert.Throws<NotSupportedException>(() => RandomMessages.Write(request, 1));
        Assert.Contains("ListOffsetsRequest.IsolationLevel", error.Message, StringComparison.Ordinal);
        Assert.NotEmpty(RandomMessages.Write(request, 2));
    }

    [Fact]
    public void A_request_loses_an_ignorable_value_silently() =>
        Assert.Equal(
            RandomMessages.Write(new ListOffsetsRequest(), 9), RandomMessages.Write(new ListOffsetsRequest { TimeoutMs = 30_000 }, 9));

    [Fact]
    public void A_response_leaves_out_what_its_version_lacks() =>
        Assert.Equal(
            RandomMessages.Write(new MetadataResponse(), 0),
            RandomMessages.Write(new MetadataResponse { ControllerId = 3, ClusterId = "c", ClusterAuthorizedOperations = 7 }, 0));

    [Fact]
    public void A_tagged_field_with_its_default_is_left_out()
    {
        var response = new ProduceResponse();
        var partition = new ProduceResponse.PartitionProduceResponse();
        response.Responses.Add(new ProduceResponse.TopicProduceResponse { PartitionResponses = [partition] });
        int without = RandomMessages.Write(response, 10).Length;
        partition.CurrentLeader = new ProduceResponse.LeaderIdAndEpoch();
        Assert.Equal(without, RandomMessages.Write(response, 10).Length);
        partition.CurrentLeader.LeaderId = 0;
        Assert.Equal(without + 2 + 9, RandomMessages.Write(response, 10).Length);
        Assert.Equal(without, RandomMessages.Write(response, 9).Length);
    }

    [Fact]
    public void Unknown_tags_are_dropped()
    {
        var reader = new WireReader(WireHex.Bytes("05 77617270 04 312e30 01 63 03 aabbcc"));
        var request = ApiVersionsRequest.Read(ref reader, 3);
        Assert.Equal(0, reader.Remaining);
        Assert.Equal("05 77617270 04 312e30 00".Replace(" ", "", StringComparison.Ordinal), WireHex.Text(RandomMessages.Write(request, 3)));
    }

    /// <summary>Of Kafka's APIs.</summary>
    internal static IEnumerable<(ApiSpec Spec, bool Request, short Version)> Versions() => Versions(ApiSpecs.All);

    /// <summary>Those between nodes included.</summary>
    internal static IEnumerable<(ApiSpec Spec, bool Request, short Version)> AllVersions() => Versions(ApiSpecs.All.Concat(PrivateApis.All));

    private static IEnumerable<(ApiSpec Spec, bool Request, short Version)> Versions(IEnumerable<ApiSpec> specs)
    {
        foreach (var spec in specs)
        {
            for (short version = spec.MinVersion; version <= spec.MaxVersion; version++)
            {
                yield return (spec, true, version);
                yield return (spec, false, version);
            }
        }
    }

    internal static IMessage Read(ApiSpec spec, bool request, short version, ref WireReader reader) =>
        request ? spec.ReadRequest(ref reader, version) : spec.ReadResponse(ref reader, version);

    private static void CollectFields(Type type, HashSet<string> fields)
    {
        foreach (var property in RandomMessages.Fields(type))
            fields.Add($"{type.FullName}.{property.Name}");
        foreach (var nested in type.GetNestedTypes())
            CollectFields(nested, fields);
    }

    /// <summary>Takes the fields off the list that came back with the value they went out with, if that was not their default.</summary>
    private static void DropKept(object sent, object received, HashSet<string> lost)
    {
        var type = sent.GetType();
        var defaults = Activator.CreateInstance(type)!;
        foreach (var property in RandomMessages.Fields(type))
        {
            object? was = property.GetValue(sent), came = property.GetValue(received), usual = property.GetValue(defaults);
            if (SameParts(was, came, lost) ?? (Equals(Comparable(was), Comparable(came)) && !Equals(Comparable(was), Comparable(usual))))
                lost.Remove($"{type.FullName}.{property.Name}");
        }
    }

    /// <summary>Whether lists or structs, which are then looked into, are the same; null for anything else.</summary>
    private static bool? SameParts(object? sent, object? received, HashSet<string> lost)
    {
        if (sent is IList list)
        {
            if (received is not IList back || back.Count != list.Count || list.Count == 0)
                return false;
            return list.Cast<object>().Zip(back.Cast<object>()).Select(pair => SameParts(pair.First, pair.Second, lost)
                ?? Equals(Comparable(pair.First), Comparable(pair.Second))).ToList().TrueForAll(same => same);
        }
        if (sent is null || received is null || !sent.GetType().IsNested)
            return null;
        DropKept(sent, received, lost);
        return true;
    }

    private static object? Comparable(object? value) => value switch
    {
        ReadOnlyMemory<byte> bytes => WireHex.Text(bytes.Span),
        RecordSet { IsNull: true } => null,
        RecordSet records => WireHex.Text(records.Memory.Span),
        IList => null,
        _ => value,
    };
}

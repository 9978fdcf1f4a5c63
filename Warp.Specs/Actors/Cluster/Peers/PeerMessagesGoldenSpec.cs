using System.Reflection;
using Warp.Actors.Cluster.Peers;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Warp.Specs.Hosting;
using Warp.Specs.Node.Network;
using Warp.Specs.Protocol.Messages;
using Warp.Specs.Protocol.Wire;
using Xunit;

namespace Warp.Specs.Actors.Cluster.Peers;

/// <summary>
/// Bytes of every version of every message between nodes. They are frozen: nodes of neighbouring releases talk to each other. A new
/// version, or a field with a tag, adds lines; none is ever changed.
/// </summary>
public sealed class PeerMessagesGoldenSpec
{
    private static readonly Type[] s_headers = [typeof(PeerRequestHeader), typeof(PeerResponseHeader)];

    [Fact]
    public void Every_version_has_frozen_bytes()
    {
        var covered = new HashSet<string>();
        foreach (string line in File.ReadLines(Path.Combine(Repository.Root, "Warp.Specs", "Golden", "PeerMessages.txt")))
        {
            if (line.StartsWith('#'))
                continue;
            string[] parts = line.Split(' ');
            byte[] bytes = WireHex.Bytes(parts[2]);
            (Type type, short version) = Find(parts[0], parts[1]);
            IMessage message = Read(type, bytes, version);
            Assert.Equal(line, Line(type, version, RandomMessages.Write(message, version)));
            covered.Add($"{parts[0]} {parts[1]}");
        }
        var messages = new RandomMessages(new Random(411));
        string missing = string.Join('\n', All().Where(item => !covered.Contains($"{item.Type.Name} {item.Version}"))
            .SelectMany(static item => new[] { item, item })
            .Select(item => Line(item.Type, item.Version, messages.Make(item.Type, item.Version).Bytes)));
        Assert.True(missing.Length == 0, $"Lines to add to the golden file:\n{missing}");
    }

    [Fact]
    public void Api_keys_are_frozen() => Assert.Equal(
        "1000 Introduce, 1001 Prove, 1002 Ping, 1003 Cancel, 1004 Nudge, 1005 RelayHeartbeat, 1006 RelayRegistration, 1010 CommitObject, 1011 AwaitHeldBatch, 1012 OpenPartitions, "
        + "1013 DropPartitions, 1014 TrimLog, 1015 ApplyRetention, 1016 ReadExtents, 1017 DescribeLogs, 1018 DescribeLogProducers, "
        + "1019 FindTimestamp, 1020 WatchPartitions, 1021 DescribeObjects, 1022 FindCleanable, 1023 FindExtents, 1024 ReplaceExtents, "
        + "1030 TakeCompactionJob, 1031 RenewCompactionJob, 1032 FinishCompactionJob, 1033 FailCompactionJob, 1034 SteerCompaction, "
        + "1040 MakeTopics, 1041 GrowTopic, 1042 RemoveTopic, 1043 ReviseTopicConfigs, 1044 ReviseBrokerConfigs, 1045 ReviseQuotas, "
        + "1046 ChangeRouting, 1047 ReserveProducerIds, 1050 FollowCatalog, 1060 ReadChunk, 1061 OfferChunk, "
        + "1070 SetDraining, 1071 LeaveCluster, 1072 MoveShard, 1073 RebalanceShards, 1074 SweepStore, 1075 SurveyGroups, 1080 PassOn",
        string.Join(", ", PrivateApis.All.Select(static spec => $"{(short)spec.Key} {spec.Name}")));

    [Fact]
    public void Errors_and_refusals_are_frozen()
    {
        Assert.Equal(
            "None, Failed, Unsupported, TooLarge, DeadlinePassed, NotOwner, ActorStopped, NotFound, Cancelled, NotWritten",
            string.Join(", ", Enum.GetValues<PeerError>().Order()));
        Assert.Equal(
            "None, WrongSecret, OtherCluster, OtherNode, Certificate, NoHandshake, NoAnswer",
            string.Join(", ", Enum.GetValues<PeerRefusal>().Order()));
        Assert.Equal(Enumerable.Range(0, 10), Enum.GetValues<PeerError>().Order().Select(static error => (int)error));
        Assert.Equal(Enumerable.Range(0, 7), Enum.GetValues<PeerRefusal>().Order().Select(static refusal => (int)refusal));
    }

    [Fact]
    public async Task The_Kafka_listener_knows_no_private_api()
    {
        Assert.DoesNotContain(ApiSpecs.All, static spec => (short)spec.Key >= 1000);
        Assert.DoesNotContain(PrivateApis.All, static spec => (short)spec.Key < 1000 || ApiSpecs.TryGet((short)spec.Key, out _));
        Assert.Throws<KeyNotFoundException>(() => ApiSpecs.Get(PrivateApis.CommitObject));
        await using var listener = new TestListener([TestListener.Echo()]);
        foreach (ApiSpec spec in PrivateApis.All)
        {
            using RawClient client = await listener.ConnectAsync();
            await client.SendAsync(RawClient.Frame((short)spec.Key, 0, 1));
            Assert.True(await client.IsClosedAsync());
        }
    }

    [Fact]
    public void Whatever_has_bytes_of_its_frame_in_it_holds_the_frame()
    {
        // Requests are held by their session until they are answered, and the handshake reads into arrays of its own.
        IEnumerable<Type> responses = PrivateApis.All
            .Where(static spec => spec.Key is not (PrivateApis.Introduce or PrivateApis.Prove))
            .Select(static spec => RandomMessages.TypeOf(spec, request: false));
        foreach (Type response in responses)
            Assert.True(!HasBytes(response) || response.IsAssignableTo(typeof(IHoldsFrame)), response.Name);

        static bool HasBytes(Type type) => RandomMessages.Fields(type).Any(static field =>
            field.PropertyType == typeof(RecordSet) || field.PropertyType == typeof(ReadOnlyMemory<byte>)
            || field.PropertyType == typeof(ReadOnlyMemory<byte>?)
            || (ElementOf(field.PropertyType) is { IsClass: true } element && element != typeof(string) && HasBytes(element)));

        static Type ElementOf(Type type) => type.IsGenericType ? type.GetGenericArguments()[0] : type;
    }

    private static IEnumerable<(Type Type, short Version)> All()
    {
        foreach (Type header in s_headers)
            yield return (header, 0);
        foreach (ApiSpec spec in PrivateApis.All)
        {
            for (short version = spec.MinVersion; version <= spec.MaxVersion; version++)
            {
                yield return (RandomMessages.TypeOf(spec, request: true), version);
                yield return (RandomMessages.TypeOf(spec, request: false), version);
            }
        }
    }

    private static string Line(Type type, short version, byte[] bytes) => $"{type.Name} {version} {WireHex.Text(bytes)}";

    private static (Type Type, short Version) Find(string name, string version) =>
        All().Single(item => item.Type.Name == name && item.Version == short.Parse(version));

    private static IMessage Read(Type type, byte[] bytes, short version)
    {
        var reader = new WireReader(bytes);
        Reader read = type.GetMethod("Read", BindingFlags.Public | BindingFlags.Static)!.CreateDelegate<Reader>();
        IMessage message = read(ref reader, version);
        Assert.Equal(0, reader.Remaining);
        return message;
    }

    private delegate IMessage Reader(ref WireReader reader, short version);
}

using System.Buffers.Binary;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Warp.Specs.Protocol.Wire;
using Xunit;

namespace Warp.Specs.Protocol.Messages;

/// <summary>Frames whose bytes were worked out by hand from the protocol's rules.</summary>
public sealed class WellKnownFramesSpec
{
    [Fact]
    public void ApiVersions_request_v0() => IsRequest(1, "t", new ApiVersionsRequest(), 0,
        "0012 0000 00000001 0001 74");

    [Fact]
    public void ApiVersions_request_v3() =>
        IsRequest(7, "test", new ApiVersionsRequest { ClientSoftwareName = "warp", ClientSoftwareVersion = "1.0" }, 3,
            "0012 0003 00000007 0004 74657374 00",
            "05 77617270 04 312e30 00");

    [Fact]
    public void ApiVersions_response_v0() => IsResponse(1, new ApiVersionsResponse { ApiKeys = [new() { ApiKey = 18, MaxVersion = 4 }] }, 0,
        "00000001",
        "0000 00000001 0012 0000 0004");

    [Fact]
    public void ApiVersions_response_v3_has_no_tags_in_its_header() =>
        IsResponse(7, new ApiVersionsResponse { ApiKeys = [new() { ApiKey = 18, MaxVersion = 4 }] }, 3,
            "00000007",
            "0000 02 0012 0000 0004 00 00000000 00");

    [Fact]
    public void Metadata_request_v1() => IsRequest(2, "c", new MetadataRequest { Topics = [new() { Name = "foo" }] }, 1,
        "0003 0001 00000002 0001 63",
        "00000001 0003 666f6f");

    [Fact]
    public void Metadata_request_v1_for_all_topics() => IsRequest(2, null, new MetadataRequest { Topics = null }, 1,
        "0003 0001 00000002 ffff ffffffff");

    [Fact]
    public void Metadata_request_v12() => IsRequest(3, "c", new MetadataRequest { Topics = [new() { Name = "foo" }] }, 12,
        "0003 000c 00000003 0001 63 00",
        "02 00000000000000000000000000000000 04 666f6f 00",
        "01 00 00");

    [Fact]
    public void Metadata_response_v1()
    {
        var partition = new MetadataResponse.MetadataResponsePartition
        {
            PartitionIndex = 5,
            LeaderId = 7,
            ReplicaNodes = [7],
            IsrNodes = [7, 8],
        };
        var response = new MetadataResponse
        {
            Brokers = [new() { NodeId = 7, Host = "node", Port = 9092 }],
            ControllerId = 7,
            Topics = [new() { Name = "foo", Partitions = [partition] }],
        };
        IsResponse(2, response, 1,
            "00000002",
            "00000001 00000007 0004 6e6f6465 00002384 ffff",
            "00000007",
            "00000001 0000 0003 666f6f 00",
            "00000001 0000 00000005 00000007 00000001 00000007 00000002 00000007 00000008");
    }

    [Fact]
    public void Produce_request_v3() => IsRequest(4, "c", Produce(), 3,
        "0000 0003 00000004 0001 63",
        "ffff ffff 00007530",
        "00000001 0003 666f6f",
        "00000001 00000000 00000003 aabbcc");

    [Fact]
    public void Produce_request_v9() => IsRequest(5, "c", Produce(), 9,
        "0000 0009 00000005 0001 63 00",
        "00 ffff 00007530",
        "02 04 666f6f",
        "02 00000000 04 aabbcc 00",
        "00 00");

    [Fact]
    public void Fetch_request_v4() => IsRequest(6, "c", Fetch(0), 4,
        "0001 0004 00000006 0001 63",
        "ffffffff 000001f4 00000001 03200000 00",
        "00000001 0003 666f6f",
        "00000001 00000000 0000000000000005 00100000");

    [Fact]
    public void Fetch_request_v12() => IsRequest(7, "c", Fetch(1), 12,
        "0001 000c 00000007 0001 63 00",
        "ffffffff 000001f4 00000001 03200000 01 00000000 ffffffff",
        "02 04 666f6f",
        "02 00000000 ffffffff 0000000000000005 ffffffff ffffffffffffffff 00100000 00",
        "00 01 01 00");

    [Fact]
    public void Fetch_response_v4_has_no_null_records() => IsResponse(6, NothingFetched(), 4,
        "00000006",
        "00000000",
        "00000001 0003 666f6f",
        "00000001 00000002 0000 0000000000000009 0000000000000008 ffffffff 00000000");

    [Fact]
    public void Fetch_response_v12_has_no_null_records() => IsResponse(6, NothingFetched(), 12,
        "00000006 00",
        "00000000 0000 00000000",
        "02 04 666f6f",
        "02 00000002 0000 0000000000000009 0000000000000008 ffffffffffffffff 00 ffffffff 01 00",
        "00 00");

    private static ProduceRequest Produce() => new()
    {
        Acks = -1,
        TimeoutMs = 30_000,
        TopicData = [new() { Name = "foo", PartitionData = [new() { Records = new(WireHex.Bytes("aabbcc")) }] }],
    };

    private static FetchRequest Fetch(sbyte isolationLevel) => new()
    {
        MaxWaitMs = 500,
        MinBytes = 1,
        MaxBytes = 50 * 1024 * 1024,
        IsolationLevel = isolationLevel,
        Topics = [new() { Topic = "foo", Partitions = [new() { FetchOffset = 5, PartitionMaxBytes = 1024 * 1024 }] }],
    };

    private static FetchResponse NothingFetched() => new()
    {
        Responses =
        [
            new()
            {
                Topic = "foo",
                Partitions = [new() { PartitionIndex = 2, HighWatermark = 9, LastStableOffset = 8, AbortedTransactions = null }],
            },
        ],
    };

    private static void IsRequest(int correlationId, string? clientId, IRequest request, short version, params string[] hex)
    {
        using var frame = RequestFrame.Write(correlationId, clientId, request, version);
        IsFrame(WireHex.Bytes(hex), frame);
        var parsed = RequestFrame.Parse(frame.ToArray().AsMemory(4));
        Assert.Equal(new RequestHeader((short)request.ApiKey, version, correlationId, clientId), parsed.Header);
        using var again = RequestFrame.Write(correlationId, clientId, parsed.ReadBody(), version);
        Assert.Equal(frame.ToArray(), again.ToArray());
    }

    private static void IsResponse(int correlationId, IResponse response, short version, params string[] hex)
    {
        using var frame = ResponseFrame.Write(correlationId, response, version);
        IsFrame(WireHex.Bytes(hex), frame);
        var parsed = ResponseFrame.Parse(frame.ToArray().AsMemory(4), ApiSpecs.Get(response.ApiKey), version);
        Assert.Equal(correlationId, parsed.Header.CorrelationId);
        using var again = ResponseFrame.Write(correlationId, parsed.Body, version);
        Assert.Equal(frame.ToArray(), again.ToArray());
    }

    private static void IsFrame(byte[] content, OutgoingFrame frame)
    {
        var bytes = frame.ToArray();
        Assert.Equal(content.Length, BinaryPrimitives.ReadInt32BigEndian(bytes));
        Assert.Equal(WireHex.Text(content), WireHex.Text(bytes.AsSpan(4)));
    }
}

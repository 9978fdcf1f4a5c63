using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>What comes to an open port: it is closed or gets its error, and the next client is served as ever.</summary>
[Collection(nameof(NodeProcesses))]
public sealed class HostileClientsSpec(ITestOutputHelper output)
{
    [Fact]
    public async Task Garbage_closes_its_connection()
    {
        var noise = new byte[64 << 10];
        new Random(TestRun.TakeSeed()).NextBytes(noise);
        noise[0] |= 0x80; // as a length it is negative
        (string Name, byte[] Bytes)[] garbage =
        [
            ("random bytes", noise),
            ("HTTP", "GET / HTTP/1.1\r\nHost: warp\r\n\r\n"u8.ToArray()),
            ("TLS", [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]),
            ("a length of 2 GiB", [0x7f, 0xff, 0xff, 0xff]),
            ("a negative length", [0xff, 0xff, 0xff, 0xff]),
            ("a length of 0", [0, 0, 0, 0]),
            ("an unknown API", RawFrames.Start(5000, 0, 100)),
            ("a negative API", RawFrames.Start(-1, 0, 100)),
            ("an API of Kafka's inside", RawFrames.Start(4, 0, 100)),
            ("a version of the future", RawFrames.Start((short)ApiKey.Metadata, 99, 100)),
            ("a negative version", RawFrames.Start((short)ApiKey.Produce, -1, 100)),
            ("a negative count", Metadata("fffffff0")),
            ("an absurd count", Metadata("7fffffff")),
            ("a count beyond the bytes", Metadata("00010000")),
            ("a name that is no UTF-8", Metadata("000000010002c328")),
        ];
        await using var bystander = await Bystander.StartAsync();
        foreach ((string name, byte[] bytes) in garbage)
        {
            using var socket = await bystander.ConnectAsync();
            await socket.SendAsync(bytes);
            Assert.True(await socket.ReceiveAsync() is null, $"{name} got an answer");
        }
        var metrics = await bystander.Node.MetricsAsync();
        var rejected = metrics.Where(static sample => sample.Key.StartsWith("warp_kafka_rejected", StringComparison.Ordinal));
        output.WriteLine(string.Join(", ", rejected));
        Assert.Equal(garbage.Length, rejected.Sum(static sample => sample.Value));
        await bystander.AssertUnimpressedAsync(output);
    }

    [Fact]
    public async Task Frames_that_are_cut_off_are_forgotten()
    {
        const short Version = 12;
        await using var bystander = await Bystander.StartAsync();
        using var whole = RequestFrame.Write(1, "cut", new MetadataRequest { Topics = null }, Version);
        byte[] frame = whole.ToArray();
        for (int length = 1; length < frame.Length; length++)
        {
            using var socket = await bystander.ConnectAsync();
            await socket.SendAsync(frame.AsMemory(0, length));
            socket.FinishSending();
            Assert.Null(await socket.ReceiveAsync());
        }
        await bystander.AssertUnimpressedAsync(output);
    }

    [Fact]
    public async Task A_batch_with_a_bad_checksum_gets_its_error_and_the_connection_goes_on()
    {
        await using var bystander = await Bystander.StartAsync();
        using var socket = await bystander.ConnectAsync();
        byte[] batch = Batches.Of("value");
        batch[^1] ^= 1;
        Assert.Equal(ErrorCode.CorruptMessage, (await Batches.ProduceAsync(socket, Bystander.Topic, batch)).ErrorCode);
        Assert.Equal(ErrorCode.None, (await Batches.ProduceAsync(socket, Bystander.Topic, Batches.Of("value"))).ErrorCode);
        await bystander.AssertUnimpressedAsync(output);
    }

    [Fact]
    public async Task An_ApiVersions_of_the_future_is_told_what_there_is()
    {
        await using var bystander = await Bystander.StartAsync();
        using var socket = await bystander.ConnectAsync();
        await socket.SendAsync(RawFrames.Whole((short)ApiKey.ApiVersions, 99, new byte[2]));
        var answer = await socket.ReceiveAsync<ApiVersionsResponse>(ApiKey.ApiVersions, 0);
        Assert.Equal(ErrorCode.UnsupportedVersion, answer.ErrorCode);
        Assert.Equal((short)ApiKey.ApiVersions, Assert.Single(answer.ApiKeys).ApiKey);
        await bystander.AssertUnimpressedAsync(output);
    }

    /// <summary>A Metadata request of version 1 with these bytes, in hexadecimal, for its body.</summary>
    private static byte[] Metadata(string body) => RawFrames.Whole((short)ApiKey.Metadata, 1, [0xff, 0xff, .. Convert.FromHexString(body)]);
}

using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Warp.Specs.Protocol.Wire;
using Xunit;

namespace Warp.Specs.Protocol.Messages;

public sealed class HostileBytesSpec
{
    private const int Mutations = 20_000;

    /// <summary>
    /// What reading may allocate: an object for each few bytes of input (an empty struct of three bytes is about 100 bytes as an object),
    /// and a fixed part for the room that lists get ahead and for the exception.
    /// </summary>
    private static long AllocationBound(int length) => 65_536 + 64L * length;

    [Fact]
    public void Every_message_that_is_cut_off_is_refused()
    {
        var messages = new RandomMessages(new Random(RandomMessages.Seed()));
        foreach (var (spec, request, version) in RoundTripSpec.AllVersions())
        {
            var (_, bytes) = messages.Make(spec, request, version);
            for (int length = 0; length < bytes.Length; length++)
            {
                try
                {
                    Read(spec, request, version, bytes.AsMemory(0, length));
                }
                catch (MalformedMessageException)
                {
                    continue;
                }
                Assert.Fail($"{spec.Name} v{version} is read from {length} bytes of {WireHex.Text(bytes)}");
            }
        }
    }

    [Fact]
    public void Mutated_messages_are_read_or_refused_within_bounds()
    {
        var random = new Random(RandomMessages.Seed());
        var messages = new RandomMessages(random);
        var versions = RoundTripSpec.AllVersions().ToArray();
        int refused = 0;
        for (int i = 0; i < Mutations; i++)
        {
            var (spec, request, version) = versions[random.Next(versions.Length)];
            var (_, bytes) = messages.Make(spec, request, version);
            bytes = Mutate(bytes, random);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                Read(spec, request, version, bytes);
            }
            catch (MalformedMessageException)
            {
                refused++;
            }
            catch (Exception error)
            {
                Assert.Fail($"{spec.Name} v{version} {WireHex.Text(bytes)}: {error}");
            }
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated <= AllocationBound(bytes.Length), $"{spec.Name} v{version} allocates {allocated}: {WireHex.Text(bytes)}");
        }
        Assert.InRange(refused, Mutations / 20, Mutations);
    }

    [Fact]
    public void A_large_count_alone_allocates_little()
    {
        // A Metadata request of a million bytes that claims a topic in each of them.
        var bytes = new byte[1_000_000];
        WireHex.Bytes("000f423c ffff").CopyTo(bytes, 0);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<MalformedMessageException>(() => Read(ApiSpecs.Get(ApiKey.Metadata), true, 1, bytes));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 65_536);
    }

    [Fact]
    public void Many_tiny_elements_allocate_in_proportion()
    {
        // A DescribeTopicPartitions request with a hundred thousand topics of two bytes each: an empty name, no tags.
        var bytes = new byte[200_009];
        Varint.Write(bytes, 100_000 + 1);
        for (int i = 3; i < bytes.Length; i += 2)
            bytes[i] = 1;
        bytes[200_003] = 0;
        bytes[^2] = 0xff;
        long before = GC.GetAllocatedBytesForCurrentThread();
        Read(ApiSpecs.Get(ApiKey.DescribeTopicPartitions), true, 0, bytes);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 100_000, AllocationBound(bytes.Length));
    }

    private static void Read(ApiSpec spec, bool request, short version, ReadOnlyMemory<byte> bytes)
    {
        var reader = new WireReader(bytes);
        RoundTripSpec.Read(spec, request, version, ref reader);
    }

    private static byte[] Mutate(byte[] bytes, Random random)
    {
        for (int times = random.Next(1, 5); times > 0 && bytes.Length > 0; times--)
        {
            int at = random.Next(bytes.Length);
            switch (random.Next(5))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.AsSpan(at, Math.Min(bytes.Length - at, random.Next(1, 5))).Fill((byte)(random.Next(2) * 0xff));
                    break;
                case 3:
                    bytes = [.. bytes[..at], .. bytes[random.Next(at, bytes.Length)..]];
                    break;
                default:
                    bytes = [.. bytes[..at], (byte)random.Next(256), (byte)random.Next(256), .. bytes[at..]];
                    break;
            }
        }
        return bytes;
    }
}

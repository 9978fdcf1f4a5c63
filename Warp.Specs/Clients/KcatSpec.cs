using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Clients;

public sealed class KcatSpec
{
    private static readonly long _sizeBytes = TestRun.IsLong ? 200_000_000 : 20_000_000;

    [Theory]
    [InlineData("none")]
    [InlineData("gzip")]
    [InlineData("snappy")]
    [InlineData("lz4")]
    [InlineData("zstd")]
    public async Task A_text_file_comes_out_byte_for_byte_and_again_after_a_restart(string codec)
    {
        await using var node = await WarpProcess.StartAsync();
        string written = Path.Combine(node.Folder, "written.txt");
        string read = Path.Combine(node.Folder, "read.txt");
        WordFile.Write(written, _sizeBytes, TestRun.TakeSeed());

        await Kcat.RunAsync(read, "-P", "-b", node.Bootstrap, "-t", codec, "-p", "0", "-z", codec, "-K", ":", "-l", written);
        await AssertReadsBackAsync();

        Assert.Equal(0, await node.TerminateAsync(TimeSpan.FromSeconds(10)));
        await node.StartAgainAsync();
        await AssertReadsBackAsync();

        async Task AssertReadsBackAsync()
        {
            await Kcat.RunAsync(read, "-C", "-b", node.Bootstrap, "-t", codec, "-p", "0", "-o", "beginning", "-e", "-q", "-K", ":");
            Assert.Equal(-1, WordFile.FirstDifference(written, read));
        }
    }
}

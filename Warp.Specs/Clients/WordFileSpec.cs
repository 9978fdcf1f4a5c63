using Xunit;

namespace Warp.Specs.Clients;

public sealed class WordFileSpec : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("warp-specs-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void The_same_seed_gives_the_same_lines_of_key_and_value()
    {
        WordFile.Write(In("a"), 10_000, seed: 1);
        WordFile.Write(In("b"), 10_000, seed: 1);
        Assert.Equal(-1, WordFile.FirstDifference(In("a"), In("b")));
        Assert.InRange(new FileInfo(In("a")).Length, 10_000, 11_000);
        Assert.All(File.ReadAllLines(In("a")), line => Assert.Matches("^[a-z]+-[0-9]+:[a-z]+( [a-z]+)*$", line));
    }

    [Theory]
    [InlineData("same", "same", -1)]
    [InlineData("same", "sane", 2)]
    [InlineData("short", "shorter", 5)]
    [InlineData("", "x", 0)]
    public void The_first_different_byte_is_found(string one, string other, long position)
    {
        File.WriteAllText(In("a"), one);
        File.WriteAllText(In("b"), other);
        Assert.Equal(position, WordFile.FirstDifference(In("a"), In("b")));
        Assert.Equal(position, WordFile.FirstDifference(In("b"), In("a")));
    }

    private string In(string name) => Path.Combine(_folder.FullName, name);
}

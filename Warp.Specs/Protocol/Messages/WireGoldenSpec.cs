using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Warp.Specs.Protocol.Wire;
using Xunit;

namespace Warp.Specs.Protocol.Messages;

/// <summary>
/// Bytes of every version of every message, made from Kafka's own schemas by another encoder. They are frozen: a schema that is edited
/// by mistake fails here.
/// </summary>
public sealed class WireGoldenSpec
{
    [Fact]
    public void Every_version_has_frozen_bytes()
    {
        var covered = new HashSet<(ApiKey, bool, short)>();
        foreach (string line in File.ReadLines(GoldenFile()).Where(line => !line.StartsWith('#')))
        {
            string[] parts = line.Split(' ');
            var spec = ApiSpecs.Get(Enum.Parse<ApiKey>(parts[0]));
            bool request = parts[1] == "request";
            short version = short.Parse(parts[2]);
            var bytes = WireHex.Bytes(parts[3]);
            var reader = new WireReader(bytes);
            var message = RoundTripSpec.Read(spec, request, version, ref reader);
            Assert.True(reader.Remaining == 0, $"{line}: {reader.Remaining} bytes are left");
            Assert.Equal(line, $"{parts[0]} {parts[1]} {version} {WireHex.Text(RandomMessages.Write(message, version))}");
            covered.Add((spec.Key, request, version));
        }
        Assert.Empty(RoundTripSpec.Versions().Select(item => (item.Spec.Key, item.Request, item.Version)).Except(covered));
    }

    private static string GoldenFile()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Warp.sln")))
            folder = folder.Parent ?? throw new DirectoryNotFoundException("The tests do not run inside of the source tree.");
        return Path.Combine(folder.FullName, "Warp.Specs", "Golden", "WireMessages.txt");
    }
}

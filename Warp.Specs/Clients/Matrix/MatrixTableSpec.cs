using System.Runtime.ExceptionServices;
using Xunit;

namespace Warp.Specs.Clients.Matrix;

public sealed class MatrixTableSpec
{
    [Fact]
    public void A_cell_tells_passed_from_failed_from_not_offered_from_not_run()
    {
        var failure = ExceptionDispatchInfo.Capture(new InvalidOperationException());
        string[] lines = MatrixTable.Render(["1", "2", "3", "4", "5"], (client, check) => (client, check) switch
        {
            (_, "keys") => null,
            (MatrixClients.Kcat, _) => new(failure, TimeSpan.Zero),
            _ => new(null, TimeSpan.Zero),
        }).Split('\n');
        Assert.Equal("| | Confluent.Kafka 1 | kcat 2 | confluent-kafka-python 3 | kafka-python 4 | kafkajs 5 |", lines[0]);
        Assert.Contains("| produce with lz4 | yes | **no** | yes | yes | – |", lines);
        Assert.Contains("| keys |  |  |  |  |  |", lines);
        Assert.Contains(lines, line => line.StartsWith("- kcat: timestamps (takes its clock); ", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_gap_names_a_check_that_exists()
    {
        var checks = Enum.GetValues<MatrixArea>().SelectMany(ClientMatrix.ChecksOf).ToList();
        Assert.All(ClientGaps.Checks, check => Assert.Contains(check, checks));
    }
}

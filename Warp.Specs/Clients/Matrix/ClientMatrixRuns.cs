using Xunit;

namespace Warp.Specs.Clients.Matrix;

/// <summary>
/// The collection of the client matrix: one node, one run of each client. Alone on the machine, as other tests with nodes are.
/// </summary>
[CollectionDefinition(nameof(ClientMatrixRuns), DisableParallelization = true)]
public sealed class ClientMatrixRuns : ICollectionFixture<ClientMatrix>
{
    /// <summary>A row of a theory for each client and check of an area that the client can undergo.</summary>
    public static TheoryData<string, string> Rows(MatrixArea area)
    {
        var rows = new TheoryData<string, string>();
        foreach (string client in MatrixClients.All)
        {
            foreach (string check in ClientMatrix.ChecksOf(area).Where(check => ClientGaps.Find(client, check) is null))
                rows.Add(client, check);
        }
        return rows;
    }

    /// <summary>Passes if the client has passed the check.</summary>
    public static async Task AssertPassedAsync(ClientMatrix matrix, MatrixArea area, string client, string check)
    {
        var result = await matrix.ResultAsync(area, client, check).WaitAsync(TestContext.Current.CancellationToken);
        TestContext.Current.TestOutputHelper?.WriteLine($"{client}, {check}: {result.Elapsed.TotalSeconds:0.00} s");
        result.Failure?.Throw();
    }
}

using Xunit;

namespace Warp.Specs.Clients.Matrix;

[Collection(nameof(ClientMatrixRuns))]
public sealed class GroupMatrixSpec(ClientMatrix matrix)
{
    public static TheoryData<string, string> Rows => ClientMatrixRuns.Rows(MatrixArea.Groups);

    [Theory]
    [MemberData(nameof(Rows))]
    public Task The_check_passes(string client, string check) =>
        ClientMatrixRuns.AssertPassedAsync(matrix, MatrixArea.Groups, client, check);
}

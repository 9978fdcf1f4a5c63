using Warp.Node.Handlers;
using Warp.Protocol.Messages;
using Xunit;

namespace Warp.Specs.Node.Handlers;

public sealed class ApiVersionsSpec
{
    private static readonly ApiDispatcher s_dispatcher = new([new MetadataHandler(null!, null!), new FindCoordinatorHandler(null!, null!)]);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task It_lists_exactly_what_has_a_handler(short version)
    {
        ApiVersionsResponse response = await CallAsync(Named("apache-kafka-java", "4.2.1"), version);
        Assert.Equal(ErrorCode.None, response.ErrorCode);
        Assert.Equal(
            [((short)3, (short)0, (short)13), ((short)10, (short)0, (short)6), ((short)18, (short)0, (short)4)],
            response.ApiKeys.Select(static api => (api.ApiKey, api.MinVersion, api.MaxVersion)));
        Assert.Empty(response.SupportedFeatures);
        Assert.Empty(response.FinalizedFeatures);
    }

    [Theory]
    [InlineData("", "1.0")]
    [InlineData("client", "")]
    [InlineData("-client", "1.0")]
    [InlineData("client", "1.0-")]
    [InlineData("cli ent", "1.0")]
    [InlineData("client", "1_0")]
    [InlineData("clïent", "1.0")]
    public async Task Software_must_be_named_properly_from_version_3_on(string name, string version)
    {
        Assert.Equal(ErrorCode.None, (await CallAsync(Named(name, version), 2)).ErrorCode);
        foreach (short apiVersion in new short[] { 3, 4 })
        {
            ApiVersionsResponse response = await CallAsync(Named(name, version), apiVersion);
            Assert.Equal(ErrorCode.InvalidRequest, response.ErrorCode);
            Assert.Empty(response.ApiKeys);
        }
    }

    [Theory]
    [InlineData("a", "1")]
    [InlineData("confluent-kafka-dotnet", "2.15.1-RC.2")]
    public async Task Dots_and_dashes_are_proper(string name, string version) =>
        Assert.Equal(ErrorCode.None, (await CallAsync(Named(name, version), 3)).ErrorCode);

    [Fact]
    public void Two_handlers_for_one_API_are_a_mistake() =>
        Assert.Throws<ArgumentException>(() => new ApiDispatcher([new MetadataHandler(null!, null!), new MetadataHandler(null!, null!)]));

    private static ApiVersionsRequest Named(string name, string version) =>
        new() { ClientSoftwareName = name, ClientSoftwareVersion = version };

    private static Task<ApiVersionsResponse> CallAsync(ApiVersionsRequest request, short version)
    {
        Assert.True(s_dispatcher.TryFind(ApiKey.ApiVersions, out ApiHandler? handler));
        return handler.CallAsync<ApiVersionsResponse>(request, version);
    }
}

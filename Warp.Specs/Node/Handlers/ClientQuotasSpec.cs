using Warp.Node.Handlers;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Handlers;

/// <summary>DescribeClientQuotas and AlterClientQuotas.</summary>
public sealed class ClientQuotasSpec : IAsyncLifetime
{
    private const sbyte Exact = 0, Default = 1, Any = 2;

    private readonly ActorsFixture _actors = new();

    public ValueTask InitializeAsync() => _actors.InitializeAsync();

    public ValueTask DisposeAsync() => _actors.DisposeAsync();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task What_is_set_is_described(short version)
    {
        Assert.Equal([], await DescribeAsync(version, strict: false));
        AlterClientQuotasResponse altered = await AlterAsync(
            version,
            Entry([("client-id", "c")], ("producer_byte_rate", 1000), ("consumer_byte_rate", 2000)),
            Entry([("user", null), ("client-id", null)], ("request_percentage", 12.5)),
            Entry([("client-id", "bad")], ("producer_byte_rate", 0)));
        Assert.Equal([ErrorCode.None, ErrorCode.None, ErrorCode.InvalidRequest], altered.Entries.Select(static entry => entry.ErrorCode));
        Assert.Equal(["c", null, "bad"], altered.Entries.Select(static entry => entry.Entity[^1].EntityName));
        Assert.NotNull(altered.Entries[2].ErrorMessage);

        Assert.Equal(
            ["client-id=c: consumer_byte_rate=2000 producer_byte_rate=1000", "user=,client-id=: request_percentage=12.5"],
            await DescribeAsync(version, strict: false));
        Assert.Equal(
            ["client-id=c: consumer_byte_rate=2000 producer_byte_rate=1000"],
            await DescribeAsync(version, strict: true, ("client-id", Any, null)));
        Assert.Equal(
            ["user=,client-id=: request_percentage=12.5"],
            await DescribeAsync(version, strict: false, ("client-id", Default, null)));
        Assert.Equal([], await DescribeAsync(version, strict: false, ("client-id", Exact, "d")));
    }

    [Fact]
    public async Task A_removed_quota_is_gone()
    {
        await AlterAsync(1, Entry([("client-id", "c")], ("producer_byte_rate", 1000), ("consumer_byte_rate", 2000)));
        await AlterAsync(1, Entry([("client-id", "c")], ("producer_byte_rate", null)));
        Assert.Equal(["client-id=c: consumer_byte_rate=2000"], await DescribeAsync(1, strict: false));
        await AlterAsync(1, Entry([("client-id", "c")], ("consumer_byte_rate", null)));
        Assert.Equal([], await DescribeAsync(1, strict: false));
    }

    [Fact]
    public async Task A_check_changes_nothing()
    {
        var request = new AlterClientQuotasRequest
        {
            ValidateOnly = true,
            Entries = [Entry([("client-id", "c")], ("producer_byte_rate", 1))],
        };
        var response = await new AlterClientQuotasHandler(_actors.Client).CallAsync<AlterClientQuotasResponse>(request, 1);
        Assert.Equal(ErrorCode.None, Assert.Single(response.Entries).ErrorCode);
        Assert.Equal([], await DescribeAsync(1, strict: false));
    }

    public static TheoryData<string, sbyte, string?, ErrorCode> BadComponents() => new()
    {
        { "", Exact, "x", ErrorCode.InvalidRequest },
        { "group", Exact, "x", ErrorCode.UnsupportedVersion },
        { "user", Exact, null, ErrorCode.InvalidRequest },
        { "user", Default, "x", ErrorCode.InvalidRequest },
        { "user", Any, "x", ErrorCode.InvalidRequest },
        { "user", 3, null, ErrorCode.InvalidRequest },
        // Beside the component that every request here has.
        { "client-id", Any, null, ErrorCode.InvalidRequest },
        { "ip", Any, null, ErrorCode.InvalidRequest },
    };

    [Theory]
    [MemberData(nameof(BadComponents))]
    public async Task A_filter_without_sense_is_refused(string type, sbyte match, string? name, ErrorCode error)
    {
        DescribeClientQuotasResponse response = await DescribeRawAsync(1, strict: false, ("client-id", Any, null), (type, match, name));
        Assert.Equal(error, response.ErrorCode);
        Assert.NotNull(response.ErrorMessage);
        Assert.Null(response.Entries);
    }

    private static AlterClientQuotasRequest.EntryData Entry(
        (string Type, string? Name)[] entity, params (string Key, double? Value)[] ops) => new()
    {
        Entity = [.. entity.Select(static part => new AlterClientQuotasRequest.EntityData
        {
            EntityType = part.Type,
            EntityName = part.Name,
        })],
        Ops = [.. ops.Select(static op => new AlterClientQuotasRequest.OpData
        {
            Key = op.Key,
            Value = op.Value ?? 0,
            Remove = op.Value is null,
        })],
    };

    private Task<AlterClientQuotasResponse> AlterAsync(short version, params AlterClientQuotasRequest.EntryData[] entries) =>
        new AlterClientQuotasHandler(_actors.Client).CallAsync<AlterClientQuotasResponse>(
            new AlterClientQuotasRequest { Entries = [.. entries] }, version);

    private Task<DescribeClientQuotasResponse> DescribeRawAsync(
        short version, bool strict, params (string Type, sbyte Match, string? Name)[] components)
    {
        var request = new DescribeClientQuotasRequest
        {
            Strict = strict,
            Components = [.. components.Select(static component => new DescribeClientQuotasRequest.ComponentData
            {
                EntityType = component.Type,
                MatchType = component.Match,
                Match = component.Name,
            })],
        };
        return new DescribeClientQuotasHandler(_actors.Client).CallAsync<DescribeClientQuotasResponse>(request, version);
    }

    private async Task<IEnumerable<string>> DescribeAsync(
        short version, bool strict, params (string Type, sbyte Match, string? Name)[] components)
    {
        DescribeClientQuotasResponse response = await DescribeRawAsync(version, strict, components);
        Assert.Equal((ErrorCode.None, null), (response.ErrorCode, response.ErrorMessage));
        return response.Entries!.Select(static entry =>
            $"{string.Join(',', entry.Entity.Select(static part => $"{part.EntityType}={part.EntityName}"))}: "
            + string.Join(' ', entry.Values.Select(static value => FormattableString.Invariant($"{value.Key}={value.Value}"))));
    }
}

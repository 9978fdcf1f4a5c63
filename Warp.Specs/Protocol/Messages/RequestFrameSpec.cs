using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Warp.Specs.Protocol.Wire;
using Xunit;

namespace Warp.Specs.Protocol.Messages;

public sealed class RequestFrameSpec
{
    [Fact]
    public void The_header_tells_where_the_body_begins()
    {
        var frame = RequestFrame.Parse(WireHex.Bytes("0003 0001 00000002 0001 63  ffffffff"));
        Assert.Equal(new RequestHeader(3, 1, 2, "c"), frame.Header);
        Assert.Equal(ApiKey.Metadata, frame.Spec!.Key);
        Assert.Equal("ffffffff", WireHex.Text(frame.Body.Span));
        Assert.True(frame.IsSupported);
        Assert.Null(Assert.IsType<MetadataRequest>(frame.ReadBody()).Topics);
    }

    [Fact]
    public void Tags_in_the_header_are_skipped()
    {
        var frame = RequestFrame.Parse(WireHex.Bytes("0012 0003 00000002 ffff 01 05 02 aabb  02 61 02 62 00"));
        Assert.Equal("a", Assert.IsType<ApiVersionsRequest>(frame.ReadBody()).ClientSoftwareName);
    }

    [Fact]
    public void A_header_that_is_cut_off_is_refused()
    {
        var whole = WireHex.Bytes("0012 0003 00000002 0002 6162 01 05 02 aabb");
        RequestFrame.Parse(whole);
        for (int length = 0; length < whole.Length; length++)
        {
            var cut = whole.AsMemory(0, length);
            Assert.Throws<MalformedMessageException>(() => RequestFrame.Parse(cut));
        }
    }

    [Fact]
    public void An_unknown_API_keeps_its_numbers()
    {
        var frame = RequestFrame.Parse(WireHex.Bytes("4745 5420 2f206162"));
        Assert.Null(frame.Spec);
        Assert.False(frame.IsSupported);
        Assert.Equal(0x4745, frame.Header.ApiKey);
        Assert.Equal(0x2f206162, frame.Header.CorrelationId);
        Assert.Throws<InvalidOperationException>(() => frame.ReadBody());
    }

    [Fact]
    public void A_version_of_ApiVersions_from_the_future_still_has_its_correlation_id()
    {
        var frame = RequestFrame.Parse(WireHex.Bytes("0012 0009 0000002a 0001 63 00  05 77617270 04 312e30 00"));
        Assert.Equal(ApiKey.ApiVersions, frame.Spec!.Key);
        Assert.False(frame.IsSupported);
        Assert.Equal(42, frame.Header.CorrelationId);
    }

    [Fact]
    public void Headers_follow_the_flexible_versions()
    {
        var produce = ApiSpecs.Get(ApiKey.Produce);
        Assert.Equal((1, 2), (produce.RequestHeaderVersion(8), produce.RequestHeaderVersion(9)));
        Assert.Equal((0, 1), (produce.ResponseHeaderVersion(8), produce.ResponseHeaderVersion(9)));
        var apiVersions = ApiSpecs.Get(ApiKey.ApiVersions);
        Assert.Equal((1, 2), (apiVersions.RequestHeaderVersion(2), apiVersions.RequestHeaderVersion(3)));
        Assert.Equal((0, 0), (apiVersions.ResponseHeaderVersion(2), apiVersions.ResponseHeaderVersion(3)));
        var handshake = ApiSpecs.Get(ApiKey.SaslHandshake);
        Assert.Equal((1, 0), (handshake.RequestHeaderVersion(1), handshake.ResponseHeaderVersion(1)));
    }
}

using Warp.Streams.Format;
using Xunit;

namespace Warp.Specs.Streams.Format;

internal static class FooterAssert
{
    public static void Same(ObjectFooter expected, ObjectFooter actual)
    {
        Assert.Equal(expected.ObjectId, actual.ObjectId);
        Assert.Equal(expected.CreatedAt, actual.CreatedAt);
        Assert.Equal(expected.ClusterId, actual.ClusterId);
        Assert.Equal(expected.Flags, actual.Flags);
        Assert.Equal(expected.ObjectSize, actual.ObjectSize);
        Assert.Equal(expected.Extents.ToArray(), actual.Extents.ToArray());
        foreach (FooterExtent extent in expected.Extents)
            Assert.Equal(expected.IndexOf(extent).ToArray(), actual.IndexOf(extent).ToArray());
    }
}

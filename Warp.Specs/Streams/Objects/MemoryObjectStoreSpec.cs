using Warp.Specs.Contracts;
using Warp.Streams.Objects;

namespace Warp.Specs.Streams.Objects;

public sealed class MemoryObjectStoreSpec : ObjectStoreSpec
{
    protected override Task<IObjectStore> OpenAsync() => Task.FromResult<IObjectStore>(new MemoryObjectStore(TimeProvider.System));
}

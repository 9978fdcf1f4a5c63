using Warp.Specs.Hosting;
using Warp.Specs.Streams.Objects.Quorum;
using Warp.Streams.Objects;
using Warp.Streams.Objects.AzureBlobs;
using Warp.Streams.Objects.Quorum;
using Warp.Streams.Objects.Resilience;
using Warp.Streams.Objects.S3;

namespace Warp.Specs.Streams.Objects.Resilience;

public sealed class ResilientMemoryStoreSpec : ResilientObjectStoreSpec
{
    protected override Task<IObjectStore> OpenReliableAsync() => Task.FromResult<IObjectStore>(new MemoryObjectStore(TimeProvider.System));
}

public sealed class ResilientDirectoryStoreSpec : ResilientObjectStoreSpec
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("warp-store-");

    protected override bool IsServer => true;

    protected override Task<IObjectStore> OpenReliableAsync() =>
        Task.FromResult<IObjectStore>(DirectoryObjectStore.Open(_folder.FullName));

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}

public sealed class ResilientS3StoreSpec : ResilientObjectStoreSpec
{
    protected override bool IsServer => true;

    protected override async Task<IObjectStore> OpenReliableAsync() =>
        S3ObjectStore.Open((await S3Server.SharedAsync()).NewPlace(), S3Server.Credentials);
}

public sealed class ResilientAzureBlobStoreSpec : ResilientObjectStoreSpec
{
    protected override bool IsServer => true;

    protected override async Task<IObjectStore> OpenReliableAsync() =>
        AzureBlobObjectStore.Open((await AzureBlobServer.SharedAsync()).NewPlace(), AzureBlobServer.Environment);
}

/// <summary>Two unreliable stores and a dead one.</summary>
public sealed class ResilientQuorumStoreSpec : ResilientObjectStoreSpec
{
    protected override async Task<IObjectStore> OpenAsync() => Retrying(new QuorumObjectStore(
        [Attempt(Faulty(await OpenReliableAsync())), Attempt(Faulty(await OpenReliableAsync())), Attempt(new DeadObjectStore())],
        QuorumObjectStore.DefaultGrace,
        new HedgeBudget(0.05),
        TimeProvider.System,
        new Random(Seeds.Next())));

    protected override Task<IObjectStore> OpenReliableAsync() => Task.FromResult<IObjectStore>(new MemoryObjectStore(TimeProvider.System));
}

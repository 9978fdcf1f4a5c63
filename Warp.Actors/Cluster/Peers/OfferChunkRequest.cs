namespace Warp.Actors.Cluster.Peers;

public sealed partial class OfferChunkRequest : IHandsOverRecords;

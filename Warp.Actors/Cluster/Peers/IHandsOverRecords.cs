namespace Warp.Actors.Cluster.Peers;

/// <summary>A request whose records belong to the first frame that is made of it, and go with that: it is never sent again.</summary>
public interface IHandsOverRecords;

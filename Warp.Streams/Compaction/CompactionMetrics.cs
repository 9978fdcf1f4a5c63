using System.Diagnostics.Metrics;
using Warp.Actors.Maintenance;

namespace Warp.Streams.Compaction;

/// <summary>What compaction tells of itself.</summary>
internal sealed class CompactionMetrics(Meter meter)
{
    private readonly Counter<long> _jobs = meter.CreateCounter<long>("warp.compaction.jobs", "{job}", "Jobs that have ended, by outcome.");

    private readonly Counter<long> _bytes =
        meter.CreateCounter<long>("warp.compaction.bytes", "By", "Bytes moved, by direction (read from or written to the store).");

    private readonly Counter<long> _requests = meter.CreateCounter<long>("warp.compaction.gets", "{request}", "GETs for inputs.");

    private readonly Counter<long> _objects = meter.CreateCounter<long>(
        "warp.compaction.objects", "{object}", "Objects of jobs that were finished, by role (input: copied, output: written).");

    private readonly Counter<long> _extents = meter.CreateCounter<long>(
        "warp.compaction.extents", "{extent}", "Extents, by role (replaced, added).");

    private readonly Counter<long> _refusals = meter.CreateCounter<long>(
        "warp.compaction.refusals", "{partition}", "Partitions that had changed before their copies were ready, and kept what they had.");

    public void Read(long bytes)
    {
        _requests.Add(1);
        _bytes.Add(bytes, Tag("direction", "read"));
    }

    public void Wrote(long bytes) => _bytes.Add(bytes, Tag("direction", "written"));

    public void Finished(CompactionJob job, CompactionResult result)
    {
        _jobs.Add(1, Tag("outcome", "finished"));
        _objects.Add(job.Inputs.Count, Tag("role", "input"));
        _objects.Add(result.Outputs, Tag("role", "output"));
        _extents.Add(result.ReplacedExtents, Tag("role", "replaced"));
        _extents.Add(result.AddedExtents, Tag("role", "added"));
        _refusals.Add(result.RefusedPartitions);
    }

    public void Failed() => _jobs.Add(1, Tag("outcome", "failed"));

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}

using Warp.Actors.Catalog;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Xunit;
using EventSpecs = Warp.Actors.Sequencing.EventSpecs;

namespace Warp.Specs.Actors.Persistence;

/// <summary>Rule 10: events last.</summary>
public sealed class EventCodecSpec
{
    private readonly EventCodec _codec = new(EventSpecs.All);

    private readonly PartitionsOpened _opened = new()
    {
        Time = 5,
        TopicId = new Guid("00112233-4455-6677-8899-aabbccddeeff"),
        Partitions = [1, 2, 3],
    };

    [Fact]
    public void An_event_is_read_back_as_it_was_written()
    {
        var read = Assert.IsType<PartitionsOpened>(_codec.Decode("actor-a", _codec.Encode(_opened)));

        Assert.Equal((_opened.Time, _opened.TopicId), (read.Time, read.TopicId));
        Assert.Equal(_opened.Partitions, read.Partitions);
    }

    [Fact]
    public void Rule_10_an_unknown_kind_stops_recovery_with_a_clear_error()
    {
        JournalException error = Assert.Throws<JournalException>(() => _codec.Decode("actor-a", new EventRecord(999, 0, new byte[4])));

        Assert.Contains("actor-a", error.Message);
        Assert.Contains("kind 999", error.Message);
        Assert.Contains("newer", error.Message);
    }

    [Fact]
    public void Rule_10_an_unknown_version_stops_recovery_with_a_clear_error()
    {
        JournalException error = Assert.Throws<JournalException>(
            () => _codec.Decode("actor-a", _codec.Encode(_opened) with { Version = 31_000 }));

        Assert.Contains("PartitionsOpened of version 31000", error.Message);
        Assert.Contains("newer", error.Message);
    }

    [Fact]
    public void Rule_10_an_event_that_is_cut_short_anywhere_stops_recovery_with_a_clear_error()
    {
        EventRecord whole = _codec.Encode(_opened);
        for (int length = 0; length < whole.Payload.Length; length++)
        {
            EventRecord cut = whole with { Payload = whole.Payload[..length] };
            JournalException error = Assert.Throws<JournalException>(() => _codec.Decode("actor-a", cut));
            Assert.Contains("damaged PartitionsOpened", error.Message);
        }
    }

    [Fact]
    public void Rule_10_an_event_with_more_bytes_than_it_has_fields_stops_recovery()
    {
        EventRecord whole = _codec.Encode(_opened);

        JournalException error = Assert.Throws<JournalException>(
            () => _codec.Decode("actor-a", whole with { Payload = (byte[])[.. whole.Payload.Span, 0] }));

        Assert.Contains("left over", error.Message);
    }

    [Fact]
    public void A_snapshot_is_read_back_as_it_was_written()
    {
        byte[] bytes = EventCodec.EncodeSnapshot(new CatalogSnapshot { NextProducerId = 77 }, CatalogSnapshot.HighestVersion);

        Assert.Equal(77, Decode(bytes).NextProducerId);
    }

    [Fact]
    public void Rule_10_an_unknown_or_damaged_snapshot_stops_recovery_with_a_clear_error()
    {
        byte[] bytes = EventCodec.EncodeSnapshot(new CatalogSnapshot { NextProducerId = 77 }, CatalogSnapshot.HighestVersion);

        Assert.Contains("version 200", Assert.Throws<JournalException>(() => Decode([200, .. bytes[1..]])).Message);
        Assert.Contains("damaged CatalogSnapshot", Assert.Throws<JournalException>(() => Decode([])).Message);
        Assert.Contains("damaged CatalogSnapshot", Assert.Throws<JournalException>(() => Decode(bytes[..^1])).Message);
        Assert.Contains("left over", Assert.Throws<JournalException>(() => Decode([.. bytes, 1])).Message);
    }

    private static CatalogSnapshot Decode(byte[] bytes) =>
        EventCodec.DecodeSnapshot("catalog", bytes, CatalogSnapshot.HighestVersion, CatalogSnapshot.Read);
}

using System.Collections.Immutable;
using Warp.Actors.Catalog;
using Warp.Actors.Persistence;
using Xunit;

namespace Warp.Specs.Actors.Catalog;

public sealed class CatalogImageSpec
{
    private static readonly Guid s_id = new("00112233-4455-6677-8899-aabbccddeeff");
    private static readonly Guid s_other = new("10112233-4455-6677-8899-aabbccddeeff");

    private CatalogImage _image = CatalogImage.Empty(ImmutableSortedDictionary<string, string>.Empty)
        .Apply(new TopicCreated
        {
            Time = 5,
            TopicId = s_id,
            Name = "events",
            PartitionCount = 3,
            ReplicationFactor = 2,
            Configs = [new() { Name = "retention.ms", Value = "7" }],
        });

    [Fact]
    public void A_topic_is_seen_from_its_opening_to_its_deletion()
    {
        Assert.Null(_image.Find("events"));
        Assert.Null(_image.Find(s_id));

        _image = _image.Apply(new TopicOpened { TopicId = s_id, PartitionCount = 3 });
        Assert.Equal((s_id, 3, 5L), (_image.Find("events")!.Id, _image.Find(s_id)!.OpenPartitionCount, _image.Find(s_id)!.CreatedMs));

        _image = _image.Apply(new TopicDeleted { TopicId = s_id });
        Assert.Null(_image.Find("events"));
        Assert.Null(_image.Find(s_id));
        Assert.True(_image.ById[s_id].IsDeleted);

        _image = _image.Apply(new TopicDeletionFinished { TopicId = s_id });
        Assert.Empty(_image.ById);
    }

    [Fact]
    public void A_later_topic_of_the_same_name_is_another_one()
    {
        _image = _image
            .Apply(new TopicDeleted { TopicId = s_id })
            .Apply(new TopicCreated { TopicId = s_other, Name = "events", PartitionCount = 1, ReplicationFactor = 1 })
            .Apply(new TopicOpened { TopicId = s_other, PartitionCount = 1 })
            .Apply(new TopicOpened { TopicId = s_id, PartitionCount = 3 })
            .Apply(new TopicConfigsChanged { TopicId = s_id })
            .Apply(new BrokerConfigsChanged { NodeId = CatalogImage.AllNodes })
            .Apply(new TopicDeletionFinished { TopicId = s_id });

        Assert.Equal(s_other, _image.Find("events")!.Id);
        Assert.Equal([s_other], _image.ById.Keys);
    }

    [Fact]
    public void What_belongs_to_a_topic_that_is_gone_changes_nothing()
    {
        CatalogImage gone = _image.Apply(new TopicDeleted { TopicId = s_id }).Apply(new TopicDeletionFinished { TopicId = s_id });

        Assert.Same(gone, gone.Apply(new TopicOpened { TopicId = s_id, PartitionCount = 3 }));
        Assert.Same(gone, gone.Apply(new PartitionsAdded { TopicId = s_id, PartitionCount = 3 }));
    }

    [Fact]
    public void A_default_for_all_nodes_changes_the_topics_that_do_not_override_it()
    {
        _image = _image.Apply(new TopicCreated { TopicId = s_other, Name = "plain", PartitionCount = 1, ReplicationFactor = 1 });

        _image = _image.Apply(
            new BrokerConfigsChanged { NodeId = CatalogImage.AllNodes, Configs = [new() { Name = "log.retention.ms", Value = "99" }] });

        Assert.Equal((7L, 99L), (_image.ById[s_id].Config.RetentionMs, _image.ById[s_other].Config.RetentionMs));
        _image = _image.Apply(new TopicConfigsChanged { TopicId = s_id });
        Assert.Equal(99, _image.ById[s_id].Config.RetentionMs);
        _image = _image.Apply(new BrokerConfigsChanged { NodeId = 4, Configs = [new() { Name = "log.retention.ms", Value = "1" }] });
        Assert.Equal(99, _image.ById[s_id].Config.RetentionMs);
    }

    [Fact]
    public void A_snapshot_holds_everything()
    {
        _image = _image
            .Apply(new TopicOpened { TopicId = s_id, PartitionCount = 3 })
            .Apply(new PartitionsAdded { TopicId = s_id, PartitionCount = 9 })
            .Apply(new TopicCreated { TopicId = s_other, Name = "deleted", PartitionCount = 1, ReplicationFactor = 1 })
            .Apply(new TopicDeleted { TopicId = s_other })
            .Apply(new BrokerConfigsChanged { NodeId = -1, Configs = [new() { Name = "log.segment.bytes", Value = "99999" }] })
            .Apply(new BrokerConfigsChanged { NodeId = 4, Configs = [new() { Name = "log.retention.ms", Value = "1" }] })
            .Apply(new RoutingChanged { Generation = 8, NodeIds = [4, 2] })
            .Apply(new ProducerIdsReserved { NextProducerId = 5000 });
        byte[] bytes = EventCodec.EncodeSnapshot(_image.ToSnapshot(), CatalogSnapshot.HighestVersion);

        CatalogImage restored = CatalogImage.Empty(_image.StaticConfigs)
            .Restore(EventCodec.DecodeSnapshot("catalog", bytes, CatalogSnapshot.HighestVersion, CatalogSnapshot.Read));

        Assert.Equal(bytes.Length, EventCodec.EncodeSnapshot(restored.ToSnapshot(), CatalogSnapshot.HighestVersion).Length);
        Assert.Equal(_image.ById.Keys.Order(), restored.ById.Keys.Order());
        foreach ((Guid id, TopicImage topic) in _image.ById)
        {
            TopicImage again = restored.ById[id];
            Assert.Equal(topic with { Overrides = again.Overrides, Config = again.Config }, again);
            Assert.Equal(topic.Overrides, again.Overrides);
            Assert.Equal(topic.Config.RetentionMs, again.Config.RetentionMs);
        }
        Assert.Equal(["events"], restored.ByName.Keys);
        Assert.Equal(_image.BrokerConfigs[4], restored.BrokerConfigs[4]);
        Assert.Equal(_image.BrokerConfigs[CatalogImage.AllNodes], restored.BrokerConfigs[CatalogImage.AllNodes]);
        Assert.Equal((8, 5000L), (restored.RoutingGeneration, restored.NextProducerId));
        Assert.Equal([4, 2], restored.RoutingNodeIds);
    }

    [Fact]
    public void An_event_of_another_family_stops_the_fold() =>
        Assert.Throws<InvalidDataException>(() => _image.Apply(new Warp.Actors.Sequencing.PartitionsDeleted()));
}

namespace Warp.Specs;

public sealed class SmokeSpec
{
    [Xunit.Fact]
    public void Confluent_Kafka_is_there() => Xunit.Assert.NotNull(typeof(Confluent.Kafka.ProducerConfig));
}

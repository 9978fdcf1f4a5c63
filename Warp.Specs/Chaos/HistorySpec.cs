using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Chaos;

public sealed class HistorySpec
{
    [Fact]
    public void A_log_that_has_everything_once_and_in_order_has_no_defect()
    {
        var (history, log) = Written(producers: 2, partitions: 3, count: 50);
        Assert.Empty(history.Check(log));
        Assert.Equal(300, history.AcknowledgedCount);
    }

    [Fact]
    public void Partitions_may_be_read_in_any_interleaving()
    {
        var (history, log) = Written(producers: 1, partitions: 3, count: 5);
        Assert.Empty(history.Check(log.OrderBy(record => record.Offset)));
    }

    [Fact]
    public void Gaps_between_offsets_are_no_defect()
    {
        var history = new History();
        history.Acknowledge(history.Next(0, 0), 3);
        history.Acknowledge(history.Next(0, 0), 10);
        Assert.Empty(history.Check([new(0, 3, new(0, 0, 0)), new(0, 10, new(0, 0, 1))]));
    }

    [Fact]
    public void An_acknowledged_value_that_is_not_there_is_lost()
    {
        var (history, log) = Written(1, 2, 10);
        log.RemoveAt(4);
        Assert.Equal(DefectKind.Lost, Assert.Single(history.Check(log)).Kind);
        Assert.Equal(20, history.Check([]).Count(defect => defect.Kind == DefectKind.Lost));
    }

    [Fact]
    public void A_value_without_an_answer_may_be_there_or_not()
    {
        var history = new History();
        history.Acknowledge(history.Next(0, 0), 0);
        var failed = history.Next(0, 0);
        history.Fail(failed, "timed out");
        var unanswered = history.Next(0, 0);
        Assert.Equal("timed out", history.Failed[failed]);

        Assert.Empty(history.Check([new(0, 0, new(0, 0, 0))]));
        Assert.Empty(history.Check([new(0, 0, new(0, 0, 0)), new(0, 1, failed), new(0, 2, unanswered)]));
    }

    [Fact]
    public void A_value_that_is_there_twice_is_doubled_for_an_idempotent_producer_only()
    {
        foreach (bool exactlyOnce in new[] { true, false })
        {
            var history = new History(exactlyOnce);
            history.Acknowledge(history.Next(0, 0), 0);
            history.Acknowledge(history.Next(0, 0), 2);
            var defects = history.Check([new(0, 0, new(0, 0, 0)), new(0, 1, new(0, 0, 0)), new(0, 2, new(0, 0, 1))]);
            Assert.Equal(exactlyOnce ? [DefectKind.Doubled] : [], defects.Select(defect => defect.Kind));
        }
    }

    [Fact]
    public void An_unacknowledged_value_that_is_there_twice_is_doubled_too()
    {
        var history = new History();
        var value = history.Next(0, 0);
        Assert.Equal(DefectKind.Doubled, Assert.Single(history.Check([new(0, 0, value), new(0, 1, value)])).Kind);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Two_values_of_a_producer_the_wrong_way_round_are_out_of_order(bool exactlyOnce)
    {
        var history = new History(exactlyOnce);
        var (first, second) = (history.Next(0, 0), history.Next(0, 0));
        history.Acknowledge(first, 1);
        history.Acknowledge(second, 0);
        Assert.Equal(DefectKind.OutOfOrder, Assert.Single(history.Check([new(0, 0, second), new(0, 1, first)])).Kind);
    }

    [Fact]
    public void Values_of_different_producers_have_no_order()
    {
        var history = new History();
        history.Acknowledge(history.Next(0, 0), 1);
        history.Acknowledge(history.Next(1, 0), 0);
        Assert.Empty(history.Check([new(0, 0, new(1, 0, 0)), new(0, 1, new(0, 0, 0))]));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(4)]
    public void Offsets_that_do_not_rise_are_out_of_order(long second)
    {
        var history = new History();
        var (one, other) = (history.Next(0, 0), history.Next(1, 0));
        Assert.Equal(DefectKind.OutOfOrder, Assert.Single(history.Check([new(0, 5, one), new(0, second, other)])).Kind);
    }

    [Fact]
    public void A_value_at_another_offset_than_the_acknowledged_one_is_found()
    {
        var history = new History();
        history.Acknowledge(history.Next(0, 0), 7);
        Assert.Equal(DefectKind.WrongOffset, Assert.Single(history.Check([new(0, 8, new(0, 0, 0))])).Kind);
    }

    [Fact]
    public void Two_values_acknowledged_at_one_offset_are_found()
    {
        var history = new History();
        history.Acknowledge(history.Next(0, 0), 0);
        history.Acknowledge(history.Next(1, 0), 0);
        var defects = history.Check([new(0, 0, new(0, 0, 0)), new(0, 1, new(1, 0, 0))]);
        Assert.Equal([DefectKind.WrongOffset, DefectKind.SharedOffset], defects.Select(defect => defect.Kind).Order());
    }

    [Theory]
    [InlineData(0, 0, 0, 1)]
    [InlineData(0, 0, 1, 0)]
    [InlineData(0, 0, 0, 5)]
    public void A_value_that_nobody_wrote_there_is_foreign(int partition, int producer, int valuePartition, long number)
    {
        var history = new History();
        history.Next(0, 0);
        history.Next(0, 1);
        var record = new ReadRecord(partition, 0, new(producer, valuePartition, number));
        Assert.Equal(DefectKind.Foreign, Assert.Single(history.Check([record])).Kind);
    }

    /// <summary>Every kind of damage at a random place of a random history is seen, and the undamaged history is not blamed.</summary>
    [Fact]
    public void Random_damage_is_always_found()
    {
        var random = new Random(TestRun.TakeSeed());
        for (int run = 0; run < 500; run++)
        {
            var (history, log) = Written(random.Next(1, 4), random.Next(1, 4), random.Next(2, 20));
            Assert.Empty(history.Check(log));
            var kind = Damage(log, random);
            Assert.Contains(history.Check(log), defect => defect.Kind == kind);
        }
    }

    [Theory]
    [InlineData("3/2/123456789012", 3, 2, 123456789012)]
    [InlineData("0/0/0 and padding 1/2/3", 0, 0, 0)]
    public void A_value_is_read_back_from_its_text(string text, int producer, int partition, long number)
    {
        var value = new HistoryValue(producer, partition, number);
        Assert.Equal(value, HistoryValue.Parse(text));
        Assert.Equal(value, HistoryValue.Parse(value.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("1/2")]
    [InlineData("1/2/3/4")]
    [InlineData("1/-2/3")]
    [InlineData("1/2/x")]
    public void Other_text_is_no_value(string text) => Assert.Throws<FormatException>(() => HistoryValue.Parse(text));

    private static DefectKind Damage(List<ReadRecord> log, Random random)
    {
        int i = random.Next(log.Count - 1);
        var (here, next) = (log[i], log[i + 1]);
        switch (random.Next(4))
        {
            case 0:
                log.RemoveAt(i);
                return DefectKind.Lost;
            case 1:
                log.Add(here with { Offset = log.Where(record => record.Partition == here.Partition).Max(record => record.Offset) + 1 });
                return DefectKind.Doubled;
            case 2 when here.Partition == next.Partition:
                log[i] = here with { Value = next.Value };
                log[i + 1] = next with { Value = here.Value };
                return DefectKind.WrongOffset;
            case 3 when here.Partition == next.Partition:
                (log[i], log[i + 1]) = (next, here);
                return DefectKind.OutOfOrder;
            default:
                log[i] = here with { Value = here.Value with { Number = 1000 } };
                return DefectKind.Foreign;
        }
    }

    /// <summary>A history of which everything was acknowledged, and the log that belongs to it.</summary>
    private static (History History, List<ReadRecord> Log) Written(int producers, int partitions, int count)
    {
        var history = new History();
        var log = new List<ReadRecord>();
        for (int partition = 0; partition < partitions; partition++)
        {
            for (int offset = 0; offset < producers * count; offset++)
            {
                var value = history.Next(offset % producers, partition);
                history.Acknowledge(value, offset);
                log.Add(new ReadRecord(partition, offset, value));
            }
        }
        return (history, log);
    }
}

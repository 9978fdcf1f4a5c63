using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Actors.Sequencing;

public sealed class SequencerPropertiesSpec
{
    /// <summary>
    /// After every step of every schedule: offsets are dense, extents cover the log exactly and hold every batch that was accepted, objects
    /// are referred to as long as something of them can be read, producers are known as the model knows them, every answer is the model's,
    /// and a state made from a snapshot or from the events alone is the live one.
    /// </summary>
    [Fact]
    public void Thousands_of_random_lives_agree_with_the_model()
    {
        int seed = TestRun.TakeSeed();
        int lives = TestRun.IsLong ? 10_000 : 2_000;
        int accepted = 0;
        (int Done, int Refused) swapped = default;
        for (int i = 0; i < lives; i++)
        {
            var schedule = new SequencerSchedule(seed + i);
            try
            {
                schedule.Run(steps: 40);
            }
            catch (Exception error)
            {
                throw new InvalidOperationException($"The schedule of WARP_SEED={seed + i} went wrong: {error.Message}", error);
            }
            accepted += schedule.Accepted;
            swapped = (swapped.Done + schedule.Swapped.Done, swapped.Refused + schedule.Swapped.Refused);
        }
        Assert.InRange(accepted, 20 * lives, int.MaxValue);
        Assert.InRange(swapped.Done, lives / 2, int.MaxValue);
        Assert.InRange(swapped.Refused, lives / 20, int.MaxValue);
    }
}

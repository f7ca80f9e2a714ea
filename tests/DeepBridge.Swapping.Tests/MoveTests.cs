using DeepBridge.Graphs;
using DeepBridge.Layers;
using DeepBridge.Optimizers;

namespace DeepBridge.Swapping.Tests;

/// <summary>A run moves from one backend to another in the middle of an epoch and goes on.</summary>
public sealed class MoveTests(ITestOutputHelper output)
{
    // Measured on the smooth model in 200 steps: losses differed by at most 2.6e-7 of their value on torch:cpu, 1.4e-5 on tensorflow:cpu.
    private const double Bound = 1e-4;

    public static TheoryData<string> Devices => Backends.Engines;

    /// <summary>Free-running curves of a model without kinks stay together for 200 steps.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void A_smooth_model_runs_alike_for_200_steps(string device)
    {
        Backends.Require(device);
        Twin here = new("smooth", "cpu"), there = new("smooth", device);
        double worst = 0;
        foreach (int step in TensorScope.Steps(200))
        {
            double expected = Step(here, step), actual = Step(there, step);
            worst = Math.Max(worst, Math.Abs(actual - expected) / expected);
        }

        output.WriteLine($"200 steps of a smooth model, cpu and {device}: losses within {worst:E1}");
        worst.Should().BeLessThan(Bound);
    }

    /// <summary>From cpu through every engine and back; model, slots and generator move, and the curve does not notice.</summary>
    [Fact]
    public void A_run_moves_through_all_backends_in_the_middle_of_an_epoch()
    {
        string[] others = [.. Backends.Engines.Select(row => row.Data)];
        Backends.Require(others[0]);
        string[] stations = ["cpu", .. others, "cpu"];
        Twin still = new("smooth", "cpu"), moving = new("smooth", "cpu");
        foreach (int step in TensorScope.Steps(10 * stations.Length))
        {
            string station = stations[step / 10];
            moving.MoveTo(station);
            double expected = Step(still, step), actual = Step(moving, step);
            actual.Should().BeApproximately(expected, expected * Bound, $"step {step} on {station}");
            moving.State().Where(variable => variable.DType == DType.Float32).Should().OnlyContain(variable => variable.Device.Name == station);
        }
    }

    /// <summary>Dropout and batch norm too: the same masks, and a loss that goes on falling.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void A_run_with_dropout_and_batch_norm_goes_on_elsewhere(string device)
    {
        Backends.Require(device);
        Twin run = new("cnn", "cpu");
        List<double> losses = [];
        foreach (int step in TensorScope.Steps(60))
        {
            if (step == 30)
            {
                run.MoveTo(device);
            }

            losses.Add(Step(run, step));
        }

        run.Device.Name.Should().Be(device);
        losses[50..].Average().Should().BeLessThan(losses[20..30].Average());
    }

    /// <summary>Large data is not copied on its way: training on either side must leave the other's values alone.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void What_moved_and_was_trained_is_unchanged_where_it_came_from(string device)
    {
        Backends.Require(device);
        foreach ((string from, string to) in new[] { ("cpu", device), (device, "cpu") })
        {
            using AmbientChange use = Device.Use(from);
            Linear model = new(256, 256);
            using Tensor kept = model.Weight.Value.Detach();
            float[] expected = kept.ToArray<float>();
            model.To(to);
            Train(model, to);
            kept.ToArray<float>().Should().Equal(expected, $"{from} to {to}");

            // And the other way: here again, while there a copy is kept.
            using Tensor trained = model.Weight.Value.Detach();
            float[] after = trained.ToArray<float>();
            after.Should().NotEqual(expected);
            model.To(from);
            Train(model, from);
            trained.ToArray<float>().Should().Equal(after, $"{to} back to {from}");
        }

        static void Train(Linear model, string device)
        {
            using AmbientChange use = Device.Use(device);
            Adam optimizer = new(model, 1e-2);
            using Tensor x = Tensor.Normal([8, 256]), y = Tensor.Normal([8, 256]);
            foreach (int step in TensorScope.Steps(3))
            {
                optimizer.Step(Gradients.Of(Loss.MeanSquaredError(model.Call(x), y), model.Parameters));
            }

            using TensorScope scope = new();
            using Graph graph = Graph.Trace(
                inputs =>
                {
                    optimizer.Step(Gradients.Of(Loss.MeanSquaredError(model.Call(inputs[0]), inputs[1]), model.Parameters));
                    return [];
                },
                [x.Spec, y.Spec],
                device);
            for (int step = 0; step < 3; step++)
            {
                graph.Run(x, y);
            }
        }
    }

    private static double Step(Twin twin, int step)
    {
        (Tensor loss, Gradients gradients) = twin.Backward(step);
        twin.Update(gradients);
        return loss.Item();
    }
}

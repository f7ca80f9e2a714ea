using DeepBridge.Layers;

namespace DeepBridge.Tests.Modules;

/// <summary>What the goldens do not see of layers: keys, first values, refusals.</summary>
public sealed class LayersTests
{
    [Fact]
    public void Keys_and_shapes_are_those_of_pytorch()
    {
        using TensorScope scope = new();
        Sequential model =
        [
            new ConvTranspose1d(4, 6, 3, groups: 2),
            new ConvTranspose2d(4, 6, 3, bias: false),
            new GroupNorm(2, 4),
            new GroupNorm(2, 4, affine: false),
            new InstanceNorm(4),
            new InstanceNorm(4, affine: true, trackRunningStatistics: true),
            new RmsNorm(4),
            new PRelu(4),
        ];
        model.StateDictionary().Select(pair => $"{pair.Key} {pair.Value.Shape}").Should().Equal(
            "0.weight (4, 3, 3)", "0.bias (6,)", "1.weight (4, 6, 3, 3)", "2.weight (4,)", "2.bias (4,)", "5.weight (4,)", "5.bias (4,)",
            "5.running_mean (4,)", "5.running_var (4,)", "5.num_batches_tracked ()", "6.weight (4,)", "7.weight (4,)");
    }

    [Fact]
    public void First_values_of_a_transposed_convolution_count_its_filters()
    {
        using TensorScope scope = new();
        ConvTranspose2d layer = new(64, 4, 2);
        float bound = 1 / MathF.Sqrt(4 * 2 * 2);
        layer.Weight.Value.Abs().Max().Item<float>().Should().BeInRange(bound * 0.9f, bound);
        layer.Bias!.Value.Abs().Max().Item<float>().Should().BeInRange(0, bound);
        new PRelu(3).Parameters.Single().Value.ToArray<float>().Should().OnlyContain(value => value == 0.25f);
    }

    [Fact]
    public void A_scale_decides_places_and_not_the_extents()
    {
        using TensorScope scope = new();
        Tensor x = Tensor.From<float>([0, 1, 2, 3, 4]).Reshape(1, 1, 5);

        new Upsample(2.5).Call(x).ToArray<float>().Should().Equal(0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 4);
        new Upsample(2.3, UpsampleMode.Linear).Call(x).ToArray<float>()[9].Should().BeApproximately((9.5f / 2.3f) - 0.5f, 1e-5f);
        new Upsample([11], UpsampleMode.Linear).Call(x).ToArray<float>()[9].Should().BeApproximately((9.5f * 5 / 11) - 0.5f, 1e-5f);
    }

    [Fact]
    public void An_infinite_input_leaves_the_slope_of_prelu_a_gradient()
    {
        using TensorScope scope = new();
        PRelu layer = new();
        Tensor y = layer.Call(Tensor.From<float>([float.PositiveInfinity, -2]));
        y.ToArray<float>().Should().Equal(float.PositiveInfinity, -0.5f);
        Gradients.Of(y.Sum(), layer.Parameters)[layer.Parameters.Single()].Item<float>().Should().Be(-2);
    }

    [Fact]
    public void Running_statistics_of_instances_are_means_over_the_batch()
    {
        using TensorScope scope = new();
        InstanceNorm layer = new(1, momentum: 0.5, trackRunningStatistics: true);
        layer.Call(Tensor.From<float>([1, 3, 5, 9]).Reshape(2, 1, 2));
        layer.StateDictionary()["running_mean"].Value.ToArray<float>().Should().Equal(2.25f);
        layer.StateDictionary()["running_var"].Value.ToArray<float>().Should().Equal(3);
        layer.StateDictionary()["num_batches_tracked"].Value.Item<long>().Should().Be(0);
    }

    [Fact]
    public void Sixteen_bit_norms_are_computed_in_float32()
    {
        using TensorScope scope = new();
        Tensor x = Tensor.From<float>([200, 300, 400, 500]).Cast(DType.Float16).Reshape(1, 4);
        Tensor y = new RmsNorm(4, dtype: DType.Float16).Call(x);
        y.DType.Should().Be(DType.Float16);
        y.Cast(DType.Float32).ToArray<float>().Should().OnlyContain(value => float.IsFinite(value) && value > 0.5f);
    }

    [Fact]
    public void Wrong_shapes_are_refused_by_name()
    {
        using TensorScope scope = new();
        Tensor flat = Tensor.Zeros([2, 3]), image = Tensor.Zeros([2, 3, 4, 4]), empty = Tensor.Zeros([2, 3, 0, 4]);
        Module<Tensor, Tensor>[] layers =
        [
            new ConvTranspose1d(3, 4, 3), new GroupNorm(1, 4), new InstanceNorm(4), new RmsNorm(5), new AdaptiveAveragePool([2, 2]),
            new AdaptiveMaxPool([2]), new Upsample([2, 2]),
        ];
        foreach (Module<Tensor, Tensor> layer in layers)
        {
            layer.Invoking(one => one.Call(flat)).Should().Throw<ShapeMismatchException>(layer.GetType().Name);
        }

        new ConvTranspose2d(4, 4, 3).Invoking(one => one.Call(image)).Should().Throw<ShapeMismatchException>();
        new ConvTranspose2d(3, 4, 1, padding: 2).Invoking(one => one.Call(image)).Should().Throw<ShapeMismatchException>().WithMessage("*would come out*");
        new InstanceNorm(3).Invoking(one => one.Call(Tensor.Zeros([2, 3, 1]))).Should().Throw<ShapeMismatchException>();
        new PRelu(4).Invoking(one => one.Call(image)).Should().Throw<ShapeMismatchException>();
        new AdaptiveAveragePool([2, 2]).Invoking(one => one.Call(empty)).Should().Throw<ShapeMismatchException>();
        new AdaptiveMaxPool([2, 2]).Invoking(one => one.Call(empty)).Should().Throw<ShapeMismatchException>();
        new Upsample(2).Invoking(one => one.Call(flat)).Should().Throw<ShapeMismatchException>();
        new Upsample(0.1).Invoking(one => one.Call(image)).Should().Throw<ShapeMismatchException>().WithMessage("*0 elements*");
    }

    [Fact]
    public void Wrong_attributes_are_refused()
    {
        using TensorScope scope = new();
        Tensor image = Tensor.Zeros([2, 4, 4, 4]), weight = Tensor.Zeros([4, 2, 3, 3]);
        image.Invoking(x => x.ConvolveTransposed(weight, outputPadding: [1])).Should().Throw<InvalidAttributeException>().WithMessage("*below stride*");
        image.Invoking(x => x.ConvolveTransposed(weight, stride: [0])).Should().Throw<InvalidAttributeException>();
        image.Invoking(x => x.ConvolveTransposed(weight, stride: [1, 1, 1])).Should().Throw<InvalidAttributeException>();
        image.Invoking(x => x.ConvolveTransposed(weight, padding: [-1])).Should().Throw<InvalidAttributeException>();
        image.Invoking(x => x.ConvolveTransposed(weight, outputPadding: [0, 0, 0])).Should().Throw<InvalidAttributeException>();
        image.Invoking(x => x.ConvolveTransposed(weight, groups: 0)).Should().Throw<InvalidAttributeException>();
        image.Invoking(x => x.ConvolveTransposed(weight, groups: 3)).Should().Throw<ShapeMismatchException>();
        image.Invoking(x => x.ConvolveTransposed(weight, Tensor.Zeros([3]))).Should().Throw<ShapeMismatchException>();
        FluentActions.Invoking(() => new GroupNorm(3, 4)).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => new ConvTranspose1d(4, 3, 3, groups: 2)).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => new RmsNorm(Shape.Create([]))).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => new AdaptiveAveragePool([1, 2, 3])).Should().Throw<InvalidAttributeException>();
        FluentActions.Invoking(() => new AdaptiveMaxPool([0])).Should().Throw<InvalidAttributeException>();
        FluentActions.Invoking(() => new Upsample(0)).Should().Throw<InvalidAttributeException>();
        FluentActions.Invoking(() => new Upsample(double.NaN)).Should().Throw<InvalidAttributeException>();
        FluentActions.Invoking(() => new Upsample(2, alignCorners: true)).Should().Throw<InvalidAttributeException>();
        FluentActions.Invoking(() => new PRelu(0)).Should().Throw<ArgumentOutOfRangeException>();
    }
}

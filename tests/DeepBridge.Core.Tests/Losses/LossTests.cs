namespace DeepBridge.Tests.Losses;

/// <summary>What the goldens do not see of losses: refusals, dtypes, labels that are out of range.</summary>
public sealed class LossTests
{
    private static readonly (string Name, Func<Tensor, Tensor, Tensor> Loss)[] s_pairs =
    [
        ("L1", (x, t) => Loss.L1(x, t)), ("Huber", (x, t) => Loss.Huber(x, t)), ("SmoothL1", (x, t) => Loss.SmoothL1(x, t)),
        ("BinaryCrossEntropy", (x, t) => Loss.BinaryCrossEntropy(x, t)), ("KlDivergence", (x, t) => Loss.KlDivergence(x, t)),
        ("HingeEmbedding", (x, t) => Loss.HingeEmbedding(x, t)), ("MarginRanking", (x, t) => Loss.MarginRanking(x, t, t)),
        ("CosineEmbedding", (x, t) => Loss.CosineEmbedding(x, t, Tensor.Ones([2]))), ("TripletMargin", (x, t) => Loss.TripletMargin(x, t, t)),
    ];

    public static TheoryData<string> Names => [.. s_pairs.Select(pair => pair.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Nothing_broadcasts_and_whole_numbers_are_refused(string name)
    {
        using TensorScope scope = new();
        Func<Tensor, Tensor, Tensor> loss = s_pairs.Single(pair => pair.Name == name).Loss;
        FluentActions.Invoking(() => loss(Tensor.Zeros([2, 3]), Tensor.Zeros([3]))).Should().Throw<ShapeMismatchException>().WithMessage(name + "*");
        FluentActions.Invoking(() => loss(Tensor.Zeros([2, 3], DType.Int64), Tensor.Zeros([2, 3]))).Should().Throw<DTypeMismatchException>().WithMessage(name + "*");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Sixteen_bits_go_in_and_come_out(string name)
    {
        using TensorScope scope = new();
        Func<Tensor, Tensor, Tensor> loss = s_pairs.Single(pair => pair.Name == name).Loss;
        Tensor x = Tensor.Uniform([2, 3], 0.1, 0.9), t = Tensor.Ones([2, 3]);
        Tensor half = loss(x.Cast(DType.BFloat16), t.Cast(DType.Int64));
        half.DType.Should().Be(DType.BFloat16);
        half.Cast(DType.Float32).Item<float>().Should().BeApproximately(loss(x.Cast(DType.BFloat16).Cast(DType.Float32), t).Item<float>(), 0.02f);
    }

    [Fact]
    public void Attributes_out_of_range_are_refused()
    {
        using TensorScope scope = new();
        Tensor x = Tensor.Zeros([2, 3]), scalar = Tensor.Zeros([]);
        FluentActions.Invoking(() => Loss.Huber(x, x, 0)).Should().Throw<InvalidAttributeException>();
        FluentActions.Invoking(() => Loss.SmoothL1(x, x, -1)).Should().Throw<InvalidAttributeException>();
        FluentActions.Invoking(() => Loss.TripletMargin(x, x, x, power: 0.5)).Should().Throw<InvalidAttributeException>();
        FluentActions.Invoking(() => Loss.TripletMargin(scalar, scalar, scalar)).Should().Throw<ShapeMismatchException>();
        FluentActions.Invoking(() => Loss.CosineEmbedding(scalar, scalar, scalar)).Should().Throw<ShapeMismatchException>();
        FluentActions.Invoking(() => Loss.KlDivergence(x, x, batchMean: true, reduction: Reduction.Sum)).Should().Throw<InvalidAttributeException>();
        FluentActions.Invoking(() => Loss.KlDivergence(scalar, scalar, batchMean: true)).Should().Throw<InvalidAttributeException>();
    }

    [Fact]
    public void Labels_are_checked_ignored_and_counted()
    {
        using TensorScope scope = new();
        Tensor logs = Tensor.From<float>([-1, -2, -3, -4]).Reshape(2, 2);
        Loss.NegativeLogLikelihood(logs, Tensor.From<long>([1, -100])).Item<float>().Should().Be(2);
        Loss.NegativeLogLikelihood(logs, Tensor.From<long>([1, 0]), ignoreIndex: null).Item<float>().Should().Be(2.5f);
        Loss.NegativeLogLikelihood(logs, Tensor.From<long>([-100, -100])).Item<float>().Should().Be(float.NaN);
        FluentActions.Invoking(() => Loss.NegativeLogLikelihood(logs, Tensor.From<long>([1, 2]))).Should().Throw<ValueOutOfBoundsException>();
        FluentActions.Invoking(() => Loss.NegativeLogLikelihood(logs, Tensor.From<long>([1, -100]), null)).Should().Throw<ValueOutOfBoundsException>();
        FluentActions.Invoking(() => Loss.NegativeLogLikelihood(logs, Tensor.From<float>([1, 0]))).Should().Throw<DTypeMismatchException>();
        FluentActions.Invoking(() => Loss.NegativeLogLikelihood(logs, Tensor.From<long>([1]))).Should().Throw<ShapeMismatchException>();
    }

    [Fact]
    public void Classes_weights_are_checked_and_count()
    {
        using TensorScope scope = new();
        Tensor x = Tensor.From<float>([0, 0, float.NegativeInfinity, 0]).Reshape(2, 2), labels = Tensor.From<long>([1, -100]), weight = Tensor.From<float>([1, 3]);
        Loss.NegativeLogLikelihood(x - 2, labels, weight: weight).Item<float>().Should().Be(2);
        Loss.NegativeLogLikelihood(x - 2, labels, reduction: Reduction.Sum, weight: weight).Item<float>().Should().Be(6);
        Loss.CrossEntropy(x.Cast(DType.BFloat16), labels, weight: weight).DType.Should().Be(DType.BFloat16);
        Loss.CrossEntropy(x, Tensor.From<long>([-100, -100]), weight: weight).Item<float>().Should().Be(float.NaN);
        FluentActions.Invoking(() => Loss.CrossEntropy(x, labels, weight: Tensor.Ones([3]))).Should().Throw<ShapeMismatchException>().WithMessage("CrossEntropy*2 classes*");
        FluentActions.Invoking(() => Loss.CrossEntropy(x, x, weight: Tensor.Ones([2, 1]))).Should().Throw<ShapeMismatchException>();
        FluentActions.Invoking(() => Loss.CrossEntropy(x, labels, weight: labels)).Should().Throw<DTypeMismatchException>();
        FluentActions.Invoking(() => Loss.CrossEntropy(x, labels, 2, weight: weight)).Should().Throw<InvalidAttributeException>();
        FluentActions.Invoking(() => Loss.CrossEntropy(x, Tensor.From<long>([0, 2]), weight: weight)).Should().Throw<ValueOutOfBoundsException>();
    }

    [Fact]
    public void Probabilities_are_targets_too_and_classes_in_floating_numbers_are_not()
    {
        using TensorScope scope = new();
        Tensor x = Tensor.From<float>([1, 2, 3, 4, 5, 7]).Reshape(2, 3), labels = Tensor.From<long>([2, 0]);
        Loss.CrossEntropy(x, labels.OneHot(3)).Item<float>().Should().BeApproximately(Loss.CrossEntropy(x, labels).Item<float>(), 1e-6f);
        Loss.CrossEntropy(x, x.Softmax(), 0.1, reduction: Reduction.None).Shape.Should().Be(Shape.Create([2]));
        FluentActions.Invoking(() => Loss.CrossEntropy(x, labels.Cast(DType.Float32))).Should().Throw<DTypeMismatchException>();
        FluentActions.Invoking(() => Loss.CrossEntropy(x, x, 2)).Should().Throw<InvalidAttributeException>();
        FluentActions.Invoking(() => Loss.CrossEntropy(labels.OneHot(3, DType.Int64), x[..2])).Should().Throw<DTypeMismatchException>();
    }

    [Fact]
    public void A_label_of_zero_is_both_to_the_hinge_and_nothing_to_the_cosine()
    {
        using TensorScope scope = new();
        Tensor label = Tensor.Zeros([1]), x = Tensor.Full([1, 2], 0.25);
        Loss.HingeEmbedding(x[0, ..1], label).Item<float>().Should().Be(1);
        Loss.CosineEmbedding(x, x, label).Item<float>().Should().Be(0);
    }

    [Fact]
    public void A_distance_of_zero_has_no_gradient()
    {
        using TensorScope scope = new();
        Tensor x = Tensor.Ones([1, 3]).Track();
        Tensor loss = Loss.TripletMargin(x, Tensor.Ones([1, 3]), Tensor.Zeros([1, 3]), margin: 5, epsilon: 0);
        Gradients.Of(loss, [x])[0].ToArray<float>().Should().OnlyContain(value => Math.Abs(value + (1 / MathF.Sqrt(3))) < 1e-6f);
    }
}

using DeepBridge.Ops;

namespace DeepBridge.Testing;

/// <summary>The goldens of ops.</summary>
public static class OpGoldens
{
    /// <summary>Ops without a golden, and why.</summary>
    public static IReadOnlyDictionary<Type, string> Exempt { get; } = new Dictionary<Type, string>
    {
        [typeof(Fill)] = "it makes one value",
        [typeof(Iota)] = "it counts",
        [typeof(RandomWords)] = "its words are those of Random123's known answers, not PyTorch's",
        [typeof(RandomUniform)] = "it is made of RandomWords by a published formula",
        [typeof(RandomNormal)] = "it is made of RandomWords by a published formula",
        [typeof(Dropout)] = "its mask is made of RandomWords; PyTorch draws other ones",
        [typeof(DropoutGradient)] = "its mask is made of RandomWords; PyTorch draws other ones",
        [typeof(SgdStep)] = "the optimizers' goldens judge it over 20 steps",
        [typeof(AdamStep)] = "the optimizers' goldens judge it over 20 steps",
        [typeof(AmsGradStep)] = "the optimizers' goldens judge it over 20 steps",
        [typeof(RmsPropStep)] = "the optimizers' goldens judge it over 20 steps",
        [typeof(AdagradStep)] = "the optimizers' goldens judge it over 20 steps",
        [typeof(LionStep)] = "the optimizers' goldens judge it over 20 steps",
    };

    /// <summary>All cases.</summary>
    public static IReadOnlyList<Golden> All { get; } =
    [
        .. Elementwise(), .. Movement(), .. Reductions(), .. Indexing(), .. Windows(), .. Composites(), .. Losses(), .. ComposedLosses(),
    ];

    private static Golden One<TOp>(string name, Func<Tensor[], Tensor> function) => new(name, [typeof(TOp)], x => [function(x)]);

    private static Golden Two<TOp>(string name, Func<Tensor[], (Tensor First, Tensor Second)> function) => new(name, [typeof(TOp)], x =>
    {
        (Tensor first, Tensor second) = function(x);
        return [first, second];
    });

    private static IEnumerable<Golden> Elementwise()
    {
        foreach (string variant in new[] { string.Empty, ".broadcast" })
        {
            yield return One<Add>("Add" + variant, x => x[0] + x[1]);
            yield return One<Subtract>("Subtract" + variant, x => x[0] - x[1]);
            yield return One<Multiply>("Multiply" + variant, x => x[0] * x[1]);
            yield return One<Divide>("Divide" + variant, x => x[0] / x[1]);
        }

        foreach (string variant in new[] { string.Empty, ".broadcast", ".ties" })
        {
            yield return One<Maximum>("Maximum" + variant, x => x[0].Maximum(x[1]));
            yield return One<Minimum>("Minimum" + variant, x => x[0].Minimum(x[1]));
        }

        foreach (string variant in new[] { string.Empty, ".integers" })
        {
            yield return One<FloorDivide>("FloorDivide" + variant, x => x[0].FloorDivide(x[1]));
            yield return One<FloorModulo>("FloorModulo" + variant, x => x[0] % x[1]);
        }

        yield return One<FloorModulo>("FloorModulo.special", x => x[0] % x[1]);
        yield return One<Power>("Power", x => x[0].Pow(x[1]));
        yield return One<Power>("Power.special", x => x[0].Pow(x[1]));
        foreach (string variant in new[] { string.Empty, ".special" })
        {
            yield return One<Exp>("Exp" + variant, x => x[0].Exp());
            yield return One<Expm1>("Expm1" + variant, x => x[0].Expm1());
            yield return One<Log>("Log" + variant, x => x[0].Log());
            yield return One<Log1p>("Log1p" + variant, x => x[0].Log1p());
            yield return One<Sqrt>("Sqrt" + variant, x => x[0].Sqrt());
            yield return One<Rsqrt>("Rsqrt" + variant, x => x[0].Rsqrt());
            yield return One<Sin>("Sin" + variant, x => x[0].Sin());
            yield return One<Cos>("Cos" + variant, x => x[0].Cos());
            yield return new("Tanh" + variant, [typeof(Tanh), typeof(TanhGradient)], x => [x[0].Tanh()]);
            yield return One<Erf>("Erf" + variant, x => x[0].Erf());
            yield return new("Sigmoid" + variant, [typeof(Sigmoid), typeof(SigmoidGradient)], x => [x[0].Sigmoid()]);
            yield return One<Relu>("Relu" + variant, x => x[0].Relu());
            yield return One<Abs>("Abs" + variant, x => x[0].Abs());
            yield return One<Sign>("Sign" + variant, x => x[0].Sign());
            yield return One<Floor>("Floor" + variant, x => x[0].Floor());
            yield return One<Ceiling>("Ceiling" + variant, x => x[0].Ceiling());
            yield return One<Round>("Round" + variant, x => x[0].Round());
            yield return One<Negate>("Negate" + variant, x => -x[0]);
            yield return new("Silu" + variant, [typeof(Silu), typeof(SiluGradient)], x => [x[0].Silu()]);
            yield return new("Gelu" + variant, [typeof(Gelu), typeof(GeluGradient)], x => [x[0].Gelu()]);
            yield return One<Gelu>("GeluTanh" + variant, x => x[0].Gelu(GeluApproximation.Tanh));
            yield return new("LeakyRelu" + variant, [typeof(LeakyRelu), typeof(LeakyReluGradient)], x => [x[0].LeakyRelu(0.1)]);
            yield return new("Softplus" + variant, [typeof(Softplus), typeof(SoftplusGradient)], x => [x[0].Softplus()]);
        }

        yield return new("Relu.zero", [typeof(Relu), typeof(ReluGradient)], x => [x[0].Relu()]);
        yield return One<Abs>("Abs.zero", x => x[0].Abs());
        yield return One<Where>("Clamp", x => x[0].Clamp(-1, 1));
        yield return One<Cast>("Cast", x => x[0].Cast(DType.Int64));
        yield return One<Equal>("Equal", x => x[0] == x[1]);
        yield return One<NotEqual>("NotEqual", x => x[0] != x[1]);
        yield return One<Less>("Less", x => x[0] < x[1]);
        yield return One<LessEqual>("LessEqual", x => x[0] <= x[1]);
        yield return One<Greater>("Greater", x => x[0] > x[1]);
        yield return One<GreaterEqual>("GreaterEqual", x => x[0] >= x[1]);
        yield return One<LogicalAnd>("LogicalAnd", x => x[0] & x[1]);
        yield return One<LogicalOr>("LogicalOr", x => x[0] | x[1]);
        yield return One<LogicalXor>("LogicalXor", x => x[0] ^ x[1]);
        yield return One<LogicalNot>("LogicalNot", x => !x[0]);
        yield return One<Where>("Where", x => Tensor.Where(x[0], x[1], x[2]));
    }

    private static IEnumerable<Golden> Movement() =>
    [
        One<Reshape>("Reshape", x => x[0].Reshape(4, 3)),
        One<Permute>("Permute", x => x[0].Permute(2, 0, 1)),
        One<Expand>("Expand", x => x[0].Expand([2, 3, 4])),
        One<Slice>("Slice", x => x[0][1..3, TensorIndex.Every(.., 2)]),
        One<Pad>("Pad", x => x[0].Pad([0, 1], [3, 2], 0.5)),
        One<Flip>("Flip", x => x[0].Flip(0, 2)),
        One<Concat>("Concat", x => Tensor.Concat(x, 1)),
        One<Concat>("Stack", x => Tensor.Stack(x, 1)),
    ];

    private static IEnumerable<Golden> Reductions() =>
    [
        One<Sum>("Sum", x => x[0].Sum([0, 2])),
        One<Sum>("Sum.keep", x => x[0].Sum(1, keepDims: true)),
        One<Mean>("Mean", x => x[0].Mean([0, 2])),
        One<Mean>("Mean.keep", x => x[0].Mean([1], keepDims: true)),
        One<Max>("Max", x => x[0].Max([0, 2])),
        One<Max>("Max.keep", x => x[0].Max([1], keepDims: true)),
        One<Max>("Max.ties", x => x[0].Max([1])),
        One<Max>("Max.nan", x => x[0].Max([1])),
        One<Min>("Min", x => x[0].Min([0, 2])),
        One<Min>("Min.keep", x => x[0].Min([1], keepDims: true)),
        Two<ArgMax>("MaxWithIndices", x => x[0].MaxWithIndices(1)),
        One<Product>("Product", x => x[0].Product([1])),
        One<Product>("Product.zeros", x => x[0].Product([1])),
        One<ArgMax>("ArgMax", x => x[0].ArgMax(1)),
        One<ArgMin>("ArgMin", x => x[0].ArgMin(1)),
        One<Any>("Any", x => x[0].Any([1])),
        One<All>("All", x => x[0].All([1])),
        One<CumulativeSum>("CumulativeSum", x => x[0].CumulativeSum(1)),
        One<Variance>("Variance", x => x[0].Variance(1, [1, 2])),
        One<Variance>("Variance.biased", x => x[0].Variance(0, [1], keepDims: true)),
        One<Variance>("Std", x => x[0].Std(1, [1])),
        One<LogSumExp>("LogSumExp", x => x[0].LogSumExp([1])),
        One<LogSumExp>("LogSumExp.special", x => x[0].LogSumExp([1])),
        One<SquaredNorm>("SquaredNorm", x => x[0].SquaredNorm()),
    ];

    private static IEnumerable<Golden> Indexing() =>
    [
        One<Gather>("Gather", x => x[0].Gather(x[1], 1)),
        One<ScatterAdd>("ScatterAdd", x => x[0].ScatterAdd(x[1], x[2])),
        One<TakeAlongAxis>("TakeAlongAxis", x => x[0].TakeAlongAxis(x[1], 1)),
        One<OneHot>("OneHot", x => x[0].OneHot(4)),
        One<Embedding>("Embedding", x => x[1].Embedding(x[0], 2)),
        One<MatMul>("MatMul", x => x[0].MatMul(x[1])),
        One<MatMul>("MatMul.batched", x => x[0].MatMul(x[1])),
        One<MatMul>("MatMul.vector", x => x[0].MatMul(x[1])),
        One<Linear>("Linear", x => x[0].Linear(x[1], x[2])),
    ];

    private static IEnumerable<Golden> Windows()
    {
        Type[] convolution = [typeof(Convolution), typeof(ConvolutionInputGradient), typeof(ConvolutionWeightGradient), typeof(ConvolutionGradient)];
        Type[] max = [typeof(MaxPool), typeof(MaxPoolGradient)], average = [typeof(AveragePool), typeof(AveragePoolGradient)];
        return
        [
            new("Convolution.1d", convolution, x => [x[0].Convolve(x[1], x[2], [2], 1, [2])]),
            new("Convolution.2d", convolution, x => [x[0].Convolve(x[1], x[2], padding: 1)]),
            new("Convolution.groups", convolution, x => [x[0].Convolve(x[1], null, [2, 1], default, [1, 2], 2)]),
            new("Convolution.depthwise", convolution, x => [x[0].Convolve(x[1], padding: 1, groups: 3)]),
            new("MaxPool.1d", max, x => [x[0].MaxPool([3], [2], 1)]),
            Two<MaxPool>("MaxPool.2d", x => x[0].MaxPoolWithIndices([2, 2])),
            Two<MaxPool>("MaxPool.ties", x => x[0].MaxPoolWithIndices([2, 2])),
            Two<MaxPool>("MaxPool.padded", x => x[0].MaxPoolWithIndices([3, 3], [2], 1)),
            new("AveragePool.1d", average, x => [x[0].AveragePool([3], [2], 1)]),
            new("AveragePool.2d", average, x => [x[0].AveragePool([2, 2])]),
            new("AveragePool.uncounted", average, x => [x[0].AveragePool([3, 3], [2], 1, countPadding: false)]),
        ];
    }

    private static IEnumerable<Golden> Composites()
    {
        Type[] attention = [typeof(ScaledDotProductAttention), typeof(ScaledDotProductAttentionGradient)];
        return
        [
            new("Softmax", [typeof(Softmax), typeof(SoftmaxGradient)], x => [x[0].Softmax(1)]),
            new("LogSoftmax", [typeof(LogSoftmax), typeof(LogSoftmaxGradient)], x => [x[0].LogSoftmax(-1)]),
            new("LayerNorm", [typeof(LayerNorm), typeof(LayerNormGradient)], x => [x[0].LayerNorm(x[1], x[2])]),
            new("BatchNorm.training", [typeof(BatchNorm), typeof(BatchNormGradient)], x => [x[0].BatchNorm(x[1], x[2]).Output]),
            One<BatchNormInference>("BatchNorm.evaluation", x => x[0].BatchNorm(x[3].Detach(), x[4].Detach(), x[1], x[2])),
            new("Attention", attention, x => [x[0].ScaledDotProductAttention(x[1], x[2])]),
            new("Attention.causal", attention, x => [x[0].ScaledDotProductAttention(x[1], x[2], causal: true)]),
            new("Attention.bool", attention, x => [x[0].ScaledDotProductAttention(x[1], x[2], x[3])]),
            new("Attention.added", attention, x => [x[0].ScaledDotProductAttention(x[1], x[2], x[3])]),
        ];
    }

    private static IEnumerable<Golden> Losses()
    {
        Type[] cross = [typeof(CrossEntropy), typeof(CrossEntropyGradient)];
        return
        [
            new("CrossEntropy", cross, x => [Loss.CrossEntropy(x[0], x[1])]),
            new("CrossEntropy.smoothing", cross, x => [Loss.CrossEntropy(x[0], x[1], labelSmoothing: 0.1)]),
            new("CrossEntropy.none", cross, x => [Loss.CrossEntropy(x[0], x[1], reduction: Reduction.None)]),
            new("CrossEntropy.sum", cross, x => [Loss.CrossEntropy(x[0], x[1], reduction: Reduction.Sum, labelSmoothing: 0.2)]),
            new("CrossEntropy.spatial", cross, x => [Loss.CrossEntropy(x[0], x[1])]),
            new("CrossEntropy.ignored", cross, x => [Loss.CrossEntropy(x[0], x[1])]),
            new("MeanSquaredError", [typeof(MeanSquaredError), typeof(MeanSquaredErrorGradient)], x => [Loss.MeanSquaredError(x[0], x[1])]),
            new(
                "BinaryCrossEntropyWithLogits",
                [typeof(BinaryCrossEntropyWithLogits), typeof(BinaryCrossEntropyWithLogitsGradient)],
                x => [Loss.BinaryCrossEntropyWithLogits(x[0], x[1])]),
        ];
    }

    /// <summary>Losses that are no ops of their own.</summary>
    private static IEnumerable<Golden> ComposedLosses()
    {
        static Golden Of(string name, Func<Tensor[], Tensor> function) => new(name, [], x => [function(x)]);
        return
        [
            .. Enum.GetValues<Reduction>().SelectMany(Reduced),
            Of("SmoothL1.zero", x => Loss.SmoothL1(x[0], x[1], 0)), Of("KlDivergence.batch", x => Loss.KlDivergence(x[0], x[1], batchMean: true)),
            Of("KlDivergence.logarithms", x => Loss.KlDivergence(x[0], x[1], logTarget: true, reduction: Reduction.Sum)),
            Of("KlDivergence.zeros", x => Loss.KlDivergence(x[0], x[1].Detach(), reduction: Reduction.Sum)),
            Of("NegativeLogLikelihood.spatial", x => Loss.NegativeLogLikelihood(x[0], x[1])), Of("BinaryCrossEntropy", x => Loss.BinaryCrossEntropy(x[0], x[1])),
            Of("BinaryCrossEntropy.ends", x => Loss.BinaryCrossEntropy(x[0], x[1].Detach(), Reduction.Sum)),
            Of("BinaryCrossEntropy.wrong", x => Loss.BinaryCrossEntropy(x[0], x[1].Detach(), Reduction.None)),
            Of("HingeEmbedding", x => Loss.HingeEmbedding(x[0], x[1].Detach(), 0.5)),
            Of("MarginRanking", x => Loss.MarginRanking(x[0], x[1], x[2].Detach(), 0.3, Reduction.Sum)),
            Of("CosineEmbedding", x => Loss.CosineEmbedding(x[0], x[1], x[2], 0.1)), Of("TripletMargin", x => Loss.TripletMargin(x[0], x[1], x[2])),
            Of("TripletMargin.swap", x => Loss.TripletMargin(x[0], x[1], x[2], 2, 3, swap: true, reduction: Reduction.None)),
        ];

        static Golden[] Reduced(Reduction reduction) =>
        [
            Of($"L1.{reduction}", x => Loss.L1(x[0], x[1], reduction)),
            Of($"Huber.{reduction}", x => Loss.Huber(x[0], x[1], 0.5, reduction)),
            Of($"SmoothL1.{reduction}", x => Loss.SmoothL1(x[0], x[1], 0.5, reduction)),
            Of($"KlDivergence.{reduction}", x => Loss.KlDivergence(x[0], x[1], reduction: reduction)),
            Of($"NegativeLogLikelihood.{reduction}", x => Loss.NegativeLogLikelihood(x[0], x[1], reduction: reduction)),
        ];
    }
}

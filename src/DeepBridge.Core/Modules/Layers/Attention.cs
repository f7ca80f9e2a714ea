namespace DeepBridge.Layers;

/// <summary>What attention works on; batch first.</summary>
/// <param name="Query">(batch, targets, features).</param>
/// <param name="Key">(batch, sources, features).</param>
/// <param name="Value">(batch, sources, features).</param>
/// <param name="Mask">
/// Null, or what broadcasts to (batch, heads, targets, sources): bool, true where attention is allowed (the opposite of
/// PyTorch's layer), or floating, added to the scores.
/// </param>
public sealed record AttentionInput(Tensor Query, Tensor Key, Tensor Value, Tensor? Mask = null);

/// <summary>
/// Attention of several heads (A. Vaswani et al., "Attention is all you need", 2017). Keys and initial values are those of
/// PyTorch's <c>nn.MultiheadAttention</c>.
/// </summary>
public sealed partial class MultiHeadAttention : Module<AttentionInput, Tensor>
{
    private readonly Parameter _inProjWeight;
    private readonly Parameter? _inProjBias;
    private readonly Linear _outProj;
    private readonly int _features;
    private readonly int _heads;
    private readonly double _dropout;
    private readonly bool _causal;

    /// <summary>Makes the layer.</summary>
    /// <param name="features">The extent of the last axis; the heads share it.</param>
    /// <param name="heads">The number of heads, which divides the features.</param>
    /// <param name="causal">Whether a target attends only to sources that do not come after it.</param>
    /// <param name="dropout">The probability with which an attention weight is zeroed while training.</param>
    /// <param name="bias">Whether the projections have biases.</param>
    /// <param name="dtype">A floating dtype.</param>
    public MultiHeadAttention(int features, int heads, bool causal = false, double dropout = 0, bool bias = true, DType dtype = DType.Float32)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(features);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(heads);
        if (features % heads != 0)
        {
            throw new ArgumentException($"{heads} heads do not divide {features} features.", nameof(heads));
        }

        (_features, _heads, _causal, _dropout) = (features, heads, causal, dropout);
        double bound = Math.Sqrt(6.0 / (4 * features));
        _outProj = new Linear(features, features, bias, dtype);
        _inProjWeight = new Parameter(Tensor.Uniform([3 * features, features], -bound, bound, dtype));
        if (bias)
        {
            _inProjBias = new Parameter(Tensor.Zeros([3 * features], dtype));
            _outProj.Bias!.Assign(Tensor.Zeros([features], dtype));
        }
    }

    /// <inheritdoc/>
    protected override Tensor Forward(AttentionInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.Query.Rank != 3)
        {
            throw new ShapeMismatchException(
                nameof(MultiHeadAttention), $"the query must be (batch, targets, features), got shape {input.Query.Shape}.", [input.Query.Shape]);
        }

        Tensor query, key, value;
        if (ReferenceEquals(input.Query, input.Key) && ReferenceEquals(input.Key, input.Value))
        {
            Tensor[] parts = input.Query.Linear(_inProjWeight, _inProjBias?.Value).Split(_features, -1);
            (query, key, value) = (Heads(parts[0]), Heads(parts[1]), Heads(parts[2]));
        }
        else
        {
            (query, key, value) = (Heads(Project(input.Query, 0)), Heads(Project(input.Key, 1)), Heads(Project(input.Value, 2)));
        }

        Tensor attended = IsTraining && _dropout > 0
            ? Dropped(query, key, input.Mask).MatMul(value)
            : query.ScaledDotProductAttention(key, value, input.Mask, _causal);
        return _outProj.Call(attended.Transpose(1, 2).Reshape(input.Query.Shape.AsSpan()));
    }

    /// <summary>The attention weights, some of them zeroed: what the fused op does not do.</summary>
    private Tensor Dropped(Tensor query, Tensor key, Tensor? mask)
    {
        Tensor scores = query.MatMul(key.T) / Math.Sqrt(query.Shape[^1]);
        Tensor? allowed = mask is { DType: DType.Bool } ? mask : null;
        scores = mask is null || allowed is not null ? scores : scores + mask;
        if (_causal)
        {
            Tensor rows = Tensor.Arange(scores.Shape[^2], device: scores.Device).Unsqueeze(1);
            Tensor past = Tensor.Arange(scores.Shape[^1], device: scores.Device) <= rows;
            allowed = allowed is null ? past : allowed & past;
        }

        if (allowed is null)
        {
            return scores.Softmax().Dropout(_dropout);
        }

        Tensor lowest = Tensor.Full([], double.NegativeInfinity, scores.DType, scores.Device);
        Tensor weights = Tensor.Where(allowed, scores, lowest).Softmax();
        return Tensor.Where(allowed, weights, weights.ZerosLike()).Dropout(_dropout);
    }

    private Tensor Project(Tensor x, int part) => x.Linear(
        _inProjWeight.Value.Narrow(0, part * _features, _features), _inProjBias?.Value.Narrow(0, part * _features, _features));

    private Tensor Heads(Tensor x) => x.Reshape(x.Shape[0], x.Shape[1], _heads, _features / _heads).Transpose(1, 2);
}

/// <summary>
/// Self-attention and a feed-forward network, each with dropout, a residual and a layer norm. Input and output are
/// (batch, length, features). Keys and defaults are those of PyTorch's <c>nn.TransformerEncoderLayer</c>, but batch first.
/// </summary>
public sealed partial class TransformerEncoderLayer : Module<Tensor, Tensor>
{
    private readonly MultiHeadAttention _selfAttn;
    private readonly Linear _linear1;
    private readonly Linear _linear2;
    private readonly LayerNorm _norm1;
    private readonly LayerNorm _norm2;
    private readonly Dropout _dropout;
    private readonly bool _normFirst;
    private readonly bool _gelu;

    /// <summary>Makes the layer.</summary>
    /// <param name="features">The extent of the last axis.</param>
    /// <param name="heads">The number of heads, which divides the features.</param>
    /// <param name="hidden">The width of the feed-forward network.</param>
    /// <param name="dropout">The probability of dropout.</param>
    /// <param name="causal">Whether a position attends only to those that do not come after it.</param>
    /// <param name="normFirst">Whether the norms stand before attention and network, instead of after the residuals.</param>
    /// <param name="gelu">Whether the network uses GELU instead of ReLU.</param>
    /// <param name="dtype">A floating dtype.</param>
    public TransformerEncoderLayer(
        int features, int heads, int hidden = 2048, double dropout = 0.1, bool causal = false, bool normFirst = false, bool gelu = false, DType dtype = DType.Float32)
    {
        _selfAttn = new MultiHeadAttention(features, heads, causal, dropout, dtype: dtype);
        _linear1 = new Linear(features, hidden, dtype: dtype);
        _linear2 = new Linear(hidden, features, dtype: dtype);
        _norm1 = new LayerNorm(features, dtype: dtype);
        _norm2 = new LayerNorm(features, dtype: dtype);
        _dropout = new Dropout(dropout);
        (_normFirst, _gelu) = (normFirst, gelu);
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input)
    {
        if (_normFirst)
        {
            Tensor x = input + Attend(_norm1.Call(input));
            return x + Feed(_norm2.Call(x));
        }

        Tensor y = _norm1.Call(input + Attend(input));
        return _norm2.Call(y + Feed(y));
    }

    private Tensor Attend(Tensor x) => _dropout.Call(_selfAttn.Call(new AttentionInput(x, x, x)));

    private Tensor Feed(Tensor x)
    {
        Tensor hidden = _linear1.Call(x);
        return _dropout.Call(_linear2.Call(_dropout.Call(_gelu ? hidden.Gelu() : hidden.Relu())));
    }
}

namespace DeepBridge.Layers;

/// <summary>What a recurrent layer remembers from one step to the next.</summary>
/// <param name="Hidden">(layers · directions, batch, features), or, of an LSTM with a projection, its features last.</param>
/// <param name="Cell">(layers · directions, batch, features); an LSTM has it, the others do not.</param>
public sealed record RecurrentState(Tensor Hidden, Tensor? Cell = null);

/// <summary>What a recurrent layer works on.</summary>
/// <param name="Sequence">(batch, length, inputs), or (length, batch, inputs) where the layer is not batch first.</param>
/// <param name="State">The state before the first step; null: zeros.</param>
/// <param name="Lengths">
/// (batch), int32 or int64: how many steps of each sequence count. The others change no state, and their outputs are zeros.
/// Null: all count.
/// </param>
public sealed record RecurrentInput(Tensor Sequence, RecurrentState? State = null, Tensor? Lengths = null)
{
    /// <summary>A sequence alone.</summary>
    /// <param name="sequence">The sequence.</param>
    public static implicit operator RecurrentInput(Tensor sequence) => new(sequence);
}

/// <summary>What a recurrent layer gives.</summary>
/// <param name="Sequence">The last layer's hidden states: the input's shape, with their features · directions last.</param>
/// <param name="State">The state after each sequence's last step that counts.</param>
public sealed record RecurrentOutput(Tensor Sequence, RecurrentState State);

/// <summary>
/// Layers of recurrent cells, in one or both directions. Keys and initial values are PyTorch's: U(±1/√features) for all; but
/// batch first by default.
/// </summary>
public abstract partial class Recurrent : Module<RecurrentInput, RecurrentOutput>
{
    [StateName("")]
    private readonly OrderedDictionary<string, Parameter> _weights = [];
    private readonly int _inputs;
    private readonly int _layers;
    private readonly int _directions;
    private readonly double _dropout;
    private readonly bool _batchFirst;
    private readonly bool _hasCell;
    private readonly int _outputs;

    private protected Recurrent(
        int gates, bool hasCell, int inputs, int features, int layers, bool bias, bool batchFirst, double dropout, bool bidirectional, DType dtype, int projection = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inputs);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(features);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(layers);
        if (dropout is not (>= 0 and < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(dropout), $"The probability must be at least 0 and below 1, got {dropout}.");
        }

        (_inputs, Features, _layers, _directions) = (inputs, features, layers, bidirectional ? 2 : 1);
        (_hasCell, _batchFirst, _dropout, _outputs) = (hasCell, batchFirst, dropout, projection == 0 ? features : projection);
        double bound = 1 / Math.Sqrt(features);
        for (int run = 0; run < layers * _directions; run++)
        {
            int before = run < _directions ? inputs : _outputs * _directions, rows = checked(gates * features);
            Add("weight_ih", run, [rows, before]);
            Add("weight_hh", run, [rows, _outputs]);
            if (bias)
            {
                Add("bias_ih", run, [rows]);
                Add("bias_hh", run, [rows]);
            }

            if (projection > 0)
            {
                Add("weight_hr", run, [projection, features]);
            }
        }

        void Add(string name, int run, Shape shape) => _weights[Key(name, run)] = new Parameter(Tensor.Uniform(shape, -bound, bound, dtype));
    }

    /// <summary>The features of a hidden state before it is projected, and of a cell.</summary>
    private protected int Features { get; }

    /// <inheritdoc/>
    protected override RecurrentOutput Forward(RecurrentInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        Tensor x = _batchFirst && input.Sequence.Rank == 3 ? input.Sequence.Transpose(0, 1) : input.Sequence;
        Check(input, x);
        Tensor? counts = null;
        if (input.Lengths is { } lengths)
        {
            counts = (Tensor.Arange(x.Shape[0], device: x.Device).Unsqueeze(1) < lengths.Cast(DType.Int64)).Unsqueeze(-1);
        }

        Tensor[] hidden = States(input.State?.Hidden, x, _outputs), cells = _hasCell ? States(input.State?.Cell, x, Features) : [];
        for (int layer = 0; layer < _layers; layer++)
        {
            if (layer > 0 && _dropout > 0 && IsTraining)
            {
                x = x.Dropout(_dropout);
            }

            Tensor[] sides = new Tensor[_directions];
            for (int side = 0; side < _directions; side++)
            {
                sides[side] = Run((layer * _directions) + side, x, counts, hidden, cells);
            }

            x = sides.Length == 1 ? sides[0] : Tensor.Concat(sides, -1);
        }

        return new RecurrentOutput(_batchFirst ? x.Transpose(0, 1) : x, new RecurrentState(Tensor.Stack(hidden), _hasCell ? Tensor.Stack(cells) : null));
    }

    /// <summary>One step of one layer in one direction.</summary>
    /// <param name="input">Weights times the input, plus a bias: (batch, gates · features).</param>
    /// <param name="recurrent">Weights times the hidden state, plus a bias: of the same shape.</param>
    /// <param name="hidden">(batch, features).</param>
    /// <param name="cell">(batch, features), or null where the layer has none.</param>
    /// <returns>The new states.</returns>
    private protected abstract (Tensor Hidden, Tensor? Cell) Step(Tensor input, Tensor recurrent, Tensor hidden, Tensor? cell);

    /// <summary>All steps of one layer in one direction; the states are replaced by those afterwards.</summary>
    private Tensor Run(int run, Tensor x, Tensor? counts, Tensor[] hidden, Tensor[] cells)
    {
        // One product for all steps' inputs; only the states must go one by one.
        Tensor[] inputs = Slices(x.Linear(_weights[Key("weight_ih", run)], Weight("bias_ih", run)));
        Tensor[]? counted = counts is null ? null : Slices(counts);
        Tensor weight = _weights[Key("weight_hh", run)];
        Tensor? bias = Weight("bias_hh", run), projection = Weight("weight_hr", run), cell = _hasCell ? cells[run] : null;
        Tensor state = hidden[run];
        Tensor[] outputs = new Tensor[inputs.Length];
        for (int i = 0; i < outputs.Length; i++)
        {
            int at = run % _directions == 0 ? i : outputs.Length - 1 - i;
            (Tensor next, Tensor? nextCell) = Step(inputs[at], state.Linear(weight, bias), state, cell);
            next = projection is null ? next : next.Linear(projection);
            state = counted is null ? next : Tensor.Where(counted[at], next, state);
            cell = counted is null || nextCell is null ? nextCell : Tensor.Where(counted[at], nextCell, cell!);
            outputs[at] = state;
        }

        hidden[run] = state;
        if (cell is not null)
        {
            cells[run] = cell;
        }

        Tensor output = Tensor.Stack(outputs);
        return counts is null ? output : Tensor.Where(counts, output, output.ZerosLike());
    }

    private Tensor[] States(Tensor? given, Tensor x, int features) => given is null
        ? [.. Enumerable.Repeat(Tensor.Zeros([x.Shape[1], features], x.DType, x.Device), _layers * _directions)]
        : Slices(given);

    private Tensor? Weight(string name, int run) => _weights.GetValueOrDefault(Key(name, run))?.Value;

    private string Key(string name, int run) => $"{name}_l{run / _directions}{(run % _directions == 0 ? string.Empty : "_reverse")}";

    private static Tensor[] Slices(Tensor x) => [.. x.Split(1).Select(slice => slice.Squeeze(0))];

    private void Check(RecurrentInput input, Tensor x)
    {
        string name = GetType().Name;
        if (x.Rank != 3 || x.Shape[2] != _inputs || x.Shape[0] == 0)
        {
            string axes = _batchFirst ? "batch, length" : "length, batch";
            throw new ShapeMismatchException(name, $"takes ({axes}, {_inputs}) with at least one step, got shape {input.Sequence.Shape}.", [input.Sequence.Shape]);
        }

        Require(input.State?.Hidden, [_layers * _directions, x.Shape[1], _outputs], "the hidden state");
        Require(input.State?.Cell, [_layers * _directions, x.Shape[1], Features], "the cell state");
        Require(input.Lengths, [x.Shape[1]], "the lengths");
        if (input.State is { } state && _hasCell != (state.Cell is not null))
        {
            throw new ModuleException($"{name} {(_hasCell ? "takes a cell state beside the hidden one" : "has no cell state")}.");
        }

        if (input.Lengths is { DType: not (DType.Int32 or DType.Int64) } lengths)
        {
            throw new DTypeMismatchException(name, $"the lengths must be int32 or int64, got {lengths.DType.Name()}.");
        }

        void Require(Tensor? given, Shape shape, string what)
        {
            if (given is not null && given.Shape != shape)
            {
                throw new ShapeMismatchException(name, $"{what} must have shape {shape}, got {given.Shape}.", [given.Shape, shape]);
            }
        }
    }
}

/// <summary>tanh (or ReLU) of Wx + b + Uh + c (Elman, 1990): PyTorch's <c>nn.RNN</c>.</summary>
/// <param name="inputs">The features of a step's input.</param>
/// <param name="features">The features of a hidden state.</param>
/// <param name="layers">How many layers, each fed by the one before.</param>
/// <param name="relu">Whether ReLU stands in the place of tanh.</param>
/// <param name="bias">Whether biases are added.</param>
/// <param name="batchFirst">Whether the sequence is (batch, length, inputs).</param>
/// <param name="dropout">The probability with which what flows between layers is zeroed while training.</param>
/// <param name="bidirectional">Whether each layer runs backwards too.</param>
/// <param name="dtype">A floating dtype.</param>
public sealed partial class Rnn(
    int inputs, int features, int layers = 1, bool relu = false, bool bias = true, bool batchFirst = true, double dropout = 0, bool bidirectional = false, DType dtype = DType.Float32)
    : Recurrent(1, false, inputs, features, layers, bias, batchFirst, dropout, bidirectional, dtype)
{
    private protected override (Tensor Hidden, Tensor? Cell) Step(Tensor input, Tensor recurrent, Tensor hidden, Tensor? cell)
    {
        Tensor sum = input + recurrent;
        return (relu ? sum.Relu() : sum.Tanh(), null);
    }
}

/// <summary>
/// Long short-term memory (Hochreiter and Schmidhuber, 1997): PyTorch's <c>nn.LSTM</c>, with gates in the order i, f, g, o and
/// two biases.
/// </summary>
/// <param name="inputs">The features of a step's input.</param>
/// <param name="features">The features of a cell, and of a hidden state that is not projected.</param>
/// <param name="layers">How many layers, each fed by the one before.</param>
/// <param name="bias">Whether biases are added.</param>
/// <param name="batchFirst">Whether the sequence is (batch, length, inputs).</param>
/// <param name="dropout">The probability with which what flows between layers is zeroed while training.</param>
/// <param name="bidirectional">Whether each layer runs backwards too.</param>
/// <param name="dtype">A floating dtype.</param>
/// <param name="projection">The features that a matrix makes of each hidden state (Sak et al., 2014), below the cell's; 0: there is none.</param>
public sealed partial class Lstm(
    int inputs, int features, int layers = 1, bool bias = true, bool batchFirst = true, double dropout = 0, bool bidirectional = false, DType dtype = DType.Float32, int projection = 0)
    : Recurrent(
        4, true, inputs, features, layers, bias, batchFirst, dropout, bidirectional, dtype,
        projection >= 0 && projection < features ? projection : throw new ArgumentOutOfRangeException(nameof(projection), $"The projection must be at least 0 and below {features}, got {projection}."))
{
    private protected override (Tensor Hidden, Tensor? Cell) Step(Tensor input, Tensor recurrent, Tensor hidden, Tensor? cell)
    {
        Tensor[] gates = (input + recurrent).Split(Features, -1);
        Tensor next = (gates[1].Sigmoid() * cell!) + (gates[0].Sigmoid() * gates[2].Tanh());
        return (gates[3].Sigmoid() * next.Tanh(), next);
    }
}

/// <summary>
/// Gated recurrent units (Cho et al., 2014): PyTorch's <c>nn.GRU</c>, with gates in the order r, z, n, the reset gate after the
/// product.
/// </summary>
/// <param name="inputs">The features of a step's input.</param>
/// <param name="features">The features of a hidden state.</param>
/// <param name="layers">How many layers, each fed by the one before.</param>
/// <param name="bias">Whether biases are added.</param>
/// <param name="batchFirst">Whether the sequence is (batch, length, inputs).</param>
/// <param name="dropout">The probability with which what flows between layers is zeroed while training.</param>
/// <param name="bidirectional">Whether each layer runs backwards too.</param>
/// <param name="dtype">A floating dtype.</param>
public sealed partial class Gru(
    int inputs, int features, int layers = 1, bool bias = true, bool batchFirst = true, double dropout = 0, bool bidirectional = false, DType dtype = DType.Float32)
    : Recurrent(3, false, inputs, features, layers, bias, batchFirst, dropout, bidirectional, dtype)
{
    private protected override (Tensor Hidden, Tensor? Cell) Step(Tensor input, Tensor recurrent, Tensor hidden, Tensor? cell)
    {
        Tensor[] given = input.Split(Features, -1), kept = recurrent.Split(Features, -1);
        Tensor reset = (given[0] + kept[0]).Sigmoid(), update = (given[1] + kept[1]).Sigmoid();
        Tensor made = (given[2] + (reset * kept[2])).Tanh();
        return (made + (update * (hidden - made)), null);
    }
}

using DeepBridge;
using DeepBridge.Layers;

namespace CharacterModel;

/// <summary>Characters for the model, and what it remembers of those before them.</summary>
/// <param name="Characters">Their numbers (batch, length).</param>
/// <param name="Past">Keys and values of each block, as <see cref="Prediction"/> gave them; none: the characters begin a text.</param>
internal sealed record Passage(Tensor Characters, Tensor[] Past);

/// <summary>What the model says.</summary>
/// <param name="Logits">For each character the logits of the next one (batch, length, vocabulary).</param>
/// <param name="Past">Keys and values of each block, those that went in included (batch, heads, length, features of a head).</param>
internal sealed record Prediction(Tensor Logits, Tensor[] Past);

/// <summary>
/// A transformer that predicts the next character: learned positions, norms before attention and network, GELU
/// (A. Radford et al., "Language models are unsupervised multitask learners", 2019).
/// </summary>
internal sealed partial class Gpt : Module<Passage, Prediction>
{
    /// <summary>How far the model looks back.</summary>
    internal const int Context = 64;

    private const int Features = 128, BlockCount = 4;

    private readonly Embedding _characters;
    private readonly Embedding _positions = new(Context, Features);
    private readonly List<Block> _blocks = [.. Enumerable.Range(0, BlockCount).Select(_ => new Block(Features))];
    private readonly LayerNorm _norm = new(Features);
    private readonly Linear _head;

    /// <summary>Makes the model, with weights drawn from N(0, 0.02) and biases of 0.</summary>
    /// <param name="vocabulary">How many characters there are.</param>
    internal Gpt(int vocabulary)
    {
        _characters = new Embedding(vocabulary, Features);
        _head = new Linear(Features, vocabulary, bias: false);
        foreach ((_, Module module) in NamedModules())
        {
            if (module is Embedding embedding)
            {
                embedding.Weight.Assign(Tensor.Normal(embedding.Weight.Shape, 0, 0.02));
            }
            else if (module is Linear linear)
            {
                linear.Weight.Assign(Tensor.Normal(linear.Weight.Shape, 0, 0.02));
                linear.Bias?.Assign(Tensor.Zeros(linear.Bias.Shape));
            }
        }
    }

    protected override Prediction Forward(Passage input)
    {
        int start = input.Past.Length == 0 ? 0 : input.Past[0].Shape[2], length = input.Characters.Shape[1];
        Tensor features = _characters.Call(input.Characters) + _positions.Weight.Value.Narrow(0, start, length);
        Tensor[] past = new Tensor[2 * BlockCount];
        for (int i = 0; i < BlockCount; i++)
        {
            Tensor[] own = input.Past.Length == 0 ? [] : [input.Past[2 * i], input.Past[(2 * i) + 1]];
            (features, past[2 * i], past[(2 * i) + 1]) = _blocks[i].Call((features, own));
        }

        return new Prediction(_head.Call(_norm.Call(features)), past);
    }
}

/// <summary>Attention and a network of two layers, each behind a norm and beside a residual.</summary>
/// <param name="features">The width.</param>
internal sealed partial class Block(int features) : Module<(Tensor Features, Tensor[] Past), (Tensor Features, Tensor Keys, Tensor Values)>
{
    private const int Heads = 4;

    private readonly LayerNorm _attentionNorm = new(features);
    private readonly Linear _attention = new(features, 3 * features);
    private readonly Linear _attended = new(features, features);
    private readonly LayerNorm _networkNorm = new(features);
    private readonly Linear _hidden = new(features, 4 * features);
    private readonly Linear _output = new(4 * features, features);

    protected override (Tensor Features, Tensor Keys, Tensor Values) Forward((Tensor Features, Tensor[] Past) input)
    {
        Tensor x = input.Features;
        (int batch, int length) = (x.Shape[0], x.Shape[1]);
        Tensor all = _attention.Call(_attentionNorm.Call(x)).Reshape(batch, length, 3 * Heads, features / Heads).Transpose(1, 2);
        Tensor[] parts = all.Split(Heads, 1);
        (Tensor queries, Tensor keys, Tensor values) = (parts[0], parts[1], parts[2]);
        bool begins = input.Past.Length == 0;
        if (!begins)
        {
            (keys, values) = (Tensor.Concat([input.Past[0], keys], 2), Tensor.Concat([input.Past[1], values], 2));
        }

        // A causal mask is aligned with the first key: behind a past, one character at a time sees all there is.
        Tensor attended = queries.ScaledDotProductAttention(keys, values, causal: begins);
        x += _attended.Call(attended.Transpose(1, 2).Reshape(batch, length, features));
        x += _output.Call(_hidden.Call(_networkNorm.Call(x)).Gelu());
        return (x, keys, values);
    }
}

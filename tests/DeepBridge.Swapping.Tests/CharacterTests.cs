using CharacterModel;
using DeepBridge.Data;

namespace DeepBridge.Swapping.Tests;

/// <summary>The sample that writes: keys and values that were kept say what computing them anew would.</summary>
public sealed class CharacterTests
{
    private const string Alphabet = "\nabcdefghijklmnopqrstuvwxyz";

    // Four blocks of float32 in another order of sums; logits are about 0.5 here.
    private const double Bound = 2e-5;

    public static TheoryData<string> Devices => PrecisionTests.Devices;

    /// <summary>A passage in one piece, and begun in one and gone on with character by character.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void Logits_agree_with_and_without_a_past(string device) => With(device, model =>
    {
        model.Eval();
        Tensor characters = (Tensor.Uniform([2, Gpt.Context]) * Alphabet.Length).Floor().Cast(DType.Int64);
        float[] whole = model.Call(new Passage(characters, [])).Logits.ToArray<float>();

        Prediction prediction = model.Call(new Passage(characters[.., ..40], []));
        List<Tensor> pieces = [prediction.Logits];
        for (int at = 40; at < Gpt.Context; at++)
        {
            prediction = model.Call(new Passage(characters[.., at..(at + 1)], prediction.Past));
            pieces.Add(prediction.Logits);
        }

        float[] kept = Tensor.Concat([.. pieces], 1).ToArray<float>();
        kept.Should().Equal(whole, (a, b) => Math.Abs(a - b) < Bound);
        whole.Max(Math.Abs).Should().BeGreaterThan(0.1f, "logits of nothing would agree too");
        prediction.Past.Should().OnlyContain(past => past.Shape[2] == Gpt.Context);
    });

    /// <summary>The writer's text is the one that is drawn from whole passages.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void The_same_text_is_written_without_a_cache(string device) => With(device, model =>
    {
        CharacterVocabulary vocabulary = new(Alphabet);
        string written = new Writer(model, vocabulary, new RandomGenerator(3)).Write("once", 24);

        model.Eval();
        RandomGenerator generator = new(3);
        List<int> text = [.. vocabulary.Encode("once")];
        while (text.Count < 28)
        {
            float[] chances = model.Call(new Passage(Tensor.From<int>([.. text], [1, text.Count]), [])).Logits[0, -1].Softmax().ToArray<float>();
            double at = generator.Uniform([]).Item();
            text.Add(Math.Min(chances.Length - 1, chances.TakeWhile(chance => (at -= chance) >= 0).Count()));
        }

        written.Should().Be(vocabulary.Decode([.. text]));
        written.Distinct().Count().Should().BeGreaterThan(10);
    });

    /// <summary>Runs a test of a new model on a device, with nothing recorded.</summary>
    private static void With(string device, Action<Gpt> test)
    {
        Backends.Require(device);
        using AmbientChange on = Device.Use(device);
        using AmbientChange use = new RandomGenerator(11).Use();
        using TensorScope scope = new("test");
        using AmbientChange none = Gradients.NoGradient();
        Gpt model = new(Alphabet.Length);
        Spread(model);
        test(model);
    }

    /// <summary>Fresh weights are too small to tell characters apart.</summary>
    private static void Spread(Gpt model)
    {
        foreach (Parameter parameter in model.Parameters)
        {
            if (parameter.Shape.Rank == 2)
            {
                parameter.Assign((parameter.Value * 4).Detach());
            }
        }
    }
}

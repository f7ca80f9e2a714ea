using DeepBridge;
using DeepBridge.Data;

namespace CharacterModel;

/// <summary>Lets a model write.</summary>
/// <param name="model">The model.</param>
/// <param name="vocabulary">Its characters.</param>
/// <param name="generator">What the characters are drawn from.</param>
internal sealed class Writer(Gpt model, CharacterVocabulary vocabulary, RandomGenerator generator)
{
    /// <summary>Writes a text, each character drawn by the model's probabilities; keys and values are computed once.</summary>
    /// <param name="prompt">How the text begins; at least one character.</param>
    /// <param name="count">How many characters are written behind it.</param>
    /// <returns>The prompt and what was written.</returns>
    internal string Write(string prompt, int count)
    {
        bool training = model.IsTraining;
        model.Eval();
        using TensorScope writing = new("write");
        using AmbientChange recording = Gradients.NoGradient();
        using AmbientChange drawing = generator.Use();
        List<int> text = [.. vocabulary.Encode(prompt)];
        Tensor[] past = [];
        int seen = 0;
        for (int i = 0; i < count; i++)
        {
            using TensorScope scope = new("character");
            if (past.Length == 0 || past[0].Shape[2] == Gpt.Context)
            {
                // The positions are used up: the second half of what was read is read again as the first.
                (past, seen) = ([], Math.Max(0, text.Count - (past.Length == 0 ? Gpt.Context : Gpt.Context / 2)));
            }

            int[] read = [.. text.Skip(seen)];
            seen = text.Count;
            Prediction prediction = model.Call(new Passage(Tensor.From<int>(read, [1, read.Length]), past));
            Tensor[] before = past;
            past = [.. prediction.Past.Select(scope.Keep)];
            Array.ForEach(before, tensor => tensor.Dispose());
            text.Add(Draw(prediction.Logits[0, -1]));
        }

        model.Train(training);
        return vocabulary.Decode([.. text]);
    }

    private static int Draw(Tensor logits)
    {
        float[] chances = logits.Softmax().ToArray<float>();
        double at = Tensor.Uniform([]).Item();
        int next = 0;
        while (next < chances.Length - 1 && (at -= chances[next]) >= 0)
        {
            next++;
        }

        return next;
    }
}

using System.Runtime.InteropServices;
using DeepBridge.Randomness;

namespace DeepBridge.Torch;

/// <content>Random numbers: libtorch's Philox lays its words out otherwise, so that the host makes them.</content>
public sealed partial class TorchSharpBackend
{
    private delegate void Drawing<T>(ulong key, ulong counter, Span<T> numbers);

    private void ImplementRandom()
    {
        Implement<RandomWords>(static (op, in call) => Draw<uint>(call, 0, 1, Philox.Words));
        Implement<RandomUniform>(static (op, in call) =>
        {
            if (op.DType == DType.Float32)
            {
                Draw<float>(call, 0, 1, Philox.Uniforms);
            }
            else
            {
                Draw<double>(call, 0, 2, Doubles);
            }
        });
        Implement<RandomNormal>(static (op, in call) => Draw<float>(call, 0, 1, Philox.Normals, even: true));
        Implement<Dropout>(static (op, in call) =>
        {
            TensorSpec spec = call.OutputSpecs[1];
            (ulong key, ulong counter) = State(call, 1);
            Native mask = torch.empty(spec.Shape.ToLongs(), ScalarType.Bool, torch.CPU);
            if (spec.Count > 0)
            {
                Keep(key, counter, (float)op.Probability, mask.bytes);
            }

            mask = ToDevice(mask, call.Device);
            Out(call, mask, 1);
            OutState(call, 2, key, counter, spec.Count);
            Out(call, Scaled(In(call, 0), mask, op.Probability));
        });
        Implement<DropoutGradient>(static (op, in call) => Out(call, Scaled(In(call, 0), In(call, 1), op.Probability)));
    }

    private static Native Scaled(Native x, Native mask, double probability)
    {
        using Native dropped = mask.logical_not();
        return x.mul(Numbers.Of(1 / (1 - probability))).masked_fill_(dropped, Numbers.Zero);
    }

    /// <summary>Which elements stay, in pieces that fit a cache.</summary>
    private static void Keep(ulong key, ulong counter, float probability, Span<byte> mask)
    {
        Span<float> numbers = stackalloc float[512];
        for (int start = 0; start < mask.Length; start += numbers.Length)
        {
            Span<float> piece = numbers[..Math.Min(numbers.Length, mask.Length - start)];
            Philox.Uniforms(key, counter + (ulong)(start / 4), piece);
            for (int i = 0; i < piece.Length; i++)
            {
                mask[start + i] = piece[i] >= probability ? (byte)1 : (byte)0;
            }
        }
    }

    private static void Doubles(ulong key, ulong counter, Span<double> numbers)
    {
        Span<uint> words = MemoryMarshal.Cast<double, uint>(numbers);
        Philox.Words(key, counter, words);
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = Philox.Uniform(words[2 * i], words[(2 * i) + 1]);
        }
    }

    private static void Draw<T>(in KernelCall call, int input, int words, Drawing<T> draw, bool even = false)
        where T : unmanaged
    {
        TensorSpec spec = call.OutputSpecs[0];
        (ulong key, ulong counter) = State(call, input);
        Native host = torch.empty(spec.Shape.ToLongs(), spec.DType.ToTorch(), torch.CPU);
        if (spec.Count > 0)
        {
            draw(key, counter, MemoryMarshal.Cast<byte, T>(host.bytes));
        }

        Out(call, ToDevice(host, call.Device));
        OutState(call, 1, key, counter, even ? (spec.Count + 1) / 2 * 2 : words * spec.Count);
    }

    private static (ulong Key, ulong Counter) State(in KernelCall call, int input)
    {
        using Native host = In(call, input).cpu(), dense = host.contiguous();
        Span<ulong> state = MemoryMarshal.Cast<byte, ulong>(dense.bytes);
        return (state[0], state[1]);
    }

    private static void OutState(in KernelCall call, int output, ulong key, ulong counter, long words)
    {
        Native host = torch.empty([2], ScalarType.Int64, torch.CPU);
        Span<ulong> state = MemoryMarshal.Cast<byte, ulong>(host.bytes);
        state[0] = key;
        state[1] = counter + (ulong)Philox.Blocks(words);
        Out(call, ToDevice(host, call.Device), output);
    }
}

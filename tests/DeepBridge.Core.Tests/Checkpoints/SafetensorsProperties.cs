using DeepBridge.Checkpoints;
using FsCheck;
using FsCheck.Fluent;

namespace DeepBridge.Tests.Checkpoints;

public sealed class SafetensorsProperties
{
    private static readonly Gen<(DType DType, int[] Dims, byte Seed)> s_tensor =
        from dtype in Gen.Elements(DTypes.All.ToArray())
        from rank in Gen.Choose(0, 4)
        from dims in Gen.Choose(0, 4).ArrayOf(rank)
        from seed in Gen.Choose(0, 255)
        select (dtype, dims, (byte)seed);

    [Fact]
    public void What_is_written_is_read()
    {
        using TemporaryFile file = new();
        Arbitrary<(string, (DType, int[], byte))[]> states = (
            from name in ArbMap.Default.GeneratorFor<NonNull<string>>()
            from tensor in s_tensor
            select (name.Get, tensor)).ArrayOf().ToArbitrary();
        Prop.ForAll(states, state => RoundTrips(file.Path, state)).QuickCheckThrowOnFailure();
    }

    private static bool RoundTrips(string path, (string Name, (DType DType, int[] Dims, byte Seed) Tensor)[] state)
    {
        using TensorScope scope = new();
        Dictionary<string, byte[]> bytes = [];
        Dictionary<string, Tensor> tensors = [];
        foreach ((string name, (DType dtype, int[] dims, byte seed)) in state)
        {
            if (name == "__metadata__" || name.Any(char.IsSurrogate))
            {
                continue;
            }

            TensorSpec spec = new(dims, dtype);
            bytes[name] = [.. Enumerable.Range(0, (int)spec.Bytes).Select(i => (byte)(dtype == DType.Bool ? (i + seed) & 1 : i + seed))];
            tensors[name] = SafetensorsTests.FromBytes(bytes[name], spec.Shape, dtype);
        }

        Safetensors.Save(path, tensors);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        return file.Entries.Count == tensors.Count && tensors.All(pair =>
        {
            Tensor read = file.Read(pair.Key);
            return read.Spec.Equals(pair.Value.Spec) && SafetensorsTests.BytesOf(read).AsSpan().SequenceEqual(bytes[pair.Key]);
        });
    }
}

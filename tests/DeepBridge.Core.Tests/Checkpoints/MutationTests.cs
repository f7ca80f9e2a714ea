using System.Buffers.Binary;
using DeepBridge.Checkpoints;

namespace DeepBridge.Tests.Checkpoints;

/// <summary>
/// Damaged files of every kind: a typed error or a good file, in bounded memory. CI tries a thousand of each kind, a full
/// proof ten thousand.
/// </summary>
[Trait("Category", "Proof")]
public sealed class MutationTests(ITestOutputHelper output) : IDisposable
{
    private static readonly int s_count = Environment.GetEnvironmentVariable("DEEPBRIDGE_PROOF") == "full" ? 10_000 : 1_000;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("deepbridge-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Mutated_safetensors_files()
    {
        using (TensorScope scope = new())
        {
            new Tower().Save(At("a"));
            Safetensors.Save(
                At("b"),
                DTypes.All.ToDictionary(dtype => dtype.Name(), dtype => Tensor.Ones([2, 3]).Cast(dtype)),
                new Dictionary<string, string> { ["format"] = "pt" });
        }

        OpenMutated("safetensors", At("a"), At("b"));
    }

    [Fact]
    public void Mutated_pt_files() => OpenMutated(
        "pt", [.. new[] { "state.pt", "nested.pt", "views.pt", "dtypes.pt", "edges.pt", "by-hand.pt", "refused-laughs.pt" }.Select(PyTorchFileTests.Golden)]);

    [Fact]
    public void Mutated_indexes()
    {
        using TensorScope scope = new();
        new Tower().Save(At("a.safetensors"));
        File.Copy(PyTorchFileTests.Golden("state.pt"), At("b.bin"));
        File.WriteAllText(At("i"), """{"metadata":{"total_size":16},"weight_map":{"layers.0.weight":"a.safetensors","3.bias":"b.bin"}}""");
        OpenMutated("index", At("i"));
    }

    [Fact]
    public void Mutated_checkpoints_change_nothing()
    {
        using Run run = new(), other = new(seed: 3);
        run.State.Values["cursor"] = 5;
        CheckpointStore store = run.Store();
        string[] files = Directory.GetFiles(run.StepAndSave(store, 0.5).Path);
        string saved = run.Fingerprint(), before = other.Fingerprint();
        Random random = new(4);
        int refused = 0;
        double worst = 0;
        for (int i = 0; i < s_count; i++)
        {
            string file = files[i % files.Length];
            byte[] whole = File.ReadAllBytes(file);
            File.WriteAllBytes(file, Mutate(whole, random));
            long start = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                store.Resume(other.State);

                // Spaces may have changed in the manifest, and nothing else.
                other.Fingerprint().Should().Be(saved);
                other.State.Step = 0;
                other.State.Values = [];
                before = other.Fingerprint();
            }
            catch (Exception error) when (error is FileFormatException or ModuleException)
            {
                refused++;
                worst = Math.Max(worst, GC.GetAllocatedBytesForCurrentThread() - start);
                other.Fingerprint().Should().Be(before);
            }

            File.WriteAllBytes(file, whole);
        }

        refused.Should().BeGreaterThan(s_count * 9 / 10);
        worst.Should().BeLessThan(1 << 20);
        output.WriteLine($"{s_count} files of the kind checkpoint, mutated: {refused} refused, nothing changed; at most {worst / 1024:F0} KB allocated");
    }

    private static byte[] Mutate(byte[] whole, Random random)
    {
        List<byte> bytes = [.. whole];
        for (int changes = random.Next(1, 4); changes > 0 && bytes.Count > 16; changes--)
        {
            // Headers and the directory of an archive stand at the ends.
            int room = bytes.Count - 8, near = Math.Min(room, 128);
            int at = random.Next(3) switch { 0 => random.Next(near), 1 => room - 1 - random.Next(near), _ => random.Next(room) }, length = random.Next(1, Math.Min(64, bytes.Count - at));
            byte[] number = new byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(number, random.Next(6) switch
            {
                0 => -1,
                1 => long.MaxValue,
                2 => int.MaxValue,
                3 => uint.MaxValue,
                4 => long.MinValue,
                _ => random.NextInt64(),
            });
            switch (random.Next(7))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes[at] = (byte)random.Next(256); break;
                case 2: bytes.RemoveRange(at, length); break;
                case 3: bytes.InsertRange(random.Next(bytes.Count), bytes.GetRange(at, length)); break;
                case 4: bytes.RemoveRange(at, bytes.Count - at); break;
                case 5: number.AsSpan(0, 1 << random.Next(4)).CopyTo(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes)[at..]); break;
                default: bytes.InsertRange(at, Enumerable.Repeat((byte)random.Next(256), length)); break;
            }
        }

        return [.. bytes];
    }

    private void OpenMutated(string kind, params string[] paths)
    {
        Random random = new(4);
        byte[][] originals = [.. paths.Select(File.ReadAllBytes)];
        int refused = 0;
        double worst = 0;
        string path = At("mutated");
        for (int i = 0; i < s_count; i++)
        {
            byte[] bytes = Mutate(originals[i % originals.Length], random);
            File.WriteAllBytes(path, bytes);
            long start = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                using TensorScope scope = new();
                using WeightsFile file = WeightsFile.Open(path);
                foreach ((string key, TensorSpec spec) in file.Specs)
                {
                    file.Verify(key);
                    file.Read(key).Spec.Should().Be(spec);
                }
            }
            catch (FileFormatException error)
            {
                refused++;
                error.Message.Length.Should().BeLessThan(2000);
            }

            worst = Math.Max(worst, (GC.GetAllocatedBytesForCurrentThread() - start) / (double)(bytes.Length + 4096));
        }

        refused.Should().BeInRange(s_count / 4, s_count - 1);
        worst.Should().BeLessThan(100);
        output.WriteLine($"{s_count} files of the kind {kind}, mutated: {refused} refused; at most {worst:F1} bytes allocated per byte");
    }

    private string At(string name) => Path.Combine(_folder.FullName, name);
}

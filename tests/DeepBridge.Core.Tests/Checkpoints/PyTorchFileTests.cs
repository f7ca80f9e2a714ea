using System.IO.Compression;
using System.Text.Json;
using DeepBridge.Checkpoints;

namespace DeepBridge.Tests.Checkpoints;

/// <summary>Files that <c>eng/goldens/make_pt.py</c> made.</summary>
public sealed class PyTorchFileTests : IDisposable
{
    private readonly TemporaryFile _file = new();
    private readonly TensorScope _scope = new();

    internal static string Golden(string name) => Path.Combine(AppContext.BaseDirectory, "Checkpoints", "Goldens", name);

    public static TheoryData<string> Good { get; } = [.. Expected().Keys.Append("expanding.pt")];

    public static TheoryData<string> Refused { get; } = [.. Directory.GetFiles(Golden("."), "refused-*").Select(path => Path.GetFileName(path))];

    public void Dispose()
    {
        _scope.Dispose();
        _file.Dispose();
    }

    [Theory]
    [MemberData(nameof(Good))]
    public void Every_tensor_is_the_one_that_PyTorch_loads(string name)
    {
        using WeightsFile file = WeightsFile.Open(Golden(name));
        file.Should().BeOfType<PyTorchFile>();
        if (!Expected().TryGetValue(name, out Dictionary<string, (string DType, int[] Dims, string Elements)>? expected))
        {
            return;
        }

        file.Specs.Keys.Should().BeEquivalentTo(expected.Keys);
        foreach ((string key, (string dtype, int[] dims, string elements)) in expected)
        {
            file.Verify(key);
            Tensor tensor = file.Read(key);
            file.Specs[key].Should().Be(tensor.Spec);
            tensor.Spec.ToString().Should().Be($"{dtype}{(Shape)dims}", key);
            Convert.ToHexStringLower(SafetensorsTests.BytesOf(tensor)).Should().Be(elements, key);
        }
    }

    [Fact]
    public void The_goldens_hold_what_the_tests_are_about()
    {
        Dictionary<string, Dictionary<string, (string DType, int[] Dims, string Elements)>> all = Expected();
        all["dtypes.pt"].Values.Select(tensor => tensor.DType).Should().BeEquivalentTo(DTypes.All.Select(dtype => dtype.Name()));
        all["views.pt"].Keys.Should().Contain("transposed", "expanded", "diagonal", "windows");
        all["nested.pt"].Keys.Should().Contain("state_dict.0.weight", "optimizer.state.0.exp_avg", "optimizer.state.3.step");
        all["none.pt"].Should().BeEmpty();
        Refused.Should().HaveCountGreaterThan(30);
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void A_file_that_is_no_state_dictionary_is_refused_with_its_name(string name)
    {
        string reason = name["refused-".Length..^".pt".Length] switch
        {
            "legacy" or "tar" => "*before 1.6*torch.save it again*",
            "evil" => "*posix.system*nothing was called*",
            "evil4" or "eval4" or "instance" or "pop" => "*instruction*",
            "eval" => "*__builtin__.eval*",
            "module" => "*torch.nn.modules.linear.Linear*model.state_dict()*",
            "sparse" => "*torch._utils._rebuild_sparse_tensor*",
            "complex" => "*torch.ComplexFloatStorage*",
            "quantized" => "*torch.QInt8Storage*",
            "numpy" => "*numpy.core.multiarray._reconstruct*",
            "reduce-data" => "*no function*",
            "self" or "deep" or "laughs" => "*unfold without end*",
            "outside" or "stride" or "overflow" => "*reaches to element*",
            "negative" or "before" or "rank" or "strides" => "*whole numbers from 0 on*",
            "huge" => "*2^63*",
            "long-storage" or "wide-storage" or "no-storage" or "path" => "*storage*missing*",
            "twice" => "*Two tensors have the key 'a'*",
            "key" => "*neither text nor*",
            "big-endian" => "*little endian*",
            "compressed" => "*compressed*",
            "two-pickles" or "no-pickle" => "*data.pkl*",
            _ => "?",
        };
        FluentActions.Invoking(() => WeightsFile.Open(Golden(name))).Should().Throw<FileFormatException>().WithMessage(reason)
            .WithMessage($"*{name}*");
    }

    [Fact]
    public void A_tensor_that_shows_one_element_a_billion_times_is_not_unfolded()
    {
        using WeightsFile file = WeightsFile.Open(Golden("expanding.pt"));
        file.Specs["x"].Count.Should().Be(300_000_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        FluentActions.Invoking(() => file.Read("x")).Should().Throw<FileFormatException>().WithMessage("*than its file*");
        FluentActions.Invoking(() => file.Verify("x")).Should().Throw<FileFormatException>();
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(1 << 20);
    }

    [Fact]
    public void Bools_that_are_neither_0_nor_1_are_refused()
    {
        File.Copy(Golden("dtypes.pt"), _file.Path);
        byte[] bytes = File.ReadAllBytes(_file.Path);
        int at = bytes.AsSpan().LastIndexOf(new byte[] { 1, 1, 1, 0, 1, 1 });
        bytes[at] = 2;
        File.WriteAllBytes(_file.Path, bytes);
        using WeightsFile file = WeightsFile.Open(_file.Path);
        FluentActions.Invoking(() => file.Verify("bool")).Should().Throw<FileFormatException>().WithMessage("*bools*");
        FluentActions.Invoking(() => file.Read("bool")).Should().Throw<FileFormatException>().WithMessage("*bools*");
    }

    [Fact]
    public void A_file_that_is_closed_or_not_there_or_lacks_a_key_says_so()
    {
        WeightsFile file = WeightsFile.Open(Golden("state.pt"));
        FluentActions.Invoking(() => file.Read("x")).Should().Throw<KeyNotFoundException>().WithMessage("*'x'*");
        file.Dispose();
        FluentActions.Invoking(() => file.Read("0.weight")).Should().Throw<ObjectDisposedException>();
        FluentActions.Invoking(() => WeightsFile.Open(_file.Path)).Should().Throw<FileNotFoundException>();
        FluentActions.Invoking(() => WeightsFile.Open(_file.Path)).Should().Throw<FileNotFoundException>();
    }

    [Fact]
    public void Of_a_large_storage_a_view_shows_its_own_elements()
    {
        // 8 MB of which two elements at the end are shown.
        using (ZipArchive archive = ZipFile.Open(_file.Path, ZipArchiveMode.Create))
        {
            using ZipArchive golden = ZipFile.OpenRead(Golden("by-hand.pt"));
            using MemoryStream pickle = new();
            golden.GetEntry("x/data.pkl")!.Open().CopyTo(pickle);
            byte[] text = pickle.ToArray();
            int count = text.AsSpan().IndexOf("cpuJ"u8) + 4, offset = text.AsSpan().IndexOf(new byte[] { 0x8a, 8 }) + 2;
            BitConverter.TryWriteBytes(text.AsSpan(count), 2_000_000);
            BitConverter.TryWriteBytes(text.AsSpan(offset), 1_999_994L);
            Write(archive, "x/data.pkl", text);
            float[] elements = [.. Enumerable.Range(0, 2_000_000)];
            Write(archive, "x/data/0", System.Runtime.InteropServices.MemoryMarshal.AsBytes(elements.AsSpan()).ToArray());
        }

        using WeightsFile file = WeightsFile.Open(_file.Path);
        file.Read("x").ToArray<float>().Should().Equal(1_999_994, 1_999_995, 1_999_996, 1_999_997, 1_999_998, 1_999_999);
    }

    [Theory]
    [InlineData("]")]
    [InlineData("}")]
    [InlineData("(")]
    [InlineData(")")]
    [InlineData("(t")]
    [InlineData("N\u0085")]
    [InlineData("]q\0")]
    [InlineData("K\u0001")]
    [InlineData("\u0088")]
    [InlineData("G\0\0\0\0\0\0\0\0")]
    [InlineData("X\0\0\0\0")]
    [InlineData("ctorch\nSize\n")]
    public void A_pickle_of_one_instruction_again_and_again_makes_little_of_it(string instruction)
    {
        byte[] pickle = [.. string.Concat(Enumerable.Repeat(instruction, 100_000)).Select(c => (byte)c), (byte)'N', (byte)'.'];
        long before = GC.GetAllocatedBytesForCurrentThread();
        PickleReader.Read(pickle).Should().BeNull();
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(100L * pickle.Length);
    }

    [Fact]
    public void A_long_key_above_many_tensors_is_not_repeated_for_each()
    {
        using (ZipArchive archive = ZipFile.Open(_file.Path, ZipArchiveMode.Create))
        {
            using ZipArchive golden = ZipFile.OpenRead(Golden("by-hand.pt"));
            using MemoryStream pickle = new();
            golden.GetEntry("x/data.pkl")!.Open().CopyTo(pickle);
            byte[] key = [(byte)'X', 0, 0, 1, 0, .. Enumerable.Repeat((byte)'k', 1 << 16)], tensor = pickle.ToArray()[9..^2];
            IEnumerable<byte> items = Enumerable.Range(0, 2000).SelectMany(i => (byte[])[(byte)'M', (byte)i, (byte)(i >> 8), .. tensor]);
            Write(archive, "x/data.pkl", [0x80, 2, (byte)'}', .. key, (byte)'}', (byte)'(', .. items, .. "us."u8]);
            Write(archive, "x/data/0", new byte[24]);
        }

        FluentActions.Invoking(() => WeightsFile.Open(_file.Path)).Should().Throw<FileFormatException>().WithMessage("*unfold*");
    }

    private static void Write(ZipArchive archive, string name, byte[] bytes)
    {
        using Stream stream = archive.CreateEntry(name, CompressionLevel.NoCompression).Open();
        stream.Write(bytes);
    }

    private static Dictionary<string, Dictionary<string, (string DType, int[] Dims, string Elements)>> Expected()
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Golden("expected.json")));
        return json.RootElement.EnumerateObject().ToDictionary(file => file.Name, file => file.Value.EnumerateObject().ToDictionary(
            tensor => tensor.Name,
            tensor => (tensor.Value[0].GetString()!, tensor.Value[1].EnumerateArray().Select(dim => dim.GetInt32()).ToArray(), tensor.Value[2].GetString()!)));
    }
}

using DeepBridge.Checkpoints;
using DeepBridge.Layers;

namespace DeepBridge.Tests.Checkpoints;

/// <summary>The one door through which weights come in, whatever they lie in.</summary>
public sealed class LoadingTests : IDisposable
{
    private const string Index = """{"metadata":{"total_size":16},"weight_map":{"layers.0.weight":"a.safetensors","layers.1.weight":"b.bin"}}""";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("deepbridge-");
    private readonly TensorScope _scope = new();
    private readonly Tower _tower = new();

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public void PyTorchs_own_state_dictionary_loads_by_name()
    {
        Sequential model = [new Conv2d(1, 2, 3), new BatchNorm(2), new Flatten(), new Linear(8, 3)];
        model.Load(PyTorchFileTests.Golden("state.pt")).IsComplete.Should().BeTrue();
        using WeightsFile file = WeightsFile.Open(PyTorchFileTests.Golden("state.pt"));
        foreach ((string key, Variable variable) in model.StateDictionary())
        {
            SafetensorsTests.BytesOf(variable.Value).Should().Equal(SafetensorsTests.BytesOf(file.Read(key)), key);
        }
    }

    [Fact]
    public void A_part_of_a_nested_file_is_chosen_by_its_prefix()
    {
        Sequential model = [new Conv2d(1, 2, 3), new BatchNorm(2), new Flatten(), new Linear(8, 3)];
        string path = PyTorchFileTests.Golden("nested.pt");
        FluentActions.Invoking(() => model.Load(path)).Should().Throw<ModuleException>().WithMessage("*nothing was changed*state_dict.0.weight*");
        model.Load(path, map: new KeyMap().Below("state_dict")).IsComplete.Should().BeTrue();
        using WeightsFile file = WeightsFile.Open(path);
        model.StateDictionary()["3.weight"].Value.ToArray<float>().Should().Equal(file.Read("state_dict.3.weight").ToArray<float>());
    }

    [Fact]
    public void Content_decides_and_not_the_name()
    {
        string safetensors = At("weights.pt"), pytorch = At("weights.safetensors");
        _tower.Save(safetensors);
        File.Copy(PyTorchFileTests.Golden("state.pt"), pytorch);
        Tower other = new();
        other.Load(safetensors).IsComplete.Should().BeTrue();
        using WeightsFile file = WeightsFile.Open(pytorch);
        file.Should().BeOfType<PyTorchFile>();
    }

    [Theory]
    [InlineData("PK\u0003\u0004")]
    [InlineData("{}")]
    [InlineData(" [1]")]
    [InlineData("{\"weight_map\":[]}")]
    [InlineData("\u0080\u0002")]
    [InlineData("")]
    [InlineData("nonsense that is long enough")]
    public void Anything_else_is_refused(string content)
    {
        File.WriteAllBytes(At("x"), [.. content.Select(c => (byte)c)]);
        FluentActions.Invoking(() => _tower.Load(At("x"))).Should().Throw<FileFormatException>().WithMessage("*" + At("x") + "*");
        FluentActions.Invoking(() => _tower.Load(_folder.FullName)).Should().Throw<FileFormatException>().WithMessage("*model.safetensors.index.json*");
    }

    [Fact]
    public void A_folder_or_an_index_of_several_files_is_read_as_one()
    {
        WriteShards();
        foreach (string path in new[] { _folder.FullName, At("model.safetensors.index.json") })
        {
            Tower other = new();
            StateReport report = other.Load(path, strict: false);
            report.Missing.Should().Equal("running_mean", "num_batches");
            report.Unexpected.Should().BeEmpty();
            other.Layers[0].Weight.Value.ToArray<float>().Should().Equal(3, 4);
            other.Layers[1].Weight.Value.ToArray<float>().Should().Equal(5, 6);
        }

        using WeightsFile file = WeightsFile.Open(_folder.FullName);
        FluentActions.Invoking(() => file.Read("x")).Should().Throw<KeyNotFoundException>();
    }

    [Theory]
    [InlineData("b.bin", "../b.bin", "no plain file name")]
    [InlineData("b.bin", "/b.bin", "no plain file name")]
    [InlineData("b.bin", "c:b.bin", "no plain file name")]
    [InlineData("b.bin", "..\\\\b.bin", "no plain file name")]
    [InlineData("b.bin", "..", "no plain file name")]
    [InlineData("b.bin", "", "no plain file name")]
    [InlineData("b.bin", "a\\u0000", "no plain file name")]
    [InlineData("b.bin", "c.bin", "'c.bin' is missing")]
    [InlineData("b.bin", "a.safetensors", "'layers.1.weight' is not in 'a.safetensors'")]
    [InlineData("\"b.bin\"", "3", "no text")]
    [InlineData("layers.1.weight", "layers.0.weight", "named twice")]
    [InlineData("b.bin", "model.safetensors.index.json", "not a valid safetensors")]
    [InlineData("b.bin", "\\ud800", "not a valid index")]
    [InlineData("}}", "}", "not a valid index")]
    [InlineData("weight_map", "weights", "no object 'weight_map'")]
    public void An_index_that_leads_elsewhere_is_refused(string old, string replacement, string message)
    {
        WriteShards();
        File.WriteAllText(At("model.safetensors.index.json"), Index.Replace(old, replacement));
        FluentActions.Invoking(() => _tower.Load(_folder.FullName)).Should().Throw<FileFormatException>().WithMessage($"*{message}*");
    }

    [Fact]
    public void Keys_are_mapped_by_rules_and_matrices_turned()
    {
        Linear linear = new(2, 3);
        Safetensors.Save(At("gpt.safetensors"), new Dictionary<string, Tensor>
        {
            ["transformer.h.0.c_attn.weight"] = Tensor.From<float>([1, 2, 3, 4, 5, 6], [2, 3]),
            ["transformer.h.0.c_attn.bias"] = Tensor.From<float>([7, 8, 9]),
            ["transformer.h.0.attn.mask"] = Tensor.Ones([4]),
            ["lm_head.weight"] = Tensor.Ones([4]),
        });
        KeyMap map = new KeyMap().Below("transformer").Skip(@"\.mask$").Rename(@"^h\.(\d+)\.c_attn\.", "layers.$1.")
            .Map(key => key.Replace("layers.0.", "")).Transpose("weight$");
        linear.Load(At("gpt.safetensors"), map: map).IsComplete.Should().BeTrue();
        linear.StateDictionary()["weight"].Value.ToArray<float>().Should().Equal(1, 4, 2, 5, 3, 6);
        linear.StateDictionary()["bias"].Value.ToArray<float>().Should().Equal(7, 8, 9);
        FluentActions.Invoking(() => linear.Load(At("gpt.safetensors"), map: new KeyMap().Map(_ => "x"))).Should().Throw<ModuleException>()
            .WithMessage("*both mapped to 'x'*");
    }

    /// <summary>The map of <c>docs/from-keras.md</c>, on what its Python writes: kernels that were turned, under Keras' paths.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("sequential/")]
    public void Keys_of_Keras_are_mapped(string prefix)
    {
        Sequential model = [new Linear(2, 3), new Relu(), new BatchNorm(3), new Linear(3, 1)];
        Dictionary<string, Tensor> keras = new()
        {
            ["dense/kernel"] = Tensor.Ones([3, 2]),
            ["dense/bias"] = Tensor.Ones([3]),
            ["dense_1/kernel"] = Tensor.Ones([1, 3]),
            ["dense_1/bias"] = Tensor.Ones([1]),
            ["batch_normalization/gamma"] = Tensor.Ones([3]),
            ["batch_normalization/beta"] = Tensor.Ones([3]),
            ["batch_normalization/moving_mean"] = Tensor.Ones([3]),
            ["batch_normalization/moving_variance"] = Tensor.Ones([3]),
            ["dropout/seed_generator/seed_generator_state"] = Tensor.Ones([2]),
        };
        Safetensors.Save(At("keras.safetensors"), keras.ToDictionary(pair => prefix + pair.Key, pair => pair.Value));
        KeyMap map = new KeyMap()
            .Skip("seed_generator")
            .Rename("^(.*/)?dense/", "0.").Rename("^(.*/)?batch_normalization/", "2.").Rename("^(.*/)?dense_1/", "3.")
            .Rename("kernel$|gamma$", "weight").Rename("beta$", "bias")
            .Rename("moving_mean$", "running_mean").Rename("moving_variance$", "running_var");
        StateReport report = model.Load(At("keras.safetensors"), strict: false, map: map);
        (report.Missing.Single(), report.Unexpected.Count).Should().Be(("2.num_batches_tracked", 0));
        model.Parameters.Should().OnlyContain(parameter => parameter.Value.ToArray<float>().All(value => value == 1));
    }

    [Fact]
    public void What_only_the_elements_show_is_seen_before_anything_is_assigned()
    {
        Flags flags = new();
        flags.Save(At("x"));
        byte[] bytes = File.ReadAllBytes(At("x"));
        bytes[^1] = 7;
        File.WriteAllBytes(At("x"), bytes);
        flags.Weight.Assign(Tensor.From<float>([9]));
        FluentActions.Invoking(() => flags.Load(At("x"))).Should().Throw<FileFormatException>().WithMessage("*bools*");
        flags.Weight.Value.Item<float>().Should().Be(9);
    }

    private void WriteShards()
    {
        Safetensors.Save(At("a.safetensors"), new Dictionary<string, Tensor> { ["layers.0.weight"] = Tensor.From<float>([3, 4]) });
        Safetensors.Save(At("b.bin"), new Dictionary<string, Tensor> { ["layers.1.weight"] = Tensor.From<float>([5, 6]) });
        File.WriteAllText(At("model.safetensors.index.json"), Index);
    }

    private string At(string name) => Path.Combine(_folder.FullName, name);
}

/// <summary>A weight, and a bool that lies behind it in a file.</summary>
internal sealed partial class Flags : Module<Tensor, Tensor>
{
    private readonly Parameter _weight = new(Tensor.Ones([1]));
    private readonly Variable _on = new(Tensor.From([true]));

    public Parameter Weight => _weight;

    protected override Tensor Forward(Tensor x) => Tensor.Where(_on.Value, x * _weight.Value, x);
}

using DeepBridge.Checkpoints;
using DeepBridge.Memory;

namespace DeepBridge.Tests.Modules;

public sealed class StateTests : IDisposable
{
    private readonly TemporaryFile _file = new();
    private readonly Tower _tower = new();

    public void Dispose() => _file.Dispose();

    [Fact]
    public void Keys_are_paths_of_fields_and_a_modules_own_come_first()
    {
        _tower.StateDictionary().Keys.Should().Equal("running_mean", "num_batches", "layers.0.weight", "layers.1.weight");
        _tower.StateDictionary()["layers.1.weight"].Should().BeSameAs(_tower.Layers[1].Weight);
    }

    [Fact]
    public void A_shared_variable_comes_once_for_each_key()
    {
        Tied tied = new();
        tied.StateDictionary().Keys.Should().Equal("first.weight", "second.weight");
        tied.StateDictionary().Values.Distinct().Should().ContainSingle();
        tied.Save(_file.Path);
        using SafetensorsFile file = SafetensorsFile.Open(_file.Path);
        file.Entries.Keys.Should().Equal("first.weight", "second.weight");
        tied.Load(_file.Path).IsComplete.Should().BeTrue();
    }

    [Fact]
    public void What_is_saved_is_loaded()
    {
        _tower.Layers[0].Weight.Assign(Tensor.From<float>([3, 4]));
        _tower.Call(Tensor.Ones([5, 2]));
        _tower.Save(_file.Path);
        Tower other = new();
        other.Load(_file.Path).IsComplete.Should().BeTrue();
        foreach ((string key, Variable variable) in other.StateDictionary())
        {
            BytesOf(variable).Should().Equal(BytesOf(_tower.StateDictionary()[key]), key);
        }
    }

    [Fact]
    public void Strict_loading_lists_every_key_that_does_not_fit_and_changes_nothing()
    {
        Dictionary<string, Tensor> state = new()
        {
            ["layers.0.weight"] = Tensor.From<float>([8, 9]),
            ["layers.1.weight"] = Tensor.From<float>([8, 9, 10]),
            ["num_batches"] = Tensor.From<int>([1]).Reshape(),
            ["extra"] = Tensor.Ones([1]),
        };
        string message = FluentActions.Invoking(() => _tower.LoadState(state)).Should().Throw<ModuleException>().Which.Message;
        message.Should().Contain("nothing was changed").And.Contain("missing: running_mean").And.Contain("unexpected: extra")
            .And.Contain("layers.1.weight (expected float32(2,), given float32(3,))")
            .And.Contain("num_batches (expected int64(), given int32())");
        _tower.Layers[0].Weight.Value.ToArray<float>().Should().Equal(1, 1);
    }

    [Fact]
    public void Loading_that_is_not_strict_passes_over_keys_but_never_over_shapes()
    {
        StateReport report = _tower.LoadState(
            new Dictionary<string, Tensor> { ["layers.0.weight"] = Tensor.From<float>([8, 9]), ["extra"] = Tensor.Ones([1]) }, strict: false);
        report.Missing.Should().Equal("running_mean", "num_batches", "layers.1.weight");
        report.Unexpected.Should().Equal("extra");
        _tower.Layers[0].Weight.Value.ToArray<float>().Should().Equal(8, 9);
        FluentActions.Invoking(() => _tower.LoadState(new Dictionary<string, Tensor> { ["running_mean"] = Tensor.Ones([3]) }, strict: false))
            .Should().Throw<ModuleException>().WithMessage("*running_mean*");
    }

    [Fact]
    public void The_list_of_keys_in_a_message_is_bounded()
    {
        Dictionary<string, Tensor> state = Enumerable.Range(0, 5000).ToDictionary(i => $"key{i}", _ => Tensor.Ones([1]));
        string message = FluentActions.Invoking(() => _tower.LoadState(state)).Should().Throw<ModuleException>().Which.Message;
        message.Should().Contain("and 4980 more");
        message.Length.Should().BeLessThan(1000);
    }

    [Fact]
    public void Another_dtype_is_an_error_unless_conversion_is_asked_for()
    {
        Dictionary<string, Tensor> state = _tower.StateDictionary().ToDictionary(pair => pair.Key, pair => pair.Value.Value.Detach());
        state["running_mean"] = Tensor.From([(Half)1.5, (Half)(-2)]);
        Safetensors.Save(_file.Path, state);
        FluentActions.Invoking(() => _tower.Load(_file.Path)).Should().Throw<ModuleException>().WithMessage("*running_mean*float16*");
        _tower.Load(_file.Path, convert: true).IsComplete.Should().BeTrue();
        _tower.RunningMean.Value.ToArray<float>().Should().Equal(1.5f, -2);
        _tower.RunningMean.DType.Should().Be(DType.Float32);
    }

    [Fact]
    public void A_tracked_state_from_another_device_is_loaded_onto_each_variables_own()
    {
        _tower.LoadState(
            new Dictionary<string, Tensor> { ["layers.0.weight"] = Tensor.From<float>([5, 6]).To(OtherBackend.Device).Track() }, strict: false);
        _tower.Layers[0].Weight.Device.Name.Should().Be("cpu");
        _tower.Layers[0].Weight.Value.ToArray<float>().Should().Equal(5, 6);
    }

    [Fact]
    public void A_damaged_file_changes_nothing()
    {
        _tower.Save(_file.Path);
        byte[] bytes = File.ReadAllBytes(_file.Path);
        File.WriteAllBytes(_file.Path, bytes[..^1]);
        _tower.Layers[0].Weight.Assign(Tensor.From<float>([3, 4]));
        FluentActions.Invoking(() => _tower.Load(_file.Path)).Should().Throw<FileFormatException>();
        FluentActions.Invoking(() => _tower.Load(_file.Path + "?")).Should().Throw<FileNotFoundException>();
        _tower.Layers[0].Weight.Value.ToArray<float>().Should().Equal(3, 4);
    }

    [Fact]
    public void Saving_and_loading_leave_no_count_behind()
    {
        _tower.Save(_file.Path);
        _tower.Load(_file.Path);
        long before = LiveTensors.Count;
        _tower.Save(_file.Path);
        _tower.Load(_file.Path);
        LiveTensors.Count.Should().Be(before);
    }

    private static byte[] BytesOf(Variable variable) => Checkpoints.SafetensorsTests.BytesOf(variable.Value);
}

/// <summary>Two paths to one parameter.</summary>
internal sealed partial class Tied : Module<Tensor, Tensor>
{
    private readonly Scale _first;
    private readonly Scale _second;

    public Tied()
    {
        _first = new Scale();
        _second = _first;
    }

    protected override Tensor Forward(Tensor x) => _second.Call(_first.Call(x));
}

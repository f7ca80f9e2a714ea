using System.Text.Json.Nodes;
using DeepBridge.Checkpoints;
using DeepBridge.Memory;
using DeepBridge.Optimizers;

namespace DeepBridge.Tests.Checkpoints;

public sealed class CheckpointTests : IDisposable
{
    private readonly Run _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public void A_run_that_is_resumed_goes_on_bit_by_bit_as_one_that_never_stopped()
    {
        CheckpointStore store = _run.Store();
        _run.Step();
        _run.Step();
        _run.State.Epoch = 7;
        _run.State.Values["cursor"] = new JsonObject { ["epoch"] = 7, ["batch"] = 3 };
        store.Save(_run.State);
        using Run other = new(seed: 99);
        new CheckpointStore(_run.Directory).Resume(other.State)!.Step.Should().Be(2);
        other.Fingerprint().Should().Be(_run.Fingerprint());
        other.State.Values["cursor"]!["batch"]!.GetValue<long>().Should().Be(3);
        float[] losses = [_run.Step(), _run.Step()];
        new[] { other.Step(), other.Step() }.Should().Equal(losses);
        other.Fingerprint().Should().Be(_run.Fingerprint());
    }

    [Fact]
    public void A_checkpoint_says_what_it_is()
    {
        _run.State.Epoch = 2;
        _run.State.Values["note"] = "ü\"";
        Checkpoint saved = _run.StepAndSave(_run.Store(), double.NaN);
        Checkpoint listed = _run.Store().List().Should().ContainSingle().Subject;
        listed.Path.Should().Be(saved.Path).And.EndWith("step-00000001");
        (listed.Step, listed.Epoch, listed.IsDamaged).Should().Be((1, 2, false));
        listed.Sections.Should().Equal("model", "optimizer", "generator");
        listed.Scores["loss"].Should().Be(double.NaN);
        listed.Values["note"]!.GetValue<string>().Should().Be("ü\"");
        listed.Created.Should().BeCloseTo(DateTimeOffset.UtcNow, TimeSpan.FromMinutes(5));
        Directory.GetFiles(saved.Path).Select(Path.GetFileName).Should()
            .BeEquivalentTo("generator.safetensors", "manifest.json", "model.safetensors", "optimizer.safetensors");
    }

    [Fact]
    public void The_weights_are_a_plain_safetensors_file()
    {
        Checkpoint saved = _run.StepAndSave(_run.Store());
        Tower other = new();
        other.Load(Path.Combine(saved.Path, "model.safetensors")).IsComplete.Should().BeTrue();
        other.Layers[1].Weight.Value.ToArray<float>().Should().Equal(_run.Tower.Layers[1].Weight.Value.ToArray<float>());
    }

    [Fact]
    public void A_checkpoint_of_one_backend_resumes_on_another_and_back()
    {
        _run.StepAndSave(_run.Store());
        string before = _run.Fingerprint();
        using Run other = new();
        other.Tower.To(OtherBackend.Device);
        foreach ((_, Variable variable) in other.Optimizer.NamedVariables())
        {
            variable.To(OtherBackend.Device);
        }

        _run.Store().Resume(other.State).Should().NotBeNull();
        other.Tower.RunningMean.Device.Should().BeSameAs(OtherBackend.Device);
        other.Fingerprint().Should().Be(before);
        other.Store().Save(other.State);
        other.Store().Resume(_run.State);
        _run.Tower.RunningMean.Device.Name.Should().Be("cpu");
        _run.Fingerprint().Should().Be(before);
    }

    [Fact]
    public void A_state_that_does_not_fit_is_refused_and_nothing_is_changed()
    {
        Checkpoint saved = _run.StepAndSave(_run.Store());
        using Run other = new();
        string before = other.Fingerprint();
        Scale wide = new(3);
        TrainingState more = Run.StateOf(other.Tower, other.Optimizer, other.Generator).Add("extra", wide);
        FluentActions.Invoking(() => saved.Load(more)).Should().Throw<ModuleException>().WithMessage("*Missing: extra*");
        TrainingState less = new TrainingState().Add("model", other.Tower);
        FluentActions.Invoking(() => saved.Load(less)).Should().Throw<ModuleException>().WithMessage("*Unexpected: optimizer, generator*");
        TrainingState shape = new TrainingState().Add("model", other.Tower).Add("optimizer", new Adam(wide, 0.1)).Add("generator", other.Generator);
        FluentActions.Invoking(() => saved.Load(shape)).Should().Throw<ModuleException>().WithMessage("*optimizer*nothing was changed*");
        TrainingState odd = new TrainingState().Add("model", other.Tower).Add("optimizer", other.Optimizer)
            .Add("generator", () => [("state", new Variable(Tensor.From<int>([1, 2])))]);
        FluentActions.Invoking(() => saved.Load(odd)).Should().Throw<ModuleException>().WithMessage("*state (expected int32(2,), given int64(2,))*");
        other.Fingerprint().Should().Be(before);
    }

    [Fact]
    public void Tensors_that_are_no_variables_come_and_go_and_may_refuse()
    {
        using Tensor scores = Tensor.From<double>([1, 2, 3]);
        float[]? taken = null;
        _run.State.Add("metrics", () => new Dictionary<string, Tensor> { ["scores"] = scores.Cast(DType.Float32) },
            tensors => taken = tensors["scores"].ToArray<float>());
        Checkpoint saved = _run.Store().Save(_run.State);
        saved.Load(_run.State);
        taken.Should().Equal(1, 2, 3);
        using Run other = new();
        other.Step();
        string before = other.Fingerprint();
        other.State.Add("metrics", () => new Dictionary<string, Tensor>(), _ => throw new InvalidOperationException("no"));
        FluentActions.Invoking(() => saved.Load(other.State)).Should().Throw<InvalidOperationException>();
        other.Fingerprint().Should().Be(before);
    }

    [Fact]
    public void Retention_keeps_the_last_the_best_and_every_nth()
    {
        CheckpointStore store = _run.Store(new CheckpointRetention { Last = 2, BestBy = "loss", Best = 2, EverySteps = 5 });
        foreach (double loss in new[] { 9, 1, 8, 2, 7, 6, double.NaN, 5, 4.0 })
        {
            _run.StepAndSave(store, loss);
        }

        store.List().Select(checkpoint => checkpoint.Step).Should().Equal(2, 4, 5, 8, 9);
        store.Best("loss")!.Step.Should().Be(2);
        store.Best("loss", highest: true)!.Step.Should().Be(5);
        store.Best("accuracy").Should().BeNull();
        store.Latest()!.Step.Should().Be(9);
        Directory.GetDirectories(_run.Directory).Should().HaveCount(5);
    }

    [Fact]
    public void Saving_a_step_again_replaces_it()
    {
        CheckpointStore store = _run.Store();
        string first = _run.StepAndSave(store).Path;
        _run.State.Values["again"] = true;
        Checkpoint second = store.Save(_run.State);
        second.Path.Should().NotBe(first);
        Directory.Exists(first).Should().BeFalse();
        store.List().Should().ContainSingle().Which.Values.ContainsKey("again").Should().BeTrue();
    }

    [Fact]
    public void An_empty_folder_has_nothing_to_resume()
    {
        _run.Store().Latest().Should().BeNull();
        _run.Store().Resume(_run.State).Should().BeNull();
        _run.Store().List().Should().BeEmpty();
    }

    [Fact]
    public void What_cannot_be_saved_is_said_and_leaves_the_old_one()
    {
        CheckpointStore store = _run.Store();
        _run.StepAndSave(store);
        _run.State.Values["bad"] = double.NaN;
        _run.State.Step++;
        FluentActions.Invoking(() => store.Save(_run.State)).Should().Throw<ArgumentException>();
        store.List().Select(checkpoint => checkpoint.Step).Should().Equal(1);
        Directory.GetDirectories(_run.Directory).Should().ContainSingle();
        FluentActions.Invoking(() => _run.State.Add("model", _run.Tower)).Should().Throw<ArgumentException>().WithMessage("*already*");
        FluentActions.Invoking(() => _run.State.Add("../x", _run.Tower)).Should().Throw<ArgumentException>().WithMessage("*a to z*");
        FluentActions.Invoking(() => _run.Store(new CheckpointRetention { Last = 0 })).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void Saving_and_resuming_leave_no_count_behind()
    {
        CheckpointStore store = _run.Store();
        _run.StepAndSave(store);
        store.Resume(_run.State);
        long before = LiveTensors.Count;
        store.Save(_run.State);
        store.Resume(_run.State);
        LiveTensors.Count.Should().Be(before);
    }
}

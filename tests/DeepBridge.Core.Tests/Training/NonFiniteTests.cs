using DeepBridge.Layers;
using DeepBridge.Training;

namespace DeepBridge.Tests.Training;

public sealed class NonFiniteTests
{
    public enum Fault
    {
        Logarithm,
        Root,
    }

    [Theory]
    [InlineData(Fault.Logarithm, "Log", "forward", "NaN")]
    [InlineData(Fault.Root, "Divide", "backward", "infinity")]
    public async Task The_op_and_the_module_of_the_first_NaN_are_named_and_the_state_is_that_before_its_step(Fault fault, string op, string phase, string value)
    {
        Bench bench = new(() => new Faulty(fault));
        Dictionary<string, byte[]>? before = null;
        TrainerOptions options = new()
        {
            Epochs = 3,
            StopOnNonFinite = true,
            ReadInterval = TimeSpan.FromHours(1),
            Callbacks = [new Hooks { Step = run => before = run.Step == 9 ? bench.Bits() : before }],
        };
        NonFiniteException error = (await FluentActions.Awaiting(() => bench.Fit(options)).Should().ThrowAsync<NonFiniteException>()).Which;
        (error.Epoch, error.Step, error.Path, error.Op).Should().Be((2, 10L, "body.tail", op));
        error.Message.Should().StartWith($"Epoch 2, step 10: {op} in module 'body.tail' ({phase}) made the first {value}.");
        Bench.ShouldEqual(bench.Bits(), before!);
    }

    [Fact]
    public async Task A_NaN_of_the_data_is_said_to_have_come_in()
    {
        Bench bench = new(() => new Line());
        using Tensor rows = Tensor.From([1f, 2, 3, 4, 5, 6, 7, 8, float.NaN, 10, 11, 12], [3, 4]);
        Func<Task> fit = () => new Trainer(new TrainerOptions { StopOnNonFinite = true }).FitAsync(
            bench.Model, DeepBridge.Data.Batches.Of(rows, 1), batch => bench.Model.Call(batch).Sum(), bench.Optimizer);
        NonFiniteException error = (await fit.Should().ThrowAsync<NonFiniteException>()).Which;
        (error.Step, error.Path).Should().Be((3, "layer"));
        error.Message.Should().Contain("in its input 0: the batch or the weights had it before the step");
    }

    [Fact]
    public async Task A_mask_of_infinities_is_nobodys_fault_and_a_finite_run_is_not_disturbed()
    {
        Bench watched = new(() => new Masked()), plain = new(() => new Masked());
        await watched.Fit(new TrainerOptions { Epochs = 2, StopOnNonFinite = true, ReadInterval = TimeSpan.Zero });
        await plain.Fit(new TrainerOptions { Epochs = 2 });
        Bench.ShouldEqual(watched.Bits(), plain.Bits());
    }

    [Fact]
    public async Task Without_the_search_a_loss_that_is_not_finite_is_logged()
    {
        Bench bench = new(() => new Faulty(Fault.Logarithm));
        ListLogger logger = new();
        await bench.Fit(new TrainerOptions { Epochs = 2, Logger = logger });
        logger.Lines.Should().ContainSingle(line => line.Event.Id == 9);
    }
}

/// <summary>Goes wrong in its tenth call, by a count that is part of its state.</summary>
internal sealed partial class Tail(NonFiniteTests.Fault fault) : Module<Tensor, Tensor>
{
    private readonly Linear _layer = new(8, 3);
    private readonly Variable _calls = new(Tensor.Zeros([]));

    protected override Tensor Forward(Tensor x)
    {
        _calls.Assign(_calls.Value + 1);
        Tensor good = (_calls.Value < 10).Cast(DType.Float32), output = _layer.Call(x);
        return fault == NonFiniteTests.Fault.Logarithm
            ? output + (good * 2 - 1).Log()
            : output + ((output * 0) + good).Sqrt();
    }
}

internal sealed partial class Body(NonFiniteTests.Fault fault) : Module<Tensor, Tensor>
{
    private readonly Linear _hidden = new(4, 8);
    private readonly Tail _tail = new(fault);

    protected override Tensor Forward(Tensor x) => _tail.Call(_hidden.Call(x));
}

internal sealed partial class Faulty(NonFiniteTests.Fault fault) : Module<Tensor, Tensor>
{
    private readonly Body _body = new(fault);
    private readonly Dropout _dropout = new(0.1);

    protected override Tensor Forward(Tensor x) => _body.Call(_dropout.Call(x));
}

internal sealed partial class Masked : Module<Tensor, Tensor>
{
    private readonly Linear _layer = new(4, 3);

    protected override Tensor Forward(Tensor x)
    {
        Tensor logits = _layer.Call(x);
        return logits + Tensor.Where(logits < -1e9, Tensor.Full(logits.Shape, double.NegativeInfinity), Tensor.Zeros(logits.Shape));
    }
}

using DeepBridge.Graphs;
using DeepBridge.Layers;
using DeepBridge.Optimizers;
using DeepBridge.Schedules;

namespace DeepBridge.Tests.Modules;

/// <summary>Groups of parameters, schedules that remember, and the state of both.</summary>
public sealed class ParameterGroupTests
{
    [Fact]
    public void A_group_has_its_own_factor_and_decay_and_the_others_the_optimizers()
    {
        using TensorScope scope = new();
        Linear layer = new(1, 1);
        layer.Weight.Assign(Tensor.Full([1, 1], 2));
        layer.Bias!.Assign(Tensor.Full([1], 3));
        Sgd optimizer = new(layer, 0.5, weightDecay: 0.1, groups: [new([layer.Bias], factor: 0.1, weightDecay: 0)]);
        optimizer.Step(Gradients.Of(layer.Call(Tensor.Ones([1, 1])).Sum(), layer.Parameters));
        layer.Weight.Value.Item<float>().Should().BeApproximately(2 - (0.5f * 1.2f), 1e-6f);
        layer.Bias.Value.Item<float>().Should().BeApproximately(3 - 0.05f, 1e-6f);
        optimizer.StateDictionary().Keys.Should().Equal("learning_rate", "step_count", "groups.0.factor");
    }

    [Fact]
    public void A_schedule_drives_all_groups_and_a_factor_may_change_under_a_trace()
    {
        using TensorScope scope = new();
        Parameter left = new(Tensor.Zeros([])), right = new(Tensor.Zeros([]));
        ParameterGroup group = new([right], 0.5);
        Sgd optimizer = new([left, right], groups: [group]) { Schedule = new StepSchedule(1, 2, 0.5) };
        using Graph graph = Graph.Trace(
            _ =>
            {
                optimizer.Step(Gradients.Of(left.Value + right.Value, [left, right]));
                return [];
            },
            []);
        (float Left, float Right) Run()
        {
            graph.Run();
            return (left.Value.Item<float>(), right.Value.Item<float>());
        }

        Run().Should().Be((-1, -0.5f));
        group.Factor.Assign(Tensor.Of(0.25, DType.Float32));
        Run().Should().Be((-2, -0.75f));
        Run().Should().Be((-2.5f, -0.875f));
    }

    [Fact]
    public void Groups_that_do_not_fit_are_refused()
    {
        using TensorScope scope = new();
        Linear layer = new(2, 2), other = new(2, 2);
        FluentActions.Invoking(() => new Adam(layer, groups: [new([layer.Weight]), new([layer.Weight])])).Should().Throw<InvalidAttributeException>().WithMessage("*two groups*");
        FluentActions.Invoking(() => new Adam(layer, groups: [new([other.Weight])])).Should().Throw<InvalidAttributeException>().WithMessage("*not among*");
        FluentActions.Invoking(() => new Adam(layer, groups: [new([layer.Weight], weightDecay: -1)])).Should().Throw<InvalidAttributeException>();
        FluentActions.Invoking(() => new ParameterGroup([layer.Weight], -1)).Should().Throw<InvalidAttributeException>();
        FluentActions.Invoking(() => new Lion(layer, beta1: 1)).Should().Throw<InvalidAttributeException>();
        FluentActions.Invoking(() => new RmsProp(layer, momentum: -1)).Should().Throw<InvalidAttributeException>();
        FluentActions.Invoking(() => new Adagrad(layer, rateDecay: -1)).Should().Throw<InvalidAttributeException>();
        FluentActions.Invoking(() => new Sgd(layer, nesterov: true)).Should().Throw<InvalidAttributeException>();
        FluentActions.Invoking(() => new Sgd(layer, -1)).Should().Throw<InvalidAttributeException>();
    }

    [Fact]
    public void State_that_was_saved_carries_a_run_on_bitwise()
    {
        using TensorScope scope = new();
        Tensor[] gradients = [.. Enumerable.Range(0, 8).Select(_ => Tensor.Normal([3]))];
        Parameter whole = new(Tensor.Ones([3])), first = new(Tensor.Ones([3]));
        Optimizer one = Make(whole), two = Make(first);
        Steps(one, whole, gradients);
        Steps(two, first, gradients[..4]);
        Dictionary<string, Tensor> saved = two.StateDictionary().ToDictionary(pair => pair.Key, pair => pair.Value.Value);
        saved.Keys.Should().Contain(["schedule.factor", "schedule.best", "schedule.bad_reports", "schedule.cooldown", "groups.0.factor", "0.max_exp_avg_sq"]);
        Parameter second = new(first.Value);
        Optimizer three = Make(second);
        three.LoadState(saved).IsComplete.Should().BeTrue();
        Steps(three, second, gradients[4..]);
        second.Value.ToArray<float>().Should().Equal(whole.Value.ToArray<float>());
        three.StepCount.Value.Item<long>().Should().Be(8);
    }

    [Fact]
    public void State_that_does_not_fit_changes_nothing()
    {
        using TensorScope scope = new();
        Parameter parameter = new(Tensor.Ones([3]));
        Adam adam = new([parameter], 0.5);
        Dictionary<string, Tensor> state = adam.StateDictionary().ToDictionary(pair => pair.Key, pair => pair.Value.Value + 1);
        state["0.exp_avg"] = Tensor.Zeros([4]);
        state.Remove("0.step");
        state["stranger"] = Tensor.Zeros([]);
        adam.Invoking(one => one.LoadState(state)).Should().Throw<ModuleException>().WithMessage("*Adam*missing: 0.step*unexpected: stranger*mismatched: 0.exp_avg*");
        adam.LearningRate.Value.Item<float>().Should().Be(0.5f);
        state["0.exp_avg"] = Tensor.Zeros([3]);
        StateReport report = adam.LoadState(state, strict: false);
        report.Missing.Should().Equal("0.step");
        report.Unexpected.Should().Equal("stranger");
        adam.LearningRate.Value.Item<float>().Should().Be(1.5f);
    }

    [Fact]
    public void A_constant_momentum_of_a_schedule_is_the_optimizer_s_own_and_follows_a_skipped_step()
    {
        using TensorScope scope = new();
        Tensor[] gradients = [.. Enumerable.Range(0, 5).Select(_ => Tensor.Normal([3]))];
        foreach (Func<Parameter, Optimizer> make in new Func<Parameter, Optimizer>[]
        {
            p => new Sgd([p], 0.1, momentum: 0.75, dampening: 0.5), p => new Sgd([p], 0.1, momentum: 0.75, nesterov: true),
            p => new Adam([p], 0.1, beta1: 0.75), p => new AdamW([p], 0.1, beta1: 0.75, amsgrad: true, groups: [new([p], 0.5)]),
        })
        {
            Parameter own = new(Tensor.Ones([3])), scheduled = new(Tensor.Ones([3]));
            Optimizer one = make(own), two = make(scheduled);
            two.MomentumSchedule = new ConstantSchedule(0.75);
            Steps(one, own, gradients);
            Steps(two, scheduled, gradients);
            scheduled.Value.ToArray<float>().Should().Equal(own.Value.ToArray<float>(), (a, b) => Math.Abs(a - b) < 1e-6f);

            LossScaler scaler = new();
            scaler.Step(two, scaler.GradientsOf((scheduled.Value * float.PositiveInfinity).Sum(), [scheduled]));
            scheduled.Value.ToArray<float>().Should().Equal(own.Value.ToArray<float>(), (a, b) => Math.Abs(a - b) < 1e-6f);
            two.StepCount.Value.Item<long>().Should().Be(5);
        }
    }

    [Fact]
    public void Schedules_that_make_no_sense_are_refused()
    {
        ConstantSchedule constant = new(1);
        Parameter parameter = new(Tensor.Ones([3]));
        FluentActions.Invoking(() => new Sgd([parameter]) { MomentumSchedule = constant }).Should().Throw<InvalidAttributeException>().WithMessage("Sgd*no momentum*");
        FluentActions.Invoking(() => new Lion([parameter]) { MomentumSchedule = constant }).Should().Throw<InvalidAttributeException>();
        FluentActions.Invoking(() => new OneCycleMomentum(3)).Should().Throw<InvalidAttributeException>().WithMessage("OneCycleMomentum*");
        FluentActions.Invoking(() => new StepSchedule(1, 0)).Should().Throw<InvalidAttributeException>();
        FluentActions.Invoking(() => new PolynomialSchedule(1, 0)).Should().Throw<InvalidAttributeException>();
        FluentActions.Invoking(() => new CosineRestarts(1, 0)).Should().Throw<InvalidAttributeException>();
        FluentActions.Invoking(() => new CosineRestarts(1, 1, 0)).Should().Throw<InvalidAttributeException>();
        FluentActions.Invoking(() => new OneCycle(1, 3)).Should().Throw<InvalidAttributeException>();
        FluentActions.Invoking(() => new OneCycle(1, 100, 1)).Should().Throw<InvalidAttributeException>();
        FluentActions.Invoking(() => new ReduceOnPlateau(constant, 1)).Should().Throw<InvalidAttributeException>();
        FluentActions.Invoking(() => new ScheduleSequence([constant], [3])).Should().Throw<InvalidAttributeException>();
        FluentActions.Invoking(() => new ScheduleSequence([constant, constant, constant], [3, 3])).Should().Throw<InvalidAttributeException>();
    }

    [Fact]
    public void Schedules_stay_after_their_end_and_a_traced_rate_follows_a_plateau()
    {
        using TensorScope scope = new();
        new OneCycle(1, 10).At(Tensor.Of(9)).Item().Should().Be(new OneCycle(1, 10).At(Tensor.Of(90)).Item());
        new PolynomialSchedule(1, 10, 2, 0.5).At(Tensor.Of(99)).Item().Should().Be(0.5);
        ReduceOnPlateau plateau = new(new ExponentialSchedule(1, 0.5), 0.5, patience: 0);
        using Graph graph = Graph.Trace(x => [plateau.At(x[0])], [new TensorSpec(default, DType.Int64)]);
        graph.Run(Tensor.Of(1))[0].Item().Should().Be(0.5);
        plateau.Report(3);
        plateau.Report(3);
        graph.Run(Tensor.Of(1))[0].Item().Should().Be(0.25);
        new ScheduleSequence([new ConstantSchedule(1), new WarmUp(2, plateau)], [5]).NamedVariables().Select(named => named.Key)
            .Should().Equal("1.factor", "1.best", "1.bad_reports", "1.cooldown");
    }

    private static Adam Make(Parameter parameter) => new([parameter], amsgrad: true, groups: [new([parameter], 2)])
    {
        Schedule = new ReduceOnPlateau(new CosineSchedule(0.1, 10), 0.5, patience: 1),
    };

    private static void Steps(Optimizer optimizer, Parameter parameter, Tensor[] gradients)
    {
        foreach (Tensor gradient in gradients)
        {
            optimizer.Step(Gradients.Of((parameter.Value * gradient).Sum(), [parameter]));
            (optimizer.Schedule as ReduceOnPlateau)?.Report(1);
        }
    }
}

using DeepBridge.Backends;
using DeepBridge.Memory;
using DeepBridge.Ops;

namespace DeepBridge.Training;

/// <summary>
/// Finds the op that made the first NaN or infinity. Nothing is checked while all goes well: batches are held since the last
/// read from the device that was finite, and the variables as they were then. When a read is not, the steps are made again
/// from there, with every op's output checked.
/// </summary>
/// <typeparam name="TBatch">A batch.</typeparam>
internal sealed class NonFiniteSearch<TBatch>
{
    private readonly TrainingStep<TBatch> _step;
    private readonly BatchWalk<TBatch> _walk;
    private readonly Variable[] _judged;
    private readonly Snapshot _before;
    private readonly List<(TBatch Batch, bool Update)> _batches = [];

    /// <summary>Makes a search.</summary>
    /// <param name="step">The step.</param>
    /// <param name="objective">The model, and how batches are held.</param>
    /// <param name="all">All that a step changes.</param>
    internal NonFiniteSearch(TrainingStep<TBatch> step, Objective<TBatch> objective, IEnumerable<Variable> all)
    {
        (_step, _walk) = (step, objective.Walk!);
        _judged = [.. objective.Model.Variables.Where(variable => variable.DType.IsFloating())];
        _before = new Snapshot(all);
    }

    /// <summary>Holds a batch before its step.</summary>
    internal void Hold(TBatch batch, bool update)
    {
        if (_batches.Count == 0)
        {
            _before.Take();
        }

        // Tensors that no scope owns: the iteration's ends before they are needed.
        _batches.Add((_walk.Map(batch, tensor => new Tensor(tensor.Data.Retain())), update));
    }

    /// <summary>Lets everything go.</summary>
    internal void Forget()
    {
        foreach ((TBatch batch, _) in _batches)
        {
            _walk.Map(batch, tensor =>
            {
                tensor.Dispose();
                return tensor;
            });
        }

        _batches.Clear();
        _before.Drop();
    }

    /// <summary>Whether the sum of losses and the weights are finite.</summary>
    internal bool IsFinite()
    {
        using TensorScope scope = new("finite");
        using AmbientChange change = Gradients.NoGradient();

        // 0 · x is 0 or NaN, so that one number tells of all without overflow.
        Tensor sum = _step.LossSum.Value * 0;
        foreach (Variable variable in _judged)
        {
            sum += (variable.Value * 0).Sum().To(sum.Device).Cast(DType.Float64);
        }

        return double.IsFinite(sum.Item());
    }

    /// <summary>Makes the held steps again up to the first that goes wrong, and undoes that one.</summary>
    /// <param name="epoch">The epoch, from 1.</param>
    /// <param name="step">Steps made when the first of the held batches came.</param>
    /// <returns>What to throw.</returns>
    internal NonFiniteException Find(int epoch, long step)
    {
        _before.Restore();
        foreach ((TBatch batch, bool update) in _batches)
        {
            _before.Take();
            using TensorScope scope = new("replay");
            OutputCheck check = new(() => _step.Phase);
            Exception? failure = null;
            using (check.Use())
            {
                try
                {
                    // The model is where it was then; batches behind a move lie elsewhere.
                    _step.RunEagerly(_step.Place(batch), update);
                }
                catch (Exception error) when (check.First is not null)
                {
                    // What follows a NaN may fail, such as a cast to an index.
                    failure = error;
                }
            }

            if (failure is not null || !IsFinite())
            {
                _before.Restore();
                return Describe(check, epoch, step + 1);
            }

            step += update ? 1 : 0;
        }

        return new NonFiniteException(
            $"Epoch {epoch}: the loss or a weight is not finite, but the steps since the last read gave finite numbers when made again.",
            null, null, epoch, step);
    }

    private static NonFiniteException Describe(OutputCheck check, int epoch, long step)
    {
        string text = $"Epoch {epoch}, step {step}: ";
        if (check.First is not { } first)
        {
            return new NonFiniteException(
                text + "the loss or a weight is not finite, and no op made it so from finite inputs.", null, null, epoch, step);
        }

        text += first.Input is { } input
            ? $"{first} was the first to meet {Name(first.Value)}, in its input {input}: the batch or the weights had it before the step."
            : $"{first} made the first {Name(first.Value)}.";
        if (check.FirstNaN is { } nan && nan != first)
        {
            text += $" The first NaN came from {nan}.";
        }

        return new NonFiniteException(text, first.Op, first.Path, epoch, step);
    }

    private static string Name(double value) => double.IsNaN(value) ? "NaN" : "infinity";

    /// <summary>An op whose output is not finite, and its first input that was NaN, or null.</summary>
    private sealed record Finding(string Op, string? Path, string Phase, double Value, int? Input)
    {
        /// <inheritdoc/>
        public override string ToString() => $"{Op} {(Path is null ? "outside any module" : $"in module '{Path}'")} ({Phase})";
    }

    /// <summary>Looks at every op's inputs and outputs.</summary>
    private sealed class OutputCheck(Func<string> phase) : Wrapper
    {
        internal Finding? First { get; private set; }

        internal Finding? FirstNaN { get; private set; }

        /// <inheritdoc/>
        public override void Execute(Op op, in KernelCall call)
        {
            // Before the op runs, since it may write into an input that nobody else holds.
            (double came, int input) = Flaw(call.Inputs);
            Next(op, call);
            (double flaw, _) = Flaw(call.Outputs);
            if (flaw == 0 || call.Inputs.IsEmpty || FirstNaN is not null)
            {
                return;
            }

            // An infinity that came in and stayed one may be a mask, which nobody has to answer for.
            if (came == 0 || double.IsNaN(came) || double.IsNaN(flaw))
            {
                Finding finding = new(op.Name, Ambient.Now.Frame?.Path, phase(), flaw, double.IsNaN(came) ? input : null);
                First ??= finding;
                FirstNaN = double.IsNaN(flaw) ? finding : null;
            }
        }

        /// <summary>NaN and its place, or else an infinity and its place, or 0.</summary>
        private static (double Value, int Index) Flaw(ReadOnlySpan<BackendTensor> tensors)
        {
            using AmbientChange change = Ambient.Enter(Ambient.Now with { Wrapper = null, Recording = false, Scope = null });
            (double Value, int Index) flaw = (0, -1);
            for (int i = 0; i < tensors.Length && !double.IsNaN(flaw.Value); i++)
            {
                if (tensors[i].Spec.IsFloating)
                {
                    using Tensor tensor = new(tensors[i].Retain());
                    using Tensor wide = tensor.Cast(DType.Float64);
                    double[] values = wide.ToArray<double>();
                    double value = Array.Exists(values, double.IsNaN) ? double.NaN : Array.Find(values, double.IsInfinity);
                    flaw = value != 0 && (flaw.Value == 0 || double.IsNaN(value)) ? (value, i) : flaw;
                }
            }

            return flaw;
        }
    }
}

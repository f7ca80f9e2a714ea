using System.Globalization;
using System.Text;
using DeepBridge.Graphs;
using DeepBridge.Memory;
using DeepBridge.Modules;

namespace DeepBridge;

public abstract partial class Module<TInput, TOutput>
{
    /// <summary>
    /// What this module is made of, and what it costs to call it once in its present mode. The call is traced, not
    /// computed: only the shapes, dtypes and device of the input matter, and nothing changes.
    /// </summary>
    /// <param name="input">An example of the input.</param>
    /// <returns>The summary; its <see cref="ModuleSummary.ToString"/> is a table.</returns>
    /// <exception cref="ShapeMismatchException">The input does not fit the module.</exception>
    /// <exception cref="TracingException">The module reads values of tensors.</exception>
    public ModuleSummary Summary(TInput input)
    {
        List<Tensor> tensors = [];
        MapInput(input, new TensorMap(tensor =>
        {
            tensors.Add(tensor);
            return tensor;
        }));
        TensorSpec[] specs = [.. tensors.Select(tensor => tensor.Spec)];
        return ModuleSummary.Trace(this, specs, tensors.Count == 0 ? Device.Default : tensors[0].Device, symbols =>
        {
            Queue<Tensor> queue = new(symbols);
            Call(MapInput(input, new TensorMap(_ => queue.Dequeue())));
        });
    }
}

/// <summary>Summaries of modules of one tensor, by its shape alone.</summary>
public static class ModuleSummaries
{
    /// <summary>As <see cref="Module{TInput, TOutput}.Summary"/>, for an input of that shape on the default device.</summary>
    /// <typeparam name="TOutput">The module's output.</typeparam>
    /// <param name="module">The module.</param>
    /// <param name="shape">The shape of the input, batch axis included.</param>
    /// <param name="dtype">The dtype of the input.</param>
    /// <returns>The summary.</returns>
    public static ModuleSummary Summary<TOutput>(this Module<Tensor, TOutput> module, Shape shape, DType dtype = DType.Float32)
    {
        ArgumentNullException.ThrowIfNull(module);
        return ModuleSummary.Trace(module, [new TensorSpec(shape, dtype)], Device.Default, symbols => module.Call(symbols[0]));
    }
}

/// <summary>One module of a summary.</summary>
/// <param name="Path">The path; empty for the outermost.</param>
/// <param name="Layer">The name of its type.</param>
/// <param name="Outputs">The specs of what its first call returned; empty where it was not called.</param>
/// <param name="Calls">How often it was called.</param>
/// <param name="Parameters">Numbers in its own parameters, without those of modules inside and those that a row above has.</param>
/// <param name="Flops">Floating-point operations of the ops that it ran itself.</param>
public sealed record SummaryRow(string Path, string Layer, IReadOnlyList<TensorSpec> Outputs, int Calls, long Parameters, long Flops);

/// <summary>What a module is made of, and what a call costs. The columns add up to the totals.</summary>
public sealed class ModuleSummary
{
    private ModuleSummary(IReadOnlyList<SummaryRow> rows, long trainable)
    {
        Rows = rows;
        TrainableParameters = trainable;
    }

    /// <summary>This module and all inside it, outermost first, in the order of declaration.</summary>
    public IReadOnlyList<SummaryRow> Rows { get; }

    /// <summary>Numbers in all parameters, shared ones once.</summary>
    public long Parameters => Rows.Sum(row => row.Parameters);

    /// <summary>Numbers in the parameters that are not frozen.</summary>
    public long TrainableParameters { get; }

    /// <summary>Floating-point operations of one call.</summary>
    public long Flops => Rows.Sum(row => row.Flops);

    /// <summary>A table in plain text.</summary>
    /// <returns>The table.</returns>
    public override string ToString()
    {
        List<string[]> table = [["Path", "Layer", "Output", "Parameters", "FLOPs"]];
        table.AddRange(Rows.Select(row => new[]
        {
            row.Path.Length == 0 ? "(root)" : row.Path,
            row.Calls > 1 ? string.Create(CultureInfo.InvariantCulture, $"{row.Layer} ×{row.Calls}") : row.Layer,
            row.Calls == 0 ? "not called" : string.Join(", ", row.Outputs.Select(spec => spec.Shape)),
            Number(row.Parameters),
            Number(row.Flops),
        }));
        table.Add(["total", string.Empty, string.Empty, Number(Parameters), Number(Flops)]);
        int[] widths = [.. Enumerable.Range(0, 5).Select(column => table.Max(row => row[column].Length))];
        string line = new('-', widths.Sum() + (2 * (widths.Length - 1)));
        StringBuilder text = new();
        for (int i = 0; i < table.Count; i++)
        {
            text.Append(i == 1 || i == table.Count - 1 ? line + "\n" : string.Empty);
            string[] cells = [.. table[i].Select((cell, column) => column < 3 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]))];
            text.AppendJoin("  ", cells).Append('\n');
        }

        long frozen = Parameters - TrainableParameters;
        return text.Append(CultureInfo.InvariantCulture, $"{Number(TrainableParameters)} parameters are trained, {Number(frozen)} are frozen.").ToString();
    }

    /// <summary>Traces a call of a module.</summary>
    /// <param name="module">The module.</param>
    /// <param name="specs">The specs of the tensors of its input.</param>
    /// <param name="device">Where they lie.</param>
    /// <param name="call">Calls the module with them.</param>
    /// <returns>The summary.</returns>
    internal static ModuleSummary Trace(Module module, ReadOnlySpan<TensorSpec> specs, Device device, Action<Tensor[]> call)
    {
        Calls calls = new();
        Graph graph;
        using (Ambient.Enter(Ambient.Now with { Frame = null, Observer = calls, Recording = false, Variables = null, Wrapper = null }))
        {
            // Not simplified: an op that is repeated or not used costs when it is computed eagerly.
            graph = Tracer.Trace(
                symbols =>
                {
                    call(symbols);
                    return [];
                },
                specs,
                device.Real);
        }

        (string Path, Module Module)[] modules = [.. module.NamedModules()];
        Dictionary<string, long> flops = modules.ToDictionary(named => named.Path, _ => 0L);
        foreach (GraphNode node in graph.Nodes)
        {
            string path = node.ModulePath ?? string.Empty;
            while (!flops.ContainsKey(path))
            {
                // A module that is no member of its caller: what it does counts for the caller.
                path = path[..Math.Max(path.LastIndexOf('.'), 0)];
            }

            flops[path] += node.Op.Flops([.. node.Inputs.Select(value => value.Spec)], [.. node.Outputs.Select(value => value.Spec)]);
        }

        HashSet<Variable> counted = new(ReferenceEqualityComparer.Instance);
        List<SummaryRow> rows = [];
        foreach ((string path, Module inner) in modules)
        {
            (IReadOnlyList<TensorSpec> outputs, int count) = calls.Of(path);
            IEnumerable<Variable> own = inner.Members.Where(member => member.Variable is Parameter).Select(member => member.Variable!);
            rows.Add(new SummaryRow(
                path, TypeName(inner.GetType()), outputs, count, own.Where(counted.Add).Sum(variable => variable.Spec.Count), flops[path]));
        }

        return new ModuleSummary(rows, counted.Where(variable => variable.IsTrainable).Sum(variable => variable.Spec.Count));
    }

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string TypeName(Type type)
    {
        int mark = type.Name.IndexOf('`', StringComparison.Ordinal);
        return mark < 0 ? type.Name : $"{type.Name[..mark]}<{string.Join(", ", type.GenericTypeArguments.Select(TypeName))}>";
    }

    /// <summary>Counts calls and remembers what the first returned, by path.</summary>
    private sealed class Calls : ICallObserver
    {
        private readonly Dictionary<string, (TensorSpec[] Outputs, int Count)> _calls = [];

        public void Enter(ModuleFrame frame)
        {
        }

        public void Leave(ModuleFrame frame, IReadOnlyList<Tensor> outputs)
        {
            string path = frame.Caller is null ? string.Empty : frame.Path;
            _calls[path] = _calls.TryGetValue(path, out (TensorSpec[] Outputs, int Count) before)
                ? (before.Outputs, before.Count + 1)
                : ([.. outputs.Select(output => output.Spec)], 1);
        }

        internal (IReadOnlyList<TensorSpec> Outputs, int Count) Of(string path) =>
            _calls.TryGetValue(path, out (TensorSpec[] Outputs, int Count) found) ? found : ([], 0);
    }
}

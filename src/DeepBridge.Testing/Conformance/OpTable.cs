using System.Text;
using DeepBridge.Backends;

namespace DeepBridge.Testing;

/// <summary>Says of every op of the catalogue whether a backend has a kernel for it, by asking the backend about every case.</summary>
public static class OpTable
{
    /// <summary>Writes the table.</summary>
    /// <param name="backend">The backend.</param>
    /// <returns>A table in Markdown, ops in alphabetical order.</returns>
    public static string Write(Backend backend)
    {
        ArgumentNullException.ThrowIfNull(backend);
        StringBuilder text = new("| op | how it runs |\n|---|---|\n");
        foreach (IGrouping<string, OpCase> op in OpCases.All.GroupBy(one => one.Op.Name).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            int count = op.Count(), native = op.Count(one => IsNative(backend, one));
            string how = native == count ? "kernel"
                : native > 0 ? $"kernel; decomposed for {count - native} of {count} cases, such as `{op.First(one => !IsNative(backend, one))}`"
                : backend.Implements(op.First().Op.Kind) ? "kernel, for none of the cases"
                : "decomposed";
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"| {op.Key} | {how.Replace("|", "\\|", StringComparison.Ordinal)} |\n");
        }

        return text.ToString();
    }

    private static bool IsNative(Backend backend, OpCase one) =>
        backend.Supports(one.Op, [.. one.Inputs.Select(input => new TensorSpec(input.Shape, input.DType))]);
}

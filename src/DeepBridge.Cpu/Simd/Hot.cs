using System.Runtime.CompilerServices;

namespace DeepBridge.Cpu;

/// <summary>How the loops of kernels are compiled.</summary>
internal static class Hot
{
    /// <summary>
    /// Optimised at first use, since a first tier of such a loop is a hundred times slower than the last; and by itself,
    /// since the callers of a loop are compiled again as they grow hot: inlined there, what it calls would begin in the
    /// first tier once more, in the middle of a training.
    /// </summary>
    internal const MethodImplOptions Loop = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;
}

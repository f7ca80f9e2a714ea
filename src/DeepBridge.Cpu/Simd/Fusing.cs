using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace DeepBridge.Cpu;

/// <summary>
/// Whether a product and a sum are rounded once. Decided by the machine alone: an estimate that the compiler may change as
/// it recompiles a hot method would give one run two results.
/// </summary>
internal static class Fusing
{
    internal static bool IsNative => Fma.IsSupported || AdvSimd.IsSupported;
}

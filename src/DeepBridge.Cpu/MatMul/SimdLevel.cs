namespace DeepBridge.Cpu;

/// <summary>How wide the vectors of a matrix multiplication are.</summary>
internal enum SimdLevel
{
    /// <summary>128-bit vectors (SSE, NEON, WebAssembly), which machines without vectors imitate.</summary>
    Vector128,

    /// <summary>256-bit vectors (AVX2).</summary>
    Vector256,

    /// <summary>512-bit vectors (AVX-512).</summary>
    Vector512,
}

namespace DeepBridge;

/// <summary>How GELU computes the normal distribution function.</summary>
public enum GeluApproximation
{
    /// <summary>Exactly, by the error function: PyTorch's default.</summary>
    Erf,

    /// <summary>½ · (1 + tanh(√(2/π) · (x + 0.044715 x³))), as GPT-2 does.</summary>
    Tanh,
}

namespace DeepBridge;

/// <summary>What <see cref="Autocast"/> computes products, convolutions and attention in.</summary>
public enum Precision
{
    /// <summary>Every op in the dtype of its inputs: autocast is off.</summary>
    Float32,

    /// <summary>Float32's range with 8 bits of precision: needs no loss scale.</summary>
    BFloat16,

    /// <summary>11 bits of precision, from 6e-8 to 65,504: needs a <see cref="Optimizers.LossScaler"/>.</summary>
    Float16,
}

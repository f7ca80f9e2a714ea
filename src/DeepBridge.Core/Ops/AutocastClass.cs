namespace DeepBridge.Ops;

/// <summary>What <see cref="Autocast"/> does with an op's inputs. Float64, integers and bool are left as they are.</summary>
public enum AutocastClass
{
    /// <summary>Nothing: the op runs in the dtype of what it is given.</summary>
    Follows,

    /// <summary>They become the low precision: most of the time is spent here, and sums are kept in float32 inside.</summary>
    Low,

    /// <summary>They become float32: the op's range or rounding would suffer in 16 bits.</summary>
    Full,
}

namespace DeepBridge.Cpu;

/// <summary>A size known when the code is compiled.</summary>
internal interface ISize
{
    /// <summary>The size.</summary>
    static abstract int Value { get; }
}

/// <summary>The size 1.</summary>
internal readonly struct Size1 : ISize { public static int Value => 1; }

/// <summary>The size 2.</summary>
internal readonly struct Size2 : ISize { public static int Value => 2; }

/// <summary>The size 4.</summary>
internal readonly struct Size4 : ISize { public static int Value => 4; }

/// <summary>The size 6.</summary>
internal readonly struct Size6 : ISize { public static int Value => 6; }

/// <summary>The size 8.</summary>
internal readonly struct Size8 : ISize { public static int Value => 8; }

/// <summary>The size 14.</summary>
internal readonly struct Size14 : ISize { public static int Value => 14; }

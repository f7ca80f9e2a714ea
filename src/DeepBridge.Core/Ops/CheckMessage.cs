using System.Runtime.CompilerServices;

namespace DeepBridge.Ops;

/// <summary>The text of a check's error, which is put together only where the check fails: ops are checked each time they run.</summary>
[InterpolatedStringHandler]
public ref struct CheckMessage
{
    private DefaultInterpolatedStringHandler _text;

    /// <summary>Begins a text; the compiler calls it.</summary>
    /// <param name="literalLength">The number of constant characters.</param>
    /// <param name="formattedCount">The number of values.</param>
    /// <param name="holds">Whether what is checked holds.</param>
    /// <param name="isWanted">Whether anybody will read the text.</param>
    public CheckMessage(int literalLength, int formattedCount, bool holds, out bool isWanted)
    {
        isWanted = !holds;
        _text = isWanted ? new DefaultInterpolatedStringHandler(literalLength, formattedCount) : default;
    }

    /// <summary>Adds constant characters.</summary>
    /// <param name="value">The characters.</param>
    public void AppendLiteral(string value) => _text.AppendLiteral(value);

    /// <summary>Adds a value.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    /// <param name="value">The value.</param>
    public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

    /// <summary>The text.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => _text.ToString();
}

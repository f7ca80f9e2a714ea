using System.Globalization;
using System.Text;
using DeepBridge.Graphs;
using DeepBridge.Memory;

namespace DeepBridge;

public sealed partial class Tensor
{
    /// <summary>
    /// The elements in nested brackets, aligned, then dtype, shape and device. Of more than 1000 elements only the
    /// first and last three of each axis are shown. A released tensor, or one of a trace, says so.
    /// </summary>
    /// <returns>The text.</returns>
    public override string ToString()
    {
        string trailer = $"{_spec} on {Device}{(IsTracked ? ", tracked" : string.Empty)}";
        if (_data is null)
        {
            return $"released {trailer}";
        }

        if (_data is SymbolicTensor)
        {
            return $"traced {trailer}";
        }

        // Printing must neither be recorded nor seen by a trace or profile that is going on.
        using AmbientChange change = Ambient.Enter(new Ambient { Recording = false });
        using TensorScope scope = new("printing");
        string values = TensorText.Of(this);
        return $"{values}{(values.Contains('\n', StringComparison.Ordinal) ? '\n' : ' ')}{trailer}";
    }
}

/// <summary>Lays a tensor's elements out as PyTorch does.</summary>
internal sealed class TensorText
{
    private const int Threshold = 1000;
    private const int EdgeItems = 3;
    private const int LineWidth = 80;

    private readonly Shape _full;
    private readonly int[] _shown;
    private readonly string[] _cells;
    private readonly int _width;
    private readonly StringBuilder _text = new();

    private TensorText(Shape full, int[] shown, string[] cells)
    {
        _full = full;
        _shown = shown;
        _cells = cells;
        _width = cells.Select(cell => cell.Length).DefaultIfEmpty(0).Max();
    }

    /// <summary>The elements of a tensor that has a value.</summary>
    internal static string Of(Tensor tensor)
    {
        if (tensor.Count == 0)
        {
            return "[]";
        }

        Tensor shown = tensor.Count > Threshold ? Edges(tensor) : tensor;
        TensorText text = new(tensor.Shape, shown.Shape.AsSpan().ToArray(), Cells(shown));
        text.Write(0, 0);
        return text._text.ToString();
    }

    /// <summary>The first and last elements of each long axis, so that only they leave the device.</summary>
    private static Tensor Edges(Tensor tensor)
    {
        for (int axis = 0; axis < tensor.Rank; axis++)
        {
            int extent = tensor.Shape[axis];
            if (extent > 2 * EdgeItems)
            {
                Tensor edges = Tensor.From([0, 1, 2, extent - 3, extent - 2, extent - 1], tensor.Device);
                tensor = tensor.Gather(edges, axis);
            }
        }

        return tensor;
    }

    private static string[] Cells(Tensor tensor) => tensor.DType switch
    {
        DType.Bool => Array.ConvertAll(tensor.ToArray<bool>(), value => value ? "true" : "false"),
        DType.UInt8 => Integers(tensor.ToArray<byte>()),
        DType.Int8 => Integers(tensor.ToArray<sbyte>()),
        DType.Int16 => Integers(tensor.ToArray<short>()),
        DType.Int32 => Integers(tensor.ToArray<int>()),
        DType.Int64 => Integers(tensor.ToArray<long>()),
        DType.Float16 => Floats(Array.ConvertAll(tensor.ToArray<Half>(), value => (double)value)),
        DType.BFloat16 => Floats(Array.ConvertAll(tensor.ToArray<BFloat16>(), value => (double)(float)value)),
        DType.Float32 => Floats(Array.ConvertAll(tensor.ToArray<float>(), value => (double)value)),
        _ => Floats(tensor.ToArray<double>()),
    };

    private static string[] Integers<T>(T[] values)
        where T : IFormattable => Array.ConvertAll(values, value => value.ToString(null, CultureInfo.InvariantCulture));

    private static string[] Floats(double[] values)
    {
        double[] sizes = [.. values.Where(value => double.IsFinite(value) && value != 0).Select(Math.Abs)];
        double largest = sizes.DefaultIfEmpty(0).Max(), smallest = sizes.DefaultIfEmpty(0).Min();
        bool whole = Array.TrueForAll(sizes, size => size == Math.Floor(size));
        bool scientific = largest > 1e8 || largest / smallest > 1000 || (!whole && smallest < 1e-4);
        string format = scientific ? "0.0000e+00" : whole ? "0'.'" : "F4";
        return Array.ConvertAll(values, value =>
            double.IsNaN(value) ? "nan"
            : double.IsInfinity(value) ? (value > 0 ? "inf" : "-inf")
            : value.ToString(format, CultureInfo.InvariantCulture));
    }

    private void Write(int axis, int cell)
    {
        if (axis == _shown.Length)
        {
            _text.Append(_cells[cell]);
            return;
        }

        int stride = 1;
        for (int inner = axis + 1; inner < _shown.Length; inner++)
        {
            stride *= _shown[inner];
        }

        bool last = axis == _shown.Length - 1;
        int perLine = Math.Max(1, (LineWidth - axis - 1) / (_width + 2));
        int printed = 0;
        _text.Append('[');
        for (int i = 0; i < _shown[axis]; i++)
        {
            if (i == EdgeItems && _shown[axis] < _full[axis])
            {
                Separate(axis, last, printed++, perLine);
                _text.Append("...");
            }

            Separate(axis, last, printed++, perLine);
            if (last)
            {
                _text.Append(' ', _width - _cells[cell + i].Length);
            }

            Write(axis + 1, cell + (i * stride));
        }

        _text.Append(']');
    }

    private void Separate(int axis, bool last, int printed, int perLine)
    {
        if (printed == 0)
        {
            return;
        }

        _text.Append(',');
        if (!last)
        {
            _text.Append('\n', _shown.Length - axis - 1).Append(' ', axis + 1);
        }
        else if (printed % perLine == 0)
        {
            _text.Append('\n').Append(' ', axis + 1);
        }
        else
        {
            _text.Append(' ');
        }
    }
}

using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <summary>Views of one memory by offset and strides.</summary>
internal static class Views
{
    /// <summary>The same elements in another shape; a copy where strides cannot say it.</summary>
    internal static CpuTensor Reshape(CpuTensor x, TensorSpec spec)
    {
        if (x.IsDense || x.Count == 0)
        {
            return x.View(spec, 0, null);
        }

        if (Reshaped(x, spec.Shape.AsSpan()) is { } strides)
        {
            return View(x, spec, 0, strides);
        }

        CpuTensor copy = CpuTensor.Allocate(spec, x.Device);
        Copying.ToDense(x, ref copy.First<byte>());
        return copy;
    }

    /// <summary>Axes in another order.</summary>
    internal static CpuTensor Permute(CpuTensor x, TensorSpec spec, Dims axes)
    {
        Span<long> old = stackalloc long[axes.Length];
        x.StridesIn(x.Spec.Shape.AsSpan(), old);
        long[] strides = new long[axes.Length];
        for (int i = 0; i < strides.Length; i++)
        {
            strides[i] = old[axes[i]];
        }

        return View(x, spec, 0, strides);
    }

    /// <summary>Axes repeated by strides of 0.</summary>
    internal static CpuTensor Expand(CpuTensor x, TensorSpec spec)
    {
        long[] strides = new long[spec.Rank];
        x.StridesIn(spec.Shape.AsSpan(), strides);
        return View(x, spec, 0, strides);
    }

    /// <summary>Every so many elements.</summary>
    internal static CpuTensor Slice(CpuTensor x, TensorSpec spec, Slice op)
    {
        long[] strides = new long[spec.Rank];
        x.StridesIn(x.Spec.Shape.AsSpan(), strides);
        long offset = 0;
        for (int axis = 0; axis < strides.Length; axis++)
        {
            offset += op.Starts[axis] * strides[axis];
            strides[axis] *= op.Steps[axis];
        }

        return View(x, spec, spec.Count == 0 ? 0 : offset, strides);
    }

    /// <summary>Axes from their ends on.</summary>
    internal static CpuTensor Flip(CpuTensor x, Dims axes)
    {
        long[] strides = new long[x.Spec.Rank];
        x.StridesIn(x.Spec.Shape.AsSpan(), strides);
        long offset = 0;
        foreach (int axis in axes)
        {
            offset += (x.Spec.Shape[axis] - 1) * strides[axis];
            strides[axis] = -strides[axis];
        }

        return View(x, x.Spec, x.Count == 0 ? 0 : offset, strides);
    }

    /// <summary>A view whose strides are forgotten where they are those of dense data.</summary>
    private static CpuTensor View(CpuTensor x, TensorSpec spec, long offset, long[] strides)
    {
        ReadOnlySpan<int> shape = spec.Shape.AsSpan();
        long dense = 1;
        bool isDense = true;
        for (int axis = shape.Length - 1; axis >= 0 && isDense; axis--)
        {
            isDense = shape[axis] == 1 || strides[axis] == dense;
            dense *= shape[axis];
        }

        return x.View(spec, offset, isDense || x.Count == 0 || spec.Count == 0 ? null : strides);
    }

    /// <summary>
    /// Strides of the same elements in another shape: both shapes are cut into groups of axes of equal products, and
    /// inside each group the old axes must lie evenly. Null where they do not.
    /// </summary>
    private static long[]? Reshaped(CpuTensor x, ReadOnlySpan<int> shape)
    {
        ReadOnlySpan<int> old = x.Spec.Shape.AsSpan();
        long[] from = x.Strides!, strides = new long[shape.Length];
        int i = old.Length - 1, j = shape.Length - 1;
        while (i >= 0)
        {
            long group = old[i], step = from[i], even = old[i] * from[i], product = 1;
            if (group == 1)
            {
                i--;
                continue;
            }

            while (j >= 0 && product < group)
            {
                strides[j] = step * product;
                product *= shape[j--];
                while (product > group)
                {
                    do
                    {
                        i--;
                    }
                    while (old[i] == 1);
                    if (from[i] != even)
                    {
                        return null;
                    }

                    group *= old[i];
                    even *= old[i];
                }
            }

            i--;
        }

        return strides;
    }
}

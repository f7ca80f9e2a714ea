using DeepBridge.Ops;

namespace DeepBridge.Testing;

/// <summary>By which view an input is made, so that a backend meets every layout that its own views have.</summary>
public enum Layout
{
    /// <summary>Row-major.</summary>
    Dense,

    /// <summary>All axes reversed by a Permute.</summary>
    Transposed,

    /// <summary>Every second element of every axis, from the second on; NaN or absurd integers lie between.</summary>
    Sliced,

    /// <summary>All axes flipped.</summary>
    Flipped,

    /// <summary>The first axis repeats one slice.</summary>
    Expanded,

    /// <summary>A stretch in the middle of the first axis.</summary>
    Offset,
}

/// <summary>One input of a case.</summary>
/// <param name="Shape">The shape.</param>
/// <param name="DType">The dtype.</param>
/// <param name="Values">The elements.</param>
/// <param name="Layout">The view that it is.</param>
public sealed record CaseInput(Shape Shape, DType DType, Values Values, Layout Layout = Layout.Dense)
{
    /// <summary>Makes the input on a device.</summary>
    /// <param name="device">The device.</param>
    /// <param name="seed">The seed of its elements.</param>
    /// <param name="floating">The dtype that a floating input takes instead of its own, with the same elements; null: its own.</param>
    /// <returns>The tensor.</returns>
    public Tensor Make(Device device, int seed, DType? floating = null)
    {
        int rank = Shape.Rank;
        Tensor Import(Shape shape, Func<int[], int> place) => Host(shape, Indices.Map(shape, place), device, seed, floating);
        switch (rank == 0 || Shape[0] == 0 ? Layout.Dense : Layout)
        {
            case Layout.Transposed:
                Dims reversed = [.. Enumerable.Range(0, rank).Reverse()];
                return new Permute(reversed).Apply(
                    Import(Shape.Create([.. Enumerable.Reverse(Shape.AsSpan().ToArray())]), at => Indices.Flat([.. Enumerable.Reverse(at)], Shape)));
            case Layout.Sliced:
                Tensor wide = Import(
                    Shape.Create([.. Shape.AsSpan().ToArray().Select(extent => (2 * extent) + 2)]),
                    at => at.Where((index, axis) => index % 2 == 0 || index / 2 >= Shape[axis]).Any() ? -1
                        : Indices.Flat([.. at.Select(index => index / 2)], Shape));
                return new Slice(Dims.Repeat(1, rank), Shape.Dims, Dims.Repeat(2, rank)).Apply(wide);
            case Layout.Flipped:
                return new Flip([.. Enumerable.Range(0, rank)]).Apply(
                    Import(Shape, at => Indices.Flat([.. at.Select((index, axis) => Shape[axis] - 1 - index)], Shape)));
            case Layout.Expanded:
                return new Expand(Shape.Dims).Apply(Import(Shape.Without(0), at => Indices.Flat([0, .. at], Shape)));
            case Layout.Offset:
                Tensor longer = Import(
                    Shape.With(0, Shape[0] + 3), at => at[0] == 0 || at[0] > Shape[0] ? -1 : Indices.Flat([at[0] - 1, .. at[1..]], Shape));
                return longer.Narrow(0, 1, Shape[0]);
            default:
                return Import(Shape, at => Indices.Flat(at, Shape));
        }
    }

    /// <summary>The spec and the view: <c>float32(2, 3) transposed</c>.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => $"{DType.Name()}{Shape}{(Layout == Layout.Dense ? string.Empty : " " + Layout.ToString().ToLowerInvariant())}";

    /// <summary>Elements from their places in the logical input; −1: something that must not be seen.</summary>
    private Tensor Host(Shape shape, int[] places, Device device, int seed, DType? floating)
    {
        Random random = new(seed);
        int[] count = [.. Enumerable.Range(0, checked((int)Shape.Count))];
        if (DType.IsFloating())
        {
            double[] reals = Array.ConvertAll(count, i => Elements.Round(Values.Real(random, i), DType));
            return Testing.Host.Import(Array.ConvertAll(places, place => place < 0 ? double.NaN : reals[place]), shape, floating ?? DType, device);
        }

        long[] wholes = Array.ConvertAll(count, i => Values.Whole(random, i));
        return Testing.Host.Import(Array.ConvertAll(places, place => place < 0 ? 1L << 30 : wholes[place]), shape, DType, device);
    }
}

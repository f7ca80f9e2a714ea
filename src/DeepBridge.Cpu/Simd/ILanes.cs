using System.Diagnostics.CodeAnalysis;

namespace DeepBridge.Cpu;

/// <summary>
/// The operations of one vector width. A kernel is written once against it and compiled for 512, 256 and 128 bits;
/// what is shorter than a vector of 128 bits is padded to one, so that an element's bits do not depend on its place.
/// </summary>
/// <typeparam name="TVector">The vector.</typeparam>
/// <typeparam name="T">Its element.</typeparam>
internal unsafe interface ILanes<TVector, T>
    where TVector : unmanaged
    where T : unmanaged
{
    /// <summary>Elements in a vector.</summary>
    static abstract int Count { get; }

    /// <summary>Rows of a tile of a matrix product whose sums fit the registers.</summary>
    static abstract int MaxRows { get; }

    /// <summary>Whether the machine loads and stores part of a vector.</summary>
    static abstract bool HasMasks { get; }

    /// <summary>0, 1, 2, …</summary>
    static abstract TVector Indices { get; }

    /// <summary>Loads a vector.</summary>
    static abstract TVector Load(T* source);

    /// <summary>Stores a vector.</summary>
    static abstract void Store(T* target, TVector value);

    /// <summary>The first elements, those that <paramref name="mask"/> selects, and zeros; the rest is not read. 4 or 8 bytes each.</summary>
    static abstract TVector LoadMasked(T* source, TVector mask);

    /// <summary>Stores the first elements, those that <paramref name="mask"/> selects; the rest is not written. 4 or 8 bytes each.</summary>
    static abstract void StoreMasked(T* target, TVector mask, TVector value);

    /// <summary>Loads a vector <paramref name="offset"/> elements after <paramref name="source"/>.</summary>
    static abstract TVector Load(ref T source, nint offset);

    /// <summary>Stores a vector <paramref name="offset"/> elements after <paramref name="target"/>.</summary>
    static abstract void Store(TVector value, ref T target, nint offset);

    /// <summary>One repeated element.</summary>
    static abstract TVector Splat(T value);

    /// <summary>One repeated floating constant; <typeparamref name="T"/> is float or double.</summary>
    static abstract TVector Constant(double value);

    /// <summary>a + b.</summary>
    static abstract TVector Add(TVector a, TVector b);

    /// <summary>a − b.</summary>
    static abstract TVector Subtract(TVector a, TVector b);

    /// <summary>a · b.</summary>
    static abstract TVector Multiply(TVector a, TVector b);

    /// <summary>a / b.</summary>
    static abstract TVector Divide(TVector a, TVector b);

    /// <summary>a · b + c, with one rounding where the machine can.</summary>
    static abstract TVector MultiplyAdd(TVector a, TVector b, TVector c);

    /// <summary>−x.</summary>
    static abstract TVector Negate(TVector x);

    /// <summary>|x|.</summary>
    static abstract TVector Abs(TVector x);

    /// <summary>√x.</summary>
    static abstract TVector Sqrt(TVector x);

    /// <summary>The larger; NaN wins.</summary>
    static abstract TVector Max(TVector a, TVector b);

    /// <summary>The smaller; NaN wins.</summary>
    static abstract TVector Min(TVector a, TVector b);

    /// <summary>The greatest integer not above; integers stay.</summary>
    static abstract TVector Floor(TVector x);

    /// <summary>The nearest integer, ties to even; integers stay.</summary>
    static abstract TVector Round(TVector x);

    /// <summary>All bits where a = b.</summary>
    static abstract TVector Equal(TVector a, TVector b);

    /// <summary>All bits where a &lt; b.</summary>
    static abstract TVector Less(TVector a, TVector b);

    /// <summary>All bits where a ≤ b.</summary>
    static abstract TVector LessOrEqual(TVector a, TVector b);

    /// <summary>Bits of both.</summary>
    static abstract TVector And(TVector a, TVector b);

    /// <summary>Bits of either.</summary>
    static abstract TVector Or(TVector a, TVector b);

    /// <summary>Bits of exactly one.</summary>
    static abstract TVector Xor(TVector a, TVector b);

    /// <summary><paramref name="yes"/> where the mask has all bits, <paramref name="no"/> where it has none.</summary>
    static abstract TVector Select(TVector mask, TVector yes, TVector no);

    /// <summary>Bit i: the mask's element i.</summary>
    static abstract ulong Bits(TVector mask);

    /// <summary>The number whose bits are those of <paramref name="x"/> as an integer, shifted left; floating only.</summary>
    static abstract TVector ShiftLeft(TVector x, [ConstantExpected] int count);

    /// <summary>The natural logarithm; floating only.</summary>
    static abstract TVector Log(TVector x);

    /// <summary>The sine; floating only.</summary>
    static abstract TVector Sin(TVector x);

    /// <summary>The cosine; floating only.</summary>
    static abstract TVector Cos(TVector x);

    /// <summary>The sum of the elements.</summary>
    static abstract T Sum(TVector x);
}

using System.Numerics;
using System.Runtime.CompilerServices;
using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <summary>
/// How a window slides over a plane, and the padded copy of a plane over which it does. One spatial axis is a plane of
/// one row.
/// </summary>
/// <remarks>
/// In the padded copy the columns of a row are sorted by their remainder under the stride, so that what one element of
/// the window meets along a row of the output lies side by side: everything else is whole vectors. Reads and writes may
/// run past the end of a row by less than a vector; buffers have <see cref="Slack"/> elements of room behind them, and
/// rows are written in order, so that the right values land on top.
/// </remarks>
internal readonly unsafe struct Sliding
{
    /// <summary>Elements of a window whose offsets lie on the stack.</summary>
    internal const int NearTaps = 128;

    /// <summary>Elements of room behind a buffer.</summary>
    internal const int Slack = 64;

    internal readonly int Height, Width, OutHeight, OutWidth, SizeY, SizeX;
    internal readonly int StrideY, StrideX, DilationY, DilationX, LowY, LowX;
    private readonly int _phasePitch;

    /// <summary>Makes the geometry.</summary>
    /// <param name="window">How the window slides.</param>
    /// <param name="size">The window's extents.</param>
    /// <param name="input">The shape of the input, (batch, channels, spatial…).</param>
    /// <param name="output">The shape of the output.</param>
    internal Sliding(Window window, ReadOnlySpan<int> size, Shape input, Shape output)
    {
        (Height, Width) = Pair(input.AsSpan()[2..], 1);
        (OutHeight, OutWidth) = Pair(output.AsSpan()[2..], 1);
        (SizeY, SizeX) = Pair(size, 1);
        (StrideY, StrideX) = Pair(window.Stride.AsSpan(), 1);
        (DilationY, DilationX) = Pair(window.Dilation.AsSpan(), 1);
        (LowY, LowX) = Pair(window.Low.AsSpan(), 0);
        (_phasePitch, RowPitch, PlanePitch) = Pitches();
    }

    private Sliding(in Sliding forward)
    {
        this = forward;
        (Height, Width, OutHeight, OutWidth) = (forward.OutHeight, forward.OutWidth, forward.Height, forward.Width);
        (LowY, LowX) = (((SizeY - 1) * DilationY) - LowY, ((SizeX - 1) * DilationX) - LowX);
        (_phasePitch, RowPitch, PlanePitch) = Pitches();
    }

    /// <summary>Whether <see cref="Turned"/> may be asked for.</summary>
    internal bool CanTurn => StrideY == 1 && StrideX == 1 && LowY <= (SizeY - 1) * DilationY && LowX <= (SizeX - 1) * DilationX;

    /// <summary>
    /// The geometry by which the turned window, sliding over the output, gathers what the window spread over the input.
    /// </summary>
    internal Sliding Turned() => new(this);

    private (int Phase, int Row, int Plane) Pitches()
    {
        int rows = Math.Max(LowY + Height, ((OutHeight - 1) * StrideY) + ((SizeY - 1) * DilationY) + 1);
        int columns = Math.Max(LowX + Width, ((OutWidth - 1) * StrideX) + ((SizeX - 1) * DilationX) + 1);
        int phase = (columns + StrideX - 1) / StrideX;
        return (phase, phase * StrideX, checked(phase * StrideX * rows));
    }

    /// <summary>Elements of a row of the padded copy.</summary>
    internal int RowPitch { get; }

    /// <summary>Elements of the padded copy of a plane.</summary>
    internal int PlanePitch { get; }

    /// <summary>Elements of the window.</summary>
    internal int Taps => SizeY * SizeX;

    /// <summary>Elements of a plane of the input.</summary>
    internal int Plane => Height * Width;

    /// <summary>Elements of a plane of the output.</summary>
    internal int OutPlane => OutHeight * OutWidth;

    /// <summary>Elements of the padded copy from what the window meets in one row of the output to the next.</summary>
    internal nint OutRowPitch => (nint)StrideY * RowPitch;

    /// <summary>Whether the window is one element that meets each element of the plane in turn.</summary>
    internal bool IsIdentity => Taps == 1 && LowY == 0 && LowX == 0 && OutPlane == Plane;

    /// <summary>Where in the padded copy an element of the window meets the first element of the output.</summary>
    /// <param name="tap">The element, counted row by row.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal nint Tap(int tap)
    {
        (int y, int x) = Math.DivRem(tap, SizeX);
        x *= DilationX;
        return ((nint)y * DilationY * RowPitch) + (StrideX == 1 ? x : (x % StrideX * _phasePitch) + (x / StrideX));
    }

    /// <summary>Where all elements of the window do.</summary>
    /// <param name="space">Room for at least <see cref="Taps"/>, or for <see cref="NearTaps"/>: what is more is allocated.</param>
    /// <returns>One offset an element.</returns>
    internal Span<nint> Offsets(Span<nint> space)
    {
        Span<nint> offsets = Taps <= space.Length ? space[..Taps] : new nint[Taps];
        for (int tap = 0; tap < offsets.Length; tap++)
        {
            offsets[tap] = Tap(tap);
        }

        return offsets;
    }

    /// <summary>Copies planes into padded ones, whose padding is left alone.</summary>
    [MethodImpl(Hot.Loop)]
    internal void Pad<T>(T* planes, int count, T* padded)
        where T : unmanaged
    {
        for (int plane = 0; plane < count; plane++, padded += PlanePitch)
        {
            T* row = padded + ((nint)LowY * RowPitch);
            for (int y = 0; y < Height; y++, planes += Width, row += RowPitch)
            {
                if (StrideX == 1)
                {
                    Vectors.Copy(planes, row + LowX, Width);
                }
                else
                {
                    Split(planes, row);
                }
            }
        }
    }

    /// <summary>Copies planes out of padded ones.</summary>
    [MethodImpl(Hot.Loop)]
    internal void Unpad<T>(T* padded, int count, T* planes)
        where T : unmanaged
    {
        for (int plane = 0; plane < count; plane++, padded += PlanePitch)
        {
            T* row = padded + ((nint)LowY * RowPitch);
            for (int y = 0; y < Height; y++, planes += Width, row += RowPitch)
            {
                if (StrideX == 1)
                {
                    Vectors.Copy(row + LowX, planes, Width);
                    continue;
                }

                for (int phase = 0; phase < StrideX; phase++)
                {
                    int x = FirstOf(phase);
                    T* from = row + (phase * _phasePitch) + ((LowX + x) / StrideX);
                    for (; x < Width; x += StrideX)
                    {
                        planes[x] = *from++;
                    }
                }
            }
        }
    }

    /// <summary>
    /// Writes what each element of the window meets as one row of a matrix, whose columns are elements of the output.
    /// </summary>
    /// <param name="padded">Padded planes.</param>
    /// <param name="planes">How many.</param>
    /// <param name="row">The first row of the output.</param>
    /// <param name="rows">The rows of the output.</param>
    /// <param name="matrix">The matrix: planes × <see cref="Taps"/> rows of rows × <see cref="OutWidth"/> elements.</param>
    [MethodImpl(Hot.Loop)]
    internal void Unfold<T>(T* padded, int planes, int row, int rows, T* matrix)
        where T : unmanaged
    {
        nint pitch = OutRowPitch;
        int width = OutWidth;
        Span<nint> taps = Offsets(stackalloc nint[NearTaps]);
        for (int plane = 0; plane < planes; plane++, padded += PlanePitch)
        {
            foreach (nint tap in taps)
            {
                T* from = padded + tap + (row * pitch);
                if (width <= Vector<T>.Count)
                {
                    for (int y = 0; y < rows; y++, from += pitch, matrix += width)
                    {
                        Vector.Store(Vector.Load(from), matrix);
                    }

                    continue;
                }

                for (int y = 0; y < rows; y++, from += pitch, matrix += width)
                {
                    for (int x = 0; x < width; x += Vector<T>.Count)
                    {
                        Vector.Store(Vector.Load(from + x), matrix + x);
                    }
                }
            }
        }
    }

    /// <summary>Adds each row of such a matrix to what the element of the window meets.</summary>
    [MethodImpl(Hot.Loop)]
    internal void Fold<T>(T* matrix, int planes, int row, int rows, T* padded)
        where T : unmanaged, INumber<T>
    {
        nint pitch = OutRowPitch;
        Span<nint> taps = Offsets(stackalloc nint[NearTaps]);
        int last = (OutWidth - 1) / Vector<T>.Count * Vector<T>.Count;
        Vector<T> mask = Vectors.Mask<T>(OutWidth - last);
        for (int plane = 0; plane < planes; plane++, padded += PlanePitch)
        {
            foreach (nint tap in taps)
            {
                T* to = padded + tap + (row * pitch);
                for (int y = 0; y < rows; y++, to += pitch, matrix += OutWidth)
                {
                    for (int x = 0; x < last; x += Vector<T>.Count)
                    {
                        Vector.Store(Vector.Load(to + x) + Vector.Load(matrix + x), to + x);
                    }

                    Vector.Store(Vector.Load(to + last) + (Vector.Load(matrix + last) & mask), to + last);
                }
            }
        }
    }

    private static (int Y, int X) Pair(ReadOnlySpan<int> values, int missing) =>
        values.Length == 1 ? (missing, values[0]) : (values[0], values[1]);

    /// <summary>The first column of the input that falls to a remainder.</summary>
    private int FirstOf(int phase) => (((phase - LowX) % StrideX) + StrideX) % StrideX;

    [MethodImpl(Hot.Loop)]
    private void Split<T>(T* from, T* to)
        where T : unmanaged
    {
        int start = 0;
        if (StrideX == 2 && sizeof(T) == 4)
        {
            T* even = to + (FirstOf(0) == 0 ? 0 : _phasePitch) + (LowX / 2);
            T* odd = to + (FirstOf(0) == 0 ? _phasePitch : 0) + ((LowX + 1) / 2);
            for (; start <= Width - (2 * Vector<T>.Count); start += 2 * Vector<T>.Count)
            {
                Vector<ulong> low = Vector.Load((ulong*)(from + start)), high = Vector.Load((ulong*)(from + start) + Vector<ulong>.Count);
                Vector.Store(Vector.Narrow(low, high), (uint*)(even + (start / 2)));
                Vector.Store(Vector.Narrow(low >> 32, high >> 32), (uint*)(odd + (start / 2)));
            }
        }

        for (int phase = 0; phase < StrideX; phase++)
        {
            // StrideX divides start, so the remainders are the same from there.
            int x = start + FirstOf(phase);
            T* target = to + (phase * _phasePitch) + ((LowX + x) / StrideX);
            for (; x < Width; x += StrideX)
            {
                *target++ = from[x];
            }
        }
    }
}

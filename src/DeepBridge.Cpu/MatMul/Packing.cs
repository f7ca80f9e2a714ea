using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DeepBridge.Cpu;

/// <summary>
/// Copies a matrix into panels, so that the inner loop reads memory in order. A lane is a row of A or a column of B:
/// a panel holds <c>width</c> lanes side by side, for one index of k after the other.
/// </summary>
internal static unsafe class Packing
{
    /// <summary>Elements that <see cref="Pack{T}"/> may write past the last panel.</summary>
    public const int Slack = 8;

    /// <summary>Packs all lanes. Lanes past the last one, in the last panel, hold arbitrary values.</summary>
    /// <param name="source">First element.</param>
    /// <param name="laneStride">Elements between lanes.</param>
    /// <param name="stride">Elements between successive indices of k.</param>
    /// <param name="lanes">Lanes.</param>
    /// <param name="k">Elements of a lane.</param>
    /// <param name="width">Lanes of a panel.</param>
    /// <param name="target">The panels, with <see cref="Slack"/> elements of room behind them.</param>
    [MethodImpl(Hot.Loop)]
    public static void Pack<T>(T* source, nint laneStride, nint stride, int lanes, int k, int width, T* target)
        where T : unmanaged
    {
        for (int lane = 0; lane < lanes; lane += width)
        {
            int count = Math.Min(width, lanes - lane);
            T* panel = source + (lane * laneStride);
            if (laneStride == 1)
            {
                CopyPanel(panel, stride, count, k, width, target);
            }
            else if (stride == 1 && Avx.IsSupported && sizeof(T) == 4)
            {
                TransposePanel(panel, laneStride, count, k, width, target);
            }
            else
            {
                GatherPanel(panel, laneStride, stride, count, 0, k, width, target);
            }

            target += (nint)k * width;
        }
    }

    [MethodImpl(Hot.Loop)]
    private static void CopyPanel<T>(T* source, nint stride, int count, int k, int width, T* target)
        where T : unmanaged
    {
        for (int p = 0; p < k; p++, source += stride, target += width)
        {
            Vectors.Copy(source, target, count);
        }
    }

    [MethodImpl(Hot.Loop)]
    private static void GatherPanel<T>(T* source, nint laneStride, nint stride, int count, int start, int k, int width, T* target)
        where T : unmanaged
    {
        for (int lane = 0; lane < count; lane++)
        {
            T* from = source + (lane * laneStride);
            T* to = target + lane;
            for (int p = start; p < k; p++)
            {
                to[p * (nint)width] = from[p * stride];
            }
        }
    }

    /// <summary>Packs lanes that are contiguous in memory, a Square of 32-byte vectors at a time.</summary>
    /// <remarks>
    /// The last group of lanes may be narrower than a vector. Its stores run on into the first lanes of the next
    /// index, so groups go from last to first and the right values land on top; past the end there is the slack.
    /// </remarks>
    [MethodImpl(Hot.Loop)]
    private static void TransposePanel<T>(T* source, nint laneStride, int count, int k, int width, T* target)
        where T : unmanaged
    {
        const int Square = 8;
        int whole = k - (k % Square);
        T** rows = stackalloc T*[8];
        for (int lane = (count - 1) / Square * Square; lane >= 0; lane -= Square)
        {
            for (int i = 0; i < Square; i++)
            {
                rows[i] = source + (Math.Min(lane + i, count - 1) * laneStride);
            }

            T* to = target + lane;
            for (int p = 0; p < whole; p += Square)
            {
                Transpose8((float**)rows, p, (float*)to, width);

                to += Square * (nint)width;
            }
        }

        GatherPanel(source, laneStride, 1, count, whole, k, width, target);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Transpose8(float** rows, int p, float* to, nint width)
    {
        Vector256<float> low0 = Pair(rows[0] + p, rows[4] + p), low1 = Pair(rows[1] + p, rows[5] + p);
        Vector256<float> low2 = Pair(rows[2] + p, rows[6] + p), low3 = Pair(rows[3] + p, rows[7] + p);
        Quarter(low0, low1, low2, low3, to, width);
        p += 4;
        low0 = Pair(rows[0] + p, rows[4] + p);
        low1 = Pair(rows[1] + p, rows[5] + p);
        low2 = Pair(rows[2] + p, rows[6] + p);
        low3 = Pair(rows[3] + p, rows[7] + p);
        Quarter(low0, low1, low2, low3, to + (4 * width), width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Pair(float* low, float* high) =>
        Vector256.Create(Vector128.Load(low), Vector128.Load(high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quarter(
        Vector256<float> row0, Vector256<float> row1, Vector256<float> row2, Vector256<float> row3, float* to, nint width)
    {
        Vector256<double> even0 = Avx.UnpackLow(row0, row1).AsDouble(), even1 = Avx.UnpackLow(row2, row3).AsDouble();
        Vector256<double> odd0 = Avx.UnpackHigh(row0, row1).AsDouble(), odd1 = Avx.UnpackHigh(row2, row3).AsDouble();
        Avx.UnpackLow(even0, even1).AsSingle().Store(to);
        Avx.UnpackHigh(even0, even1).AsSingle().Store(to + width);
        Avx.UnpackLow(odd0, odd1).AsSingle().Store(to + (2 * width));
        Avx.UnpackHigh(odd0, odd1).AsSingle().Store(to + (3 * width));
    }
}

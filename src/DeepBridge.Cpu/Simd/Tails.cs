using System.Numerics;
using System.Runtime.CompilerServices;

namespace DeepBridge.Cpu;

/// <summary>Parts of vectors.</summary>
internal static unsafe class Tails
{
    /// <summary>Selects the first <paramref name="count"/> elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static TVector Mask<TLanes, TVector, T>(int count)
        where TLanes : ILanes<TVector, T>
        where TVector : unmanaged
        where T : unmanaged, INumber<T> => TLanes.Less(TLanes.Indices, TLanes.Splat(T.CreateTruncating(count)));

    /// <summary>The selected elements and zeros, where the machine has no masks.</summary>
    internal static TVector Load<TLanes, TVector, T>(T* source, TVector mask)
        where TLanes : ILanes<TVector, T>
        where TVector : unmanaged
        where T : unmanaged
    {
        TVector value = default;
        Vectors.Copy(source, (T*)&value, BitOperations.PopCount(TLanes.Bits(mask)));
        return value;
    }

    /// <summary>Stores the selected elements, where the machine has no masks.</summary>
    internal static void Store<TLanes, TVector, T>(T* target, TVector mask, TVector value)
        where TLanes : ILanes<TVector, T>
        where TVector : unmanaged
        where T : unmanaged => Vectors.Copy((T*)&value, target, BitOperations.PopCount(TLanes.Bits(mask)));
}

namespace DeepBridge.Cpu;

/// <summary>
/// The vector operations a matrix multiplication needs. Every member is static and resolved when the code is
/// compiled, so that one kernel source serves every width and type at no cost.
/// </summary>
/// <typeparam name="TVector">The vector.</typeparam>
/// <typeparam name="T">Its element.</typeparam>
internal unsafe interface ISimd<TVector, T>
    where TVector : unmanaged
    where T : unmanaged
{
    /// <summary>Elements in a vector.</summary>
    static abstract int Count { get; }

    /// <summary>Rows of the largest register tile: as many as the registers hold beside two vectors of B.</summary>
    static abstract int MaxRows { get; }

    /// <summary>Whether <see cref="LoadMasked"/> is one instruction, and so fit for an inner loop.</summary>
    static abstract bool HasMasks { get; }

    /// <summary>Loads a whole vector, aligned or not.</summary>
    static abstract TVector Load(T* source);

    /// <summary>Stores a whole vector, aligned or not.</summary>
    static abstract void Store(T* target, TVector value);

    /// <summary>The mask that selects the first <paramref name="count"/> elements.</summary>
    static abstract TVector Mask(int count);

    /// <summary>Loads the selected elements, touching no memory outside them; the others are zero.</summary>
    static abstract TVector LoadMasked(T* source, TVector mask);

    /// <summary>Stores the selected elements, touching no memory outside them.</summary>
    static abstract void StoreMasked(T* target, TVector mask, TVector value);

    /// <summary>A vector of one repeated element.</summary>
    static abstract TVector Broadcast(T value);

    /// <summary>Elementwise sum.</summary>
    static abstract TVector Add(TVector left, TVector right);

    /// <summary><paramref name="left"/> · <paramref name="right"/> + <paramref name="addend"/>, fused where the machine can.</summary>
    static abstract TVector MultiplyAdd(TVector left, TVector right, TVector addend);

    /// <summary>The sum of all elements.</summary>
    static abstract T Sum(TVector value);
}

namespace DeepBridge.Data;

/// <summary>
/// Samples by number. A loader asks for them from several threads at once, so making one must not change what others see.
/// </summary>
/// <typeparam name="T">A sample: plain values such as <see cref="HostArray{T}"/>, or a tuple of them.</typeparam>
public interface IDataset<out T>
{
    /// <summary>How many samples there are.</summary>
    int Count { get; }

    /// <summary>Makes a sample.</summary>
    /// <param name="index">Its number, 0 to <see cref="Count"/> − 1.</param>
    /// <param name="random">The numbers that it may draw; they belong to this sample in this epoch.</param>
    /// <returns>The sample.</returns>
    T Get(int index, SampleRandom random);
}

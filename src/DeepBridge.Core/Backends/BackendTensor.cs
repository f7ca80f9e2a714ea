using DeepBridge.Memory;

namespace DeepBridge.Backends;

/// <summary>
/// A backend's data, counted: a <see cref="Tensor"/>, a node of the tape and a <see cref="Variable"/> each hold a
/// count. It is freed on the calling thread when the last count goes. A new one has a count of one, its maker's.
/// </summary>
public abstract class BackendTensor
{
    private int _count = 1;

    /// <summary>Makes data with one count.</summary>
    /// <param name="spec">Shape and dtype.</param>
    /// <param name="device">Where it lies.</param>
    protected BackendTensor(TensorSpec spec, Device device)
    {
        Spec = spec;
        Device = device;
        LiveTensors.Created();
    }

    /// <summary>Shape and dtype.</summary>
    public TensorSpec Spec { get; }

    /// <summary>Where the data lies.</summary>
    public Device Device { get; }

    /// <summary>Whether more than one holder has it; a lone holder may donate it to an op.</summary>
    public bool IsShared => Volatile.Read(ref _count) > 1;

    /// <summary>Whether the data has been freed.</summary>
    public bool IsReleased => Volatile.Read(ref _count) <= 0;

    /// <summary>The data of a tensor, for a backend that hands it out in a form of its own.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <returns>The data, with a count added, which the caller gives back.</returns>
    /// <exception cref="TensorReleasedException">The tensor has been released.</exception>
    /// <exception cref="TracingException">A graph is being traced: there is no data yet.</exception>
    public static BackendTensor Of(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return tensor.Readable().Retain();
    }

    /// <summary>A tensor of this data, for a backend that takes data in from elsewhere. The tensor takes the caller's count over.</summary>
    /// <returns>A tensor without history, which belongs to the current scope.</returns>
    public Tensor ToTensor() => Tensor.Adopt(new Tensor(this));

    /// <summary>Adds a count.</summary>
    /// <returns>This.</returns>
    /// <exception cref="TensorReleasedException">The data has been freed.</exception>
    public BackendTensor Retain()
    {
        if (Interlocked.Increment(ref _count) <= 1)
        {
            Interlocked.Decrement(ref _count);
            throw new TensorReleasedException($"The data of a {Spec} tensor was released while it was being used.");
        }

        return this;
    }

    /// <summary>Gives back a count, and frees the data with the last one.</summary>
    public void Release()
    {
        // Whoever holds the only count races with nobody, so the common case needs no interlocked operation.
        if (Volatile.Read(ref _count) == 1)
        {
            Volatile.Write(ref _count, 0);
        }
        else if (Interlocked.Decrement(ref _count) != 0)
        {
            return;
        }

        LiveTensors.Released();
        Free();
    }

    /// <summary>Gives the memory back; called once.</summary>
    protected abstract void Free();
}

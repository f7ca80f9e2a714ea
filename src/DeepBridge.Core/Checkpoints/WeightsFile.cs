namespace DeepBridge.Checkpoints;

/// <summary>Tensors by key in a file, or several: the keys and specs are known at once, a tensor is read when asked for.</summary>
public abstract class WeightsFile : IDisposable
{
    private protected WeightsFile()
    {
    }

    /// <summary>Shape and dtype of each tensor by key.</summary>
    public abstract IReadOnlyDictionary<string, TensorSpec> Specs { get; }

    /// <summary>Copies one tensor to a device.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="device">The device; null: the default device.</param>
    /// <returns>The tensor, of the file's dtype.</returns>
    /// <exception cref="KeyNotFoundException">There is no such tensor.</exception>
    /// <exception cref="FileFormatException">The tensor is damaged, or too large.</exception>
    /// <exception cref="ObjectDisposedException">The file is closed.</exception>
    public abstract Tensor Read(string key, Device? device = null);

    /// <summary>Closes the file; tensors that were read stay.</summary>
    public abstract void Dispose();

    /// <summary>Throws for what only the elements show, so that a load that has begun does not stop half-way.</summary>
    /// <param name="key">The tensor that will be read.</param>
    internal abstract void Verify(string key);
}

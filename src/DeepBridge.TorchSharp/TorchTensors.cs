using System.Diagnostics.CodeAnalysis;

namespace DeepBridge.Torch;

/// <summary>
/// Exchanges tensors with code written for TorchSharp, without a copy. Both sides look at one memory: DeepBridge never
/// writes into memory that crossed here; a write from the other side is seen by every tensor that lies in it, also by what
/// the tape saved, so that only memory that nobody on this side reads any more may be written.
/// </summary>
[SuppressMessage("Naming", "CA1724", Justification = "The plural of what it exchanges.")]
public static class TorchTensors
{
    /// <summary>A tensor over the memory of one of TorchSharp's.</summary>
    /// <param name="tensor">A dense (not sparse) tensor of a dtype that DeepBridge has, on a device of the torch backend.</param>
    /// <param name="takeOwnership">
    /// Whether <paramref name="tensor"/> is disposed. In either case the memory lives as long as somebody on either side
    /// looks at it.
    /// </param>
    /// <returns>A tensor without history, in DeepBridge's and in TorchSharp's sense: gradients do not cross.</returns>
    /// <exception cref="DTypeMismatchException">DeepBridge has no dtype like it.</exception>
    /// <exception cref="DeviceException">It lies on no device of the backend.</exception>
    /// <exception cref="ShapeMismatchException">An axis is longer than 2³¹ − 1.</exception>
    public static Tensor Wrap(torch.Tensor tensor, bool takeOwnership = false)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        DType dtype = !tensor.is_sparse && tensor.dtype.ToDType() is { } known ? known : throw new DTypeMismatchException(
            nameof(Wrap), $"DeepBridge has no {(tensor.is_sparse ? "sparse tensors" : tensor.dtype)}. Convert first.");
        long[] shape = tensor.shape;
        int[] dims = new int[shape.Length];
        for (int i = 0; i < dims.Length; i++)
        {
            dims[i] = shape[i] <= int.MaxValue ? (int)shape[i] : throw new ShapeMismatchException(
                nameof(Wrap), $"axis {i} is {shape[i]} long, and at most {int.MaxValue} is possible.", []);
        }

        Device device = TorchSharpBackend.DeviceOf(tensor);
        Tensor wrapped = new TorchTensor(new TensorSpec(Shape.Create(dims), dtype), device, tensor.detach()).Expose().ToTensor();
        if (takeOwnership)
        {
            tensor.Dispose();
        }

        return wrapped;
    }

    /// <summary>One of TorchSharp's tensors over the memory of a tensor.</summary>
    /// <param name="tensor">A tensor on a device of the torch backend.</param>
    /// <returns>
    /// A handle that the caller disposes (or a dispose scope of the caller's); it requires no gradient and must not be
    /// written into: clone it first. It outlives the tensor.
    /// </returns>
    /// <exception cref="DeviceException">The tensor lies elsewhere: move it to the torch backend first.</exception>
    /// <exception cref="TensorReleasedException">The tensor has been released.</exception>
    public static torch.Tensor Unwrap(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        BackendTensor data = BackendTensor.Of(tensor);
        try
        {
            return data is TorchTensor mine ? mine.Expose().Value.alias() : throw new DeviceException(
                $"A tensor on {tensor.Device} has no torch tensor. Move it with To(\"torch:cpu\") first.");
        }
        finally
        {
            data.Release();
        }
    }
}

namespace DeepBridge.Torch;

/// <summary>
/// libtorch's own backward kernels, which TorchSharp has no calls for, through a fixed script: some microseconds a call. An
/// error in a script ends the process at its first call, so that each function is one op, with a signature that stands since
/// libtorch 1.13.
/// </summary>
internal static class Script
{
    private static readonly Lazy<torch.jit.CompilationUnit> s_unit = new(static () => torch.jit.compile(
        """
        def conv_back(g: Tensor, x: Tensor, w: Tensor, s0: int, s1: int, p0: int, p1: int, d0: int, d1: int, groups: int, to_x: bool, to_w: bool, to_b: bool):
            r = torch.convolution_backward(g, x, w, [w.shape[0]], [s0, s1], [p0, p1], [d0, d1], False, [0, 0], groups, [to_x, to_w, to_b])
            return r[0] if to_x else g, r[1] if to_w else g, r[2] if to_b else g

        def max_pool_back(g: Tensor, x: Tensor, positions: Tensor):
            return torch.adaptive_max_pool2d_backward(g, x, positions)

        def layer_norm(x: Tensor, w: Optional[Tensor], b: Optional[Tensor], axes: int, epsilon: float):
            return torch.native_layer_norm(x, x.shape[-axes:], w, b, epsilon)

        def layer_norm_back(g: Tensor, x: Tensor, mean: Tensor, inverse: Tensor, w: Tensor, axes: int):
            return torch.native_layer_norm_backward(g, x, x.shape[-axes:], mean, inverse, w, w, [True, True, True])

        def layer_norm_back_plain(g: Tensor, x: Tensor, mean: Tensor, inverse: Tensor, axes: int):
            return torch.native_layer_norm_backward(g, x, x.shape[-axes:], mean, inverse, None, None, [True, False, False])[0]

        def batch_norm_back(g: Tensor, x: Tensor, w: Tensor, mean: Tensor, inverse: Tensor, epsilon: float):
            return torch.native_batch_norm_backward(g, x, w, None, None, mean, inverse, True, epsilon, [True, True, True])

        def gelu_back(g: Tensor, x: Tensor):
            return torch.gelu_backward(g, x, approximate="none")

        def gelu_tanh_back(g: Tensor, x: Tensor):
            return torch.gelu_backward(g, x, approximate="tanh")

        def threshold_back(g: Tensor, y: Tensor):
            return torch.threshold_backward(g, y, 0)

        def embedding_back(g: Tensor, indices: Tensor, rows: int):
            return torch.embedding_dense_backward(g, indices, rows, -1, False)

        """));

    /// <summary>Calls a function of one result.</summary>
    /// <param name="name">The function.</param>
    /// <param name="arguments">Tensors, int, bool, numbers that are held, null.</param>
    internal static Native One(string name, params object?[] arguments) => (Native)s_unit.Value.invoke(name, arguments!);

    /// <summary>Calls a function of three results.</summary>
    /// <param name="name">The function.</param>
    /// <param name="arguments">As <see cref="One"/>'s.</param>
    internal static (Native, Native, Native) Three(string name, params object?[] arguments) =>
        ((Native, Native, Native))s_unit.Value.invoke(name, arguments!);
}

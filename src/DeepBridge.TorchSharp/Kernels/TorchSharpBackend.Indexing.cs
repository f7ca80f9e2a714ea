namespace DeepBridge.Torch;

/// <content>Ops that pick by number. Numbers were checked before; libtorch takes int64 alone.</content>
public sealed partial class TorchSharpBackend
{
    private void ImplementIndexing()
    {
        ImplementAny<Gather>(static (op, in call) => GatherOf(op.Axis, call));
        ImplementAny<Embedding>(static (_, in call) => GatherOf(0, call));
        ImplementAny<TakeAlongAxis>(static (op, in call) =>
        {
            using Native indices = Wide(call, 1);
            Out(call, In(call, 0).gather(op.Axis, indices));
        });
        Implement<OneHot>(static (op, in call) =>
        {
            using Number depth = ((long)op.Depth).ToScalar();
            using Native indices = Wide(call, 0), column = indices.unsqueeze(-1);
            using Native classes = torch.arange(Numbers.Zero, depth, Numbers.One, ScalarType.Int64, On(call.Device));
            using Native hot = column.eq(classes);
            Out(call, hot.to_type(op.DType.ToTorch(), copy: true));
        });
        Implement<ScatterAdd>(static (op, in call) => ScatterAddOf(op, call));
    }

    private static void GatherOf(int axis, in KernelCall call)
    {
        using Native indices = Wide(call, 1), flat = indices.reshape(-1);
        using Native picked = In(call, 0).index_select(axis, flat);
        Out(call, picked.reshape(call.OutputSpecs[0].Shape.ToLongs()));
    }

    private static void ScatterAddOf(ScatterAdd op, in KernelCall call)
    {
        TensorSpec spec = call.OutputSpecs[0];
        long[] shape = spec.Shape.ToLongs();
        long count = call.Inputs[1].Spec.Count;
        if (spec.Count == 0 || count == 0)
        {
            Out(call, Zeros(spec, call.Device));
            return;
        }

        using Native indices = Wide(call, 1), flat = indices.reshape(-1);
        if (op.Axis == 0 && spec.DType.IsFloating())
        {
            // The gradient of an embedding, which adds whole rows at a time.
            using Native rows = In(call, 0).reshape(count, spec.Count / op.Extent);
            using Native table = Script.One("embedding_back", rows, flat, op.Extent);
            Out(call, table.reshape(shape));
            return;
        }

        shape[op.Axis] = count;
        using Native values = In(call, 0).reshape(shape);
        Out(call, Zeros(spec, call.Device).index_add_(op.Axis, flat, values, Numbers.One));
    }
}

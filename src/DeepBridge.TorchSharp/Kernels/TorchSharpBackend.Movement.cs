namespace DeepBridge.Torch;

/// <content>Ops that move elements. Most are views: libtorch's strides are nobody's business but its own.</content>
public sealed partial class TorchSharpBackend
{
    private void ImplementMovement()
    {
        ImplementAny<Reshape>(static (op, in call) =>
        {
            if (call.OutputSpecs[0].Shape == call.Inputs[0].Spec.Shape)
            {
                OutSame(call);
                return;
            }

            // A view where the strides allow it: libtorch does not say whether they did.
            OutView(call, In(call, 0).reshape(op.Shape.ToLongs()));
        });
        ImplementAny<Permute>(static (op, in call) => OutView(call, In(call, 0).permute(op.Axes.ToLongs())));
        ImplementAny<Expand>(static (op, in call) => OutView(call, In(call, 0).expand(op.Shape.ToLongs())));
        ImplementAny<Slice>(static (op, in call) => SliceOf(op, call));
        ImplementAny<Pad>(static (op, in call) => PadOf(op, call));
        ImplementAny<Flip>(static (op, in call) =>
        {
            if (op.Axes.Length == 0)
            {
                OutSame(call);
                return;
            }

            Out(call, In(call, 0).flip(op.Axes.ToLongs()));
        });
        ImplementAny<Concat>(static (op, in call) =>
        {
            Native[] parts = new Native[call.Inputs.Length];
            for (int i = 0; i < parts.Length; i++)
            {
                parts[i] = In(call, i);
            }

            Out(call, torch.cat(parts, op.Axis));
        });
    }

    private static void SliceOf(Slice op, in KernelCall call)
    {
        Native x = In(call, 0), part = x;
        Shape shape = call.Inputs[0].Spec.Shape;
        for (int axis = 0; axis < shape.Rank; axis++)
        {
            int start = op.Starts[axis], size = op.Sizes[axis], step = op.Steps[axis];
            if (size == shape[axis] && step == 1)
            {
                continue;
            }

            Native next = step == 1 || size <= 1
                ? part.narrow(axis, start, size)
                : part.slice(axis, start, start + ((long)(size - 1) * step) + 1, step);
            if (!ReferenceEquals(part, x))
            {
                part.Dispose();
            }

            part = next;
        }

        if (ReferenceEquals(part, x))
        {
            OutSame(call);
        }
        else
        {
            OutView(call, part);
        }
    }

    /// <summary>Copied into place: libtorch's own padding takes its value as a double, which holds no large integer.</summary>
    private static void PadOf(Pad op, in KernelCall call)
    {
        TensorSpec spec = call.OutputSpecs[0];
        using Number value = ValueOf(op.Value, spec.DType);
        Native padded = torch.full(spec.Shape.ToLongs(), value, spec.DType.ToTorch(), On(call.Device));
        Native inner = padded.alias();
        Shape shape = call.Inputs[0].Spec.Shape;
        for (int axis = 0; axis < shape.Rank; axis++)
        {
            if (shape[axis] != spec.Shape[axis])
            {
                using Native whole = inner;
                inner = whole.narrow(axis, op.Low[axis], shape[axis]);
            }
        }

        inner.copy_(In(call, 0));
        inner.Dispose();
        Out(call, padded);
    }
}

using Tensorflow;

namespace DeepBridge.Engines.Benchmarks.TensorFlow;

/// <summary>
/// The rivals: a training step with Adam against the C API, without DeepBridge. Parameters and slots are anonymous resource
/// variables, which TensorFlow's own update writes into. Bias is corrected in double precision, once a step, and ε stands where PyTorch has it.
/// </summary>
internal sealed class RawSteps
{
    private const double Rate = 1e-3, Beta1 = 0.9, Beta2 = 0.999, Epsilon = 1e-8;
    private readonly RawLayer[] _layers;
    private readonly (float[] Data, int[] Shape)[] _parameters;
    private readonly (float[] Data, int[] Shape) _input;
    private readonly long[] _labels;

    /// <summary>Takes the first values of a model of DeepBridge.</summary>
    /// <param name="model">The model.</param>
    /// <param name="layers">Its layers.</param>
    /// <param name="input">The batch.</param>
    /// <param name="labels">The labels.</param>
    internal RawSteps(Module<Tensor, Tensor> model, RawLayer[] layers, Tensor input, Tensor labels)
    {
        _layers = layers;
        _labels = labels.ToArray<long>();
        _input = Data(input.Rank == 4 ? input.Permute(0, 2, 3, 1) : input);
        int channels = 0;
        _parameters = [.. model.Parameters.Select(parameter =>
        {
            Tensor value = parameter.Value.Detach();
            if (value.Rank == 4)
            {
                channels = value.Shape[0];
                return Data(value.Permute(2, 3, 1, 0));
            }

            if (value.Rank == 1)
            {
                return Data(value);
            }

            if (channels > 0)
            {
                // What was flattened has its channels last here.
                int side = (int)Math.Sqrt(value.Shape[1] / channels), filters = value.Shape[0];
                value = value.Reshape(filters, channels, side, side).Permute(0, 2, 3, 1).Reshape(filters, -1);
                channels = 0;
            }

            return Data(value.Permute(1, 0));
        })];
    }

    /// <summary>Op by op.</summary>
    /// <returns>A step, which reads the loss where it is asked to.</returns>
    internal Func<bool, float> Eager()
    {
        RawEager writer = new();
        nint x = Raw.Handle<float>(_input.Data, _input.Shape), labels = Raw.Handle<long>(_labels, _labels.Length);
        nint[][] variables = Variables(writer);
        RawModel<nint> model = new(writer, _layers, [.. _parameters.Select(parameter => parameter.Shape)], _input.Shape);
        nint zero = Raw.Handle<float>([0f]), beta1 = Raw.Handle<float>([(float)Beta1]), beta2 = Raw.Handle<float>([(float)Beta2]);
        nint[] parameters = new nint[variables.Length], gradients = new nint[variables.Length];
        double power1 = 1, power2 = 1;
        return read =>
        {
            for (int i = 0; i < parameters.Length; i++)
            {
                parameters[i] = writer.Op("ReadVariableOp"u8, variables[i][0]).Type("dtype"u8, 1).One();
            }

            nint loss = model.Train(x, labels, parameters, gradients);
            (power1, power2) = (power1 * Beta1, power2 * Beta2);
            double root = Math.Sqrt(1 - power2);
            nint rate = Raw.Handle<float>([(float)(Rate * root / (1 - power1))]), epsilon = Raw.Handle<float>([(float)(Epsilon * root)]);
            for (int i = 0; i < parameters.Length; i++)
            {
                // A snapshot that lives would make the update copy.
                writer.Free(parameters[i]);
                model.Update(variables[i], [zero, zero, rate, beta1, beta2, epsilon], gradients[i]);
            }

            writer.Free(rate).Free(epsilon);
            float value = read ? Raw.Read(loss) : 0;
            writer.Free(loss);
            return value;
        };
    }

    /// <summary>One function.</summary>
    /// <returns>A step, which reads the loss where it is asked to.</returns>
    internal unsafe Func<bool, float> Function()
    {
        RawEager eager = new();
        nint x = Raw.Handle<float>(_input.Data, _input.Shape), labels = Raw.Handle<long>(_labels, _labels.Length);
        nint[][] variables = Variables(eager);
        nint steps = Variable(eager, Raw.Handle<long>([0L]), 9);
        nint[] arguments = [x, labels, steps, .. variables.SelectMany(slots => slots)];
        byte[] name = [.. "raw_"u8, .. System.Text.Encoding.UTF8.GetBytes($"{Guid.NewGuid():N}"), 0];
        Build(name);

        // ConfigProto: experimental.executor_type.
        byte[] config = [0x82, 0x01, 26, 0x1a, 24, .. "SINGLE_THREADED_EXECUTOR"u8];
        byte[] kept = GC.AllocateArray<byte>(name.Length, pinned: true);
        name.CopyTo(kept, 0);
        return read =>
        {
            nint loss = eager.Op(kept, arguments).Text("config_proto"u8, config).One();
            float value = read ? Raw.Read(loss) : 0;
            eager.Free(loss);
            return value;
        };
    }

    private static (float[] Data, int[] Shape) Data(Tensor tensor) => (tensor.ToArray<float>(), tensor.Shape.AsSpan().ToArray());

    private static nint Variable(RawEager writer, nint value, int dtype, params ReadOnlySpan<int> shape)
    {
        nint variable = writer.Op("VarHandleOp"u8).Shape("shape"u8, shape).Type("dtype"u8, dtype)
            .Text("shared_name"u8, "cd2c89b7-88b7-44c8-ad83-06c2a9158347"u8).One();
        writer.Op("AssignVariableOp"u8, variable, value).Type("dtype"u8, dtype).Free(value).None();
        return variable;
    }

    private nint[][] Variables(RawEager writer) => [.. _parameters.Select(parameter => (nint[])[
        Variable(writer, Raw.Handle<float>(parameter.Data, parameter.Shape), 1, parameter.Shape),
        Variable(writer, Raw.Handle<float>(new float[parameter.Data.Length], parameter.Shape), 1, parameter.Shape),
        Variable(writer, Raw.Handle<float>(new float[parameter.Data.Length], parameter.Shape), 1, parameter.Shape)])];

    private unsafe void Build(byte[] name)
    {
        nint graph = Raw.TF_NewGraph();
        RawGraph writer = new(graph);
        TF_Output x = writer.Op("Placeholder"u8).Type("dtype"u8, 1).One(), labels = writer.Op("Placeholder"u8).Type("dtype"u8, 9).One();
        TF_Output steps = writer.Op("Placeholder"u8).Type("dtype"u8, 20).One();
        TF_Output[][] variables = [.. _parameters.Select(_ => (TF_Output[])[
            writer.Op("Placeholder"u8).Type("dtype"u8, 20).One(),
            writer.Op("Placeholder"u8).Type("dtype"u8, 20).One(),
            writer.Op("Placeholder"u8).Type("dtype"u8, 20).One()])];
        RawModel<TF_Output> model = new(writer, _layers, [.. _parameters.Select(parameter => parameter.Shape)], _input.Shape);
        TF_Output[] parameters = [.. variables.Select(slots => writer.Op("ReadVariableOp"u8, slots[0]).Type("dtype"u8, 1).One())];
        TF_Output[] gradients = new TF_Output[parameters.Length];
        TF_Output loss = model.Train(x, labels, parameters, gradients);

        TF_Output one = writer.Constant<long>([1L]), unit = writer.Constant<double>([1.0]), zero = writer.Constant<float>([0f]);
        TF_Output beta1 = writer.Constant<float>([(float)Beta1]), beta2 = writer.Constant<float>([(float)Beta2]);
        writer.Op("AssignAddVariableOp"u8, steps, one).Type("dtype"u8, 9).None();
        nint counted = writer.Last;
        TF_Output step = Cast(writer.Op("ReadVariableOp"u8, steps).After(counted).Type("dtype"u8, 9).One(), 2);
        TF_Output Bias(double beta) => writer.Op("Sub"u8, unit, writer.Op("Pow"u8, writer.Constant<double>([beta]), step).One()).One();
        TF_Output Cast(TF_Output value, int dtype) => writer.Op("Cast"u8, value).Type("DstT"u8, dtype).One();
        TF_Output root = writer.Op("Sqrt"u8, Bias(Beta2)).One();
        TF_Output scaled = writer.Op("Mul"u8, writer.Constant<double>([Rate]), root).One();
        TF_Output rate = Cast(writer.Op("RealDiv"u8, scaled, Bias(Beta1)).One(), 1);
        TF_Output epsilon = Cast(writer.Op("Mul"u8, writer.Constant<double>([Epsilon]), root).One(), 1);
        nint[] updates = new nint[parameters.Length + 1];
        updates[^1] = counted;
        for (int i = 0; i < parameters.Length; i++)
        {
            model.Update(variables[i], [zero, zero, rate, beta1, beta2, epsilon], gradients[i]);
            updates[i] = writer.Last;
        }

        TF_Output[] inputs = [x, labels, steps, .. variables.SelectMany(slots => slots)];
        nint function;
        fixed (byte* text = name)
        fixed (TF_Output* from = inputs)
        fixed (nint* controls = updates)
        {
            function = Raw.TF_GraphToFunctionWithControlOutputs(
                graph, text, 0, -1, null, inputs.Length, from, 1, &loss, null, updates.Length, controls, null, 0, null, Raw.Status);
        }

        Raw.Check();
        Raw.TFE_ContextAddFunction(Raw.Context, function, Raw.Status);
        Raw.Check();
        Raw.TF_DeleteFunction(function);
        Raw.TF_DeleteGraph(graph);
    }
}

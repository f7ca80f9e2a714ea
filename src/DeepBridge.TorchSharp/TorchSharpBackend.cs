using System.Runtime.InteropServices;

namespace DeepBridge.Torch;

/// <summary>
/// The backend on libtorch: <c>torch:cpu</c>, <c>torch:cuda:N</c> for each CUDA device, <c>torch:mps</c> on Apple silicon.
/// </summary>
public sealed partial class TorchSharpBackend : Backend
{
    private static readonly Lock s_lock = new();
    private static TorchSharpBackend? s_instance;
    private readonly TorchSharpOptions _options;
    private readonly Device[] _devices;
    private readonly Dictionary<Device, torch.Device> _natives = [];
    private readonly HashSet<int> _takesHalf = [];

    private TorchSharpBackend(TorchSharpOptions options)
    {
        _options = options;
        Add("torch:cpu", torch.CPU);
        bool hasCuda = torch.cuda.is_available();
        for (int i = 0; hasCuda && i < torch.cuda.device_count(); i++)
        {
            Add($"torch:cuda:{i}", new torch.Device(DeviceType.CUDA, i));
        }

        if (torch.mps_is_available())
        {
            Add("torch:mps", new torch.Device(DeviceType.MPS));
        }

        Configure(hasCuda);
        _devices = [.. _natives.Keys];
        ImplementElementwise();
        ImplementMovement();
        ImplementReductions();
        ImplementIndexing();
        ImplementProducts();
        ImplementWindows();
        ImplementNormalization();
        ImplementActivations();
        ImplementLosses();
        ImplementAttention();
        ImplementRandom();
        ImplementOptimizers();
    }

    /// <summary>
    /// Bytes of tensors that this backend made and that were not yet released; views are not counted. What was left to the
    /// garbage collector stays counted.
    /// </summary>
    public static long LiveBytes => TorchTensor.LiveBytes;

    /// <inheritdoc/>
    public override string Name => "torch";

    /// <inheritdoc/>
    public override IReadOnlyList<Device> Devices => _devices;

    /// <summary>
    /// Loads libtorch and makes its devices known. Doing so again with equal options, or with none, does nothing.
    /// </summary>
    /// <param name="options">How libtorch is set up; null: as <see cref="TorchSharpOptions"/> says by default.</param>
    /// <exception cref="BackendUnavailableException">libtorch does not load, or what the options ask for cannot be had.</exception>
    /// <exception cref="DeviceException">It was registered with other options.</exception>
    public static void Register(TorchSharpOptions? options = null)
    {
        lock (s_lock)
        {
            if (s_instance is null)
            {
                Natives.Load();
                s_instance = new TorchSharpBackend(options ?? new TorchSharpOptions());
            }
            else if (options is not null && options != s_instance._options)
            {
                throw new DeviceException($"The torch backend was registered with {s_instance._options}: they hold for the process.");
            }
        }

        Device.Register(s_instance);
    }

    /// <summary>Executes an op, holding its inputs until it is done: TorchSharp holds nothing during its native calls.</summary>
    /// <inheritdoc/>
    public override void Execute(Op op, in KernelCall call)
    {
        ReadOnlySpan<BackendTensor> inputs = call.Inputs;
        bool half = false;
        int held = 0;
        InferenceMode normal = InferenceMode.Leave();
        try
        {
            for (; held < inputs.Length; held++)
            {
                if (!call.IsDonated(held))
                {
                    inputs[held].Retain();
                }

                half |= inputs[held].Spec.DType.IsHalf();
            }

            if (half && !_takesHalf.Contains(op.Kind.Id))
            {
                Widen(op, call);
            }
            else
            {
                base.Execute(op, call);
            }
        }
        catch (ExternalException error)
        {
            throw Failed(op.Name, call.Device, error);
        }
        finally
        {
            while (--held >= 0)
            {
                if (!call.IsDonated(held))
                {
                    inputs[held].Release();
                }
                else
                {
                    GC.KeepAlive(inputs[held]);
                }
            }

            normal.Dispose();
        }
    }

    /// <inheritdoc/>
    protected override bool ChecksBounds(Device device) => _options.ChecksAtOnce ?? IsCpu(device);

    /// <summary>The device of a handle of the user's.</summary>
    /// <param name="tensor">The handle.</param>
    /// <exception cref="DeviceException">It lies on no device of this backend.</exception>
    internal static Device DeviceOf(Native tensor)
    {
        Register();

        // TorchSharp compares devices by reference.
        (DeviceType type, int index) = (tensor.device_type, Math.Max(tensor.device_index, 0));
        foreach ((Device device, torch.Device native) in s_instance!._natives)
        {
            if (native.type == type && Math.Max(native.index, 0) == index)
            {
                return device;
            }
        }

        throw new DeviceException($"A torch tensor on {type}:{index} lies on none of {string.Join(", ", s_instance.Devices)}.");
    }

    /// <summary>A scalar on a device.</summary>
    /// <param name="dtype">float32, float64 or int64.</param>
    /// <param name="device">The device.</param>
    /// <param name="value">The value.</param>
    /// <returns>A handle that no dispose scope owns.</returns>
    internal static Native Write(DType dtype, Device device, double value)
    {
        using InferenceMode normal = InferenceMode.Leave();
        using Number number = dtype == DType.Int64 ? ((long)value).ToScalar() : value.ToScalar();
        return torch.full([], number, dtype.ToTorch(), On(device)).DetachFromDisposeScope();
    }

    /// <summary>Gives an op a kernel that takes float16 and bfloat16 as they are; others compute in float32.</summary>
    private void ImplementAny<TOp>(Kernel<TOp> kernel, When<TOp>? when = null)
        where TOp : Op<TOp>
    {
        _takesHalf.Add(OpKind<TOp>.Instance.Id);
        Implement(kernel, when);
    }

    private void Widen(Op op, in KernelCall call)
    {
        BackendTensor[] inputs = call.Inputs.ToArray(), outputs = new BackendTensor[call.Outputs.Length];
        TensorSpec[] specs = call.OutputSpecs.ToArray();
        ulong donated = call.Donated;
        for (int i = 0; i < inputs.Length; i++)
        {
            if (inputs[i].Spec.DType.IsHalf())
            {
                inputs[i] = new TorchTensor(inputs[i].Spec.As(DType.Float32), call.Device, ((TorchTensor)inputs[i]).Value.to_type(ScalarType.Float32));
                donated |= i < 64 ? 1UL << i : 0;
            }
        }

        for (int i = 0; i < specs.Length; i++)
        {
            specs[i] = specs[i].DType.IsHalf() ? specs[i].As(DType.Float32) : specs[i];
        }

        try
        {
            base.Execute(op, new KernelCall(call.Device, inputs, specs, outputs, donated));
        }
        finally
        {
            for (int i = 0; i < inputs.Length; i++)
            {
                if (!ReferenceEquals(inputs[i], call.Inputs[i]))
                {
                    inputs[i].Release();
                }
            }
        }

        for (int i = 0; i < outputs.Length; i++)
        {
            if (ReferenceEquals(specs[i], call.OutputSpecs[i]))
            {
                call.Outputs[i] = outputs[i];
                continue;
            }

            call.Outputs[i] = new TorchTensor(call.OutputSpecs[i], call.Device, ((TorchTensor)outputs[i]).Value.to_type(call.OutputSpecs[i].DType.ToTorch()));
            outputs[i].Release();
        }
    }

    /// <summary>What a person is told; the rest of libtorch's message is the frames of its own code.</summary>
    private static EngineException Failed(string what, Device device, ExternalException error) =>
        new($"{what} on {device} failed in libtorch: {error.Message.Split('\n')[0]}", error);

    private static torch.Device On(Device device) => ((TorchSharpBackend)device.Backend)._natives[device];

    private static bool IsCpu(Device device) => On(device).type == DeviceType.CPU;

    private void Add(string name, torch.Device native) => _natives.Add(new Device(this, name), native);

    private void Configure(bool hasCuda)
    {
        if (_options.RequireCuda && !hasCuda)
        {
            throw Natives.NoCuda();
        }

        if (_options.Deterministic && hasCuda)
        {
            throw new BackendUnavailableException(
                Name, "TorchSharp cannot ask CUDA for deterministic algorithms. Hide the devices (CUDA_VISIBLE_DEVICES=-1), or leave Deterministic off.");
        }

        torch.set_num_threads(_options.Threads ?? Environment.ProcessorCount);
        if (_options.InteropThreads is { } interop)
        {
            torch.set_num_interop_threads(interop);
        }

        if (hasCuda)
        {
            torch.backends.cuda.matmul.allow_tf32 = _options.AllowTF32;
            torch.backends.cudnn.allow_tf32 = _options.AllowTF32;
        }
    }

    /// <summary>
    /// A user's inference mode on this thread would mark what is made in it for ever, and forbid to write into it later: it
    /// is left for the time of a call.
    /// </summary>
    private readonly struct InferenceMode(IDisposable? normal) : IDisposable
    {
        internal static InferenceMode Leave() => new(torch.is_inference_mode_enabled() ? torch.inference_mode(false) : null);

        public void Dispose() => normal?.Dispose();
    }
}

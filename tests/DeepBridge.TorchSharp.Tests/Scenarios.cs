using System.Diagnostics;
using DeepBridge.Backends;
using DeepBridge.Ops;
using DeepBridge.Optimizers;
using TorchSharp;

namespace DeepBridge.Torch.Tests;

/// <summary>What is run in a process of its own: each either ends quietly, throws, or takes the process down.</summary>
internal static class Scenarios
{
    /// <summary>
    /// What ends the process or arrives as C++ frames when TorchSharp is asked directly: mismatched shapes, a step of 0,
    /// numbers out of bounds, statistics of integers, gradients that do not exist.
    /// </summary>
    internal static void MistakesAreTyped()
    {
        TorchSharpBackend.Register();
        using AmbientChange device = Device.Use("torch:cpu");
        using TensorScope scope = new();
        Tensor x = Tensor.Ones([2, 3]), whole = Tensor.Ones([2, 3], DType.Int64);
        Refused<ShapeMismatchException>(() => x.MatMul(x));
        Refused<ShapeMismatchException>(() => new Layers.Linear(4, 2).Call(x));
        Refused<ShapeMismatchException>(() => x + Tensor.Ones([4]));
        Refused<ShapeMismatchException>(() => new Slice([0, 0], [2, 3], [1, 0]).Apply(x));
        Refused<ShapeMismatchException>(() => x.Reshape(7));
        Refused<ShapeMismatchException>(() => new Convolution(new Window([1, 1], [0, 0], [0, 0], [1, 1])).Apply(Tensor.Ones([1, 1, 2, 2]), Tensor.Ones([1, 1, 3, 3])));
        Refused<InvalidAttributeException>(() => new Convolution(new Window([0, 1], [0, 0], [0, 0], [1, 1])).Apply(Tensor.Ones([1, 1, 2, 2]), Tensor.Ones([1, 1, 1, 1])));
        Refused<DTypeMismatchException>(() => new Variance([0], false, 1).Apply(whole));
        Refused<DTypeMismatchException>(() => new Exp().Apply(whole));
        Refused<ValueOutOfBoundsException>(() => new Gather(0).Apply(x, Tensor.From([2L])));
        Refused<ValueOutOfBoundsException>(() => new Gather(0).Apply(x, Tensor.From([-1L])));
        Refused<ValueOutOfBoundsException>(() => new ScatterAdd(0, 2).Apply(x, Tensor.From([0L, 2L])));
        Refused<ValueOutOfBoundsException>(() => new OneHot(3, DType.Float32).Apply(Tensor.From([3L])));
        Refused<ValueOutOfBoundsException>(() => Loss.CrossEntropy(x, Tensor.From([0L, 3L])));
        Refused<ValueOutOfBoundsException>(() => whole.FloorDivide(whole * 0));
        Refused<ValueOutOfBoundsException>(() => whole % (whole * 0));
        Refused<GradientException>(() => Gradients.Of(x.Sum(), [x]));
        Refused<DTypeMismatchException>(() => whole.Track());
        Refused<DeviceException>(() => Device.Parse("torch:cuda:99"));

        // What a custom gradient over TorchSharp uses: an error of backward(inputs) can be caught, one of autograd.grad cannot.
        using torch.Tensor theirs = torch.ones(2, requires_grad: true), wrong = torch.ones(3), doubled = theirs.mul(theirs);
        Refused<System.Runtime.InteropServices.ExternalException>(() => torch.autograd.backward([doubled], [wrong], inputs: [theirs]));
        Tensor gone = Tensor.Ones([2]);
        gone.Dispose();
        Refused<TensorReleasedException>(() => gone.Exp());
        (x + x).ToArray<float>().Should().OnlyContain(value => value == 2);
    }

    /// <summary>A training step, numbers and exchange, while another thread collects and finalizes without a pause.</summary>
    internal static void ContinuousCollection()
    {
        TorchSharpBackend.Register();
        using AmbientChange device = Device.Use("torch:cpu");
        bool done = false;
        Thread collector = new(() =>
        {
            while (!Volatile.Read(ref done))
            {
                GC.Collect(0);
                GC.WaitForPendingFinalizers();
            }
        });
        collector.Start();
        RandomGenerator generator = new(3);
        using AmbientChange use = generator.Use();
        Layers.Sequential model = [new Layers.Conv2d(1, 4, 3), new Layers.BatchNorm(4), new Layers.Relu(), new Layers.Flatten(), new Layers.Dropout(0.2), new Layers.Linear(4 * 6 * 6, 5)];
        Adam optimizer = new(model, 1e-3);
        using Tensor images = Tensor.Uniform([4, 1, 8, 8]), labels = Tensor.From([0L, 1L, 2L, 3L]), three = Tensor.From([3f, 3f]);
        int wrong = 0;
        for (int step = 0; step < 200; step++)
        {
            using TensorScope scope = new();
            if (step % 10 == 0)
            {
                optimizer.Step(Gradients.Of(Loss.CrossEntropy(model.Call(images), labels), model.Parameters));
            }

            double number = 1 + (step * 0.5);
            wrong += ((three * number) + 1.5).ToArray<float>()[0] == (float)((3 * number) + 1.5) ? 0 : 1;
            wrong += three.Abs().Max().Item<float>() == 3 ? 0 : 1;
            wrong += new LeakyRelu(number).Apply(-three).ToArray<float>()[1] == (float)(-3 * number) ? 0 : 1;
            using torch.Tensor raw = TorchTensors.Unwrap(three + 1);
            wrong += TorchTensors.Wrap(raw).ToArray<float>()[1] == 4 ? 0 : 1;
        }

        Volatile.Write(ref done, true);
        collector.Join();
        wrong.Should().Be(0);
    }

    /// <summary>MinValue / −1 is a trap of the processor, which libtorch steps into.</summary>
    internal static void Division()
    {
        TorchSharpBackend.Register();
        using AmbientChange device = Device.Use("torch:cpu");
        using TensorScope scope = new();
        Tensor x = Tensor.From([long.MinValue, -7L, 7L]), y = Tensor.From([int.MinValue, -7, 7]);
        x.FloorDivide(Tensor.From([-1L])).ToArray<long>().Should().Equal(long.MinValue, 7, -7);
        (x % Tensor.From([-1L])).ToArray<long>().Should().Equal(0, 0, 0);
        y.FloorDivide(Tensor.From([-1])).ToArray<int>().Should().Equal(int.MinValue, 7, -7);
        (y % Tensor.From([-1])).ToArray<int>().Should().Equal(0, 0, 0);
    }

    /// <summary>Tensors that belong to nobody and are released by nobody: the collector is told of their memory and comes.</summary>
    internal static void NobodyReleases()
    {
        TorchSharpBackend.Register();
        Device device = "torch:cpu";
        const int Bytes = 4 << 20;
        long before = Process.GetCurrentProcess().WorkingSet64, highest = 0;
        for (int i = 0; i < 400; i++)
        {
            Tensor.Full([Bytes / 4], i + 0.5, DType.Float32, device);
            highest = i % 10 != 0 ? highest : Math.Max(highest, Environment.WorkingSet - before);
        }

        // Kept, they would be 1,600 MiB.
        highest.Should().BeLessThan(800L << 20);
    }

    /// <summary>What only libtorch can find out: one typed error with the op's name and without C++ frames; nothing is left behind.</summary>
    internal static void NoMemoryLeft()
    {
        TorchSharpBackend.Register();
        using AmbientChange device = Device.Use("torch:cpu");
        using Tensor one = Tensor.Ones([1, 1]), wide = one.Expand([1 << 24, 1 << 24]);
        using TensorScope scope = new();
        Tensor row = Tensor.Ones([1 << 24]), column = row.Reshape(-1, 1);
        (long Live, long Handles, long Bytes) before = (Memory.LiveTensors.Count, torch.Tensor.TotalCount, TorchSharpBackend.LiveBytes);

        // 2⁵⁰ bytes: more than an address has bits for.
        EngineException error = FluentActions.Invoking(() => column + row).Should().ThrowExactly<EngineException>().Which;
        error.Message.Should().Contain("Add on torch:cpu").And.NotContain("\n").And.NotContain("frame #");
        (Memory.LiveTensors.Count, torch.Tensor.TotalCount, TorchSharpBackend.LiveBytes).Should().Be(before);

        // A view of one element is small; what copies it is told no, wherever it does so.
        BackendTensor data = BackendTensor.Of(wide);
        FluentActions.Invoking(() => data.Device.Backend.Export(data, new byte[4])).Should().ThrowExactly<EngineException>().WithMessage("Reading data out*torch:cpu*");
        data.Release();
        FluentActions.Invoking(() => wide.Read<float>(_ => { })).Should().ThrowExactly<ShapeMismatchException>().WithMessage("*bytes*");
        FluentActions.Invoking(() => wide.ToArray<float>()).Should().ThrowExactly<ShapeMismatchException>();
        using torch.Tensor theirs = torch.ones(1).expand(1L << 32);
        FluentActions.Invoking(() => TorchTensors.Wrap(theirs)).Should().ThrowExactly<ShapeMismatchException>();
        (row + row)[..2].ToArray<float>().Should().Equal(2, 2);
    }

    /// <summary>No libtorch: one typed error that says what to add.</summary>
    internal static void WithoutNatives()
    {
        BackendUnavailableException error = FluentActions.Invoking(() => TorchSharpBackend.Register()).Should().Throw<BackendUnavailableException>().Which;
        error.Backend.Should().Be("torch");
        error.Message.Should().Contain("LibTorchSharp").And.Contain(AppContext.BaseDirectory).And.Contain("TorchSharp-cpu").And.Contain("TorchSharp-cuda-linux");
        FluentActions.Invoking(() => TorchSharpBackend.Register()).Should().Throw<BackendUnavailableException>("a second try is told the same");
        FluentActions.Invoking(() => Device.Parse("torch:cpu")).Should().Throw<DeviceException>();
    }

    /// <summary>CUDA asked for where there is none.</summary>
    internal static void WithoutCuda()
    {
        if (!torch.cuda.is_available())
        {
            FluentActions.Invoking(() => TorchSharpBackend.Register(new TorchSharpOptions { RequireCuda = true }))
                .Should().Throw<BackendUnavailableException>().WithMessage("*CUDA*");
            TorchSharpBackend.Register(new TorchSharpOptions { Deterministic = true });
        }
        else
        {
            FluentActions.Invoking(() => TorchSharpBackend.Register(new TorchSharpOptions { Deterministic = true })).Should().Throw<BackendUnavailableException>();
            TorchSharpBackend.Register(new TorchSharpOptions { RequireCuda = true });
            torch.backends.cuda.matmul.allow_tf32.Should().BeFalse();
        }
    }

    /// <summary>Options hold for the process.</summary>
    internal static void Options()
    {
        TorchSharpOptions options = new() { Threads = 3, InteropThreads = 2 };
        TorchSharpBackend.Register(options);
        torch.get_num_threads().Should().Be(3);
        torch.get_num_interop_threads().Should().Be(2);
        TorchSharpBackend.Register();
        TorchSharpBackend.Register(options with { });
        FluentActions.Invoking(() => TorchSharpBackend.Register(new TorchSharpOptions())).Should().Throw<DeviceException>();
    }

    /// <summary>As on CUDA: bad values are harmless, and the error comes with the next look.</summary>
    internal static void Deferred()
    {
        TorchSharpBackend.Register(new TorchSharpOptions { ChecksAtOnce = false });
        using AmbientChange device = Device.Use(torch.cuda.is_available() ? "torch:cuda:0" : "torch:cpu");
        using TensorScope scope = new();
        Layers.Sequential model = [new Layers.Embedding(5, 4), new Layers.Linear(4, 3)];
        Adam optimizer = new(model, 1e-3);
        foreach (long label in new long[] { 2, 3 })
        {
            Tensor loss = Loss.CrossEntropy(model.Call(Tensor.From([0L, 4L])), Tensor.From([1L, label]));
            optimizer.Step(Gradients.Of(loss, model.Parameters));
            if (label == 2)
            {
                loss.Item().Should().BePositive();
            }
            else
            {
                FluentActions.Invoking(() => loss.Item()).Should().Throw<ValueOutOfBoundsException>().WithMessage("*CrossEntropy*3*");
            }
        }

        Tensor divisor = Tensor.From([0L]), quotient = Tensor.From([7L]) % divisor;
        FluentActions.Invoking(() => quotient.ToArray<long>()).Should().Throw<ValueOutOfBoundsException>();
        quotient.ToArray<long>().Should().Equal(0L);
    }

    private static void Refused<T>(Action act)
        where T : Exception => act.Should().ThrowExactly<T>();

    private static void Refused<T>(Func<object> act)
        where T : Exception => act.Should().ThrowExactly<T>();
}

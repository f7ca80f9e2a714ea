using BenchmarkDotNet.Attributes;
using DeepBridge.Cpu;
using DeepBridge.Optimizers;
using Digits;

namespace DeepBridge.Benchmarks;

/// <summary>One op on sixteen floats, recorded: what the library itself costs.</summary>
[MemoryDiagnoser]
public class TinyAdd
{
    private const int Ops = 1000;
    private readonly Tensor _a = Tensor.Uniform([16]).Track(), _b = Tensor.Uniform([16]);

    /// <summary>a + b with autograd, released by a scope.</summary>
    [Benchmark(OperationsPerInvoke = Ops)]
    public void Run()
    {
        using TensorScope scope = new();
        for (int i = 0; i < Ops; i++)
        {
            _ = _a + _b;
        }
    }
}

/// <summary>Square matrices on one thread.</summary>
[MemoryDiagnoser]
public class MatMul
{
    private Tensor _left = null!, _right = null!;

    /// <summary>Rows and columns.</summary>
    [Params(64, 128, 256, 512, 1024)]
    public int Size { get; set; }

    /// <summary>Makes the matrices.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        Workers.Limit = 1;
        (_left, _right) = (Tensor.Uniform([Size, Size]), Tensor.Uniform([Size, Size]));
    }

    /// <summary>Gives the threads back.</summary>
    [GlobalCleanup]
    public void CleanUp() => Workers.Limit = Environment.ProcessorCount;

    /// <summary>One product.</summary>
    [Benchmark]
    public void Run() => _left.MatMul(_right).Dispose();
}

/// <summary>A training step of the sample's models: forward, gradients, Adam; batch 32.</summary>
[MemoryDiagnoser]
public class DigitsStep
{
    private readonly Tensor _images = Tensor.Uniform([32, 1, 8, 8]), _labels = Tensor.Arange(32) % 10;
    private Module<Tensor, Tensor> _model = null!;
    private Optimizer _optimizer = null!;

    /// <summary>Which model.</summary>
    [Params("mlp", "cnn")]
    public string Model { get; set; } = "mlp";

    /// <summary>Makes the model.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        _model = Model == "mlp" ? new Mlp() : new Cnn();
        _optimizer = new Adam(_model, 1e-3);
    }

    /// <summary>One step.</summary>
    [Benchmark]
    public void Run()
    {
        using TensorScope scope = new();
        Tensor loss = Loss.CrossEntropy(_model.Call(_images), _labels);
        _optimizer.Step(Gradients.Of(loss, _model.Parameters));
    }
}

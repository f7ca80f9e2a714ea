// The count of live tensors is one for the process, so tests that assert it must run alone.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace DeepBridge.Tests;

/// <summary>A file that is not there yet, in a folder of its own that goes with this object.</summary>
internal sealed class TemporaryFile : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("deepbridge-");

    public string Path => System.IO.Path.Combine(_folder.FullName, "file.safetensors");

    public string[] Neighbours => Directory.GetFiles(_folder.FullName);

    public void Dispose() => _folder.Delete(recursive: true);
}

/// <summary>The smallest module with a parameter: x · w.</summary>
internal sealed partial class Scale(int size = 2) : Module<Tensor, Tensor>
{
    private readonly Parameter _weight = new(Tensor.Ones([size]));

    public Parameter Weight => _weight;

    protected override Tensor Forward(Tensor x) => x * _weight.Value;
}

/// <summary>Two scales, a running mean, and a step count.</summary>
internal sealed partial class Tower : Module<Tensor, Tensor>
{
    private readonly List<Scale> _layers = [new(), new()];
    private readonly Variable _runningMean = new(Tensor.Zeros([2]));
    private readonly Variable _numBatches = new(Tensor.Zeros([], DType.Int64));

    public IReadOnlyList<Scale> Layers => _layers;

    public Variable RunningMean => _runningMean;

    protected override Tensor Forward(Tensor x)
    {
        foreach (Scale layer in _layers)
        {
            x = layer.Call(x).Relu();
        }

        _runningMean.Assign(((_runningMean.Value * 0.9) + (x.Sum(0) * 0.1)).Detach());
        _numBatches.Assign(_numBatches.Value + 1);
        return x - _runningMean.Value;
    }
}

using DeepBridge.Layers;

namespace DeepBridge.Tests.MixedPrecision;

/// <summary>What the tests of mixed precision share: they run on every registered device.</summary>
internal static class Devices
{
    public static TheoryData<string, Precision> Low()
    {
        TheoryData<string, Precision> data = [];
        foreach (Device device in Device.All)
        {
            data.Add(device.Name, Precision.BFloat16);
            data.Add(device.Name, Precision.Float16);
        }

        return data;
    }

    public static TheoryData<string> All() => [.. Device.All.Select(device => device.Name)];

    public static DType DType(this Precision precision) => precision switch
    {
        Precision.BFloat16 => DeepBridge.DType.BFloat16,
        Precision.Float16 => DeepBridge.DType.Float16,
        _ => DeepBridge.DType.Float32,
    };

    /// <summary>Eight times the unit roundoff: the roundings of a few layers, forward and back, without cancellation.</summary>
    public static double Tolerance(this Precision precision) => 8 * (precision == Precision.BFloat16 ? Math.Pow(2, -8) : Math.Pow(2, -11));

    public static double Norm(Tensor tensor) => Math.Sqrt(tensor.Cast(DeepBridge.DType.Float64).SquaredNorm().Item());

    public static void ShouldBeNear(this Tensor actual, Tensor expected, Precision precision) =>
        Norm(actual.Cast(DeepBridge.DType.Float64) - expected.Cast(DeepBridge.DType.Float64))
            .Should().BeLessThanOrEqualTo(precision.Tolerance() * Norm(expected));

    public static byte[][] Bytes(IEnumerable<Variable> variables) => [.. variables.Select(variable =>
    {
        byte[] bytes = [];
        variable.Value.ReadBytes(read => bytes = read.ToArray());
        return bytes;
    })];
}

/// <summary>Each class of op once, and smooth, so that rounding turns nothing over: convolution, norm, GELU, pooling, linear.</summary>
internal sealed partial class SmoothNet : Module<Tensor, Tensor>
{
    private readonly Conv2d _conv = new(2, 4, 3);
    private readonly BatchNorm _norm = new(4);
    private readonly LayerNorm _scale = new(16);
    private readonly DeepBridge.Layers.Linear _head = new(16, 3);

    protected override Tensor Forward(Tensor x) =>
        _head.Call(_scale.Call(_norm.Call(_conv.Call(x)).Gelu().AveragePool([2, 2]).Flatten(1)));
}

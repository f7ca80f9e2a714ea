#if TORCHSHARP
using DeepBridge.Torch;
#endif
#if TENSORFLOW
using DeepBridge.TensorFlow;
#endif

namespace Samples;

/// <summary>The engines that this build could have.</summary>
internal static class Engines
{
    /// <summary>Registers the engine of a device; loading its native libraries takes a moment, so only that one.</summary>
    /// <param name="device">A device's name, such as "torch:cpu".</param>
    internal static void Register(string device)
    {
#if TORCHSHARP
        if (device.StartsWith("torch", StringComparison.OrdinalIgnoreCase))
        {
            TorchSharpBackend.Register();
        }
#endif
#if TENSORFLOW
        if (device.StartsWith("tensorflow", StringComparison.OrdinalIgnoreCase))
        {
            TensorFlowBackend.Register();
        }
#endif
    }
}

#if TORCHSHARP
using DeepBridge.Engines.Benchmarks.Torch;
#endif
#if TENSORFLOW
using DeepBridge.Engines.Benchmarks.TensorFlow;
#endif

int threads = args.Length > 0 ? int.Parse(args[0], System.Globalization.CultureInfo.InvariantCulture) : 1;
string? only = args.Length > 1 ? args[1] : null;
Console.WriteLine($".NET {Environment.Version}, {Environment.ProcessorCount} cores");
Console.WriteLine("| a training step | by | µs | ratio | processor, µs | ratio |");
Console.WriteLine("|---|---|---|---|---|---|");
#if TORCHSHARP
if (only is null or "torch")
{
    TorchBenchmarks.Run(threads);
}
#else
Console.WriteLine("TorchSharp was not built in.");
#endif
#if TENSORFLOW
if (only is null or "tensorflow")
{
    TensorFlowBenchmarks.Run(threads);
}
#else
Console.WriteLine("TensorFlow was not built in.");
#endif

#if TORCHSHARP
using DeepBridge.Engines.Benchmarks.Torch;
#endif
#if TENSORFLOW
using DeepBridge.Engines.Benchmarks.TensorFlow;
#endif

int threads = args.Length > 0 ? int.Parse(args[0], System.Globalization.CultureInfo.InvariantCulture) : 1;
Console.WriteLine($".NET {Environment.Version}, {Environment.ProcessorCount} cores");
Console.WriteLine("| a training step | by | µs | ratio |");
Console.WriteLine("|---|---|---|---|");
#if TORCHSHARP
TorchBenchmarks.Run(threads);
#else
Console.WriteLine("TorchSharp was not built in.");
#endif
#if TENSORFLOW
TensorFlowBenchmarks.Run(threads);
#else
Console.WriteLine("TensorFlow was not built in.");
#endif

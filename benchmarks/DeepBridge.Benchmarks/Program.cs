using System.Globalization;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using DeepBridge.Benchmarks;

if (args is ["trainer"])
{
    await TrainerCost.RunAsync();
    return;
}

// The peer is measured before and after, and the better figure counts: machines are shared and noisy.
Peer? one = Peer.Measure(1), two = Peer.Measure(2);
IConfig config = ManualConfig.Create(DefaultConfig.Instance)
    .AddJob(Job.ShortRun.WithIterationCount(9).WithToolchain(InProcessEmitToolchain.Instance))
    .WithOptions(ConfigOptions.DisableOptimizationsValidator);
Summary[] summaries = BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args.Length == 0 ? ["--filter", "*"] : args, config).ToArray();
if (one is not null)
{
    one = Peer.Better(one, Peer.Measure(1)!);
    two = Peer.Better(two!, Peer.Measure(2)!);
}

Console.WriteLine();
Console.WriteLine(one is null ? "No PyTorch here: nothing to compare with." : $"Peer: {one.Description}; its own 1024 matmul on one thread: {one.Nanoseconds["MatMul 1024"] / 1e6:F1} ms");
Console.WriteLine("| workload | ours, µs | peer, µs | ours / peer | bytes allocated |");
Console.WriteLine("|---|---|---|---|---|");
foreach (BenchmarkReport report in summaries.SelectMany(summary => summary.Reports).Where(report => report.ResultStatistics is not null))
{
    string type = report.BenchmarkCase.Descriptor.Type.Name;
    string name = string.Join(' ', [type, .. report.BenchmarkCase.Parameters.Items.Select(item => $"{item.Value}")]);
    double ours = report.ResultStatistics!.Median / 1000;
    // A product is compared on one thread; the rest with the better of one and two, which is what a user would get.
    double? peer = one is null ? null : (type == nameof(MatMul) ? one : Peer.Better(one, two!)).Nanoseconds[name] / 1000;
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"| {name} | {ours:F3} | {peer:F3} | {ours / peer:F2} | {report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase)} |"));
}

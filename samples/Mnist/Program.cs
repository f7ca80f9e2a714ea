using System.CommandLine;
using Mnist;
using Samples;

Option<DirectoryInfo?> data = new("--data") { Description = "A folder with MNIST's four files, gzipped or not; without it most of the test images are trained on." };
Option<string> device = CommandLine.Device();
Option<int> epochs = new("--epochs") { Description = "Passes over the training images.", DefaultValueFactory = _ => 3 };
Option<int?> steps = new("--steps") { Description = "Ends after so many steps." };
Option<long> seed = CommandLine.Seed();
Option<int> workers = new("--workers") { Description = "How many workers make batches ahead of time.", DefaultValueFactory = _ => 1 };
Option<bool> compile = CommandLine.Compile();
Option<DirectoryInfo?> checkpoint = CommandLine.Checkpoint();
Option<bool> resume = CommandLine.Resume();
RootCommand command = new("Learns to read handwritten digits of 28 by 28 pixels.") { data, device, epochs, steps, seed, workers, compile, checkpoint, resume };
command.SetAction((arguments, _) => Run.StartAsync(new Settings(
    arguments.GetValue(data)?.FullName,
    arguments.GetValue(device)!,
    arguments.GetValue(epochs),
    arguments.GetValue(steps),
    arguments.GetValue(seed),
    arguments.GetValue(workers),
    arguments.GetValue(compile),
    arguments.GetValue(checkpoint)?.FullName,
    arguments.GetValue(resume))));
return CommandLine.Run(command, args);

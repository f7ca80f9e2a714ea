using System.CommandLine;
using Digits;
using Samples;

Option<string> device = CommandLine.Device();
Option<int> epochs = new("--epochs") { Description = "Passes over the training rows.", DefaultValueFactory = _ => Settings.DefaultEpochs };
Option<long> seed = CommandLine.Seed();
Option<string> model = new("--model") { Description = "mlp or cnn.", DefaultValueFactory = _ => "cnn" };
Option<FileInfo?> save = new("--save") { Description = "Writes the weights to a safetensors file." };
Option<FileInfo?> load = new("--load") { Description = "Reads the weights from a safetensors file and skips training." };
Option<FileInfo?> predict = new("--predict") { Description = "Prints a digit for each row of a CSV file of 64 pixels (a 65th column is ignored)." };
Option<bool> compile = CommandLine.Compile();
Option<DirectoryInfo?> checkpoint = CommandLine.Checkpoint();
Option<bool> resume = CommandLine.Resume();
RootCommand command = new("Learns to read handwritten digits of 8 by 8 pixels.") { device, epochs, seed, model, save, load, predict, compile, checkpoint, resume };
command.SetAction((arguments, _) => Run.StartAsync(new Settings(
    arguments.GetValue(device)!,
    arguments.GetValue(epochs),
    arguments.GetValue(seed),
    arguments.GetValue(model)!,
    arguments.GetValue(save)?.FullName,
    arguments.GetValue(load)?.FullName,
    arguments.GetValue(predict)?.FullName,
    arguments.GetValue(compile),
    arguments.GetValue(checkpoint)?.FullName,
    arguments.GetValue(resume))));
return CommandLine.Run(command, args);

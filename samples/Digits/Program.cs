using System.CommandLine;
using DeepBridge;
using Digits;

Option<string> device = new("--device") { Description = "Where to train: cpu, or a device of a backend that was built in.", DefaultValueFactory = _ => Device.Default.Name };
Option<int> epochs = new("--epochs") { Description = "Passes over the training rows.", DefaultValueFactory = _ => Settings.DefaultEpochs };
Option<long> seed = new("--seed") { Description = "The seed of the weights, the order and dropout.", DefaultValueFactory = _ => 0 };
Option<string> model = new("--model") { Description = "mlp or cnn.", DefaultValueFactory = _ => "cnn" };
Option<FileInfo?> save = new("--save") { Description = "Writes the weights to a safetensors file." };
Option<FileInfo?> load = new("--load") { Description = "Reads the weights from a safetensors file and skips training." };
Option<FileInfo?> predict = new("--predict") { Description = "Prints a digit for each row of a CSV file of 64 pixels (a 65th column is ignored)." };
RootCommand command = new("Learns to read handwritten digits of 8 by 8 pixels.") { device, epochs, seed, model, save, load, predict };
command.SetAction(arguments => Run.Start(new Settings(
    arguments.GetValue(device)!,
    arguments.GetValue(epochs),
    arguments.GetValue(seed),
    arguments.GetValue(model)!,
    arguments.GetValue(save)?.FullName,
    arguments.GetValue(load)?.FullName,
    arguments.GetValue(predict)?.FullName)));

ParseResult parsed = command.Parse(args);
if (parsed.Errors.Count > 0)
{
    return Fail(parsed.Errors[0].Message);
}

try
{
    return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (Exception error) when (error is DeepBridgeException or IOException or UnauthorizedAccessException or InvalidInputException)
{
    return Fail(error.Message);
}

static int Fail(string message)
{
    Console.Error.WriteLine(message.ReplaceLineEndings(" "));
    return 2;
}

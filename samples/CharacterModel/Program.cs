using System.CommandLine;
using CharacterModel;
using Samples;

Option<FileInfo?> text = new("--text") { Description = "The text to learn from, UTF-8; without it some plays of Shakespeare." };
Option<string> device = CommandLine.Device();
Option<int> steps = new("--steps") { Description = "Steps of training, counted from the start of the run.", DefaultValueFactory = _ => Settings.DefaultSteps };
Option<long> seed = CommandLine.Seed();
Option<bool> compile = CommandLine.Compile();
Option<DirectoryInfo?> checkpoint = CommandLine.Checkpoint();
Option<bool> resume = CommandLine.Resume();
Option<int> generate = new("--generate") { Description = "Writes so many characters with the model of the newest checkpoint, without training." };
Option<string?> prompt = new("--prompt") { Description = "What the written text begins with." };
RootCommand command = new("Learns to write, character by character, from a text.") { text, device, steps, seed, compile, checkpoint, resume, generate, prompt };
command.SetAction((arguments, _) => Run.StartAsync(new Settings(
    arguments.GetValue(text)?.FullName,
    arguments.GetValue(device)!,
    arguments.GetValue(steps),
    arguments.GetValue(seed),
    arguments.GetValue(compile),
    arguments.GetValue(checkpoint)?.FullName,
    arguments.GetValue(resume),
    arguments.GetResult(generate) is null ? null : arguments.GetValue(generate),
    arguments.GetValue(prompt))));
return CommandLine.Run(command, args);

using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace DeepBridge.Checkpoints;

/// <summary>
/// A saved state of a run: a folder with one safetensors file for each section and a page, <c>manifest.json</c>, that
/// names their sizes and hashes. <see cref="Module.Load"/> takes the folder too, for the weights alone.
/// </summary>
public sealed class Checkpoint
{
    private const string Prefix = "step-";

    private readonly CheckpointManifest? _manifest;
    private readonly FileFormatException? _damage;

    private Checkpoint(string path, long step, int copy)
    {
        (Path, Step, Copy) = (path, step, copy);
        try
        {
            CheckpointManifest manifest = CheckpointManifest.Read(System.IO.Path.Combine(path, CheckpointManifest.FileName));
            _manifest = manifest.Step == step ? manifest : throw new FileFormatException(
                $"'{path}' is damaged: its manifest is of step {manifest.Step}.");
        }
        catch (FileFormatException error)
        {
            _damage = error;
        }
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>Steps made when it was saved.</summary>
    public long Step { get; }

    /// <summary>Whether its manifest cannot be read; the other files are checked when they are loaded.</summary>
    public bool IsDamaged => _damage is not null;

    /// <summary>Epochs finished when it was saved.</summary>
    /// <exception cref="FileFormatException">The checkpoint is damaged.</exception>
    public long Epoch => Manifest.Epoch;

    /// <summary>When it was saved.</summary>
    /// <exception cref="FileFormatException">The checkpoint is damaged.</exception>
    public DateTimeOffset Created => Manifest.Created;

    /// <summary>What the run had measured, by name.</summary>
    /// <exception cref="FileFormatException">The checkpoint is damaged.</exception>
    public IReadOnlyDictionary<string, double> Scores => Manifest.Scores;

    /// <summary>The names of the sections.</summary>
    /// <exception cref="FileFormatException">The checkpoint is damaged.</exception>
    public IReadOnlyCollection<string> Sections => Manifest.Sections.Keys;

    /// <summary>A copy of the small values.</summary>
    /// <exception cref="FileFormatException">The checkpoint is damaged.</exception>
    public JsonObject Values => Manifest.Values.DeepClone().AsObject();

    /// <summary>Which of several of one step; the last one counts.</summary>
    internal int Copy { get; }

    private CheckpointManifest Manifest => _manifest ?? throw new FileFormatException(_damage!.Message, _damage);

    /// <summary>
    /// Loads everything into a state: each variable stays on its device, whatever it was saved on. Sizes, hashes, keys,
    /// shapes and dtypes are checked before anything is assigned.
    /// </summary>
    /// <param name="state">The state; its step, epoch and values become the checkpoint's.</param>
    /// <exception cref="FileFormatException">The checkpoint is damaged; nothing was changed.</exception>
    /// <exception cref="ModuleException">Sections, keys, shapes or dtypes are not the state's; nothing was changed.</exception>
    /// <exception cref="IOException">A file cannot be read; nothing was changed.</exception>
    public void Load(TrainingState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        CheckpointManifest manifest = Manifest;
        string[] missing = [.. state.Sections.Keys.Except(manifest.Sections.Keys)], unexpected = [.. manifest.Sections.Keys.Except(state.Sections.Keys)];
        if (missing.Length + unexpected.Length > 0)
        {
            throw new ModuleException($"'{Path}' has not the sections of the state; nothing was changed. "
                + $"Missing: {string.Join(", ", missing)}. Unexpected: {string.Join(", ", unexpected)}.");
        }

        List<(StateSection Section, WeightsFile File)> opened = [];
        try
        {
            foreach ((string name, StateSection section) in state.Sections)
            {
                opened.Add((section, Open(name, manifest.Sections[name])));
                if (section.Check(opened[^1].File) is { IsComplete: false } report)
                {
                    throw new ModuleException($"Section '{name}' of '{Path}' does not fit; nothing was changed.\n{report}");
                }
            }

            opened.ForEach(pair => pair.Section.Offer(pair.File));
            opened.ForEach(pair => pair.Section.Assign(pair.File));
            (state.Step, state.Epoch, state.Values) = (manifest.Step, manifest.Epoch, Values);
        }
        finally
        {
            opened.ForEach(pair => pair.File.Dispose());
        }
    }

    /// <summary>The name of a checkpoint's folder; names of one length sort by step.</summary>
    internal static string Name(long step, int copy) =>
        string.Create(CultureInfo.InvariantCulture, $"{Prefix}{step:D8}{(copy == 0 ? "" : $"-{copy}")}");

    /// <summary>Reads the manifest of a folder; null for a folder that is not named like a checkpoint.</summary>
    internal static Checkpoint? Find(string path)
    {
        string name = System.IO.Path.GetFileName(path);
        string[] parts = name.StartsWith(Prefix, StringComparison.Ordinal) ? name[Prefix.Length..].Split('-') : [];
        int copy = 0;
        return parts.Length is 1 or 2
            && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out long step)
            && (parts.Length == 1 || int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out copy))
            && name == Name(step, copy)
                ? new Checkpoint(path, step, copy)
                : null;
    }

    /// <summary>The file of a section.</summary>
    internal static string FileName(string section) => section + ".safetensors";

    private SafetensorsFile Open(string section, SectionFile expected)
    {
        string path = System.IO.Path.Combine(Path, FileName(section));
        try
        {
            using (FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1))
            {
                if (stream.Length != expected.Bytes || Convert.ToHexStringLower(SHA256.HashData(stream)) != expected.Sha256)
                {
                    throw new FileFormatException($"'{path}' is damaged: it is not what was written.");
                }
            }

            SafetensorsFile file = SafetensorsFile.Open(path);
            foreach (string key in file.Specs.Keys)
            {
                file.Verify(key);
            }

            return file;
        }
        catch (FileNotFoundException error)
        {
            throw new FileFormatException($"'{Path}' is damaged: '{FileName(section)}' is missing.", error);
        }
    }
}

using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace DeepBridge.Checkpoints;

/// <summary>Which checkpoints stay when a new one is saved; one stays if any rule keeps it. The newest always does.</summary>
public sealed record CheckpointRetention
{
    /// <summary>How many of the newest stay, at least 1.</summary>
    public int Last { get; init; } = 3;

    /// <summary>The score by which the best stay, such as <c>validation_loss</c>; null: no rule.</summary>
    public string? BestBy { get; init; }

    /// <summary>Whether a higher score is better.</summary>
    public bool HighestIsBest { get; init; }

    /// <summary>How many of the best stay.</summary>
    public int Best { get; init; } = 1;

    /// <summary>Those whose step is a multiple of this stay; 0: no rule.</summary>
    public long EverySteps { get; init; }
}

/// <summary>
/// The checkpoints of one run in one folder. A new one is written into a folder beside the others, flushed to the disk,
/// and takes its name in one rename: a program killed at any moment leaves whole checkpoints only.
/// </summary>
/// <param name="directory">The folder; it is made when the first checkpoint is saved.</param>
/// <param name="retention">Which ones stay; null: the newest three.</param>
/// <exception cref="ArgumentOutOfRangeException">A number of the retention is below its least.</exception>
public sealed class CheckpointStore(string directory, CheckpointRetention? retention = null)
{
    private const string Temporary = ".tmp-";

    private readonly string _directory = Path.GetFullPath(directory);
    private readonly CheckpointRetention _retention = Valid(retention ?? new CheckpointRetention());

    /// <summary>The folder.</summary>
    public string Directory => _directory;

    /// <summary>Called before each change of the disk with its name, for tests that let it fail there.</summary>
    internal Action<string>? BeforeChange { get; init; }

    /// <summary>The checkpoints that are there, damaged ones included, by step. What a killed program left is passed over.</summary>
    /// <returns>The checkpoints; the newest is the last.</returns>
    public IReadOnlyList<Checkpoint> List() =>
    [
        .. All().GroupBy(checkpoint => checkpoint.Step).Select(copies => copies.MaxBy(checkpoint => checkpoint.Copy)!)
            .OrderBy(checkpoint => checkpoint.Step),
    ];

    /// <summary>The checkpoint with the highest step.</summary>
    /// <returns>The checkpoint, or null where there is none; it may be damaged.</returns>
    public Checkpoint? Latest() => List().LastOrDefault();

    /// <summary>The checkpoint with the best score; of equals the newest. Damaged ones and those without the score, or with NaN, do not count.</summary>
    /// <param name="score">The score.</param>
    /// <param name="highest">Whether the highest is best; otherwise the lowest.</param>
    /// <returns>The checkpoint, or null where none has the score.</returns>
    public Checkpoint? Best(string score, bool highest = false) => Ranked(List(), score, highest).FirstOrDefault();

    /// <summary>Saves a state. What stood before is not touched until the new checkpoint is whole.</summary>
    /// <param name="state">The state.</param>
    /// <param name="scores">What the run has measured, by name; retention and <see cref="Best"/> go by them.</param>
    /// <returns>The new checkpoint.</returns>
    /// <exception cref="ArgumentException">A value is not finite, the step is negative, or a key is not valid.</exception>
    /// <exception cref="IOException">The disk refuses, or another program saves into this folder right now.</exception>
    public Checkpoint Save(TrainingState state, IReadOnlyDictionary<string, double>? scores = null)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentOutOfRangeException.ThrowIfNegative(state.Step, nameof(state));
        System.IO.Directory.CreateDirectory(_directory);
        using FileStream held = new(Path.Combine(_directory, ".lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
        Clean();
        Checkpoint[] before = [.. All()];
        int copy = before.Where(checkpoint => checkpoint.Step == state.Step).Select(checkpoint => checkpoint.Copy + 1).DefaultIfEmpty(0).Max();
        string target = Path.Combine(_directory, Checkpoint.Name(state.Step, copy)), temporary = NewTemporary();
        try
        {
            Change("folder");
            System.IO.Directory.CreateDirectory(temporary);
            Fill(temporary, state, scores);
            Change("rename");
            System.IO.Directory.Move(temporary, target);
        }
        catch
        {
            TryDelete(temporary);
            throw;
        }

        Checkpoint saved = Checkpoint.Find(target)!;
        Retain(saved);
        return saved;
    }

    /// <summary>Loads the newest checkpoint into a state.</summary>
    /// <param name="state">The state.</param>
    /// <param name="onDamaged">
    /// Told of each damaged checkpoint, which is then passed over for the one before; null: a damaged one is an error.
    /// </param>
    /// <returns>The checkpoint that was loaded; null where there is none, and the state is as it was.</returns>
    /// <exception cref="FileFormatException">The newest checkpoint is damaged, or all are; nothing was changed.</exception>
    /// <exception cref="ModuleException">Sections, keys, shapes or dtypes are not the state's; nothing was changed.</exception>
    public Checkpoint? Resume(TrainingState state, Action<Checkpoint, FileFormatException>? onDamaged = null)
    {
        FileFormatException? last = null;
        foreach (Checkpoint checkpoint in List().Reverse())
        {
            try
            {
                checkpoint.Load(state);
                return checkpoint;
            }
            catch (FileFormatException error) when (onDamaged is not null)
            {
                onDamaged(checkpoint, last = error);
            }
        }

        return last is null ? null : throw new FileFormatException($"Every checkpoint in '{_directory}' is damaged: {last.Message}", last);
    }

    private static CheckpointRetention Valid(CheckpointRetention retention)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(retention.Last, 1, nameof(retention));
        ArgumentOutOfRangeException.ThrowIfNegative(retention.Best, nameof(retention));
        ArgumentOutOfRangeException.ThrowIfNegative(retention.EverySteps, nameof(retention));
        return retention;
    }

    private static IEnumerable<Checkpoint> Ranked(IEnumerable<Checkpoint> checkpoints, string score, bool highest) => checkpoints
        .Where(checkpoint => !checkpoint.IsDamaged && checkpoint.Scores.TryGetValue(score, out double value) && !double.IsNaN(value))
        .OrderBy(checkpoint => highest ? -checkpoint.Scores[score] : checkpoint.Scores[score])
        .ThenByDescending(checkpoint => checkpoint.Step);

    private static void TryDelete(string folder)
    {
        try
        {
            System.IO.Directory.Delete(folder, recursive: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // What cannot be deleted now is passed over, and deleted by a later save: a run must not end for it.
        }
    }

    private IEnumerable<Checkpoint> All() => System.IO.Directory.Exists(_directory)
        ? System.IO.Directory.EnumerateDirectories(_directory, "step-*").Select(Checkpoint.Find).OfType<Checkpoint>()
        : [];

    private string NewTemporary() => Path.Combine(_directory, $"{Temporary}{Guid.NewGuid():N}");

    private void Change(string what) => BeforeChange?.Invoke(what);

    /// <summary>Deletes what killed programs left; the lock says that nobody else is writing.</summary>
    private void Clean()
    {
        foreach (string folder in System.IO.Directory.GetDirectories(_directory, Temporary + "*"))
        {
            TryDelete(folder);
        }
    }

    private void Fill(string folder, TrainingState state, IReadOnlyDictionary<string, double>? scores)
    {
        using TensorScope scope = new("save");
        Dictionary<string, SectionFile> files = [];
        foreach ((string name, StateSection section) in state.Sections)
        {
            IReadOnlyDictionary<string, Tensor> tensors = section.Save();
            files[name] = Write(Path.Combine(folder, Checkpoint.FileName(name)), write => Safetensors.Write(tensors, null, write));
        }

        byte[] manifest = new CheckpointManifest(
            CheckpointManifest.Version,
            typeof(Checkpoint).Assembly.GetName().Version!.ToString(3),
            state.Step,
            state.Epoch,
            DateTimeOffset.UtcNow,
            new Dictionary<string, double>(scores ?? new Dictionary<string, double>()),
            JsonNode.Parse(state.Values.ToJsonString())!.AsObject(),
            files,
            string.Empty).Seal().ToBytes();
        Write(Path.Combine(folder, CheckpointManifest.FileName), write => write(manifest));
    }

    private SectionFile Write(string path, Action<Action<ReadOnlySpan<byte>>> content)
    {
        Change("create");
        using FileStream stream = new(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long bytes = 0;
        content(piece =>
        {
            Change("write");
            stream.Write(piece);
            hash.AppendData(piece);
            bytes += piece.Length;
        });
        Change("flush");
        stream.Flush(flushToDisk: true);
        return new SectionFile(bytes, Convert.ToHexStringLower(hash.GetCurrentHash()));
    }

    /// <summary>Deletes what no rule keeps. A rename comes first, so that a program killed here leaves no half of a checkpoint.</summary>
    private void Retain(Checkpoint saved)
    {
        IReadOnlyList<Checkpoint> all = List();
        HashSet<string> keep = [saved.Path, .. all.TakeLast(_retention.Last).Select(checkpoint => checkpoint.Path)];
        if (_retention.BestBy is { } score)
        {
            keep.UnionWith(Ranked(all, score, _retention.HighestIsBest).Take(_retention.Best).Select(checkpoint => checkpoint.Path));
        }

        if (_retention.EverySteps > 0)
        {
            keep.UnionWith(all.Where(checkpoint => checkpoint.Step % _retention.EverySteps == 0).Select(checkpoint => checkpoint.Path));
        }

        foreach (Checkpoint checkpoint in All().Where(checkpoint => !keep.Contains(checkpoint.Path)).ToArray())
        {
            string temporary = NewTemporary();
            try
            {
                Change("retire");
                System.IO.Directory.Move(checkpoint.Path, temporary);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                continue;
            }

            TryDelete(temporary);
        }
    }
}

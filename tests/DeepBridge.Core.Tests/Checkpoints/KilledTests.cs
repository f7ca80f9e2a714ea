using System.Diagnostics;
using System.Reflection;
using DeepBridge.Checkpoints;

namespace DeepBridge.Tests.Checkpoints;

/// <summary>A save that fails, or a program that is killed, at any moment leaves whole checkpoints only.</summary>
public sealed class KilledTests(ITestOutputHelper output) : IDisposable
{
    private const string Child = "DEEPBRIDGE_CHECKPOINT_CHILD";

    private readonly Run _run = new();
    private readonly CheckpointRetention _retention = new() { Last = 2, BestBy = "loss" };

    public void Dispose() => _run.Dispose();

    [Fact]
    public void A_failure_at_any_write_leaves_the_old_ones_whole_and_nothing_else()
    {
        Prepare();
        string[] fingerprints = Fingerprints();
        List<string> changes = [];
        using (Run rehearsal = new())
        {
            Store(rehearsal.Directory, changes.Add).Save(rehearsal.State);
        }

        changes.Should().HaveCountGreaterThan(20).And.Contain("folder", "create", "write", "flush", "rename");
        for (int failing = 0; failing < changes.Count; failing++)
        {
            int left = failing;
            CheckpointStore store = Store(_run.Directory, _ => left = left != 0 ? left - 1 : throw new IOException("The disk is full."));
            FluentActions.Invoking(() => store.Save(_run.State)).Should().Throw<IOException>($"change {failing} failed");
            Fingerprints().Should().Equal(fingerprints);
            Directory.GetDirectories(_run.Directory).Should().HaveCount(fingerprints.Length);
        }
    }

    [Fact]
    public void At_any_moment_of_a_save_a_program_that_is_killed_leaves_whole_checkpoints()
    {
        Prepare();
        string latest = Fingerprints()[^1], dying = "";
        int moments = 0;
        CheckpointStore store = Store(_run.Directory, _ =>
        {
            // What another program would find now.
            moments++;
            string[] found = Fingerprints();
            found.Should().HaveCountGreaterThanOrEqualTo(2);
            found[^1].Should().BeOneOf(latest, dying);
        });
        _run.Step();
        dying = _run.Fingerprint();
        store.Save(_run.State, new Dictionary<string, double> { ["loss"] = 9 });
        moments.Should().BeGreaterThan(20);
        Fingerprints()[^1].Should().Be(dying);
    }

    [Fact]
    public void What_a_killed_program_left_is_passed_over_and_cleaned_by_the_next_save()
    {
        Prepare();
        string half = Directory.CreateDirectory(Path.Combine(_run.Directory, ".tmp-0123")).FullName;
        File.WriteAllText(Path.Combine(half, "model.safetensors"), "half");
        Fingerprints().Should().HaveCount(2);
        _run.StepAndSave(_run.Store(_retention), 3);
        Directory.Exists(half).Should().BeFalse();
    }

    [Fact]
    public void Two_programs_do_not_save_into_one_folder_at_once()
    {
        Prepare();
        CheckpointStore store = Store(_run.Directory, what =>
        {
            if (what == "rename")
            {
                FluentActions.Invoking(() => _run.Store().Save(_run.State)).Should().Throw<IOException>();
            }
        });
        store.Save(_run.State).IsDamaged.Should().BeFalse();
    }

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("optimizer.safetensors")]
    [InlineData("manifest.json")]
    public void A_damaged_checkpoint_is_an_error_and_is_passed_over_only_when_asked(string name)
    {
        Prepare();
        using Run fresh = new(seed: 5);
        string before = fresh.Fingerprint(), older = Fingerprints()[0], file = Path.Combine(_run.Store().Latest()!.Path, name);
        byte[] whole = File.ReadAllBytes(file);
        foreach (byte[]? damaged in new byte[]?[] { whole[..^1], [.. whole[..^1], (byte)(whole[^1] ^ 1)], [], [.. whole, 0], null })
        {
            File.Delete(file);
            if (damaged is not null)
            {
                File.WriteAllBytes(file, damaged);
            }

            FluentActions.Invoking(() => _run.Store().Resume(fresh.State)).Should().Throw<FileFormatException>().WithMessage($"*{name}*");
            fresh.Fingerprint().Should().Be(before);
            List<long> damages = [];
            using Run resumed = new(seed: 6);
            _run.Store().Resume(resumed.State, (checkpoint, error) => damages.Add(checkpoint.Step)).Should().NotBeNull();
            damages.Should().Equal(2);
            resumed.Fingerprint().Should().Be(older);
        }

        Directory.Delete(_run.Store().List()[0].Path, recursive: true);
        FluentActions.Invoking(() => _run.Store().Resume(fresh.State, (_, _) => { })).Should().Throw<FileFormatException>().WithMessage("Every checkpoint*");
    }

    /// <summary>
    /// CI kills twice, a full proof a hundred times. The child is this test itself, run in another process, where it saves
    /// until it is killed.
    /// </summary>
    [Fact]
    [Trait("Category", "Proof")]
    public void A_program_killed_while_it_saves_is_resumed_from_a_whole_checkpoint()
    {
        if (Environment.GetEnvironmentVariable(Child) is { } folder)
        {
            SaveUntilKilled(folder);
        }

        bool isFull = Environment.GetEnvironmentVariable("DEEPBRIDGE_PROOF") == "full";
        int kills = isFull ? 100 : 2, halves = 0;
        Random random = new(11);
        long step = 0;
        for (int kill = 0; kill < kills; kill++)
        {
            using (Process child = Start())
            {
                Stopwatch waited = Stopwatch.StartNew();
                while ((_run.Store().Latest()?.Step ?? 0) <= step)
                {
                    child.HasExited.Should().BeFalse();
                    waited.Elapsed.Should().BeLessThan(TimeSpan.FromMinutes(2));
                    Thread.Sleep(5);
                }

                Thread.Sleep(random.Next(60));
                child.Kill();
                child.WaitForExit();
            }

            halves += Directory.GetDirectories(_run.Directory, ".tmp-*").Length;
            IReadOnlyList<Checkpoint> list = _run.Store().List();
            list.Should().NotBeEmpty();
            foreach (Checkpoint checkpoint in list)
            {
                checkpoint.Load(_run.State);
                _run.State.Step.Should().Be(checkpoint.Step);
                _run.Tower.RunningMean.Value.ToArray<float>().Should().Equal(checkpoint.Step, checkpoint.Step);
            }

            step = _run.State.Step;
        }

        output.WriteLine($"{kills} kills: the run went on to step {step}, {halves} unfinished folders were passed over");
    }

    private static void SaveUntilKilled(string folder)
    {
        using Run run = new();
        CheckpointStore store = new(folder, new CheckpointRetention { Last = 2 });
        store.Resume(run.State);
        for (Stopwatch alive = Stopwatch.StartNew(); alive.Elapsed < TimeSpan.FromMinutes(3);)
        {
            using TensorScope scope = new();
            run.State.Step++;
            run.Tower.RunningMean.Assign(Tensor.Full([2], run.State.Step));
            store.Save(run.State);
        }

        throw new TimeoutException("Nobody killed this program.");
    }

    private Process Start()
    {
        // The tests' own program, which runs the one test it is told to.
        ProcessStartInfo info = new(Path.ChangeExtension(Assembly.GetExecutingAssembly().Location, OperatingSystem.IsWindows() ? "exe" : null))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { [Child] = _run.Directory },
        };
        string[] arguments = ["-method", $"{typeof(KilledTests)}.{nameof(A_program_killed_while_it_saves_is_resumed_from_a_whole_checkpoint)}"];
        Array.ForEach(arguments, info.ArgumentList.Add);
        Process child = Process.Start(info)!;
        child.BeginOutputReadLine();
        child.BeginErrorReadLine();
        return child;
    }

    private void Prepare()
    {
        CheckpointStore store = _run.Store(_retention);
        _run.StepAndSave(store, 1);
        _run.StepAndSave(store, 2);
    }

    private CheckpointStore Store(string folder, Action<string> beforeChange) => new(folder, _retention) { BeforeChange = beforeChange };

    /// <summary>Every checkpoint as a fresh run sees it.</summary>
    private string[] Fingerprints() => [.. _run.Store().List().Select(checkpoint =>
    {
        using Run fresh = new(seed: 77);
        checkpoint.Load(fresh.State);
        return fresh.Fingerprint();
    })];
}

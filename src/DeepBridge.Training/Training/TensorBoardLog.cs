using System.Numerics;
using System.Text;

namespace DeepBridge.Training;

/// <summary>
/// Writes TensorBoard's event files: under <c>step/</c> loss, learning rate and examples a second at each read, under
/// <c>report/</c> the measures of each report, under <c>weights/</c> histograms of the parameters.
/// </summary>
/// <param name="directory">The folder; each run has a file of its own in it.</param>
/// <param name="histograms">Whether the parameters are read and counted at each report.</param>
public sealed class TensorBoardLog(string directory, bool histograms = false) : Callback
{
    private EventFile? _file;

    /// <inheritdoc/>
    public override void OnStart(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        _file = new EventFile(directory, run.Options.Clock);
    }

    /// <inheritdoc/>
    public override void OnRead(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        _file?.Scalar("step/loss", run.Step, run.Loss);
        _file?.Scalar("step/learning_rate", run.Step, run.LearningRate);
        _file?.Scalar("step/examples_per_second", run.Step, run.ExamplesPerSecond);
    }

    /// <inheritdoc/>
    public override void OnReport(TrainingRun run, TrainingReport report)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(report);
        foreach ((string name, double value) in report.Measures)
        {
            _file?.Scalar($"report/{name}", report.Step, value);
        }

        foreach ((string key, Variable variable) in histograms ? run.Model.NamedVariables() : [])
        {
            if (variable is Parameter && variable.DType.IsFloating())
            {
                using TensorScope scope = new("histogram");
                _file?.Histogram($"weights/{key}", report.Step, variable.Value.Detach().Cast(DType.Float64).ToArray<double>());
            }
        }

        _file?.Flush();
    }

    /// <inheritdoc/>
    public override void OnEnd(TrainingRun run)
    {
        _file?.Dispose();
        _file = null;
    }
}

/// <summary>
/// An event file: TFRecords (length, its masked CRC32C, data, its masked CRC32C) of <c>Event</c> messages. The messages have
/// so few fields that their wire format is written here, instead of making every program that trains carry a protobuf
/// library; field numbers are those of <c>tensorflow/core/util/event.proto</c> and <c>framework/summary.proto</c>.
/// </summary>
internal sealed class EventFile : IDisposable
{
    private const int Buckets = 30;
    private static int s_count;
    private readonly TimeProvider _clock;
    private readonly FileStream _stream;

    internal EventFile(string directory, TimeProvider clock)
    {
        _clock = clock;
        Directory.CreateDirectory(directory);
        string name = $"events.out.tfevents.{clock.GetUtcNow().ToUnixTimeSeconds():D10}.deepbridge.{Environment.ProcessId}.{Interlocked.Increment(ref s_count)}";
        _stream = new FileStream(Path.Combine(directory, name), FileMode.CreateNew, FileAccess.Write, FileShare.Read);
        Write(Field(3, "brain.Event:2"u8));
        Flush();
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    internal void Flush() => _stream.Flush();

    internal void Scalar(string tag, long step, double value) =>
        Summary(tag, step, [.. Number(2, 5), .. Fixed(BitConverter.SingleToUInt32Bits((float)value), sizeof(float))]);

    internal void Histogram(string tag, long step, double[] values)
    {
        double[] finite = [.. values.Where(double.IsFinite)];
        if (finite.Length == 0)
        {
            return;
        }

        (double low, double high) = (finite.Min(), finite.Max());
        double width = high > low ? (high - low) / Buckets : 1;
        double[] counts = new double[Buckets];
        foreach (double value in finite)
        {
            counts[(int)Math.Clamp((value - low) / width, 0, Buckets - 1)]++;
        }

        // The last limit is the greatest value itself, whatever the sum of widths has become by rounding.
        IEnumerable<double> limits = Enumerable.Range(1, Buckets).Select(i => i == Buckets && high > low ? high : low + (i * width));
        Summary(tag, step, Field(5,
        [
            .. Field(1, low), .. Field(2, high), .. Field(3, finite.Length), .. Field(4, finite.Sum()), .. Field(5, finite.Sum(value => value * value)),
            .. Field(6, [.. limits.SelectMany(Bytes)]), .. Field(7, [.. counts.SelectMany(Bytes)]),
        ]));
    }

    /// <summary>The checksum of a TFRecord: rotated and shifted, so that a checksum of data that holds checksums stays good.</summary>
    internal static uint MaskedCrc(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in data)
        {
            crc = BitOperations.Crc32C(crc, b);
        }

        return BitOperations.RotateRight(~crc, 15) + 0xa282ead8;
    }

    private static byte[] Fixed(ulong bits, int count) => [.. Enumerable.Range(0, count).Select(i => (byte)(bits >> (8 * i)))];

    private static byte[] Bytes(double value) => Fixed(BitConverter.DoubleToUInt64Bits(value), sizeof(double));

    private static byte[] Varint(ulong value) => value < 0x80 ? [(byte)value] : [(byte)(value | 0x80), .. Varint(value >> 7)];

    private static byte[] Number(int field, int wireType) => Varint(((ulong)field << 3) | (uint)wireType);

    private static byte[] Field(int field, double value) => [.. Number(field, 1), .. Bytes(value)];

    private static byte[] Field(int field, ReadOnlySpan<byte> content) => [.. Number(field, 2), .. Varint((ulong)content.Length), .. content];

    private void Summary(string tag, long step, byte[] value) =>
        Write([.. Number(2, 0), .. Varint((ulong)step), .. Field(5, Field(1, [.. Field(1, Encoding.UTF8.GetBytes(tag)), .. value]))]);

    private void Write(byte[] content)
    {
        byte[] data = [.. Field(1, _clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0), .. content], length = Fixed((ulong)data.Length, sizeof(long));
        _stream.Write([.. length, .. Fixed(MaskedCrc(length), sizeof(uint)), .. data, .. Fixed(MaskedCrc(data), sizeof(uint))]);
    }
}

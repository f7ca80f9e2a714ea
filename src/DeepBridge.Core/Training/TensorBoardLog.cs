using System.Buffers.Binary;
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
    private static int s_count;
    private readonly TimeProvider _clock;
    private readonly FileStream _stream;

    internal EventFile(string directory, TimeProvider clock)
    {
        _clock = clock;
        Directory.CreateDirectory(directory);
        string name = $"events.out.tfevents.{clock.GetUtcNow().ToUnixTimeSeconds():D10}.deepbridge.{Environment.ProcessId}.{Interlocked.Increment(ref s_count)}";
        _stream = new FileStream(Path.Combine(directory, name), FileMode.CreateNew, FileAccess.Write, FileShare.Read);
        Write(null, message => message.Text(3, "brain.Event:2"));
        Flush();
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    internal void Flush() => _stream.Flush();

    internal void Scalar(string tag, long step, double value) => Summary(tag, step, content => content.Float(2, (float)value));

    internal void Histogram(string tag, long step, double[] values)
    {
        double[] finite = [.. values.Where(double.IsFinite)];
        if (finite.Length == 0)
        {
            return;
        }

        (double low, double high) = (finite.Min(), finite.Max());
        const int Buckets = 30;
        double width = high > low ? (high - low) / Buckets : 1;
        double[] counts = new double[Buckets], limits = [.. Enumerable.Range(1, Buckets).Select(i => i < Buckets || high == low ? low + (i * width) : high)];
        foreach (double value in finite)
        {
            counts[(int)Math.Clamp((value - low) / width, 0, Buckets - 1)]++;
        }

        Summary(tag, step, content => content.Message(5, histogram =>
        {
            histogram.Double(1, low);
            histogram.Double(2, high);
            histogram.Double(3, finite.Length);
            histogram.Double(4, finite.Sum());
            histogram.Double(5, finite.Sum(value => value * value));
            histogram.Doubles(6, limits);
            histogram.Doubles(7, counts);
        }));
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

    private void Summary(string tag, long step, Action<Wire> content) => Write(step, message => message.Message(5, summary => summary.Message(1, value =>
    {
        value.Text(1, tag);
        content(value);
    })));

    private void Write(long? step, Action<Wire> content)
    {
        Wire message = new();
        message.Double(1, _clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0);
        if (step is { } number)
        {
            message.Integer(2, (ulong)number);
        }

        content(message);
        byte[] data = message.ToArray();
        byte[] record = new byte[12 + data.Length + 4];
        BinaryPrimitives.WriteInt64LittleEndian(record, data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), MaskedCrc(record.AsSpan(0, 8)));
        data.CopyTo(record, 12);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12 + data.Length), MaskedCrc(data));
        _stream.Write(record);
    }

    /// <summary>A protobuf message that is being written.</summary>
    private sealed class Wire
    {
        private readonly List<byte> _bytes = [];

        internal byte[] ToArray() => [.. _bytes];

        internal void Integer(int field, ulong value)
        {
            Varint((ulong)field << 3);
            Varint(value);
        }

        internal void Double(int field, double value)
        {
            Varint(((ulong)field << 3) | 1);
            Append(value);
        }

        internal void Float(int field, float value)
        {
            Varint(((ulong)field << 3) | 5);
            Span<byte> bytes = stackalloc byte[sizeof(float)];
            BinaryPrimitives.WriteSingleLittleEndian(bytes, value);
            _bytes.AddRange(bytes);
        }

        internal void Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

        internal void Message(int field, Action<Wire> content)
        {
            Wire message = new();
            content(message);
            Bytes(field, message.ToArray());
        }

        internal void Doubles(int field, double[] values)
        {
            Wire packed = new();
            Array.ForEach(values, packed.Append);
            Bytes(field, packed.ToArray());
        }

        private void Bytes(int field, byte[] value)
        {
            Varint(((ulong)field << 3) | 2);
            Varint((ulong)value.Length);
            _bytes.AddRange(value);
        }

        private void Append(double value)
        {
            Span<byte> bytes = stackalloc byte[sizeof(double)];
            BinaryPrimitives.WriteDoubleLittleEndian(bytes, value);
            _bytes.AddRange(bytes);
        }

        private void Varint(ulong value)
        {
            for (; value >= 0x80; value >>= 7)
            {
                _bytes.Add((byte)(value | 0x80));
            }

            _bytes.Add((byte)value);
        }
    }
}

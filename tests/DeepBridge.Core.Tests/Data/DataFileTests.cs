using System.Buffers.Binary;
using System.IO.Compression;
using DeepBridge.Data;

namespace DeepBridge.Tests.Data;

/// <summary>Files of bytes: what they should be is read, all else is a typed error, without memory for mere promises.</summary>
public sealed class DataFileTests : IDisposable
{
    private readonly TemporaryFile _one = new();
    private readonly TemporaryFile _two = new();

    public void Dispose()
    {
        _one.Dispose();
        _two.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Idx_files_of_every_type_are_read(bool zipped)
    {
        Write(Idx(0x08, [2, 3], [1, 2, 3, 4, 5, 255]), zipped);
        HostArray<byte> bytes = IdxFile.Read<byte>(_one.Path);
        bytes.Shape.AsSpan().ToArray().Should().Equal(2, 3);
        bytes.Span.ToArray().Should().Equal(1, 2, 3, 4, 5, 255);
        Write(Idx(0x09, [1], [255]), zipped);
        IdxFile.Read<sbyte>(_one.Path).Span.ToArray().Should().Equal(-1);
        Write(Idx(0x0b, [1], [0xff, 0xfe]), zipped);
        IdxFile.Read<short>(_one.Path).Span.ToArray().Should().Equal(-2);
        Write(Idx(0x0c, [2], [0, 0, 1, 2, 0x80, 0, 0, 0]), zipped);
        IdxFile.Read<int>(_one.Path).Span.ToArray().Should().Equal(258, int.MinValue);
        Write(Idx(0x0d, [1], [0x3f, 0x80, 0, 0]), zipped);
        IdxFile.Read<float>(_one.Path).Span.ToArray().Should().Equal(1);
        Write(Idx(0x0e, [1], [0xc0, 0, 0, 0, 0, 0, 0, 0]), zipped);
        IdxFile.Read<double>(_one.Path).Span.ToArray().Should().Equal(-2);
        Write(Idx(0x08, [0, 7], []), zipped);
        IdxFile.Read<byte>(_one.Path).Shape.Count.Should().Be(0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Images_and_labels_pair_up(bool zipped)
    {
        Write(Idx(0x08, [2, 1, 2], [1, 2, 3, 4]), zipped);
        Write(Idx(0x08, [2], [7, 9]), zipped, _two);
        IDataset<(HostArray<byte> Input, long Label)> images = IdxFile.ReadImages(_one.Path, _two.Path);
        images.Count.Should().Be(2);
        (HostArray<byte> image, long label) = images.Get(1);
        image.Shape.AsSpan().ToArray().Should().Equal(1, 1, 2);
        image.Span.ToArray().Should().Equal(3, 4);
        label.Should().Be(9);
        Write(Idx(0x08, [3], [7, 9, 1]), zipped, _two);
        FluentActions.Invoking(() => IdxFile.ReadImages(_one.Path, _two.Path)).Should().Throw<FileFormatException>().WithMessage("*(2, 1, 2)*(3,)*");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_header_that_promises_more_or_less_than_there_is_costs_no_memory(bool zipped)
    {
        byte[][] bad =
        [
            Idx(0x08, [1_000_000_000], [1]),
            Idx(0x08, [int.MaxValue, int.MaxValue, int.MaxValue], [1]),
            Idx(0x08, [-1], [1]),
            Idx(0x08, [0, -1], []),
            Idx(0x08, [3], [1, 2]),
            Idx(0x08, [3], [1, 2, 3, 4]),
            Idx(0x0c, [1], [1, 2, 3, 4]),
            Idx(0x07, [1], [1]),
            Idx(0x08, [], [1]),
            Idx(0x08, new int[9], []),
            [0, 1, 8, 1, 0, 0, 0, 0],
            [0, 0, 8, 2, 0, 0, 0, 1],
            [0, 0],
            [],
        ];
        foreach (byte[] bytes in bad)
        {
            Write(bytes, zipped);
            long before = GC.GetAllocatedBytesForCurrentThread();
            FluentActions.Invoking(() => IdxFile.Read<byte>(_one.Path)).Should().Throw<FileFormatException>().WithMessage($"*{_one.Path}*");
            (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(10_000_000);
        }
    }

    [Fact]
    public void What_is_unpacked_is_bounded()
    {
        // 64 MB of zeros in 64 kB: the header's promise is kept, but above what the caller allows.
        using (FileStream file = File.Create(_one.Path))
        using (GZipStream packed = new(file, CompressionLevel.Fastest))
        {
            packed.Write(Idx(0x08, [1 << 26], []));
            byte[] zeros = new byte[1 << 20];
            for (int i = 0; i < 64; i++)
            {
                packed.Write(zeros);
            }
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        FluentActions.Invoking(() => IdxFile.Read<byte>(_one.Path, maxBytes: 1 << 20)).Should().Throw<FileFormatException>();
        FluentActions.Invoking(() => CifarFile.Read10(_one.Path)).Should().Throw<FileFormatException>();
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(10_000_000);
        FluentActions.Invoking(() => IdxFile.Read<byte>(_one.Path, maxBytes: -1)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Mutated_files_are_read_or_refused_with_a_typed_error(bool zipped)
    {
        Random random = new(zipped ? 2 : 1);
        Write(Idx(0x08, [4, 2, 2], new byte[16]), zipped);
        byte[] good = File.ReadAllBytes(_one.Path);
        int read = 0, refused = 0;
        for (int i = 0; i < 1000; i++)
        {
            byte[] bytes = [.. good];
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            File.WriteAllBytes(_one.Path, bytes[..random.Next(random.Next(bytes.Length), bytes.Length + 1)]);
            try
            {
                IdxFile.Read<byte>(_one.Path);
                read++;
            }
            catch (FileFormatException)
            {
                refused++;
            }
        }

        (read + refused).Should().Be(1000);
        refused.Should().BeGreaterThan(500);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Cifar_files_are_records_of_labels_and_planes(bool zipped)
    {
        byte[] ten = new byte[2 * 3073], hundred = new byte[3074];
        (ten[0], ten[1], ten[3073], ten[^1]) = (9, 11, 3, 12);
        (hundred[0], hundred[1], hundred[2]) = (19, 99, 13);
        Write(ten, zipped);
        Write(ten[3073..], zipped, _two);
        IDataset<(HostArray<byte> Input, long Label)> images = CifarFile.Read10(_one.Path, _two.Path);
        images.Count.Should().Be(3);
        (images.Get(0).Label, images.Get(1).Label, images.Get(2).Label).Should().Be((9, 3, 3));
        (images.Get(0).Input.Span[0], images.Get(1).Input.Span[3071], images.Get(2).Input.Span[^1]).Should().Be((11, 12, 12));
        images.Get(0).Input.Shape.AsSpan().ToArray().Should().Equal(3, 32, 32);
        Write(hundred, zipped);
        (HostArray<byte> image, long label) = CifarFile.Read100(_one.Path).Get(0);
        (image.Span[0], label).Should().Be((13, 99));
        hundred[1] = 100;
        Write(hundred, zipped);
        FluentActions.Invoking(() => CifarFile.Read100(_one.Path)).Should().Throw<FileFormatException>().WithMessage("*label 100*");
        FluentActions.Invoking(() => CifarFile.Read10(_one.Path)).Should().Throw<FileFormatException>().WithMessage("*multiple of 3073*");
    }

    private static byte[] Idx(byte type, int[] dims, byte[] elements)
    {
        byte[] bytes = new byte[4 + (4 * dims.Length) + elements.Length];
        (bytes[2], bytes[3]) = (type, (byte)dims.Length);
        for (int axis = 0; axis < dims.Length; axis++)
        {
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4 + (4 * axis)), dims[axis]);
        }

        elements.CopyTo(bytes, 4 + (4 * dims.Length));
        return bytes;
    }

    private void Write(byte[] bytes, bool zipped, TemporaryFile? file = null)
    {
        using FileStream stream = File.Create((file ?? _one).Path);
        using Stream target = zipped ? new GZipStream(stream, CompressionLevel.Fastest) : stream;
        target.Write(bytes);
    }
}

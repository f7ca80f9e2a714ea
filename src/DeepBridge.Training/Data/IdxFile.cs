using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DeepBridge.Data;

/// <summary>
/// IDX files, gzipped or not: the format of MNIST (http://yann.lecun.com/exdb/mnist). Two zero bytes, a type, a rank,
/// the extents and the elements, big-endian. A file must hold exactly what its header says; that is checked before
/// memory is taken, which for a gzipped file means to unpack it twice.
/// </summary>
public static class IdxFile
{
    private const int MaxRank = 8;

    /// <summary>Reads a whole file.</summary>
    /// <typeparam name="T">The element type that it must have: byte, sbyte, short, int, float or double.</typeparam>
    /// <param name="path">The file.</param>
    /// <param name="maxBytes">How many bytes of elements are read at most; a small gzipped file can hold very many.</param>
    /// <returns>Its elements and shape.</returns>
    /// <exception cref="FileFormatException">It is no IDX file, damaged, longer or shorter than it says, or of another type.</exception>
    /// <exception cref="IOException">It is not there or cannot be read.</exception>
    public static HostArray<T> Read<T>(string path, long maxBytes = 1L << 30)
        where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxBytes);
        Shape shape = DataFile.Read(path, "IDX", stream =>
        {
            Shape promised = Header<T>(stream, maxBytes);
            long bytes = promised.Count * Unsafe.SizeOf<T>(), found = DataFile.CountRest(stream, bytes);
            return found == bytes ? promised : throw new FileFormatException(
                $"Its header says {promised}, {bytes} bytes; {(found > bytes ? "there are more" : $"there are {found}")}.");
        });
        return DataFile.Read(path, "IDX", stream =>
        {
            // The file may have changed since it was measured.
            if (Header<T>(stream, maxBytes) != shape)
            {
                throw new FileFormatException("It changed while it was read.");
            }

            T[] values = new T[shape.Count];
            stream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
            FromBigEndian(values);
            return new HostArray<T>(values, shape);
        });
    }

    /// <summary>Images and their labels, as MNIST's four files hold them.</summary>
    /// <param name="images">A file of bytes (N, height, width).</param>
    /// <param name="labels">A file of bytes (N).</param>
    /// <returns>Images (1, height, width) and labels.</returns>
    /// <exception cref="FileFormatException">A file is not what it should be, or they do not fit together.</exception>
    /// <exception cref="IOException">One is not there or cannot be read.</exception>
    public static IDataset<(HostArray<byte> Input, long Label)> ReadImages(string images, string labels)
    {
        HostArray<byte> pixels = Read<byte>(images), numbers = Read<byte>(labels);
        if (pixels.Shape.Rank != 3 || numbers.Shape.Rank != 1 || pixels.Shape[0] != numbers.Shape[0])
        {
            throw new FileFormatException($"'{images}' holds {pixels.Shape} and '{labels}' {numbers.Shape}; expected (N, height, width) and (N).");
        }

        HostArray<byte> planes = new(pixels.Values, [pixels.Shape[0], 1, pixels.Shape[1], pixels.Shape[2]]);
        return Dataset.From(planes.Shape[0], (index, _) => (planes.Row(index), (long)numbers.Span[index]));
    }

    private static Shape Header<T>(Stream stream, long maxBytes)
        where T : unmanaged
    {
        Span<byte> bytes = stackalloc byte[4 * MaxRank];
        stream.ReadExactly(bytes[..4]);
        if (bytes[0] != 0 || bytes[1] != 0 || TypeOf<T>() is not { } type || bytes[2] != type || bytes[3] is 0 or > MaxRank)
        {
            throw new FileFormatException(
                $"It begins with {Convert.ToHexString(bytes[..4])}; expected 0000, the type of {typeof(T).Name}, and a rank from 1 to {MaxRank}.");
        }

        int[] dims = new int[bytes[3]];
        bytes = bytes[..(4 * dims.Length)];
        stream.ReadExactly(bytes);
        UInt128 count = 1;
        for (int axis = 0; axis < dims.Length; axis++)
        {
            uint dim = BinaryPrimitives.ReadUInt32BigEndian(bytes[(4 * axis)..]);
            count *= dim;
            dims[axis] = dim <= int.MaxValue && count <= (ulong)(Math.Min(maxBytes, Array.MaxLength) / Unsafe.SizeOf<T>())
                ? (int)dim
                : throw new FileFormatException($"Its header says an extent of {dim} on axis {axis}: more than {maxBytes} bytes are not read.");
        }

        return dims;
    }

    private static byte? TypeOf<T>() =>
        typeof(T) == typeof(byte) ? 0x08 : typeof(T) == typeof(sbyte) ? 0x09 : typeof(T) == typeof(short) ? 0x0b
        : typeof(T) == typeof(int) ? 0x0c : typeof(T) == typeof(float) ? 0x0d : typeof(T) == typeof(double) ? 0x0e : null;

    private static void FromBigEndian<T>(T[] values)
        where T : unmanaged
    {
        Span<byte> bytes = MemoryMarshal.AsBytes(values.AsSpan());
        if (BitConverter.IsLittleEndian)
        {
            int size = Unsafe.SizeOf<T>();
            for (; size > 1 && !bytes.IsEmpty; bytes = bytes[size..])
            {
                bytes[..size].Reverse();
            }
        }
    }
}

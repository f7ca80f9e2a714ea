namespace DeepBridge.Data;

/// <summary>
/// The binary version of CIFAR-10 and CIFAR-100 (https://www.cs.toronto.edu/~kriz/cifar.html), gzipped or not: records of
/// one label (CIFAR-100: a coarse and a fine one) and 32×32 red, green and blue bytes.
/// </summary>
public static class CifarFile
{
    private const int ImageBytes = 3 * 32 * 32;

    // The largest of the real files holds 154 MB; a small gzipped one could hold anything.
    private const int MaxBytes = 1 << 28;

    /// <summary>Reads files of CIFAR-10.</summary>
    /// <param name="paths">The files, one or more.</param>
    /// <returns>Images (3, 32, 32) and labels 0 to 9.</returns>
    /// <exception cref="FileFormatException">A file is not what it should be.</exception>
    /// <exception cref="IOException">One is not there or cannot be read.</exception>
    public static IDataset<(HostArray<byte> Input, long Label)> Read10(params string[] paths) => Read(paths, "CIFAR-10", 1, 10);

    /// <summary>Reads files of CIFAR-100, with the fine labels.</summary>
    /// <param name="paths">The files, one or more.</param>
    /// <returns>Images (3, 32, 32) and labels 0 to 99.</returns>
    /// <exception cref="FileFormatException">A file is not what it should be.</exception>
    /// <exception cref="IOException">One is not there or cannot be read.</exception>
    public static IDataset<(HostArray<byte> Input, long Label)> Read100(params string[] paths) => Read(paths, "CIFAR-100", 2, 100);

    private static IDataset<(HostArray<byte> Input, long Label)> Read(string[] paths, string kind, int labels, int classes)
    {
        ArgumentNullException.ThrowIfNull(paths);
        int record = labels + ImageBytes;
        List<ReadOnlyMemory<byte>> records = [];
        foreach (string path in paths)
        {
            long length = DataFile.Read(path, kind, stream => DataFile.CountRest(stream, MaxBytes));
            records.AddRange(DataFile.Read(path, kind, stream => Records(stream, length, record, labels - 1, classes)));
        }

        return Dataset.From(
            records.Count,
            (index, _) => (new HostArray<byte>(records[index][labels..], [3, 32, 32]), (long)records[index].Span[labels - 1]));
    }

    private static List<ReadOnlyMemory<byte>> Records(Stream stream, long length, int record, int label, int classes)
    {
        if (length > MaxBytes || length % record != 0)
        {
            throw new FileFormatException($"It has {length} bytes; expected a multiple of {record}, at most {MaxBytes}.");
        }

        byte[] bytes = new byte[length];
        stream.ReadExactly(bytes);
        List<ReadOnlyMemory<byte>> records = [];
        for (int start = 0; start < bytes.Length; start += record)
        {
            if (bytes[start + label] >= classes)
            {
                throw new FileFormatException($"Image {start / record} has label {bytes[start + label]}; there are {classes} classes.");
            }

            records.Add(bytes.AsMemory(start, record));
        }

        return records;
    }
}

using System.IO.Compression;

namespace DeepBridge.Data;

/// <summary>Reads files that nobody vouches for: never more memory than what they really hold.</summary>
internal static class DataFile
{
    /// <summary>Opens a file, unpacks it if it is gzipped, and lets a function read it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="kind">What it should be, for error messages.</param>
    /// <param name="read">Reads it; what it throws as <see cref="FileFormatException"/> is told with the path.</param>
    /// <exception cref="FileFormatException">It is not what it should be, or its compressed data is damaged.</exception>
    public static T Read<T>(string path, string kind, Func<Stream, T> read)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        try
        {
            bool zipped = file.ReadByte() == 0x1f && file.ReadByte() == 0x8b;
            file.Position = 0;
            using Stream stream = zipped ? new GZipStream(file, CompressionMode.Decompress) : file;
            return read(stream);
        }
        catch (Exception error) when (error is FileFormatException or InvalidDataException or EndOfStreamException)
        {
            throw new FileFormatException($"'{path}' is not a valid {kind} file. {error.Message}", error);
        }
    }

    /// <summary>Counts the bytes that are left, up to one more than a limit, without keeping them.</summary>
    public static long CountRest(Stream stream, long limit)
    {
        byte[] buffer = new byte[1 << 16];
        long count = 0;
        for (int read = 1; read > 0 && count <= limit;)
        {
            read = stream.Read(buffer, 0, (int)Math.Min(buffer.Length, limit + 1 - count));
            count += read;
        }

        return count;
    }
}

using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;

namespace DeepBridge.Checkpoints;

/// <summary>
/// A safetensors file, mapped into memory: the header is read and checked at once, a tensor only when it is asked for,
/// with one copy to its device. Files are untrusted: one that breaks a rule of the format is refused as a whole.
/// </summary>
/// <remarks>
/// The format: eight bytes with the length of the header, little endian; the header, a JSON object from names to dtype,
/// shape and place; the elements. Do not shorten a file while it is open: the system ends programs that read past
/// the end of a mapped file. <see cref="Safetensors.Save"/> replaces files and is safe.
/// </remarks>
public sealed unsafe class SafetensorsFile : WeightsFile
{
    private const int LengthBytes = sizeof(ulong);

    private readonly Lock _lock = new();
    private readonly SafetensorsHeader _header;
    private readonly string _path;
    private readonly long _dataStart;
    private MemoryMappedFile? _file;
    private MemoryMappedViewAccessor? _view;
    private byte* _address;

    private SafetensorsFile(string path, FileStream stream)
    {
        _path = path;
        long length = stream.Length;
        if (length < LengthBytes)
        {
            throw new FileFormatException($"It has {length} bytes; the shortest safetensors file has {LengthBytes + 2}.");
        }

        _file = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        try
        {
            _view = _file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _address);
            _address += _view.PointerOffset;
            ulong headerBytes = BinaryPrimitives.ReadUInt64LittleEndian(new ReadOnlySpan<byte>(_address, LengthBytes));
            if (headerBytes > SafetensorsHeader.MaxBytes || (long)headerBytes > length - LengthBytes)
            {
                throw new FileFormatException(
                    $"It says that its header has {headerBytes} bytes; the file has {length}, and {SafetensorsHeader.MaxBytes} is the most.");
            }

            _dataStart = LengthBytes + (long)headerBytes;
            _header = SafetensorsHeader.Parse(new ReadOnlySpan<byte>(_address + LengthBytes, (int)headerBytes), length - _dataStart);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Gives the mapping up if <see cref="Dispose"/> was forgotten.</summary>
    ~SafetensorsFile() => Unmap();

    /// <summary>What the file says of itself, such as <c>format</c>: <c>pt</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>The tensors of the file by name.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => _header.Entries;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, TensorSpec> Specs => field ??= Entries.ToDictionary(pair => pair.Key, pair => pair.Value.Spec);

    /// <summary>Opens a file and checks its header.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The open file.</returns>
    /// <exception cref="FileFormatException">It is no safetensors file, or damaged, or holds a dtype that is not supported.</exception>
    /// <exception cref="IOException">It is not there or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read, or is a directory.</exception>
    public static new SafetensorsFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("safetensors files are little endian, and so must the machine be.");
        }

        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1);
        try
        {
            return new SafetensorsFile(path, stream);
        }
        catch (FileFormatException error)
        {
            throw new FileFormatException($"'{path}' is not a valid safetensors file. {error.Message}", error);
        }
    }

    /// <inheritdoc/>
    public override Tensor Read(string key, Device? device = null)
    {
        TensorSpec spec = Find(key).Spec;
        Device target = (device ?? Device.Default).Real;
        lock (_lock)
        {
            Verify(key);
            return Tensor.Adopt(new Tensor(target.Backend.Import(spec, target, Bytes(key))));
        }
    }

    /// <summary>Closes the file; tensors that were read stay.</summary>
    public override void Dispose()
    {
        lock (_lock)
        {
            Unmap();
        }

        GC.SuppressFinalize(this);
    }

    /// <inheritdoc/>
    internal override void Verify(string key)
    {
        SafetensorsEntry entry = Find(key);
        if (entry.Spec.Bytes > Array.MaxLength)
        {
            throw new FileFormatException($"Tensor '{key}' of '{_path}' has {entry.Spec.Bytes} bytes; {Array.MaxLength} is the most.");
        }

        lock (_lock)
        {
            if (entry.Spec.DType == DType.Bool && Bytes(key).ContainsAnyExceptInRange((byte)0, (byte)1))
            {
                throw new FileFormatException($"Tensor '{key}' of '{_path}' holds bools that are neither 0 nor 1.");
            }
        }
    }

    private SafetensorsEntry Find(string key) =>
        Entries.TryGetValue(key, out SafetensorsEntry? entry) ? entry : throw new KeyNotFoundException($"'{_path}' has no tensor '{key}'.");

    /// <summary>The elements; whoever calls holds the lock.</summary>
    private ReadOnlySpan<byte> Bytes(string key)
    {
        ObjectDisposedException.ThrowIf(_address is null, this);
        SafetensorsEntry entry = Find(key);
        return new ReadOnlySpan<byte>(_address + _dataStart + entry.Offset, (int)entry.Spec.Bytes);
    }

    private void Unmap()
    {
        if (_address is not null)
        {
            _view!.SafeMemoryMappedViewHandle.ReleasePointer();
            _address = null;
        }

        _view?.Dispose();
        _file?.Dispose();
        _view = null;
        _file = null;
    }
}

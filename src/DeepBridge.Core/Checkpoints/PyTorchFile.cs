using System.Globalization;
using System.IO.Compression;

namespace DeepBridge.Checkpoints;

/// <summary>
/// The tensors of a file that PyTorch's <c>torch.save</c> wrote (1.6 or later): a state dictionary, or dictionaries and
/// lists around some, whose keys are joined with dots. Nothing in the file is executed, and it is not trusted.
/// </summary>
/// <remarks>
/// The format: a zip archive, not compressed, with a pickle of the dictionary and one file for each storage. Views of
/// every kind are read; sparse, quantized and complex tensors, whole modules and big-endian files are refused.
/// </remarks>
internal sealed class PyTorchFile : WeightsFile
{
    private const string Pickle = "data.pkl";
    private const int MaxPickle = 1 << 25, MaxDepth = 64, AlwaysAllowed = 1 << 20;

    private readonly Lock _lock = new();
    private readonly string _path;
    private readonly FileStream _stream;
    private readonly ZipArchive _archive;
    private readonly Dictionary<string, ZipArchiveEntry> _files = [];
    private readonly Dictionary<string, PyTorchTensor> _tensors = [];
    private readonly string _root;
    private long _budget;
    private bool _isClosed;

    internal PyTorchFile(string path)
    {
        (_path, _stream) = (path, new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete));
        try
        {
            _archive = new ZipArchive(_stream, ZipArchiveMode.Read, leaveOpen: true);
            _root = ReadDirectory();
            Flatten(PickleReader.Read(ReadPickle()), string.Empty, 0);
        }
        catch (Exception error)
        {
            _stream.Dispose();
            throw error is FileFormatException or InvalidDataException or ArgumentException
                ? new FileFormatException($"'{path}' is not a state dictionary that can be read. {error.Message}", error)
                : error;
        }

        Specs = _tensors.ToDictionary(pair => pair.Key, pair => pair.Value.Spec);
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, TensorSpec> Specs { get; }

    /// <inheritdoc/>
    public override Tensor Read(string key, Device? device = null)
    {
        PyTorchTensor tensor = Find(key);
        Device target = (device ?? Device.Default).Real;
        lock (_lock)
        {
            return Tensor.Adopt(new Tensor(target.Backend.Import(tensor.Spec, target, Elements(key, tensor))));
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        lock (_lock)
        {
            _isClosed = true;
            _archive.Dispose();
            _stream.Dispose();
        }
    }

    /// <inheritdoc/>
    internal override void Verify(string key)
    {
        // Only reading shows that an archive does not lie about what it holds.
        lock (_lock)
        {
            _ = Elements(key, Find(key));
        }
    }

    private PyTorchTensor Find(string key) =>
        _tensors.TryGetValue(key, out PyTorchTensor? tensor) ? tensor : throw new KeyNotFoundException($"'{_path}' has no tensor '{key}'.");

    /// <summary>Lists the files, and finds the folder that they lie in.</summary>
    private string ReadDirectory()
    {
        foreach (ZipArchiveEntry entry in _archive.Entries)
        {
            if (entry.Length != entry.CompressedLength || entry.Length > _stream.Length || !_files.TryAdd(entry.FullName, entry))
            {
                throw new FileFormatException($"Its file '{Shorten(entry.FullName)}' is compressed, or there twice: PyTorch did not write it.");
            }
        }

        string[] pickles = [.. _files.Keys.Where(name => name == Pickle || name.EndsWith('/' + Pickle))];
        return pickles is [string only] ? only[..^Pickle.Length] : throw new FileFormatException($"It has {pickles.Length} files '{Pickle}', not one.");
    }

    private byte[] ReadPickle()
    {
        if (_files.TryGetValue(_root + "byteorder", out ZipArchiveEntry? order) && !Bytes(order, 0, Math.Min(order.Length, 16)).AsSpan().SequenceEqual("little"u8))
        {
            throw new FileFormatException("It is not little endian. Save it again on an ordinary machine, or as safetensors.");
        }

        // Containers may stand in several places: what they unfold to is bounded by what was written.
        ZipArchiveEntry pickle = _files[_root + Pickle];
        _budget = 16 * pickle.Length;
        return pickle.Length <= MaxPickle ? Bytes(pickle, 0, pickle.Length) : throw new FileFormatException(
            $"Its pickle has {pickle.Length} bytes; {MaxPickle} is the most.");
    }

    private string NameOf(PyTorchTensor tensor) => $"{_root}data/{tensor.Storage.Name}";

    /// <summary>Walks what the pickle holds; scalars and texts are passed over.</summary>
    private void Flatten(object? value, string key, int depth)
    {
        _budget -= key.Length + 1;
        if (depth > MaxDepth || _budget < 0)
        {
            throw new FileFormatException($"Its dictionaries are nested more than {MaxDepth} deep, hold themselves, or unfold without end.");
        }

        switch (value)
        {
            case PyTorchTensor tensor:
                if (!_files.TryGetValue(NameOf(tensor), out ZipArchiveEntry? entry) || entry.Length / tensor.Spec.DType.Size() < tensor.Storage.Count)
                {
                    throw new FileFormatException($"The storage of tensor '{Shorten(key)}' is missing, or shorter than {tensor.Storage.Count} elements.");
                }

                if (!_tensors.TryAdd(key, tensor))
                {
                    throw new FileFormatException($"Two tensors have the key '{Shorten(key)}'.");
                }

                break;
            case PickleDictionary dictionary:
                dictionary.Items.ForEach(item => FlattenItem(item.Value, key, item.Key, depth));
                break;
            case IReadOnlyList<object?> list:
                for (int i = 0; i < list.Count; i++)
                {
                    FlattenItem(list[i], key, (long)i, depth);
                }

                break;
        }
    }

    private void FlattenItem(object? value, string parent, object? key, int depth)
    {
        _budget--;
        if (value is PyTorchTensor or PickleDictionary or IReadOnlyList<object?>)
        {
            string name = key is string or long ? Convert.ToString(key, CultureInfo.InvariantCulture)!
                : throw new FileFormatException($"A key below '{Shorten(parent)}' is neither text nor a whole number.");
            Flatten(value, parent.Length == 0 ? name : $"{parent}.{name}", depth + 1);
        }
    }

    private byte[] Elements(string key, PyTorchTensor tensor)
    {
        ObjectDisposedException.ThrowIf(_isClosed, this);
        int size = tensor.Spec.DType.Size();
        long shown = (tensor.Last - tensor.Offset + 1) * size;

        // A view may show one element a billion times; nobody writes a model so.
        if (Math.Max(shown, tensor.Spec.Bytes) > Array.MaxLength || tensor.Spec.Bytes > Math.Max(AlwaysAllowed, _stream.Length))
        {
            throw new FileFormatException($"Tensor '{Shorten(key)}' of '{_path}' {tensor.Spec} is larger than {Array.MaxLength} bytes, or than its file.");
        }

        byte[] elements = Bytes(_files[NameOf(tensor)], tensor.Offset * size, shown);
        if (!tensor.IsDense)
        {
            elements = Gather(elements, tensor);
        }

        return tensor.Spec.DType != DType.Bool || !elements.AsSpan().ContainsAnyExceptInRange((byte)0, (byte)1) ? elements : throw new FileFormatException(
            $"Tensor '{Shorten(key)}' of '{_path}' holds bools that are neither 0 nor 1.");
    }

    /// <summary>Copies the elements of a view row by row.</summary>
    private static byte[] Gather(byte[] elements, PyTorchTensor tensor)
    {
        int size = tensor.Spec.DType.Size();
        byte[] rows = GC.AllocateUninitializedArray<byte>((int)tensor.Spec.Bytes);
        int[] index = new int[tensor.Spec.Rank];
        for (long at = 0, to = 0; to < rows.Length; to += size)
        {
            elements.AsSpan((int)at * size, size).CopyTo(rows.AsSpan((int)to));
            for (int axis = index.Length - 1; axis >= 0; axis--)
            {
                at += tensor.Strides[axis];
                if (++index[axis] < tensor.Spec.Shape[axis])
                {
                    break;
                }

                at -= tensor.Strides[axis] * index[axis];
                index[axis] = 0;
            }
        }

        return rows;
    }

    /// <summary>Reads a part of a file in the archive; its length was checked.</summary>
    private byte[] Bytes(ZipArchiveEntry entry, long offset, long length)
    {
        try
        {
            using Stream stream = entry.Open();
            byte[] bytes = GC.AllocateUninitializedArray<byte>((int)Math.Max(length, Math.Min(offset, 1 << 16)));
            for (long left = offset; left > 0;)
            {
                int count = (int)Math.Min(left, bytes.Length);
                stream.ReadExactly(bytes, 0, count);
                left -= count;
            }

            stream.ReadExactly(bytes, 0, (int)length);
            return bytes.Length == length ? bytes : bytes[..(int)length];
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException)
        {
            throw new FileFormatException($"'{Shorten(entry.FullName)}' in '{_path}' cannot be read: {error.Message}", error);
        }
    }
}

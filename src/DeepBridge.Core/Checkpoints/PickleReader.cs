using System.Buffers.Binary;
using System.Text;

namespace DeepBridge.Checkpoints;

/// <summary>A dictionary in the order in which it was written; keys may be of any kind, and twice.</summary>
internal sealed class PickleDictionary
{
    internal List<(object? Key, object? Value)> Items { get; } = [];
}

/// <summary>The elements of one or more tensors.</summary>
/// <param name="Name">The name of its file in the archive.</param>
/// <param name="DType">What it holds.</param>
/// <param name="Count">How many.</param>
internal sealed record PyTorchStorage(string Name, DType DType, long Count);

/// <summary>A tensor: a view of a storage, checked to lie inside it.</summary>
/// <param name="Storage">The storage.</param>
/// <param name="Offset">Its first element.</param>
/// <param name="Last">Its last element; before <paramref name="Offset"/> where it has none.</param>
/// <param name="Spec">Shape and dtype.</param>
/// <param name="Strides">Distances between neighbours along each axis, in elements, none negative.</param>
internal sealed record PyTorchTensor(PyTorchStorage Storage, long Offset, long Last, TensorSpec Spec, long[] Strides)
{
    /// <summary>Whether its elements lie one after the other, row by row.</summary>
    internal bool IsDense => Spec.Count == 0 || !Spec.Shape.RowMajorStrides().Where((stride, axis) => Spec.Shape[axis] != 1 && stride != Strides[axis]).Any();
}

/// <summary>
/// Reads the pickle of a state dictionary, and nothing else: of Python's pickle machine it has the instructions that
/// PyTorch writes (protocol 2), and of all names that a pickle may call a dozen, which only make tensors, sizes and
/// dictionaries. It runs nothing, and makes at most one object for each byte.
/// </summary>
internal ref struct PickleReader
{
    private const string Rebuild = "torch._utils._rebuild_tensor_v2", Parameter = "torch._utils._rebuild_parameter";
    private const int MaxRank = 64;

    private static readonly object?[] s_empty = [];

    // What stands for a device, a dtype or a number beyond 64 bits: nobody asks what it is.
    private static readonly object s_opaque = new();

    private readonly ReadOnlySpan<byte> _pickle;
    private readonly List<object?> _stack = [];
    private readonly Stack<int> _marks = [];
    private readonly Dictionary<uint, object?> _memo = [];
    private int _at;

    private PickleReader(ReadOnlySpan<byte> pickle) => _pickle = pickle;

    /// <summary>Reads a pickle.</summary>
    /// <param name="pickle">The bytes.</param>
    /// <returns>
    /// A <see cref="PyTorchTensor"/>, <see cref="PickleDictionary"/>, list, array (a tuple), string, long, double, bool, null, or
    /// something that stands for none of these.
    /// </returns>
    /// <exception cref="FileFormatException">It is damaged, or asks for something that a state dictionary has no need of.</exception>
    internal static object? Read(ReadOnlySpan<byte> pickle)
    {
        PickleReader reader = new(pickle);
        while (reader.Take(1)[0] is byte code && code != '.')
        {
            reader.Run(code);
        }

        return reader.Pop();
    }

    private static FileFormatException Bad(string what) => new($"The pickle is refused: {what}");

    private static DType? StorageType(string name) => name switch
    {
        "torch.FloatStorage" => DType.Float32,
        "torch.DoubleStorage" => DType.Float64,
        "torch.HalfStorage" => DType.Float16,
        "torch.BFloat16Storage" => DType.BFloat16,
        "torch.LongStorage" => DType.Int64,
        "torch.IntStorage" => DType.Int32,
        "torch.ShortStorage" => DType.Int16,
        "torch.CharStorage" => DType.Int8,
        "torch.ByteStorage" => DType.UInt8,
        "torch.BoolStorage" => DType.Bool,
        _ => null,
    };

    private static bool IsKnown(string name) =>
        name is Rebuild or Parameter or "torch.Size" or "torch.device" or "collections.OrderedDict" or "collections.Counter"
        || StorageType(name) is not null || DTypes.All.Any(dtype => name == "torch." + dtype.Name());

    private static PyTorchStorage Storage(object? id) =>
        id is object?[] and ["storage", Global type, string name, string, long count, ..]
        && StorageType(type.Name) is { } dtype && count >= 0 && count <= long.MaxValue / 8
            ? new PyTorchStorage(name, dtype, count)
            : throw Bad("it refers to something that is no storage of a supported dtype.");

    private static object? Call(Global function, object?[] arguments) => (function.Name, arguments) switch
    {
        ("collections.OrderedDict", []) => new PickleDictionary(),
        ("collections.Counter", [PickleDictionary counts]) => counts,
        ("torch.Size", [object?[] dims]) => dims,
        ("torch.device", _) => s_opaque,
        (Parameter, [PyTorchTensor tensor, ..]) => tensor,
        (Rebuild, [PyTorchStorage storage, long offset, object?[] dims, object?[] strides, ..]) => Tensor(storage, offset, dims, strides),
        _ => throw Bad($"it calls {function.Name} with arguments that PyTorch does not write."),
    };

    private static PyTorchTensor Tensor(PyTorchStorage storage, long offset, object?[] dims, object?[] strides)
    {
        if (dims.Length != strides.Length || dims.Length > MaxRank || !dims.All(dim => dim is >= 0L and <= int.MaxValue)
            || !strides.All(stride => stride is >= 0L) || offset < 0)
        {
            throw Bad($"a tensor's dimensions, strides or offset are not whole numbers from 0 on, or more than {MaxRank}.");
        }

        try
        {
            TensorSpec spec = new(Shape.Create([.. dims.Select(dim => (int)(long)dim!)]), storage.DType);
            Int128 last = offset - (spec.Count == 0 ? 1 : 0);
            for (int axis = 0; axis < dims.Length && spec.Count > 0; axis++)
            {
                last += (Int128)((long)dims[axis]! - 1) * (long)strides[axis]!;
            }

            return (last < storage.Count || spec.Count == 0) && spec.Count <= long.MaxValue / sizeof(double)
                ? new PyTorchTensor(storage, offset, (long)last, spec, [.. strides.Select(stride => (long)stride!)])
                : throw Bad($"a tensor {spec} reaches to element {last} of a storage of {storage.Count}.");
        }
        catch (ArgumentOutOfRangeException error)
        {
            throw Bad(error.Message);
        }
    }

    private void Run(byte code)
    {
        switch (code)
        {
            case 0x80 when Take(1)[0] == 2: break;
            case (byte)'(': _marks.Push(_stack.Count); break;
            case (byte)')': Push(s_empty); break;
            case (byte)'t': Push(PopToMark()); break;
            case 0x85 or 0x86 or 0x87: Push(PopMany(code - 0x84)); break;
            case (byte)']': Push(new List<object?>(0)); break;
            case (byte)'}': Push(new PickleDictionary()); break;
            case (byte)'a': Append(PopMany(1)); break;
            case (byte)'e': Append(PopToMark()); break;
            case (byte)'s': SetItems(PopMany(2)); break;
            case (byte)'u': SetItems(PopToMark()); break;
            case (byte)'q': _memo[Take(1)[0]] = Top(); break;
            case (byte)'r': _memo[BinaryPrimitives.ReadUInt32LittleEndian(Take(4))] = Top(); break;
            case (byte)'h': Push(Recall(Take(1)[0])); break;
            case (byte)'j': Push(Recall(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)))); break;
            case (byte)'N': Push(null); break;
            case 0x88: Push(true); break;
            case 0x89: Push(false); break;
            case (byte)'K': Push((long)Take(1)[0]); break;
            case (byte)'M': Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2))); break;
            case (byte)'J': Push((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4))); break;
            case 0x8a: Push(Number(Take(Take(1)[0]))); break;
            case (byte)'G': Push(BinaryPrimitives.ReadDoubleBigEndian(Take(8))); break;
            case (byte)'X': Push(Encoding.UTF8.GetString(Take(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))))); break;
            case (byte)'c': Push(Find($"{Line()}.{Line()}")); break;
            case (byte)'Q': Push(Storage(Pop())); break;
            case (byte)'R': Reduce(); break;

            // The attributes of an ordered dictionary: PyTorch keeps versions of modules there.
            case (byte)'b' when Pop() is PickleDictionary: Top<PickleDictionary>(); break;
            default: throw Bad($"the instruction 0x{code:x2} at byte {_at - 1} is none that PyTorch writes there.");
        }
    }

    private static Global Find(string name) => IsKnown(name) ? new Global(name) : throw Bad(
        $"it names {WeightsFile.Shorten(name)}, which no state dictionary needs; nothing was called. Save model.state_dict() alone.");

    private static object Number(ReadOnlySpan<byte> bytes)
    {
        long value = bytes.IsEmpty ? 0 : (sbyte)bytes[^1];
        for (int i = bytes.Length - 2; i >= 0; i--)
        {
            value = (value << 8) | bytes[i];
        }

        return bytes.Length <= sizeof(long) ? value : s_opaque;
    }

    private ReadOnlySpan<byte> Take(uint count)
    {
        if (count > (uint)(_pickle.Length - _at))
        {
            throw Bad($"it ends in the middle, at byte {_pickle.Length}.");
        }

        _at += (int)count;
        return _pickle.Slice(_at - (int)count, (int)count);
    }

    private string Line()
    {
        int length = _pickle[_at..].IndexOf((byte)'\n');
        return Encoding.UTF8.GetString(Take(length < 0 ? uint.MaxValue : (uint)length + 1)[..^1]);
    }

    private void Push(object? value) => _stack.Add(value);

    private object? Pop()
    {
        object? top = Top();
        _stack.RemoveAt(_stack.Count - 1);
        return top;
    }

    private readonly object? Top() => _stack.Count > 0 ? _stack[^1] : throw Bad("an instruction finds too few objects.");

    private readonly T Top<T>() => Top() is T top ? top : throw Bad("an instruction finds another kind of object than it needs.");

    private object?[] PopToMark() => _marks.TryPop(out int mark) && mark <= _stack.Count
        ? PopMany(_stack.Count - mark)
        : throw Bad("an instruction finds no mark.");

    private object?[] PopMany(int count)
    {
        if (count > _stack.Count)
        {
            throw Bad("an instruction finds too few objects.");
        }

        object?[] values = new object?[count];
        _stack.CopyTo(_stack.Count - count, values, 0, count);
        _stack.RemoveRange(_stack.Count - count, count);
        return values;
    }

    private readonly object? Recall(uint index) => _memo.TryGetValue(index, out object? value) ? value : throw Bad("it recalls what it never stored.");

    private readonly void Append(object?[] values) => Top<List<object?>>().AddRange(values);

    private readonly void SetItems(object?[] values)
    {
        if (values.Length % 2 != 0)
        {
            throw Bad("a dictionary has a key without a value.");
        }

        Top<PickleDictionary>().Items.AddRange(values.Chunk(2).Select(pair => (pair[0], pair[1])));
    }

    private void Reduce()
    {
        object?[] call = PopMany(2);
        Push(call is [Global function, object?[] arguments] ? Call(function, arguments) : throw Bad("it calls what is no function."));
    }

    /// <summary>A name of Python's that is on the list.</summary>
    private sealed record Global(string Name);
}

using System.Text;
using DeepBridge.Checkpoints;

namespace DeepBridge.Tests.Checkpoints;

public sealed class SafetensorsTests : IDisposable
{
    private readonly TemporaryFile _file = new();

    public void Dispose() => _file.Dispose();

    [Fact]
    public void A_file_has_the_bytes_of_the_reference_implementation()
    {
        Write(("attn.0", Tensor.From<float>([0, 1, 2, 3, 4, 5], [1, 2, 3])));
        byte[] bytes = File.ReadAllBytes(_file.Path);
        Encoding.UTF8.GetString(bytes, 8, 64).Should().Be("""{"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}}""");
        bytes[..8].Should().Equal(64, 0, 0, 0, 0, 0, 0, 0);
        bytes[72..].Should().Equal(0, 0, 0, 0, 0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 64, 64, 0, 0, 128, 64, 0, 0, 160, 64);
    }

    [Fact]
    public void A_header_is_filled_up_with_spaces_to_eight_bytes()
    {
        Write(("attn0", Tensor.From<float>([0, 1, 2, 3, 4, 5], [1, 1, 2, 3])));
        byte[] bytes = File.ReadAllBytes(_file.Path);
        bytes[..8].Should().Equal(72, 0, 0, 0, 0, 0, 0, 0);
        Encoding.UTF8.GetString(bytes, 8, 72).Should().Be("""{"attn0":{"dtype":"F32","shape":[1,1,2,3],"data_offsets":[0,24]}}       """);
    }

    [Fact]
    public void An_empty_file_has_the_bytes_of_the_reference_implementation()
    {
        Write();
        File.ReadAllBytes(_file.Path).Should().Equal(8, 0, 0, 0, 0, 0, 0, 0, 123, 125, 32, 32, 32, 32, 32, 32);
        Safetensors.Save(_file.Path, new Dictionary<string, Tensor>(), new Dictionary<string, string> { ["framework"] = "pt" });
        byte[] bytes = File.ReadAllBytes(_file.Path);
        bytes[..8].Should().Equal(40, 0, 0, 0, 0, 0, 0, 0);
        Encoding.UTF8.GetString(bytes, 8, 40).Should().Be("""{"__metadata__":{"framework":"pt"}}     """);
        using SafetensorsFile file = SafetensorsFile.Open(_file.Path);
        file.Metadata.Should().Equal(new Dictionary<string, string> { ["framework"] = "pt" });
    }

    [Fact]
    public void Tensors_are_sorted_by_dtype_then_by_the_bytes_of_their_names()
    {
        // U+FF5E is before U+1F600 in code points and after it in UTF-16.
        Tensor one = Tensor.From<float>([1]);
        Write(
            ("u8", Tensor.From<byte>([1])),
            ("\U0001F600", one),
            ("～", one),
            ("b", one),
            ("a", one),
            ("i64", Tensor.From<long>([1])),
            ("f64", Tensor.From<double>([1])),
            ("bool", Tensor.From([true])),
            ("f16", Tensor.From([(Half)1])),
            ("bf16", Tensor.From([(BFloat16)1f])),
            ("i32", Tensor.From<int>([1])),
            ("i16", Tensor.From<short>([1])),
            ("i8", Tensor.From<sbyte>([1])));
        using SafetensorsFile file = SafetensorsFile.Open(_file.Path);
        file.Entries.Values.OrderBy(entry => entry.Offset).Select(entry => entry.Name).Should().Equal(
            "i64", "f64", "a", "b", "～", "\U0001F600", "i32", "bf16", "f16", "i16", "i8", "u8", "bool");
    }

    [Theory]
    [InlineData("a\"b\\c")]
    [InlineData("tab\tnew\nline\r\b\f\u0001\u001f")]
    [InlineData("é ß 漢 \U0001F600 \u2028 \u007f </script> '")]
    [InlineData("")]
    [InlineData("../../etc/passwd")]
    [InlineData("dtype")]
    public void Names_and_metadata_of_odd_characters_come_back(string name)
    {
        Safetensors.Save(
            _file.Path,
            new Dictionary<string, Tensor> { [name] = Tensor.From<int>([7]) },
            new Dictionary<string, string> { [name] = name });
        using SafetensorsFile file = SafetensorsFile.Open(_file.Path);
        file.Entries.Keys.Should().Equal(name);
        file.Metadata.Should().Equal(new Dictionary<string, string> { [name] = name });
        file.Read(name).ToArray<int>().Should().Equal(7);
    }

    [Fact]
    public void Control_characters_are_escaped_as_the_reference_implementation_does()
    {
        Write(("\u0001\n\u007f/é", Tensor.From<byte>([1])));
        Encoding.UTF8.GetString(File.ReadAllBytes(_file.Path)).Should().Contain("{\"\\u0001\\n\u007f/é\":{");
    }

    [Fact]
    public void Names_that_no_file_can_hold_are_refused_and_nothing_is_written()
    {
        Tensor one = Tensor.From<int>([1]);
        FluentActions.Invoking(() => Write(("__metadata__", one))).Should().Throw<ArgumentException>().WithMessage("*__metadata__*");
        FluentActions.Invoking(() => Write(("\ud800", one))).Should().Throw<ArgumentException>().WithMessage("*Unicode*");
        _file.Neighbours.Should().BeEmpty();
    }

    [Theory]
    [MemberData(nameof(DTypesByName))]
    public void Every_dtype_comes_back_bit_by_bit(DType dtype)
    {
        byte[] bytes = [.. Enumerable.Range(0, 6 * dtype.Size()).Select(i => (byte)(dtype == DType.Bool ? i % 2 : (i * 37) + 200))];
        Tensor tensor = FromBytes(bytes, [2, 3], dtype);
        Write(("x", tensor), ("empty", FromBytes([], [0, 3], dtype)), ("scalar", FromBytes(bytes[..dtype.Size()], [], dtype)));
        using SafetensorsFile file = SafetensorsFile.Open(_file.Path);
        file.Entries["x"].Spec.Should().Be(new TensorSpec([2, 3], dtype));
        BytesOf(file.Read("x")).Should().Equal(bytes);
        BytesOf(file.Read("scalar")).Should().Equal(bytes[..dtype.Size()]);
        file.Read("empty").Spec.Should().Be(new TensorSpec([0, 3], dtype));
    }

    public static TheoryData<DType> DTypesByName() => [.. DTypes.All];

    [Fact]
    public void Views_are_written_row_by_row()
    {
        Tensor x = Tensor.From<float>([1, 2, 3, 4, 5, 6], [2, 3]);
        Write(("t", x.T), ("row", x[1..]), ("e", Tensor.From<float>([9]).Expand([2, 2])));
        using SafetensorsFile file = SafetensorsFile.Open(_file.Path);
        file.Read("t").ToArray<float>().Should().Equal(1, 4, 2, 5, 3, 6);
        file.Read("row").ToArray<float>().Should().Equal(4, 5, 6);
        file.Read("e").ToArray<float>().Should().Equal(9, 9, 9, 9);
    }

    [Fact]
    public void A_failed_write_leaves_the_old_file_whole_and_no_other_behind()
    {
        Write(("x", Tensor.From<int>([1])));
        byte[] before = File.ReadAllBytes(_file.Path);
        Tensor released = Tensor.From<int>([2]);
        Tensor good = Tensor.From<long>([1, 2, 3]);
        released.Dispose();
        FluentActions.Invoking(() => Write(("good", good), ("released", released))).Should().Throw<TensorReleasedException>();
        File.ReadAllBytes(_file.Path).Should().Equal(before);
        _file.Neighbours.Should().Equal(_file.Path);
    }

    [Fact]
    public void A_file_that_is_open_may_be_replaced_and_still_reads_as_before()
    {
        Write(("x", Tensor.From<int>([1])));
        using SafetensorsFile file = SafetensorsFile.Open(_file.Path);
        Write(("x", Tensor.From<int>([2])));
        file.Read("x").ToArray<int>().Should().Equal(1);
        using SafetensorsFile next = SafetensorsFile.Open(_file.Path);
        next.Read("x").ToArray<int>().Should().Equal(2);
    }

    [Fact]
    public void Tensors_outlive_the_file_and_a_closed_file_throws()
    {
        Write(("x", Tensor.From<int>([1, 2])));
        SafetensorsFile file = SafetensorsFile.Open(_file.Path);
        Tensor x = file.Read("x");
        file.Dispose();
        file.Dispose();
        x.ToArray<int>().Should().Equal(1, 2);
        FluentActions.Invoking(() => file.Read("x")).Should().Throw<ObjectDisposedException>();
    }

    [Fact]
    public void A_name_or_a_file_that_is_not_there_is_named()
    {
        Write(("x", Tensor.From<int>([1])));
        using SafetensorsFile file = SafetensorsFile.Open(_file.Path);
        FluentActions.Invoking(() => file.Read("y")).Should().Throw<KeyNotFoundException>().WithMessage("*'y'*");
        FluentActions.Invoking(() => SafetensorsFile.Open(_file.Path + "?")).Should().Throw<FileNotFoundException>();
    }

    internal static Tensor FromBytes(byte[] bytes, Shape shape, DType dtype)
    {
        Device device = Device.Default;
        return Tensor.Adopt(new Tensor(device.Backend.Import(new TensorSpec(shape, dtype), device, bytes)));
    }

    internal static byte[] BytesOf(Tensor tensor)
    {
        byte[] result = [];
        tensor.ReadBytes(bytes => result = bytes.ToArray());
        return result;
    }

    private void Write(params (string Name, Tensor Tensor)[] tensors) =>
        Safetensors.Save(_file.Path, tensors.ToDictionary(pair => pair.Name, pair => pair.Tensor));
}

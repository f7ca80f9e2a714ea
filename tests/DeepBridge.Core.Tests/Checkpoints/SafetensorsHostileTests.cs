using System.Buffers.Binary;
using System.Text;
using DeepBridge.Checkpoints;

namespace DeepBridge.Tests.Checkpoints;

/// <summary>Files that nobody should trust.</summary>
public sealed class SafetensorsHostileTests : IDisposable
{
    private const string Good = """{"x":{"dtype":"I32","shape":[2,2],"data_offsets":[0,16]}}""";

    private readonly TemporaryFile _file = new();

    public void Dispose() => _file.Dispose();

    [Fact]
    public void The_file_that_the_others_are_made_of_is_valid()
    {
        Open(Good, 16).Should().NotThrow();
        Open("{}\r \t\n", 0).Should().NotThrow();
        Open("""{"x":{"dtype":"I32","shape":[2,0],"data_offsets":[0,0]}}""", 0).Should().NotThrow();
        Open("""{"x":{"shape":[],"data_offsets":[0,4],"dtype":"I32"}}""", 4).Should().NotThrow();
        Open("""{"b":{"dtype":"U8","shape":[3],"data_offsets":[1,4]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 4).Should().NotThrow();
    }

    [Theory]
    [InlineData("", "begin with")]
    [InlineData(" {}", "begin with")]
    [InlineData("[]", "begin with")]
    [InlineData("null", "begin with")]
    [InlineData("{", "JSON")]
    [InlineData("{}{}", "JSON")]
    [InlineData("{} x", "JSON")]
    [InlineData("{\"x\":}", "JSON")]
    [InlineData("{/* */}", "JSON")]
    [InlineData("""{"x":1}""", "not an object")]
    [InlineData("""{"x":null}""", "not an object")]
    [InlineData("""{"x":[]}""", "not an object")]
    [InlineData("""{"x":{}}""", "needs the fields")]
    [InlineData("""{"x":{"dtype":"I32","shape":[2,2]}}""", "needs the fields")]
    [InlineData("""{"x":{"dtype":"I32","data_offsets":[0,16]}}""", "needs the fields")]
    [InlineData("""{"x":{"shape":[2,2],"data_offsets":[0,16]}}""", "needs the fields")]
    [InlineData("""{"x":{"dtype":"I32","shape":[2,2],"data_offsets":[0,16],"more":1}}""", "'more' is unknown")]
    [InlineData("""{"x":{"dtype":"I32","dtype":"I32","shape":[2,2],"data_offsets":[0,16]}}""", "twice")]
    [InlineData("""{"x":{"dtype":"I32","shape":[2,2],"shape":[2,2],"data_offsets":[0,16]}}""", "twice")]
    [InlineData("""{"x":{"dtype":"I32","shape":[4],"data_offsets":[0,16]},"x":{"dtype":"I32","shape":[4],"data_offsets":[0,16]}}""", "twice")]
    [InlineData("""{"x":{"dtype":"F8_E4M3","shape":[16],"data_offsets":[0,16]}}""", "F8_E4M3")]
    [InlineData("""{"x":{"dtype":"U64","shape":[2],"data_offsets":[0,16]}}""", "U64")]
    [InlineData("""{"x":{"dtype":"i32","shape":[4],"data_offsets":[0,16]}}""", "i32")]
    [InlineData("""{"x":{"dtype":5,"shape":[4],"data_offsets":[0,16]}}""", "not a string")]
    [InlineData("""{"x":{"dtype":"I32","shape":4,"data_offsets":[0,16]}}""", "not a list")]
    [InlineData("""{"x":{"dtype":"I32","shape":[-4],"data_offsets":[0,16]}}""", "dimension")]
    [InlineData("""{"x":{"dtype":"I32","shape":[4.0],"data_offsets":[0,16]}}""", "dimension")]
    [InlineData("""{"x":{"dtype":"I32","shape":[4e0],"data_offsets":[0,16]}}""", "dimension")]
    [InlineData("""{"x":{"dtype":"I32","shape":["4"],"data_offsets":[0,16]}}""", "dimension")]
    [InlineData("""{"x":{"dtype":"I32","shape":[[4]],"data_offsets":[0,16]}}""", "dimension")]
    [InlineData("""{"x":{"dtype":"I32","shape":[2147483648],"data_offsets":[0,16]}}""", "dimension")]
    [InlineData("""{"x":{"dtype":"I32","shape":[2,18446744073709551614],"data_offsets":[0,16]}}""", "dimension")]
    [InlineData("""{"x":{"dtype":"I32","shape":[2,9223372036854775807],"data_offsets":[0,16]}}""", "dimension")]
    [InlineData("""{"x":{"dtype":"U8","shape":[2147483647,2147483647,2147483647],"data_offsets":[0,16]}}""", "2^63")]
    [InlineData("""{"x":{"dtype":"F64","shape":[2147483647,2147483647,2],"data_offsets":[0,16]}}""", "are not the")]
    [InlineData("""{"x":{"dtype":"I32","shape":[4],"data_offsets":16}}""", "not a list")]
    [InlineData("""{"x":{"dtype":"I32","shape":[4],"data_offsets":[16]}}""", "not a number")]
    [InlineData("""{"x":{"dtype":"I32","shape":[4],"data_offsets":[0,16,16]}}""", "more than two")]
    [InlineData("""{"x":{"dtype":"I32","shape":[4],"data_offsets":[0,1e1]}}""", "whole number")]
    [InlineData("""{"x":{"dtype":"I32","shape":[4],"data_offsets":[-16,0]}}""", "whole number")]
    [InlineData("""{"x":{"dtype":"I32","shape":[4],"data_offsets":[0,18446744073709551616]}}""", "whole number")]
    [InlineData("""{"x":{"dtype":"I32","shape":[4],"data_offsets":[16,0]}}""", "are not the")]
    [InlineData("""{"x":{"dtype":"I32","shape":[4],"data_offsets":[0,15]}}""", "are not the")]
    [InlineData("""{"x":{"dtype":"I32","shape":[2,2],"data_offsets":[4,20]}}""", "begins at byte 4")]
    [InlineData("""{"x":{"dtype":"I32","shape":[4],"data_offsets":[9223372036854775791,9223372036854775807]}}""", "begins at byte")]
    [InlineData("""{"x":{"dtype":"I32","shape":[3],"data_offsets":[0,12]}}""", "16 bytes follow")]
    [InlineData("""{"x":{"dtype":"I32","shape":[5],"data_offsets":[0,20]}}""", "16 bytes follow")]
    [InlineData("""{"a":{"dtype":"I32","shape":[4],"data_offsets":[0,16]},"b":{"dtype":"I32","shape":[4],"data_offsets":[0,16]}}""", "begins at byte 0")]
    [InlineData("""{"a":{"dtype":"I32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"I32","shape":[2],"data_offsets":[8,16]}}""", "begins at byte 8")]
    [InlineData("""{"a":{"dtype":"I32","shape":[3],"data_offsets":[0,12]},"b":{"dtype":"I32","shape":[2],"data_offsets":[8,16]}}""", "begins at byte 8")]
    [InlineData("""{"a":{"dtype":"I32","shape":[4],"data_offsets":[0,16]},"b":{"dtype":"I32","shape":[0],"data_offsets":[8,8]}}""", "begins at byte 8")]
    [InlineData("""{"__metadata__":1}""", "not an object")]
    [InlineData("""{"__metadata__":{"a":1}}""", "not a string")]
    [InlineData("""{"__metadata__":{"a":"1","a":"2"}}""", "twice")]
    [InlineData("""{"__metadata__":{},"__metadata__":{}}""", "two entries")]
    [InlineData("""{"\ud800":{"dtype":"I32","shape":[4],"data_offsets":[0,16]}}""", "JSON")]
    [InlineData("""{"x":{"x":{"x":{"x":{"x":{}}}}}}""", "unknown")]
    public void A_hostile_header_is_refused_with_a_typed_error(string header, string message) =>
        Open(header, 16).Should().Throw<FileFormatException>().WithMessage($"*{_file.Path}*{message}*");

    [Fact]
    public void Deep_nesting_is_refused_without_recursion() =>
        Open("{\"x\":" + new string('[', 5_000_000), 0).Should().Throw<FileFormatException>();

    [Fact]
    public void A_shape_of_a_million_dimensions_is_refused() =>
        Open("{\"x\":{\"dtype\":\"I32\",\"shape\":[" + string.Join(',', Enumerable.Repeat(1, 1_000_000)) + "],\"data_offsets\":[0,4]}}", 4)
            .Should().Throw<FileFormatException>().WithMessage("*64 dimensions*");

    [Fact]
    public void Long_names_are_cut_in_the_message() =>
        Open("{\"" + new string('n', 1_000_000) + "\":{}}", 0).Should().Throw<FileFormatException>().Which.Message.Length.Should().BeLessThan(1000);

    [Fact]
    public void Fifty_thousand_empty_tensors_are_read()
    {
        string header = "{" + string.Join(',', Enumerable.Range(0, 50_000).Select(i => $$"""
            "{{i}}":{"dtype":"I32","shape":[0],"data_offsets":[0,0]}
            """)) + "}";
        Open(header, 0).Should().NotThrow();
    }

    [Fact]
    public void Invalid_utf8_is_refused()
    {
        File.WriteAllBytes(_file.Path, [4, 0, 0, 0, 0, 0, 0, 0, (byte)'{', (byte)'"', 0xff, (byte)'}']);
        Opening.Should().Throw<FileFormatException>().WithMessage("*UTF-8*");
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(1UL)]
    [InlineData(57UL)]
    [InlineData(100_000_001UL)]
    [InlineData(ulong.MaxValue)]
    [InlineData(ulong.MaxValue - 7)]
    [InlineData((ulong)long.MaxValue)]
    public void A_header_length_that_is_not_the_headers_is_refused(ulong length)
    {
        byte[] bytes = [.. new byte[8], .. Encoding.UTF8.GetBytes(Good)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        File.WriteAllBytes(_file.Path, bytes);
        Opening.Should().Throw<FileFormatException>();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(40)]
    [InlineData(66)]
    [InlineData(80)]
    public void A_file_that_was_cut_off_is_refused(int length)
    {
        byte[] whole = FileOf(Good, 16);
        File.WriteAllBytes(_file.Path, whole[..length]);
        Opening.Should().Throw<FileFormatException>();
    }

    [Fact]
    public void Bools_that_are_neither_0_nor_1_are_refused_when_read()
    {
        File.WriteAllBytes(_file.Path, FileOf("""{"x":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}}""", 0, 1, 0, 2));
        using SafetensorsFile file = SafetensorsFile.Open(_file.Path);
        FluentActions.Invoking(() => file.Read("x")).Should().Throw<FileFormatException>().WithMessage("*bools*");
    }

    [Fact]
    public void Any_flipped_byte_gives_a_valid_file_or_a_typed_error()
    {
        byte[] whole = FileOf("""{"__metadata__":{"a":"b"},"x":{"dtype":"I32","shape":[2,2],"data_offsets":[0,16]}}""", 16);
        Random random = new(7);
        int refused = 0;
        for (int round = 0; round < 3000; round++)
        {
            byte[] bytes = [.. whole];
            for (int flips = random.Next(1, 4); flips > 0; flips--)
            {
                bytes[random.Next(bytes.Length - 16)] = (byte)random.Next(256);
            }

            File.WriteAllBytes(_file.Path, bytes);
            try
            {
                using SafetensorsFile file = SafetensorsFile.Open(_file.Path);
                file.Entries.Values.Sum(entry => entry.Spec.Bytes).Should().Be(16);
            }
            catch (FileFormatException)
            {
                refused++;
            }
        }

        refused.Should().BeGreaterThan(1000);
    }

    private static byte[] FileOf(string header, int zeros, params byte[] data)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        byte[] bytes = [.. new byte[8], .. json, .. new byte[zeros], .. data];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)json.Length);
        return bytes;
    }

    private Action Opening => () => SafetensorsFile.Open(_file.Path).Dispose();

    private Action Open(string header, int zeros)
    {
        byte[] bytes = FileOf(header, zeros);
        return () =>
        {
            File.WriteAllBytes(_file.Path, bytes);
            Opening();
        };
    }
}

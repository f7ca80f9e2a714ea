using System.Text;
using DeepBridge.Data;
using FsCheck;
using FsCheck.Fluent;

namespace DeepBridge.Tests.Data;

/// <summary>Tables of text, and text by character.</summary>
public sealed class TextTests
{
    [Fact]
    public void A_table_has_columns_of_text_numbers_and_classes()
    {
        using TemporaryFile file = new();
        File.WriteAllText(file.Path, "length,kind,\"wid\"\"th, cm\"\r\n1.5,b,-2e3\r\n\n 2 ,\"a\nc\",3\n7,b,\"4\"");
        CsvTable table = CsvTable.Read(file.Path);
        table.Header.Should().Equal("length", "kind", "wid\"th, cm");
        table.Count.Should().Be(3);
        HostArray<float> numbers = table.Numbers("wid\"th, cm", "length");
        numbers.Shape.AsSpan().ToArray().Should().Equal(3, 2);
        numbers.Span.ToArray().Should().Equal(-2000, 1.5f, 3, 2, 4, 7);
        (long[] labels, string[] names) = table.Classes("kind");
        labels.Should().Equal(1, 0, 1);
        names.Should().Equal("a\nc", "b");
        (HostArray<float> input, long label) = Dataset.Rows(numbers).Zip(Dataset.Of(labels)).Get(1);
        (input.Span[0], label).Should().Be((3, 0));
        FluentActions.Invoking(() => table.Text("height")).Should().Throw<KeyNotFoundException>().WithMessage("*height*length, kind*");
        FluentActions.Invoking(() => table.Numbers("length", "kind")).Should().Throw<FileFormatException>().WithMessage("*row 1*'b'*kind*");
        table.Numbers().Shape.AsSpan().ToArray().Should().Equal(3, 0);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a,a\n1,2")]
    [InlineData("a,b\n1")]
    [InlineData("a,b\n1,2,3")]
    [InlineData("a,b\n1,\"2")]
    [InlineData("\"a")]
    public void A_table_that_is_none_is_refused(string text) =>
        FluentActions.Invoking(() => CsvTable.Parse(new StringReader(text))).Should().Throw<FileFormatException>();

    [Fact]
    public void Any_table_that_is_written_with_quotes_is_read_as_it_was() =>
        Check.QuickThrowOnFailure(Prop.ForAll(
            ArbMap.Default.GeneratorFor<NonNull<string>>().ArrayOf().ArrayOf().ToArbitrary(),
            generated =>
            {
                string[][] rows = [.. generated.Where(row => row.Length > 0).Select(row => row.Select(field => field.Get).ToArray())];
                int width = rows.Length == 0 ? 0 : rows.Min(row => row.Length);
                StringBuilder text = new(string.Join(';', Enumerable.Range(0, width)));
                foreach (string[] row in rows)
                {
                    text.Append('\n').AppendJoin(';', row.Take(width).Select(field => $"\"{field.Replace("\"", "\"\"")}\""));
                }

                if (width == 0)
                {
                    return true;
                }

                // Lines that are all empty are skipped where there are several columns; quoted fields of one column are not.
                CsvTable table = CsvTable.Parse(new StringReader(text.ToString()), ';');
                return Enumerable.Range(0, width).All(column => table.Text($"{column}").SequenceEqual(rows.Select(row => row[column])));
            }));

    [Fact]
    public void Characters_are_numbered_in_order_and_come_back()
    {
        CharacterVocabulary vocabulary = new("hello, wörld");
        vocabulary.Characters.Should().Be(" ,dehlorwö");
        vocabulary.Count.Should().Be(10);
        vocabulary.Decode(vocabulary.Encode("low")).Should().Be("low");
        vocabulary.Encode(" dö").Should().Equal(0, 2, 9);
        new CharacterVocabulary(vocabulary.Characters).Characters.Should().Be(vocabulary.Characters);
        FluentActions.Invoking(() => vocabulary.Encode("lox")).Should().Throw<ValueOutOfBoundsException>().WithMessage("*U+0078*position 2*");
        FluentActions.Invoking(() => vocabulary.Decode([0, 10])).Should().Throw<ValueOutOfBoundsException>();
        FluentActions.Invoking(() => vocabulary.Decode([-1])).Should().Throw<ValueOutOfBoundsException>();
    }

    [Theory]
    [InlineData(10, 3, 1, 7)]
    [InlineData(10, 3, 3, 3)]
    [InlineData(9, 3, 3, 2)]
    [InlineData(4, 3, 3, 1)]
    [InlineData(3, 3, 1, 0)]
    [InlineData(0, 3, 1, 0)]
    public void Windows_come_with_themselves_shifted_by_one(int count, int length, int stride, int expected)
    {
        IDataset<(HostArray<int> Input, HostArray<int> Label)> windows =
            CharacterVocabulary.Windows(Enumerable.Range(0, count).ToArray(), length, stride);
        windows.Count.Should().Be(expected);
        for (int i = 0; i < expected; i++)
        {
            (HostArray<int> input, HostArray<int> label) = windows.Get(i);
            input.Span.ToArray().Should().Equal(Enumerable.Range(i * stride, length));
            label.Span.ToArray().Should().Equal(Enumerable.Range((i * stride) + 1, length));
        }
    }
}

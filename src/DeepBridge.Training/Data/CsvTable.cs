using System.Globalization;
using System.Text;

namespace DeepBridge.Data;

/// <summary>
/// A table of text, as RFC 4180 writes it: fields in quotes may hold separators, line breaks and doubled quotes. Every
/// row must have as many fields as the header; numbers are read in the invariant culture.
/// </summary>
public sealed class CsvTable
{
    private readonly string[] _header;
    private readonly List<string[]> _rows;
    private readonly string _source;

    private CsvTable(string[] header, List<string[]> rows, string source) => (_header, _rows, _source) = (header, rows, source);

    /// <summary>The names of the columns.</summary>
    public IReadOnlyList<string> Header => _header;

    /// <summary>How many rows there are, without the header.</summary>
    public int Count => _rows.Count;

    /// <summary>Reads a file whose first row names the columns.</summary>
    /// <param name="path">The file, UTF-8 unless it begins with another mark.</param>
    /// <param name="separator">What stands between fields.</param>
    /// <returns>The table.</returns>
    /// <exception cref="FileFormatException">A quote is never closed, a row has another number of fields, or a name stands there twice.</exception>
    /// <exception cref="IOException">It is not there or cannot be read.</exception>
    public static CsvTable Read(string path, char separator = ',')
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using StreamReader reader = new(path, Encoding.UTF8);
        return Parse(reader, separator, $"'{path}'");
    }

    /// <summary>Reads a table whose first row names the columns.</summary>
    /// <param name="reader">The text.</param>
    /// <param name="separator">What stands between fields.</param>
    /// <returns>The table.</returns>
    /// <exception cref="FileFormatException">A quote is never closed, a row has another number of fields, or a name stands there twice.</exception>
    public static CsvTable Parse(TextReader reader, char separator = ',')
    {
        ArgumentNullException.ThrowIfNull(reader);
        return Parse(reader, separator, "The table");
    }

    /// <summary>A column as text.</summary>
    /// <param name="column">Its name.</param>
    /// <returns>One text a row.</returns>
    /// <exception cref="KeyNotFoundException">There is no such column.</exception>
    public string[] Text(string column)
    {
        int index = IndexOf(column);
        return [.. _rows.Select(row => row[index])];
    }

    /// <summary>Columns as numbers.</summary>
    /// <param name="columns">Their names.</param>
    /// <returns>An array of shape (rows, columns).</returns>
    /// <exception cref="KeyNotFoundException">There is no such column.</exception>
    /// <exception cref="FileFormatException">A field is no number.</exception>
    public HostArray<float> Numbers(params string[] columns)
    {
        ArgumentNullException.ThrowIfNull(columns);
        int[] indices = [.. columns.Select(IndexOf)];
        float[] values = new float[checked(_rows.Count * indices.Length)];
        for (int i = 0; i < values.Length; i++)
        {
            string field = _rows[i / indices.Length][indices[i % indices.Length]];
            values[i] = float.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out float value) ? value : throw new FileFormatException(
                $"{_source}: row {(i / indices.Length) + 1} holds {Shown(field)} in column '{columns[i % indices.Length]}', which is no number.");
        }

        return new HostArray<float>(values, [_rows.Count, indices.Length]);
    }

    /// <summary>A column as classes: its different texts in ordinal order, numbered.</summary>
    /// <param name="column">Its name.</param>
    /// <returns>One class a row, and the classes' names.</returns>
    /// <exception cref="KeyNotFoundException">There is no such column.</exception>
    public (long[] Labels, string[] Names) Classes(string column)
    {
        string[] texts = Text(column), names = [.. texts.Distinct().Order(StringComparer.Ordinal)];
        return ([.. texts.Select(text => (long)Array.BinarySearch(names, text, StringComparer.Ordinal))], names);
    }

    private static CsvTable Parse(TextReader reader, char separator, string source)
    {
        if (separator is '"' or '\r' or '\n')
        {
            throw new ArgumentException("A quote or a line break separates no fields.", nameof(separator));
        }

        string[]? header = null;
        List<string[]> rows = [];
        while (Row(reader, separator, source, rows.Count, header?.Length) is { } row)
        {
            if (header is null)
            {
                header = row;
                continue;
            }

            // An empty line, unless it is an empty field of the only column.
            if (row is [""] && header.Length > 1)
            {
                continue;
            }

            rows.Add(row.Length == header.Length ? row : throw new FileFormatException(
                $"{source}: row {rows.Count + 1} has {row.Length} fields, the header {header.Length}."));
        }

        return header is not null && header.Distinct().Count() == header.Length
            ? new CsvTable(header, rows, source)
            : throw new FileFormatException($"{source}: the first row must name the columns, each once.");
    }

    private static string[]? Row(TextReader reader, char separator, string source, int number, int? fieldCount)
    {
        if (reader.Peek() < 0)
        {
            return null;
        }

        List<string> fields = [];
        StringBuilder field = new();
        bool quoted = false;
        for (int next = reader.Read(); ; next = reader.Read())
        {
            if (quoted)
            {
                if (next < 0)
                {
                    throw new FileFormatException($"{source}: a quote in row {number + 1} is never closed.");
                }

                // A doubled quote is one quote.
                quoted = next != '"' || (reader.Peek() == '"' && reader.Read() == '"');
                _ = quoted ? field.Append((char)next) : field;
            }
            else if (next == '"' && field.Length == 0)
            {
                quoted = true;
            }
            else if (next >= 0 && next != separator && next != '\n' && next != '\r')
            {
                field.Append((char)next);
            }
            else
            {
                fields.Add(field.ToString());
                field.Clear();
                if (next == '\r' && reader.Peek() == '\n')
                {
                    next = reader.Read();
                }

                if (next != separator)
                {
                    return [.. fields];
                }

                // A hostile row ends here, not when it is all in memory.
                if (fields.Count > fieldCount)
                {
                    throw new FileFormatException($"{source}: row {number + 1} has more than {fieldCount} fields.");
                }
            }
        }
    }

    private static string Shown(string field) => field.Length <= 40 ? $"'{field}'" : $"'{field[..40]}…'";

    private int IndexOf(string column)
    {
        int index = Array.IndexOf(_header, column);
        return index >= 0 ? index : throw new KeyNotFoundException($"{_source} has no column '{column}'; it has {string.Join(", ", _header)}.");
    }
}

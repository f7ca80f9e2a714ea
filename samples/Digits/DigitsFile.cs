using System.Globalization;
using DeepBridge;
using Samples;

namespace Digits;

/// <summary>Rows of pixels, scaled to 0 to 1, and their labels.</summary>
/// <param name="Pixels">Row by row, 64 each.</param>
/// <param name="Labels">One a row; −1 where the file has none.</param>
internal sealed record DigitsFile(float[] Pixels, long[] Labels)
{
    private const int PixelCount = 64, Darkest = 16;

    /// <summary>The file that the sample carries.</summary>
    internal static string Carried => Path.Combine(AppContext.BaseDirectory, "data", "digits.csv");

    /// <summary>Reads a CSV file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="labelled">Whether a 65th column must hold the label; otherwise it may stand there: it is checked and not used.</param>
    /// <returns>The rows.</returns>
    /// <exception cref="InvalidInputException">A row is not what it must be.</exception>
    internal static DigitsFile Read(string path, bool labelled)
    {
        List<float> pixels = [];
        List<long> labels = [];
        int number = 0;
        foreach (string line in File.ReadLines(path))
        {
            number++;
            if (line.Length == 0)
            {
                continue;
            }

            string[] cells = line.Split(',');
            if (cells.Length != PixelCount + 1 && (labelled || cells.Length != PixelCount))
            {
                throw new InvalidInputException(
                    $"{path}, row {number}: {cells.Length} columns; expected {PixelCount} pixels{(labelled ? " and a label" : ", and perhaps a label")}.");
            }

            for (int i = 0; i < PixelCount; i++)
            {
                pixels.Add(Cell(path, number, cells[i], "a pixel", Darkest) / (float)Darkest);
            }

            labels.Add(cells.Length > PixelCount ? Cell(path, number, cells[PixelCount], "a label", 9) : -1);
        }

        return labels.Count > 0 ? new DigitsFile([.. pixels], [.. labels]) : throw new InvalidInputException($"{path} has no rows.");
    }

    /// <summary>The pixels of some rows as images (rows, 1, 8, 8).</summary>
    internal Tensor Images(Range rows)
    {
        (int start, int count) = rows.GetOffsetAndLength(Labels.Length);
        return Tensor.From<float>(Pixels.AsSpan(start * PixelCount, count * PixelCount), [count, 1, 8, 8]);
    }

    /// <summary>The labels of some rows.</summary>
    internal Tensor Digits(Range rows) => Tensor.From<long>(Labels.AsSpan()[rows]);

    private static int Cell(string path, int number, string cell, string what, int greatest) =>
        int.TryParse(cell, NumberStyles.Integer, CultureInfo.InvariantCulture, out int value) && value >= 0 && value <= greatest
            ? value
            : throw new InvalidInputException($"{path}, row {number}: '{cell}' is not {what} from 0 to {greatest}.");
}

namespace DeepBridge.Data;

/// <summary>The characters (UTF-16 units) of a text, numbered in ordinal order.</summary>
public sealed class CharacterVocabulary
{
    private readonly Dictionary<char, int> _numbers = [];

    /// <summary>Collects the characters of a text.</summary>
    /// <param name="text">The text; those that it lacks cannot be encoded.</param>
    public CharacterVocabulary(ReadOnlySpan<char> text)
    {
        HashSet<char> found = [];
        foreach (char character in text)
        {
            found.Add(character);
        }

        Characters = string.Concat(found.Order());
        foreach (char character in Characters)
        {
            _numbers.Add(character, _numbers.Count);
        }
    }

    /// <summary>How many characters there are.</summary>
    public int Count => Characters.Length;

    /// <summary>The characters, each at its number. A vocabulary of this text is this one.</summary>
    public string Characters { get; }

    /// <summary>The numbers of a text.</summary>
    /// <param name="text">The text.</param>
    /// <returns>One number a character.</returns>
    /// <exception cref="ValueOutOfBoundsException">A character is not in the vocabulary.</exception>
    public int[] Encode(ReadOnlySpan<char> text)
    {
        int[] numbers = new int[text.Length];
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = _numbers.TryGetValue(text[i], out int number) ? number : throw new ValueOutOfBoundsException(
                nameof(Encode), $"character U+{(int)text[i]:X4} at position {i} is not among the vocabulary's {Count}.", text[i]);
        }

        return numbers;
    }

    /// <summary>The text of numbers.</summary>
    /// <param name="numbers">The numbers.</param>
    /// <returns>The text.</returns>
    /// <exception cref="ValueOutOfBoundsException">A number is not in the vocabulary.</exception>
    public string Decode(ReadOnlySpan<int> numbers)
    {
        char[] text = new char[numbers.Length];
        for (int i = 0; i < text.Length; i++)
        {
            text[i] = (uint)numbers[i] < (uint)Count ? Characters[numbers[i]] : throw new ValueOutOfBoundsException(
                nameof(Decode), $"number {numbers[i]} at position {i} is not among the vocabulary's {Count}.", numbers[i]);
        }

        return new string(text);
    }

    /// <summary>Windows of a text for a model that predicts the next character.</summary>
    /// <param name="numbers">The encoded text.</param>
    /// <param name="length">How long a window is.</param>
    /// <param name="stride">How far apart two windows begin: 1 for all windows, <paramref name="length"/> for such as do not overlap.</param>
    /// <returns>Windows, and the same shifted by one; what is left at the end is left out.</returns>
    public static IDataset<(HostArray<int> Input, HostArray<int> Label)> Windows(ReadOnlyMemory<int> numbers, int length, int stride = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(stride);
        int count = numbers.Length <= length ? 0 : ((numbers.Length - length - 1) / stride) + 1;
        return Dataset.From(
            count,
            (index, _) => (new HostArray<int>(numbers.Slice(index * stride, length), [length]), new HostArray<int>(numbers.Slice((index * stride) + 1, length), [length])));
    }
}

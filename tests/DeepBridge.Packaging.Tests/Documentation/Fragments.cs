using System.Text.RegularExpressions;

namespace DeepBridge.Packaging.Tests.Documentation;

/// <summary>A piece of C# in a page.</summary>
/// <param name="Line">The line of the page where it begins, from 1.</param>
/// <param name="Code">The code.</param>
internal sealed record Fragment(int Line, string Code);

/// <summary>The C# of a page of documentation.</summary>
internal static partial class Fragments
{
    /// <summary>The blocks between ```csharp and ```. C# of another library is fenced as ```cs.</summary>
    internal static IReadOnlyList<Fragment> Blocks(string page)
    {
        string[] lines = File.ReadAllLines(Path.Combine(Repository.Root, page));
        List<Fragment> blocks = [];
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i] == "```csharp")
            {
                int end = Array.IndexOf(lines, "```", i);
                blocks.Add(new Fragment(i + 2, string.Join('\n', lines[(i + 1)..end])));
                i = end;
            }
        }

        return blocks;
    }

    /// <summary>What stands between backticks in the second column of tables that are headed DeepBridge there.</summary>
    internal static IReadOnlyList<Fragment> Cells(string page)
    {
        string[] lines = File.ReadAllLines(Path.Combine(Repository.Root, page));
        List<Fragment> cells = [];
        bool inside = false;
        for (int i = 0; i < lines.Length; i++)
        {
            string[] columns = lines[i].StartsWith('|') ? Bar().Split(lines[i]) : [];
            if (columns.Length < 3)
            {
                inside = false;
            }
            else if (columns[2].Trim() == "DeepBridge")
            {
                inside = true;
            }
            else if (inside)
            {
                cells.AddRange(Code().Matches(columns[2]).Select(match => new Fragment(i + 1, match.Groups[1].Value.Replace("\\|", "|", StringComparison.Ordinal))));
            }
        }

        return cells;
    }

    [GeneratedRegex(@"(?<!\\)\|")]
    private static partial Regex Bar();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Code();
}

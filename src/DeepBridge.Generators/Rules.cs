using System.Collections.Immutable;
using Microsoft.CodeAnalysis;

namespace DeepBridge.Generators;

/// <summary>
/// What is wrong with a module. All are errors: each would lose parameters or tensors without a word. AnalyzerReleases.*.md
/// list them too.
/// </summary>
internal static class Rules
{
    public static readonly DiagnosticDescriptor Partial = Rule(
        "DB0001", "A module must be partial", "The rest of the module '{0}' is generated: declare '{1}' {2}");

    public static readonly DiagnosticDescriptor Tensor = Rule(
        "DB0002",
        "A module keeps tensors from call to call",
        "'{0}' keeps tensors from call to call: state is a buffer (a Variable that is assigned), or an input and an output of the call");

    public static readonly DiagnosticDescriptor Captured = Rule(
        "DB0003",
        "A primary constructor's module or variable is captured",
        "'{0}' is used outside initializers, so it lies in a hidden field where the model does not find it: keep it in a field");

    public static readonly DiagnosticDescriptor Missed = Rule(
        "DB0004",
        "A module or variable lies where it is not found",
        "The modules or variables in '{0}' would be neither trained nor saved: keep them in fields of their own, in arrays, lists "
        + "or dictionaries with string keys, and not in '{1}'");

    public static readonly DiagnosticDescriptor Static = Rule(
        "DB0005",
        "A module or variable is static",
        "'{0}' is static, so it belongs to no model and would be neither saved nor moved: make it an instance field");

    public static readonly DiagnosticDescriptor Duplicate = Rule(
        "DB0006",
        "Two members have the same state dictionary key",
        "'{0}' and '{1}' have the same key '{2}': give one of them a [StateName]");

    public static readonly DiagnosticDescriptor Unsupported = Rule(
        "DB0007",
        "An input or output type cannot be walked",
        "The {0} of '{1}' holds {2}. It may be made of Tensor, numbers, bool, string and enums, of tuples and records of these, "
        + "and of arrays, List, IList and IReadOnlyList of what holds tensors.");

    public static readonly DiagnosticDescriptor Open = Rule(
        "DB0008",
        "An open type argument cannot be walked",
        "The {0} of '{1}' holds '{2}', and nobody knows where its tensors are: keep a module that takes or returns '{2}' in a field");

    public static readonly DiagnosticDescriptor HandWritten = Rule(
        "DB0009", "Describe is written by hand", "'{0}' must not override Describe: it is generated, so that no member is forgotten");

    public static readonly ImmutableArray<DiagnosticDescriptor> All =
        [Partial, Tensor, Captured, Missed, Static, Duplicate, Unsupported, Open, HandWritten];

    private static DiagnosticDescriptor Rule(string id, string title, string message) =>
        new(id, title, message, "DeepBridge", DiagnosticSeverity.Error, isEnabledByDefault: true);
}

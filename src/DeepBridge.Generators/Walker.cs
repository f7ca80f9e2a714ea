using System.Text;
using Microsoft.CodeAnalysis;

namespace DeepBridge.Generators;

/// <summary>
/// Writes the method that applies a function to every tensor of a module's input or output. Compound types become
/// local functions, each once: a record may hold itself. A list may be a <c>List</c>, <c>IList</c> or
/// <c>IReadOnlyList</c>; an <c>IEnumerable</c> may not, since a lazy one would compute its tensors again at each walk.
/// </summary>
internal sealed class Walker
{
    private readonly INamedTypeSymbol _module;
    private readonly Compilation _compilation;
    private readonly ITypeSymbol _type;
    private readonly Dictionary<string, string> _functions = [];
    private readonly StringBuilder _text = new();
    private readonly string _result;

    private Walker(INamedTypeSymbol module, Compilation compilation, string method, ITypeSymbol type)
    {
        _module = module;
        _compilation = compilation;
        _type = type;
        Method = method;
        _result = Walk(type, "value");
    }

    /// <summary><c>MapInput</c> or <c>MapOutput</c>.</summary>
    public string Method { get; }

    /// <summary>The first thing that is neither a tensor nor made of tensors; null: all is well.</summary>
    public string? Refused { get; private set; }

    /// <summary>The first open type argument that no module of this one takes or returns, or null.</summary>
    public ITypeSymbol? Unknown { get; private set; }

    /// <summary>
    /// Those that a module must have. An abstract module whose type arguments are open leaves them to the class that
    /// closes them; one written by hand stands, as a way out for types that nobody foresaw.
    /// </summary>
    public static IEnumerable<Walker> Of(INamedTypeSymbol module, Compilation compilation)
    {
        if (Known.TypedRoot(module) is not { } root)
        {
            return [];
        }

        Walker?[] walkers =
        [
            Find(module, compilation, "MapInput", root.TypeArguments[0]),
            Find(module, compilation, "MapOutput", root.TypeArguments[1]),
        ];
        return walkers.OfType<Walker>();
    }

    public string Write()
    {
        string type = _type.ToDisplayString(Known.Qualified);
        string body = Refused is null && Unknown is null
            ? $"    return {_result};\n{_text}"
            : "    throw new global::System.NotSupportedException();\n";
        return $"/// <inheritdoc/>\n{ModuleSource.Attribute}\n"
            + "[global::System.ComponentModel.EditorBrowsable(global::System.ComponentModel.EditorBrowsableState.Never)]\n"
            + $"public override {type} {Method}({type} value, global::DeepBridge.TensorMap map)\n{{\n{body}}}\n";
    }

    private static Walker? Find(INamedTypeSymbol module, Compilation compilation, string method, ITypeSymbol type)
    {
        if (module.GetMembers(method).Any(member => member.IsOverride && !Known.IsOurs(member)))
        {
            return null;
        }

        for (INamedTypeSymbol? above = module.BaseType; above is not null && !Known.IsTypedRoot(above); above = above.BaseType)
        {
            INamedTypeSymbol definition = above.OriginalDefinition;
            bool written = definition.GetMembers(method).Any(member => member.IsOverride)
                || (definition.DeclaringSyntaxReferences.Length > 0
                    && Of(definition, compilation).Any(walker => walker.Method == method));
            if (written)
            {
                return null;
            }
        }

        Walker walker = new(module, compilation, method, type);
        return walker.Unknown is not null && module.IsAbstract ? null : walker;
    }

    /// <summary>The expression that walks a value; the value itself where no tensor can be in it.</summary>
    private string Walk(ITypeSymbol type, string value)
    {
        if (type.TypeKind == TypeKind.Error || IsScalar(type))
        {
            return value;
        }

        if (Known.IsTensor(type))
        {
            return $"map.Apply({value})";
        }

        bool nullable = type.NullableAnnotation == NullableAnnotation.Annotated;
        if (!nullable && IsOpen(type) && Delegate(type, value) is { } delegated)
        {
            return delegated;
        }

        if (!nullable && type is ITypeParameterSymbol)
        {
            Unknown ??= type;
            return "default!";
        }

        string name = type.ToDisplayString(Known.Qualified);
        if (!_functions.TryGetValue(name, out string function))
        {
            function = _functions[name] = $"Map{_functions.Count}";
            string body = nullable ? Nullable(type) : Body(type);
            if (body == "v")
            {
                function = _functions[name] = string.Empty;
            }
            else
            {
                _text.Append($"\n    {name} {function}({name} v)").Append(body[0] == '\n' ? body : $" => {body};\n");
            }
        }

        return function.Length == 0 ? value : $"{function}({value})";
    }

    private string Nullable(ITypeSymbol type)
    {
        ITypeSymbol inner = type is INamedTypeSymbol { OriginalDefinition.SpecialType: SpecialType.System_Nullable_T } named
            ? named.TypeArguments[0]
            : type.WithNullableAnnotation(NullableAnnotation.NotAnnotated);
        string walked = Walk(inner, "x");
        return walked == "x" ? "v" : $"v is {{ }} x ? {walked} : {(type is ITypeParameterSymbol ? "default" : "null")}";
    }

    private string Body(ITypeSymbol type)
    {
        string name = type.ToDisplayString(Known.Qualified);
        switch (type)
        {
            case IArrayTypeSymbol { Rank: 1 } array when Walk(array.ElementType, "r[i]") is var item and not "r[i]":
                return Loop($"{name} r = ({name})v.Clone();", "r.Length", $"r[i] = {item};");
            case INamedTypeSymbol { IsTupleType: true } tuple:
                string[] items = [.. tuple.TupleElements.Select((element, i) => Walk(element.Type, $"v.Item{i + 1}"))];
                string literal = $"({string.Join(", ", items)})";
                bool unchanged = items.Select((item, i) => item == $"v.Item{i + 1}").All(same => same);
                return unchanged ? "v" : items.Length == 1 ? $"new {name}{literal}" : literal;
            case INamedTypeSymbol { Name: "List" or "IList" or "IReadOnlyList", Arity: 1 } list
                when list.ContainingNamespace.ToDisplayString() == "System.Collections.Generic"
                    && Walk(list.TypeArguments[0], "v[i]") is var item and not "v[i]":
                string made = $"global::System.Collections.Generic.List<{list.TypeArguments[0].ToDisplayString(Known.Qualified)}>";
                return Loop($"{made} r = new {made}(v.Count);", "v.Count", $"r.Add({item});");
            case INamedTypeSymbol { IsAbstract: false } record when record.IsRecord || IsRecordElsewhere(record):
                string[] changes = [.. Slots(record).Select(slot => Change(record, slot)).OfType<string>()];
                if (changes.Length > 0 || record.IsRecord)
                {
                    return changes.Length == 0 ? "v" : $"v with {{ {string.Join(", ", changes)} }}";
                }

                break;
        }

        Refused ??= $"'{type.ToDisplayString()}'";
        return "v";
    }

    private static string Loop(string start, string count, string step) =>
        $"\n    {{\n        {start}\n        for (int i = 0; i < {count}; i++)\n        {{\n            {step}\n        }}\n\n"
        + "        return r;\n    }\n";

    /// <summary>The assignment that replaces the tensors in one part of a record; null where there are none.</summary>
    private string? Change(INamedTypeSymbol record, ISymbol slot)
    {
        string value = $"v.{Known.Escape(slot.Name)}";
        ITypeSymbol type = slot is IPropertySymbol property ? property.Type : ((IFieldSymbol)slot).Type;
        string walked = Walk(type, value);
        if (walked == value)
        {
            return null;
        }

        ISymbol? setter = slot is IPropertySymbol { SetMethod: var set } ? set : ((IFieldSymbol)slot).IsReadOnly ? null : slot;
        if (setter is null || !_compilation.IsSymbolAccessibleWithin(setter, _module))
        {
            Refused ??= $"'{record.ToDisplayString()}.{slot.Name}', which cannot be set: give it an init accessor";
        }

        return $"{Known.Escape(slot.Name)} = {walked}";
    }

    /// <summary>
    /// The fields and automatic properties of a record, base first. Those of another assembly show no private fields;
    /// there, what has a setter counts.
    /// </summary>
    private static IEnumerable<ISymbol> Slots(INamedTypeSymbol record)
    {
        IEnumerable<ISymbol> inherited = record.BaseType is { IsRecord: true } above ? Slots(above) : [];
        ISymbol[] members = [.. record.GetMembers().Where(member => !member.IsStatic)];
        ISymbol?[] fields = [.. members.OfType<IFieldSymbol>().Select(field => field.AssociatedSymbol ?? field)];
        ISymbol[] own = [.. members.Where(member =>
            (member is not IEventSymbol && fields.Contains(member, SymbolEqualityComparer.Default))
            || member is IPropertySymbol { GetMethod: not null, SetMethod: not null, Parameters.IsEmpty: true })];
        return inherited.Where(slot => own.All(other => other.Name != slot.Name)).Concat(own);
    }

    /// <summary>The compiler does not say of a struct from another assembly whether it is a record.</summary>
    private static bool IsRecordElsewhere(INamedTypeSymbol type) =>
        type is { IsValueType: true, DeclaringSyntaxReferences.IsEmpty: true }
        && type.AllInterfaces.Any(each => each.Name == "IEquatable" && SymbolEqualityComparer.Default.Equals(each.TypeArguments[0], type));

    /// <summary>Types in which no tensor can be; the empty tuple is the input of a module that has none.</summary>
    private static bool IsScalar(ITypeSymbol type) =>
        type.SpecialType is >= SpecialType.System_Boolean and <= SpecialType.System_String
        || type.TypeKind == TypeKind.Enum
        || type is INamedTypeSymbol { Name: "ValueTuple", Arity: 0, ContainingNamespace.Name: "System" };

    private static bool IsOpen(ITypeSymbol type) => type switch
    {
        ITypeParameterSymbol => true,
        IArrayTypeSymbol array => IsOpen(array.ElementType),
        INamedTypeSymbol named => named.TypeArguments.Any(IsOpen),
        _ => false,
    };

    /// <summary>The walk of a module in a field that takes or returns the type: only that one knows what it stands for.</summary>
    private string? Delegate(ITypeSymbol type, string value)
    {
        foreach (ModuleMember member in ModuleMember.Of(_module).Where(member => member.IsDescribed))
        {
            string sure = member.Type.NullableAnnotation == NullableAnnotation.Annotated ? "!" : string.Empty;
            (ITypeSymbol? inner, string access) = member.Holding switch
            {
                Holding.Module => (member.Type, member.Access + sure),
                Holding.Modules when member.Type is IArrayTypeSymbol or INamedTypeSymbol { Name: "List" or "IList" or "IReadOnlyList" } =>
                    (Known.ElementOf(member.Type), $"{member.Access}{sure}[0]"),
                Holding.Modules => (Known.ElementOf(member.Type), $"global::System.Linq.Enumerable.First({member.Access}{sure})"),
                Holding.ModulesByKey => ((Known.ElementOf(member.Type) as INamedTypeSymbol)?.TypeArguments[1],
                    $"global::System.Linq.Enumerable.First({member.Access}{sure}).Value"),
                _ => (null, string.Empty),
            };
            if (inner is null || Known.TypedRoot(inner) is not { } root)
            {
                continue;
            }

            bool mayBeNull = inner.NullableAnnotation == NullableAnnotation.Annotated && member.Holding != Holding.Module;
            int found = root.TypeArguments.IndexOf(type, 0, SymbolEqualityComparer.Default);
            if (found >= 0)
            {
                return $"{access}{(mayBeNull ? "!" : string.Empty)}.{(found == 0 ? "MapInput" : "MapOutput")}({value}, map)";
            }
        }

        return null;
    }
}

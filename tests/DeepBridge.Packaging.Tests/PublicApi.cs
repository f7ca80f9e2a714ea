using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace DeepBridge.Packaging.Tests;

/// <summary>Writes what a user of an assembly can see, one line per type and member, in an order that does not change.</summary>
internal static class PublicApi
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    public static IReadOnlyList<string> Write(Assembly assembly) =>
        [.. assembly.GetTypes().Where(IsVisible).OrderBy(type => type.FullName, StringComparer.Ordinal).SelectMany(Lines)];

    private static IEnumerable<string> Lines(Type type)
    {
        var name = type.Namespace is null ? TypeNames.Of(type) : $"{type.Namespace}.{TypeNames.Of(type)}";
        yield return Header(type, name);
        if (typeof(Delegate).IsAssignableFrom(type))
        {
            yield break;
        }

        var members = type.GetMembers(Declared).Select(member => Member(type, member)).OfType<string>();
        foreach (var member in members.Order(StringComparer.Ordinal))
        {
            yield return $"{name}: {member}";
        }
    }

    private static string Header(Type type, string name)
    {
        if (typeof(Delegate).IsAssignableFrom(type) && type.GetMethod("Invoke") is { } invoke)
        {
            return $"delegate {TypeNames.Return(invoke)} {name}({Parameters(invoke)})";
        }

        var kind = type switch
        {
            { IsEnum: true } => "enum",
            { IsInterface: true } => "interface",
            { IsValueType: true } => (IsReadOnly(type) ? "readonly " : "") + (type.IsByRefLike ? "ref struct" : "struct"),
            { IsAbstract: true, IsSealed: true } => "static class",
            { IsAbstract: true } => "abstract class",
            { IsSealed: true } => "sealed class",
            _ => "class",
        };
        var bases = new List<string>();
        if (type is { IsEnum: true })
        {
            bases.Add(TypeNames.Of(Enum.GetUnderlyingType(type)));
        }
        else
        {
            if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType))
            {
                bases.Add(TypeNames.Of(parent));
            }

            bases.AddRange(type.GetInterfaces().Where(IsVisible).Select(TypeNames.Of).Order(StringComparer.Ordinal));
        }

        return $"{kind} {name}" + (bases.Count > 0 ? " : " + string.Join(", ", bases) : "") + TypeNames.Constraints(type.GetGenericArguments());
    }

    private static string? Member(Type owner, MemberInfo member) => member switch
    {
        FieldInfo field => Field(owner, field),
        ConstructorInfo constructor when IsVisible(constructor) && !constructor.IsStatic => $"{Modifiers(constructor)}new({Parameters(constructor)})",
        PropertyInfo property => Property(property),
        EventInfo { AddMethod: { } add } @event when IsVisible(add) => $"{Modifiers(add)}event {TypeNames.Of(@event.EventHandlerType!)} {@event.Name}",
        MethodInfo method => Method(method),
        _ => null,
    };

    private static string? Field(Type owner, FieldInfo field)
    {
        if (!(field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly) || field.IsSpecialName)
        {
            return null;
        }

        var value = field.IsLiteral ? " = " + Value(field.GetRawConstantValue()) : "";
        return owner.IsEnum
            ? field.Name + value
            : $"{(field.IsPublic ? "" : "protected ")}{(field.IsLiteral ? "const " : field.IsStatic ? "static " : "")}{(field.IsInitOnly ? "readonly " : "")}{TypeNames.Of(field)} {field.Name}{value}";
    }

    private static string? Property(PropertyInfo property)
    {
        var accessors = property.GetAccessors(nonPublic: true).Where(IsVisible).ToList();
        if (accessors.Count == 0)
        {
            return null;
        }

        var index = property.GetIndexParameters();
        var name = index.Length == 0 ? property.Name : $"this[{string.Join(", ", index.Select(Parameter))}]";
        var verbs = accessors.Select(accessor =>
            accessor.ReturnType != typeof(void) ? "get;"
            : accessor.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ? "init;"
            : "set;");
        return $"{Modifiers(accessors[0])}{TypeNames.Of(property)} {name} {{ {string.Join(' ', verbs)} }}";
    }

    private static string? Method(MethodInfo method)
    {
        var accessor = method.IsSpecialName && !method.Name.StartsWith("op_", StringComparison.Ordinal);
        if (!IsVisible(method) || accessor || method.Name.Contains('<') || method.IsDefined(typeof(CompilerGeneratedAttribute), false))
        {
            return null;
        }

        var generic = method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(TypeNames.Of))}>" : "";
        var constraints = method.IsGenericMethod ? TypeNames.Constraints(method.GetGenericArguments()) : "";
        var extension = method.IsDefined(typeof(ExtensionAttribute), false) ? "this " : "";
        return $"{Modifiers(method)}{TypeNames.Return(method)} {method.Name}{generic}({extension}{Parameters(method)}){constraints}";
    }

    private static string Modifiers(MethodBase method)
    {
        var access = method.IsPublic ? "" : "protected ";
        if (method.DeclaringType is { IsInterface: true })
        {
            return access + (method.IsStatic ? method.IsAbstract ? "static abstract " : "static " : "");
        }

        var overrides = method is MethodInfo { IsVirtual: true } info && info.GetBaseDefinition() != info;
        return access + method switch
        {
            { IsStatic: true } => "static ",
            { IsAbstract: true } => overrides ? "abstract override " : "abstract ",
            { IsVirtual: true, IsFinal: false } => overrides ? "override " : "virtual ",
            _ => overrides ? "sealed override " : "",
        };
    }

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(Parameter));

    private static string Parameter(ParameterInfo parameter)
    {
        var prefix = parameter.IsDefined(typeof(ParamArrayAttribute), false) || parameter.IsDefined(typeof(ParamCollectionAttribute), false) ? "params "
            : parameter.IsOut ? "out "
            : parameter.IsIn ? "in "
            : parameter.ParameterType.IsByRef ? "ref "
            : "";
        var value = parameter.HasDefaultValue ? " = " + Value(parameter.RawDefaultValue) : "";
        return $"{prefix}{TypeNames.Of(parameter)} {parameter.Name}{value}";
    }

    private static string Value(object? value) => value switch
    {
        null => "default",
        string text => $"\"{text}\"",
        bool flag => flag ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static bool IsReadOnly(Type type) => type.IsDefined(typeof(IsReadOnlyAttribute), false);

    private static bool IsVisible(Type type) =>
        !type.Name.Contains('<') &&
        (type.IsPublic || ((type.IsNestedPublic || type.IsNestedFamily || type.IsNestedFamORAssem) && IsVisible(type.DeclaringType!)));

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;
}

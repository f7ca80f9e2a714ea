using System.Reflection;

namespace DeepBridge.Packaging.Tests;

/// <summary>Types as C# writes them, with their nullable annotations where reflection knows them.</summary>
internal static class TypeNames
{
    private static readonly NullabilityInfoContext s_nullability = new();

    private static readonly Dictionary<Type, string> s_keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(object)] = "object",
        [typeof(string)] = "string",
        [typeof(bool)] = "bool",
        [typeof(char)] = "char",
        [typeof(sbyte)] = "sbyte",
        [typeof(byte)] = "byte",
        [typeof(short)] = "short",
        [typeof(ushort)] = "ushort",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(float)] = "float",
        [typeof(double)] = "double",
        [typeof(decimal)] = "decimal",
    };

    public static string Of(FieldInfo field) => Of(field.FieldType, s_nullability.Create(field));

    public static string Of(PropertyInfo property) => Of(property.PropertyType, s_nullability.Create(property));

    public static string Of(ParameterInfo parameter) => Of(parameter.ParameterType, s_nullability.Create(parameter));

    public static string Return(MethodInfo method)
    {
        var prefix = !method.ReturnType.IsByRef ? ""
            : method.ReturnParameter.GetRequiredCustomModifiers().Any(type => type.Name == "InAttribute") ? "ref readonly "
            : "ref ";
        return prefix + Of(method.ReturnType, s_nullability.Create(method.ReturnParameter));
    }

    public static string Of(Type type) => Of(type, null);

    /// <summary>The constraints that a caller must meet.</summary>
    public static string Constraints(IEnumerable<Type> parameters) => string.Concat(parameters.Select(parameter =>
    {
        if (!parameter.IsGenericParameter)
        {
            return "";
        }

        var attributes = parameter.GenericParameterAttributes;
        var value = attributes.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint);
        var parts = new List<string>();
        if (value)
        {
            var unmanaged = parameter.GetCustomAttributesData().Any(attribute => attribute.AttributeType.Name == "IsUnmanagedAttribute");
            parts.Add(unmanaged ? "unmanaged" : "struct");
        }

        if (attributes.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint))
        {
            parts.Add("class");
        }

        parts.AddRange(parameter.GetGenericParameterConstraints().Where(type => type != typeof(ValueType)).Select(Of).Order(StringComparer.Ordinal));
        if (!value && attributes.HasFlag(GenericParameterAttributes.DefaultConstructorConstraint))
        {
            parts.Add("new()");
        }

        return parts.Count == 0 ? "" : $" where {parameter.Name} : {string.Join(", ", parts)}";
    }));

    private static string Of(Type type, NullabilityInfo? nullability)
    {
        if (type.IsByRef)
        {
            return Of(type.GetElementType()!, nullability);
        }

        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            return Of(underlying) + "?";
        }

        var mark = nullability is { ReadState: NullabilityState.Nullable } && !type.IsValueType ? "?" : "";
        if (type.IsArray)
        {
            return $"{Of(type.GetElementType()!, nullability?.ElementType)}[{new string(',', type.GetArrayRank() - 1)}]{mark}";
        }

        if (type.IsPointer)
        {
            return Of(type.GetElementType()!) + "*";
        }

        if (s_keywords.TryGetValue(type, out var keyword))
        {
            return keyword + mark;
        }

        var name = type.Name.Split('`')[0];
        var arguments = type.GetGenericArguments();
        var outer = 0;
        if (type is { IsNested: true, IsGenericParameter: false })
        {
            outer = type.DeclaringType!.GetGenericArguments().Length;
            name = $"{Of(type.DeclaringType)}.{name}";
        }

        if (!type.IsGenericParameter && arguments.Length > outer)
        {
            var known = nullability?.GenericTypeArguments;
            var written = arguments.Select((argument, i) => Of(argument, known?.Length == arguments.Length ? known[i] : null)).Skip(outer);
            name += $"<{string.Join(", ", written)}>";
        }

        return name + mark;
    }
}

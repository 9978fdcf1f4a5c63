namespace System.Runtime.CompilerServices;

/// <summary>The compiler asks for this type when it compiles records, and netstandard2.0 lacks it.</summary>
internal static class IsExternalInit;

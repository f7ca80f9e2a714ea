namespace DeepBridge.TensorFlow.Native;

/// <summary>A thread's status object, in which a call leaves its error.</summary>
internal sealed unsafe class Status
{
    [ThreadStatic]
    private static Status? t_mine;

    private readonly nint _handle = C.TF_NewStatus();

    ~Status() => C.TF_DeleteStatus(_handle);

    /// <summary>The status of this thread.</summary>
    internal static nint Mine => (t_mine ??= new Status())._handle;

    /// <summary>Throws what the last call on this thread left.</summary>
    /// <param name="status">The thread's status.</param>
    /// <param name="what">What was being done.</param>
    /// <exception cref="EngineException">The call failed.</exception>
    internal static void Check(nint status, ReadOnlySpan<byte> what)
    {
        if (C.TF_GetCode(status) != 0)
        {
            throw new EngineException($"TensorFlow could not run {System.Text.Encoding.UTF8.GetString(what)}: {Message(status)}");
        }
    }

    /// <summary>The first line of a status' message: what follows are the kernels and nodes of the engine.</summary>
    /// <param name="status">The status.</param>
    /// <returns>The text.</returns>
    internal static string Message(nint status) => C.Text(C.TF_Message(status)).Split('\n')[0];
}

namespace DeepBridge.Modules;

/// <summary>One module call and the call around it. The path is put together only when an error asks for it.</summary>
/// <param name="Module">The module.</param>
/// <param name="Caller">The call around it, or null.</param>
internal sealed record ModuleFrame(Module Module, ModuleFrame? Caller)
{
    /// <summary>The names from the outermost module to this one, joined by dots; the outermost is called by its type.</summary>
    internal string Path
    {
        get
        {
            List<string> names = [];
            ModuleFrame frame = this;
            for (; frame.Caller is { } caller; frame = caller)
            {
                if (caller.Module.NameOf(frame.Module) is { } name)
                {
                    names.Add(name);
                }
                else if (!ReferenceEquals(caller.Module, frame.Module))
                {
                    names.Add(frame.Module.GetType().Name);
                }
            }

            names.Reverse();
            names.RemoveAll(string.IsNullOrEmpty);
            return names.Count == 0 ? frame.Module.GetType().Name : string.Join('.', names);
        }
    }
}

/// <summary>Is told of every module call in a flow: summaries and profiles.</summary>
internal interface ICallObserver
{
    /// <summary>A call begins.</summary>
    /// <param name="frame">The call.</param>
    void Enter(ModuleFrame frame);

    /// <summary>A call has returned.</summary>
    /// <param name="frame">The call.</param>
    /// <param name="outputs">The tensors that it returned.</param>
    void Leave(ModuleFrame frame, IReadOnlyList<Tensor> outputs);
}

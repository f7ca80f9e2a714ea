using DeepBridge.Memory;

namespace DeepBridge;

/// <summary>An ambient setting that holds until this is disposed.</summary>
public readonly struct AmbientChange : IDisposable
{
    private readonly Ambient? _before;

    internal AmbientChange(Ambient before) => _before = before;

    /// <summary>Returns to the setting before.</summary>
    public void Dispose()
    {
        if (_before is not null)
        {
            Ambient.Return(_before);
        }
    }
}

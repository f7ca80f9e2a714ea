using DeepBridge.Autodiff;
using DeepBridge.Backends;
using DeepBridge.Memory;
using DeepBridge.Ops;

namespace DeepBridge;

/// <summary>
/// The only thing that changes: a buffer (running statistics), an optimizer slot, a learning rate, a counter; a
/// <see cref="Parameter"/> besides is trained. Reading it gives a tensor that later assignments do not touch.
/// </summary>
public class Variable
{
    private static long s_count;
    private readonly Lock _lock = new();
    private readonly Node _leaf;
    private BackendTensor _data;

    /// <summary>Makes a variable that starts with a value.</summary>
    /// <param name="value">The first value; its device is the variable's.</param>
    /// <param name="name">A name for error messages; a module's path is found without one.</param>
    /// <exception cref="TracingException">A graph is being traced: variables must exist before.</exception>
    public Variable(Tensor value, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(value);
        BackendTensor data = value.Data;
        if (!ReferenceEquals(data.Device, data.Device.Real))
        {
            throw new TracingException("A variable cannot be made while a graph is traced: make it before.");
        }

        _data = data.Retain();
        _leaf = Node.Leaf(data.Spec, this);
        Name = name;
    }

    /// <summary>A name for error messages, or null.</summary>
    public string? Name { get; set; }

    /// <summary>Shape and dtype; they never change.</summary>
    public TensorSpec Spec => _data.Spec;

    /// <summary>The shape.</summary>
    public Shape Shape => Spec.Shape;

    /// <summary>The dtype.</summary>
    public DType DType => Spec.DType;

    /// <summary>Where the value lies.</summary>
    public Device Device => _data.Device;

    /// <summary>Whether gradients may be asked for.</summary>
    public virtual bool IsTrainable => false;

    /// <summary>The value now. All reads of a trainable variable are one leaf of the tape.</summary>
    public Tensor Value => Tensor.Adopt(
        new Tensor(Ambient.Now.Variables is { } store ? store.Read(this) : ReadDirectly(), IsTrainable ? _leaf : null));

    /// <summary>The order in which variables were made, and in which several are locked.</summary>
    internal long Order { get; } = Interlocked.Increment(ref s_count);

    /// <summary>The data, without a count; the caller has locked the variable.</summary>
    internal BackendTensor LockedData => _data;

    /// <summary>The leaf that stands for this on the tape.</summary>
    internal Node Leaf => _leaf;

    /// <summary>The value, where an argument is a tensor.</summary>
    /// <param name="variable">The variable.</param>
    public static implicit operator Tensor(Variable variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        return variable.Value;
    }

    /// <summary>
    /// Applies an op whose first inputs are variables and whose outputs, in the same order, are their new values.
    /// Values that nobody else holds are donated, so that the op may write into them; tensors that were read before
    /// still show the old values.
    /// </summary>
    /// <param name="op">The op.</param>
    /// <param name="variables">The variables, all on one device.</param>
    /// <param name="inputs">The other inputs.</param>
    public static void Update(Op op, ReadOnlySpan<Variable> variables, params ReadOnlySpan<Tensor> inputs)
    {
        ArgumentNullException.ThrowIfNull(op);
        Ambient now = Ambient.Now;
        if (now.Variables is not null)
        {
            using TensorScope scope = new(op.Name);
            using AmbientChange change = Gradients.NoGradient();
            Tensor[] all = new Tensor[variables.Length + inputs.Length];
            for (int i = 0; i < all.Length; i++)
            {
                all[i] = i < variables.Length ? variables[i].Value : inputs[i - variables.Length];
            }

            Tensor[] outputs = op.ApplyAll(all);
            for (int i = 0; i < variables.Length; i++)
            {
                variables[i].Assign(outputs[i].Detach());
            }

            return;
        }

        // Locked in one order everywhere, whatever the arguments' is, so that two flows never wait for each other.
        ReadOnlySpan<Variable> locking = variables;
        for (int i = 1; i < locking.Length; i++)
        {
            if (locking[i].Order < locking[i - 1].Order)
            {
                Variable[] ordered = variables.ToArray();
                Array.Sort(ordered, static (left, right) => left.Order.CompareTo(right.Order));
                locking = ordered;
                break;
            }
        }

        int locked = 0;
        try
        {
            for (; locked < locking.Length; locked++)
            {
                locking[locked]._lock.Enter();
            }

            UpdateLocked(op, now, variables, inputs);
        }
        finally
        {
            while (--locked >= 0)
            {
                locking[locked]._lock.Exit();
            }
        }
    }

    /// <summary>Replaces the value. What was read before still shows the old one. Not differentiable.</summary>
    /// <param name="value">The new value, untracked, of the same shape, dtype and device.</param>
    /// <exception cref="GradientException">The value is tracked: detach it.</exception>
    /// <exception cref="ShapeMismatchException">The shape differs.</exception>
    /// <exception cref="DTypeMismatchException">The dtype differs.</exception>
    /// <exception cref="DeviceException">The device differs.</exception>
    public void Assign(Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (value.Shape != Shape)
        {
            throw new ShapeMismatchException(nameof(Assign), $"{this} has shape {Shape}; the value has {value.Shape}.", [Shape, value.Shape]);
        }

        if (value.DType != DType)
        {
            throw new DTypeMismatchException(nameof(Assign), $"{this} is {DType.Name()}; the value is {value.DType.Name()}.");
        }

        if (!ReferenceEquals(value.Device, Device))
        {
            throw new DeviceException($"Assign: {this} is on {Device}; the value is on {value.Device}.");
        }

        if (value.IsTracked)
        {
            throw new GradientException($"An assignment is not differentiable: assign value.Detach() to {this}.");
        }

        BackendTensor data = value.Data.Retain();
        if (Ambient.Now.Variables is { } store)
        {
            store.Write(this, data);
        }
        else
        {
            WriteDirectly(data);
        }
    }

    /// <summary>Moves the value to another device, also of another backend. What was read before stays where it was.</summary>
    /// <param name="device">The device.</param>
    public void To(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        lock (_lock)
        {
            if (!ReferenceEquals(_data.Device, device.Real))
            {
                BackendTensor old = _data;
                _data = Transfer.Copy(old, device);
                old.Release();
            }
        }
    }

    /// <summary>The name and the spec.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => $"{GetType().Name.ToLowerInvariant()} '{Name ?? "unnamed"}' {Spec}";

    /// <summary>The data, with a count for the caller, past any store.</summary>
    internal BackendTensor ReadDirectly()
    {
        lock (_lock)
        {
            return _data.Retain();
        }
    }

    /// <summary>Replaces the data, past any store, and takes over the caller's count.</summary>
    internal void WriteDirectly(BackendTensor data)
    {
        lock (_lock)
        {
            BackendTensor old = _data;
            _data = data;
            old.Release();
        }
    }

    /// <summary>Keeps every other thread from reading and assigning until <see cref="Unlock"/>.</summary>
    internal void Lock() => _lock.Enter();

    /// <summary>Ends <see cref="Lock"/>.</summary>
    internal void Unlock() => _lock.Exit();

    private static void UpdateLocked(Op op, Ambient now, ReadOnlySpan<Variable> variables, ReadOnlySpan<Tensor> inputs)
    {
        BackendTensor[] data = new BackendTensor[variables.Length + inputs.Length];
        Device device = variables[0].Device;
        ulong donated = 0;
        for (int i = 0; i < data.Length; i++)
        {
            data[i] = i < variables.Length ? variables[i]._data : inputs[i - variables.Length].Data;
            donated |= i < variables.Length && !data[i].IsShared ? 1UL << i : 0;
            RequireSame(op, device, data[i].Device);
        }

        BackendTensor[] outputs = Decomposition.Execute(now.Wrapper ?? device.Executor, op, device, data, donated);
        for (int i = 0; i < variables.Length; i++)
        {
            BackendTensor old = variables[i]._data;
            variables[i]._data = outputs[i];
            old.Release();
        }
    }

    private static void RequireSame(Op op, Device expected, Device actual)
    {
        if (!ReferenceEquals(expected, actual))
        {
            throw new DeviceException($"{op.Name}: the variable is on {expected}, another input on {actual}.");
        }
    }
}

/// <summary>A variable that is trained, unless it is frozen.</summary>
/// <param name="value">The first value.</param>
/// <param name="name">A name for error messages; a module's path is found without one.</param>
public sealed class Parameter(Tensor value, string? name = null) : Variable(value.Detach(), name)
{
    /// <summary>Whether the parameter is left as it is: no gradient flows to it.</summary>
    public bool IsFrozen { get; set; }

    /// <inheritdoc/>
    public override bool IsTrainable => !IsFrozen && DType.IsFloating();
}

using System.Numerics;
using System.Runtime.CompilerServices;
using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <summary>Stochastic gradient descent; the slot is the momentum's buffer.</summary>
internal readonly struct SgdRule(SgdStep op, double rate, long step) : IStepRule
{
    private readonly double _momentum = op.Momentum, _comes = 1 - op.Dampening, _decay = op.WeightDecay;
    private readonly bool _copies = step == 1 && op.Dampening != 0, _nesterov = op.Nesterov;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Apply<T>(Vector<T> p, Vector<T> g, ref Vector<T> first, ref Vector<T> second, ref Vector<T> third)
        where T : unmanaged, INumber<T>
    {
        g = _decay == 0 ? g : g + (p * Vectors.Splat<T>(_decay));
        if (_momentum != 0)
        {
            Vector<T> stays = Vectors.Splat<T>(_momentum);
            first = _copies ? g : (first * stays) + (g * Vectors.Splat<T>(_comes));
            g = _nesterov ? g + (first * stays) : first;
        }

        return p - (g * Vectors.Splat<T>(rate));
    }
}

/// <summary>Adam, AdamW and AMSGrad; the slots are the averages of gradients and of their squares, and the greatest of these.</summary>
internal readonly struct AdamRule(AdamStep op, double rate, long step, bool greatest) : IStepRule
{
    private readonly double _beta1 = op.Beta1, _beta2 = op.Beta2, _epsilon = op.Epsilon, _decay = op.Decoupled ? 0 : op.WeightDecay;
    private readonly double _keep = op.Decoupled ? 1 - (rate * op.WeightDecay) : 1;
    private readonly double _size = rate / (1 - Math.Pow(op.Beta1, step)), _root = Math.Sqrt(1 - Math.Pow(op.Beta2, step));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Apply<T>(Vector<T> p, Vector<T> g, ref Vector<T> first, ref Vector<T> second, ref Vector<T> third)
        where T : unmanaged, INumber<T>
    {
        g = _decay == 0 ? g : g + (p * Vectors.Splat<T>(_decay));
        first = (first * Vectors.Splat<T>(_beta1)) + (g * Vectors.Splat<T>(1 - _beta1));
        second = (second * Vectors.Splat<T>(_beta2)) + (g * g * Vectors.Splat<T>(1 - _beta2));
        third = greatest ? Vector.Max(third, second) : second;
        Vector<T> divisor = (Vector.SquareRoot(third) / Vectors.Splat<T>(_root)) + Vectors.Splat<T>(_epsilon);
        return (p * Vectors.Splat<T>(_keep)) - (first * Vectors.Splat<T>(_size) / divisor);
    }
}

/// <summary>RMSprop; the slots are the average of squares, then the momentum's buffer and the average of gradients, if any.</summary>
internal readonly struct RmsPropRule(RmsPropStep op, double rate) : IStepRule
{
    private readonly double _alpha = op.Alpha, _epsilon = op.Epsilon, _decay = op.WeightDecay, _momentum = op.Momentum;
    private readonly bool _centered = op.Centered;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Apply<T>(Vector<T> p, Vector<T> g, ref Vector<T> first, ref Vector<T> second, ref Vector<T> third)
        where T : unmanaged, INumber<T>
    {
        Vector<T> stays = Vectors.Splat<T>(_alpha), comes = Vectors.Splat<T>(1 - _alpha);
        g = _decay == 0 ? g : g + (p * Vectors.Splat<T>(_decay));
        first = (first * stays) + (g * g * comes);
        Vector<T> spread = first;
        if (_centered)
        {
            Vector<T> average = ((_momentum == 0 ? second : third) * stays) + (g * comes);
            (second, third) = _momentum == 0 ? (average, third) : (second, average);
            spread = Vector.Max(first - (average * average), Vector<T>.Zero);
        }

        Vector<T> change = g / (Vector.SquareRoot(spread) + Vectors.Splat<T>(_epsilon));
        if (_momentum != 0)
        {
            second = change += second * Vectors.Splat<T>(_momentum);
        }

        return p - (change * Vectors.Splat<T>(rate));
    }
}

/// <summary>Adagrad; the slot is the sum of squares.</summary>
internal readonly struct AdagradRule(AdagradStep op, double rate, long step) : IStepRule
{
    private readonly double _rate = rate / (((step - 1) * op.RateDecay) + 1), _epsilon = op.Epsilon, _decay = op.WeightDecay;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Apply<T>(Vector<T> p, Vector<T> g, ref Vector<T> first, ref Vector<T> second, ref Vector<T> third)
        where T : unmanaged, INumber<T>
    {
        g = _decay == 0 ? g : g + (p * Vectors.Splat<T>(_decay));
        first += g * g;
        return p - (g * Vectors.Splat<T>(_rate) / (Vector.SquareRoot(first) + Vectors.Splat<T>(_epsilon)));
    }
}

/// <summary>Lion; the slot is the momentum.</summary>
internal readonly struct LionRule(LionStep op, double rate) : IStepRule
{
    private readonly double _beta1 = op.Beta1, _beta2 = op.Beta2, _keep = 1 - (rate * op.WeightDecay);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Apply<T>(Vector<T> p, Vector<T> g, ref Vector<T> first, ref Vector<T> second, ref Vector<T> third)
        where T : unmanaged, INumber<T>
    {
        Vector<T> way = (first * Vectors.Splat<T>(_beta1)) + (g * Vectors.Splat<T>(1 - _beta1)), one = Vector<T>.One;
        Vector<T> sign = Vector.ConditionalSelect(Vector.LessThan(way, Vector<T>.Zero), -one, Vector.GreaterThan(way, Vector<T>.Zero) & one);
        first = (first * Vectors.Splat<T>(_beta2)) + (g * Vectors.Splat<T>(1 - _beta2));
        return (p * Vectors.Splat<T>(_keep)) - (sign * Vectors.Splat<T>(rate));
    }
}

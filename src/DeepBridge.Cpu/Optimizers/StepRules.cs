using System.Numerics;
using System.Runtime.CompilerServices;
using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <summary>Stochastic gradient descent; the slot is the momentum's buffer.</summary>
internal readonly struct SgdRule<T> : IStepRule<SgdRule<T>, SgdStep, T>
    where T : unmanaged, INumber<T>
{
    private readonly T _rate, _decay, _stays, _comes;
    private readonly bool _first, _nesterov, _hasBuffer;

    private SgdRule(SgdStep op, double rate, long step)
    {
        (_rate, _decay) = (T.CreateTruncating(rate), T.CreateTruncating(op.WeightDecay));
        (_stays, _comes) = (T.CreateTruncating(op.Momentum), T.CreateTruncating(1 - op.Dampening));
        (_first, _nesterov, _hasBuffer) = (step == 1 && op.Dampening != 0, op.Nesterov, op.Momentum != 0);
    }

    static SgdRule<T> IStepRule<SgdRule<T>, SgdStep, T>.Make(SgdStep op, double rate, long step) => new(op, rate, step);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Apply(Vector<T> p, Vector<T> g, ref Vector<T> first, ref Vector<T> second, ref Vector<T> third)
    {
        g = _decay == T.Zero ? g : g + (p * _decay);
        if (_hasBuffer)
        {
            first = _first ? g : (first * _stays) + (g * _comes);
            g = _nesterov ? g + (first * _stays) : first;
        }

        return p - (g * _rate);
    }
}

/// <summary>Adam, AdamW and AMSGrad; the slots are the averages of gradients and of their squares, and the greatest of these.</summary>
internal readonly struct AdamRule<T> : IStepRule<AdamRule<T>, AdamStep, T>, IStepRule<AdamRule<T>, AmsGradStep, T>
    where T : unmanaged, INumber<T>
{
    private readonly T _beta1, _rest1, _beta2, _rest2, _size, _root, _epsilon, _decay, _keep;
    private readonly bool _greatest;

    private AdamRule(double beta1, double beta2, double epsilon, double decay, bool decoupled, bool greatest, double rate, long step)
    {
        (_beta1, _rest1) = (T.CreateTruncating(beta1), T.CreateTruncating(1 - beta1));
        (_beta2, _rest2) = (T.CreateTruncating(beta2), T.CreateTruncating(1 - beta2));
        _size = T.CreateTruncating(rate / (1 - Math.Pow(beta1, step)));
        _root = T.CreateTruncating(Math.Sqrt(1 - Math.Pow(beta2, step)));
        _epsilon = T.CreateTruncating(epsilon);
        _decay = T.CreateTruncating(decoupled ? 0 : decay);
        _keep = T.CreateTruncating(decoupled ? 1 - (rate * decay) : 1);
        _greatest = greatest;
    }

    static AdamRule<T> IStepRule<AdamRule<T>, AdamStep, T>.Make(AdamStep op, double rate, long step) =>
        new(op.Beta1, op.Beta2, op.Epsilon, op.WeightDecay, op.Decoupled, false, rate, step);

    static AdamRule<T> IStepRule<AdamRule<T>, AmsGradStep, T>.Make(AmsGradStep op, double rate, long step) =>
        new(op.Beta1, op.Beta2, op.Epsilon, op.WeightDecay, op.Decoupled, true, rate, step);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Apply(Vector<T> p, Vector<T> g, ref Vector<T> first, ref Vector<T> second, ref Vector<T> third)
    {
        g = _decay == T.Zero ? g : g + (p * _decay);
        first = (first * _beta1) + (g * _rest1);
        second = (second * _beta2) + (g * g * _rest2);
        third = _greatest ? Vector.Max(third, second) : second;
        return (p * _keep) - (first * _size / ((Vector.SquareRoot(third) / new Vector<T>(_root)) + new Vector<T>(_epsilon)));
    }
}

/// <summary>RMSprop; the slots are the average of squares, then the momentum's buffer and the average of gradients, if any.</summary>
internal readonly struct RmsPropRule<T> : IStepRule<RmsPropRule<T>, RmsPropStep, T>
    where T : unmanaged, INumber<T>
{
    private readonly T _rate, _alpha, _rest, _epsilon, _decay, _stays;
    private readonly bool _centered, _momentum;

    private RmsPropRule(RmsPropStep op, double rate)
    {
        (_rate, _epsilon, _decay) = (T.CreateTruncating(rate), T.CreateTruncating(op.Epsilon), T.CreateTruncating(op.WeightDecay));
        (_alpha, _rest) = (T.CreateTruncating(op.Alpha), T.CreateTruncating(1 - op.Alpha));
        (_stays, _centered, _momentum) = (T.CreateTruncating(op.Momentum), op.Centered, op.Momentum != 0);
    }

    static RmsPropRule<T> IStepRule<RmsPropRule<T>, RmsPropStep, T>.Make(RmsPropStep op, double rate, long step) => new(op, rate);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Apply(Vector<T> p, Vector<T> g, ref Vector<T> first, ref Vector<T> second, ref Vector<T> third)
    {
        g = _decay == T.Zero ? g : g + (p * _decay);
        first = (first * _alpha) + (g * g * _rest);
        Vector<T> spread = first;
        if (_centered)
        {
            Vector<T> average = ((_momentum ? third : second) * _alpha) + (g * _rest);
            (second, third) = _momentum ? (second, average) : (average, third);
            spread = Vector.Max(first - (average * average), Vector<T>.Zero);
        }

        Vector<T> change = g / (Vector.SquareRoot(spread) + new Vector<T>(_epsilon));
        if (_momentum)
        {
            second = change += second * _stays;
        }

        return p - (change * _rate);
    }
}

/// <summary>Adagrad; the slot is the sum of squares.</summary>
internal readonly struct AdagradRule<T> : IStepRule<AdagradRule<T>, AdagradStep, T>
    where T : unmanaged, INumber<T>
{
    private readonly T _rate, _epsilon, _decay;

    private AdagradRule(AdagradStep op, double rate, long step) => (_rate, _epsilon, _decay) = (
        T.CreateTruncating(rate / (((step - 1) * op.RateDecay) + 1)), T.CreateTruncating(op.Epsilon), T.CreateTruncating(op.WeightDecay));

    static AdagradRule<T> IStepRule<AdagradRule<T>, AdagradStep, T>.Make(AdagradStep op, double rate, long step) => new(op, rate, step);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Apply(Vector<T> p, Vector<T> g, ref Vector<T> first, ref Vector<T> second, ref Vector<T> third)
    {
        g = _decay == T.Zero ? g : g + (p * _decay);
        first += g * g;
        return p - (g * _rate / (Vector.SquareRoot(first) + new Vector<T>(_epsilon)));
    }
}

/// <summary>Lion; the slot is the momentum.</summary>
internal readonly struct LionRule<T> : IStepRule<LionRule<T>, LionStep, T>
    where T : unmanaged, INumber<T>
{
    private readonly T _rate, _beta1, _rest1, _beta2, _rest2, _keep;

    private LionRule(LionStep op, double rate)
    {
        (_rate, _keep) = (T.CreateTruncating(rate), T.CreateTruncating(1 - (rate * op.WeightDecay)));
        (_beta1, _rest1) = (T.CreateTruncating(op.Beta1), T.CreateTruncating(1 - op.Beta1));
        (_beta2, _rest2) = (T.CreateTruncating(op.Beta2), T.CreateTruncating(1 - op.Beta2));
    }

    static LionRule<T> IStepRule<LionRule<T>, LionStep, T>.Make(LionStep op, double rate, long step) => new(op, rate);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Apply(Vector<T> p, Vector<T> g, ref Vector<T> first, ref Vector<T> second, ref Vector<T> third)
    {
        Vector<T> way = (first * _beta1) + (g * _rest1), one = Vector<T>.One;
        Vector<T> sign = Vector.ConditionalSelect(Vector.LessThan(way, Vector<T>.Zero), -one, Vector.GreaterThan(way, Vector<T>.Zero) & one);
        first = (first * _beta2) + (g * _rest2);
        return (p * _keep) - (sign * _rate);
    }
}

using System.Runtime.CompilerServices;

namespace DeepBridge.Cpu;

/// <summary>Transcendental functions of float and double vectors, accurate to a few units in the last place.</summary>
internal static class Functions<TLanes, TVector, T>
    where TLanes : ILanes<TVector, T>
    where TVector : unmanaged
    where T : unmanaged
{
    /// <summary>Coefficients of (eʳ − 1 − r) / r² for |r| ≤ ½ log 2, highest first: the first terms of its Taylor series, 1/13! to 1/2!.</summary>
    private static ReadOnlySpan<double> ExpDouble =>
    [
        1.6059043836821613e-10, 2.08767569878681e-9, 2.505210838544172e-8, 2.755731922398589e-7, 2.7557319223985893e-6,
        2.48015873015873e-5, 1.984126984126984e-4, 1.388888888888889e-3, 8.333333333333333e-3, 4.1666666666666664e-2,
        1.6666666666666666e-1, 0.5,
    ];

    /// <summary>Coefficients of erf(x)/x − 1 in x², for |x| ≤ 0.9277: a Chebyshev fit, error below 2⁻⁵⁸.</summary>
    private static ReadOnlySpan<double> ErfNear =>
    [
        -8.266738821291225e-10, 1.3951206757437107e-08, -1.6257454461160395e-07, 1.6453282943776252e-06,
        -1.4925171585238741e-05, 0.000120553155940458, -0.0008548326606658164, 0.005223977619097341,
        -0.026866170644560625, 0.11283791670952471, -0.37612638903183704, 0.12837916709551256,
    ];

    /// <summary>Coefficients of log(1 − erf(3.46 + 2.54u)) for |u| ≤ 1: a Chebyshev fit, error below 2⁻⁵⁰.</summary>
    private static ReadOnlySpan<double> ErfFar =>
    [
        -1.153851479329229e-08, 3.0109559115687844e-08, 2.934405406712452e-09, -5.631039651701287e-08,
        2.8460149498043e-08, -1.0305144624043717e-07, 5.610647859460767e-07, -1.3999108573847487e-06,
        2.7444861003779687e-06, -4.834561631660813e-06, 6.621937374979097e-06, -3.058441622892341e-06,
        -2.1546724245915624e-05, 0.00011031900219353715, -0.00037216682279932385, 0.001066098590193013,
        -0.002784033732230025, 0.0068482350771586625, -0.016205538911992882, 0.03761653923384755,
        -0.08796308066965855, -6.233003618753818, -18.25951301788274, -13.823339886807204,
    ];

    /// <summary>eˣ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static TVector Exp(TVector x)
    {
        TVector p = Reduce(x, out TVector first, out TVector second);
        return TLanes.Multiply(TLanes.MultiplyAdd(p, first, first), second);
    }

    /// <summary>eˣ − 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static TVector Expm1(TVector x)
    {
        TVector p = Reduce(x, out TVector first, out TVector second);
        TVector one = TLanes.Subtract(first, TLanes.Divide(TLanes.Constant(1), second));
        return TLanes.Multiply(TLanes.MultiplyAdd(p, first, one), second);
    }

    /// <summary>log(1 + x), by W. Kahan's correction of the rounding of 1 + x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static TVector Log1p(TVector x)
    {
        TVector sum = TLanes.Add(x, TLanes.Constant(1)), taken = TLanes.Subtract(sum, TLanes.Constant(1));
        TVector log = TLanes.Log(sum);
        TVector corrected = TLanes.Multiply(log, TLanes.Divide(x, taken));
        corrected = TLanes.Select(TLanes.Equal(sum, TLanes.Constant(double.PositiveInfinity)), log, corrected);
        return TLanes.Select(TLanes.Equal(taken, TLanes.Constant(0)), x, corrected);
    }

    /// <summary>The hyperbolic tangent: t / (t + 2) for t = e²ˣ − 1 and x ≥ 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static TVector Tanh(TVector x)
    {
        TVector most = TLanes.Constant(20), size = TLanes.Abs(x);
        size = TLanes.Select(TLanes.Less(most, size), most, size);
        TVector t = Expm1(TLanes.Add(size, size));
        return WithSign(TLanes.Divide(t, TLanes.Add(t, TLanes.Constant(2))), x);
    }

    /// <summary>1 / (1 + e⁻ˣ).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static TVector Sigmoid(TVector x) =>
        TLanes.Divide(TLanes.Constant(1), TLanes.Add(TLanes.Constant(1), Exp(TLanes.Negate(x))));

    /// <summary>The error function; the fits for float are N. Juffa's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static TVector Erf(TVector x)
    {
        TVector size = TLanes.Abs(x), square = TLanes.Multiply(x, x), near, far;
        if (typeof(T) == typeof(float))
        {
            near = Polynomial(square, -5.96761703e-4, 4.99119423e-3, -2.67681349e-2, 1.12819925e-1, -3.76125336e-1, 1.28379166e-1);
            far = Polynomial(size, -1.72853470e-5, 3.83197126e-4, -3.88396438e-3, 2.42546219e-2, -1.06777877e-1, -6.34846687e-1);
            far = TLanes.MultiplyAdd(TLanes.MultiplyAdd(far, size, TLanes.Constant(-1.28717512e-1)), size, TLanes.Negate(size));
        }
        else
        {
            near = Polynomial(square, ErfNear);
            TVector most = TLanes.Constant(6), bounded = TLanes.Select(TLanes.Less(most, size), most, size);
            far = Polynomial(
                TLanes.Multiply(TLanes.Subtract(bounded, TLanes.Constant(3.46)), TLanes.Constant(1 / 2.54)), ErfFar);
        }

        near = TLanes.MultiplyAdd(near, x, x);
        far = WithSign(TLanes.Subtract(TLanes.Constant(1), Exp(far)), x);
        return TLanes.Select(TLanes.Less(TLanes.Constant(0.927734375), size), far, near);
    }

    /// <summary>
    /// The normal distribution function, and e^(−x²/2). For float its smaller tail is that times a polynomial in
    /// 1 / (1 + 0.3 |x|), a minimax fit for |x| ≤ 14 that is off by less than 2⁻²³ of itself.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static TVector Normal(TVector x, out TVector bell)
    {
        TVector one = TLanes.Constant(1), size = TLanes.Abs(x), tail;
        bell = Exp(TLanes.Multiply(TLanes.Multiply(x, x), TLanes.Constant(-0.5)));
        if (typeof(T) == typeof(float))
        {
            TVector t = TLanes.Divide(one, TLanes.MultiplyAdd(size, TLanes.Constant(0.300520382), one));
            tail = Polynomial(t, 0.0382223894, -0.167524683, 0.224132419, -0.0723205491, 0.140146994, 0.0956639377);
            tail = TLanes.MultiplyAdd(TLanes.MultiplyAdd(tail, t, TLanes.Constant(0.121959112)), t, TLanes.Constant(0.119714126));
            tail = TLanes.Multiply(bell, TLanes.MultiplyAdd(tail, t, TLanes.Constant(6.28598449e-6)));
        }
        else
        {
            tail = TLanes.Multiply(TLanes.Subtract(one, Erf(TLanes.Multiply(size, TLanes.Constant(Math.Sqrt(0.5))))), TLanes.Constant(0.5));
        }

        return TLanes.Select(TLanes.Less(x, TLanes.Constant(0)), tail, TLanes.Subtract(one, tail));
    }

    /// <summary>½ + ½ tanh(√(2/π) · (x + 0.044715 x³)), which is near the normal distribution function, and its derivative.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static TVector NearNormal(TVector x, out TVector slope)
    {
        double steep = Math.Sqrt(2 / Math.PI), cubic = 0.044715;
        TVector square = TLanes.Multiply(x, x), half = TLanes.Constant(0.5);
        TVector bend = Tanh(TLanes.Multiply(x, TLanes.MultiplyAdd(square, TLanes.Constant(steep * cubic), TLanes.Constant(steep))));
        TVector rise = TLanes.MultiplyAdd(square, TLanes.Constant(1.5 * steep * cubic), TLanes.Constant(0.5 * steep));
        slope = TLanes.Multiply(TLanes.Subtract(TLanes.Constant(1), TLanes.Multiply(bend, bend)), rise);
        return TLanes.MultiplyAdd(bend, half, half);
    }

    /// <summary>eˣ − 1 = (p + 1)·first·second − 1, for p = eʳ − 1 and two powers of two, so that neither overflows early.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Reduce(TVector x, out TVector first, out TVector second)
    {
        bool single = typeof(T) == typeof(float);
        TVector most = TLanes.Constant(single ? 89 : 710), least = TLanes.Constant(single ? -104 : -746);
        x = TLanes.Select(TLanes.Less(most, x), most, x);
        x = TLanes.Select(TLanes.Less(x, least), least, x);
        TVector n = TLanes.Round(TLanes.Multiply(x, TLanes.Constant(1.4426950408889634)));
        TVector r = TLanes.MultiplyAdd(n, TLanes.Constant(single ? -0.693359375 : -6.93147180369123816490e-01), x);
        r = TLanes.MultiplyAdd(n, TLanes.Constant(single ? 2.12194440e-4 : -1.90821492927058770002e-10), r);
        TVector half = TLanes.Round(TLanes.Multiply(n, TLanes.Constant(0.5)));
        first = PowerOfTwo(half);
        second = PowerOfTwo(TLanes.Subtract(n, half));

        // The coefficients for float are those of S. Moshier's Cephes library.
        TVector q = single
            ? Polynomial(r, 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
            : Polynomial(r, ExpDouble);
        return TLanes.MultiplyAdd(TLanes.Multiply(r, r), q, r);
    }

    /// <summary>2ⁿ for an integer n in the range of normal numbers: n is added to the last bits of a large number, and they become the exponent.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector PowerOfTwo(TVector n) => typeof(T) == typeof(float)
        ? TLanes.ShiftLeft(TLanes.Add(n, TLanes.Constant(12582912 + 127)), 23)
        : TLanes.ShiftLeft(TLanes.Add(n, TLanes.Constant(6755399441055744 + 1023.0)), 52);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector WithSign(TVector size, TVector sign) => TLanes.Or(size, TLanes.And(sign, TLanes.Constant(-0.0)));

    /// <summary>Horner's rule, written out: constants in the code become operands, those of a table are loaded and converted each time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Polynomial(TVector x, double a, double b, double c, double d, double e, double f)
    {
        TVector sum = TLanes.MultiplyAdd(TLanes.Constant(a), x, TLanes.Constant(b));
        sum = TLanes.MultiplyAdd(sum, x, TLanes.Constant(c));
        sum = TLanes.MultiplyAdd(sum, x, TLanes.Constant(d));
        sum = TLanes.MultiplyAdd(sum, x, TLanes.Constant(e));
        return TLanes.MultiplyAdd(sum, x, TLanes.Constant(f));
    }

    /// <summary>Horner's rule.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Polynomial(TVector x, ReadOnlySpan<double> coefficients)
    {
        TVector sum = TLanes.Constant(coefficients[0]);
        for (int i = 1; i < coefficients.Length; i++)
        {
            sum = TLanes.MultiplyAdd(sum, x, TLanes.Constant(coefficients[i]));
        }

        return sum;
    }
}

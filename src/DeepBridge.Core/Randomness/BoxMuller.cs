namespace DeepBridge.Randomness;

/// <summary>
/// Normal numbers with polynomials of our own (coefficients of S. Moshier's Cephes library, single precision): the
/// functions of <see cref="MathF"/> differ between platforms, and a product and sum contracted to one rounding would too.
/// Only correctly rounded operations are used: +, −, ·, / and the square root.
/// </summary>
internal static class BoxMuller
{
    /// <summary>Two independent standard normal numbers of two uniform ones in [0, 1).</summary>
    internal static void Pair(float first, float second, out float cosine, out float sine)
    {
        float radius = MathF.Sqrt(-2f * Log(1f - first));
        SinCosTurn(second, out float sin, out float cos);
        cosine = radius * cos;
        sine = radius * sin;
    }

    /// <summary>The natural logarithm of a number in (0, 1].</summary>
    private static float Log(float x)
    {
        uint bits = BitConverter.SingleToUInt32Bits(x);
        int exponent = (int)(bits >> 23) - 126;
        float mantissa = BitConverter.UInt32BitsToSingle((bits & 0x7fffff) | 0x3f000000);
        if (mantissa < 0.707106781f)
        {
            exponent--;
            mantissa += mantissa;
        }

        float m = mantissa - 1f, square = m * m;
        float p = 7.0376836292e-2f;
        p = (p * m) + -1.1514610310e-1f;
        p = (p * m) + 1.1676998740e-1f;
        p = (p * m) + -1.2420140846e-1f;
        p = (p * m) + 1.4249322787e-1f;
        p = (p * m) + -1.6668057665e-1f;
        p = (p * m) + 2.0000714765e-1f;
        p = (p * m) + -2.4999993993e-1f;
        p = (p * m) + 3.3333331174e-1f;
        float y = p * m * square;
        float e = exponent;
        y += -2.12194440e-4f * e;
        y += -0.5f * square;
        return m + y + (0.693359375f * e);
    }

    /// <summary>Sine and cosine of a part of a turn, u in [0, 1): of 2πu, reduced exactly to an eighth of a turn.</summary>
    private static void SinCosTurn(float u, out float sin, out float cos)
    {
        float eighths = u * 8f;
        int octant = (int)eighths;
        octant += octant & 1;
        float x = (eighths - octant) * 0.785398163397448f, z = x * x;
        float s = (((((-1.9515295891e-4f * z) + 8.3321608736e-3f) * z) + -1.6666654611e-1f) * z * x) + x;
        float c = (((((2.443315711809948e-5f * z) + -1.388731625493765e-3f) * z) + 4.166664568298827e-2f) * z * z) - (0.5f * z) + 1f;
        (sin, cos) = (octant & 7) switch
        {
            0 => (s, c),
            2 => (c, -s),
            4 => (-s, -c),
            _ => (-c, s),
        };
    }
}

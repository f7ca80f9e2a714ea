using DeepBridge.Ops;

namespace DeepBridge.Testing;

public static partial class OpCases
{
    private static void AddRandom(CaseList cases)
    {
        foreach ((long key, long counter) in new[] { (0L, 0L), (42L, 7L), (-1L, (1L << 32) - 1), (long.MinValue, -2L) })
        {
            CaseInput state = I64([2], Values.List(key, counter));
            foreach (Shape shape in new Shape[] { [], [1], [4], [7], [3, 5], [0], [1001] })
            {
                cases.Add(new RandomWords(shape.Dims), OpClass.Exact, state);
                cases.Add(new RandomUniform(shape.Dims, DType.Float32), OpClass.Exact, state);
                cases.Add(new RandomUniform(shape.Dims, DType.Float64), OpClass.Exact, state);
                cases.Add(new RandomNormal(shape.Dims), OpClass.Composite, state);
            }

            cases.Add(new Dropout(0.3), OpClass.Arithmetic, F32([3, 5, 17]), state);
            cases.Add(new Dropout(0.5), OpClass.Arithmetic, F32([7, 9], layout: Layout.Transposed), state);
        }

        CaseInput seed = I64([2], Values.List(5L, 9L));
        cases.Add(new Dropout(0.4), OpClass.Composite, F64([3, 4]), seed);
        cases.Add(new Dropout(0), OpClass.Exact, F32([7]), seed);
        cases.Add(new Dropout(0.3), OpClass.Composite, B16([33], Values.Normal), seed);
        cases.Add(new Dropout(0.3), OpClass.Composite, F32([0, 3]), seed);
        cases.Add(new RandomWords([1_000_003]), OpClass.Exact, seed);
        cases.Add(new Dropout(0.1), OpClass.Composite, F32([100_003]), seed);
        cases.Add(new DropoutGradient(0.3), OpClass.Composite, F32([3, 17]), Bool([3, 17]));
        cases.Add(new DropoutGradient(0.3), OpClass.Composite, F64([3, 4], layout: Layout.Dense), Bool([3, 4], Layout.Transposed));
    }
}

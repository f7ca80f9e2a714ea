using DeepBridge.Ops;

namespace DeepBridge.Testing;

public static partial class OpCases
{
    private static void AddProducts(CaseList cases)
    {
        foreach (bool left in new[] { false, true })
        {
            foreach (bool right in new[] { false, true })
            {
                MatMul op = new(left, right);
                Shape A(int rows, int inner, params int[] batch) => Shape.Create(left ? [.. batch, inner, rows] : [.. batch, rows, inner]);
                Shape B(int inner, int columns, params int[] batch) => Shape.Create(right ? [.. batch, columns, inner] : [.. batch, inner, columns]);
                cases.Add(op, OpClass.Sum, F64(A(2, 3)), F64(B(3, 4)));
                cases.Add(op, OpClass.Sum, F64(A(2, 3, 2, 1)), F64(B(3, 2, 3)));
                cases.Add(op, OpClass.Sum, F64(A(2, 3, 2)), F64(B(3, 2)));
                cases.Add(op, OpClass.Sum, F32(A(2, 3)), F32(B(3, 2, 4)));
                cases.Add(op, OpClass.Sum, F32(A(1, 1)), F32(B(1, 1)));
                cases.Add(op, OpClass.Sum, F32(A(1, 33)), F32(B(33, 17)));
                cases.Add(op, OpClass.Sum, F32(A(17, 33)), F32(B(33, 1)));
                cases.Add(op, OpClass.Sum, F32(A(0, 3)), F32(B(3, 4)));
                cases.Add(op, OpClass.Sum, F32(A(2, 0)), F32(B(0, 4)));
                cases.Add(op, OpClass.Sum, F32(A(2, 0, 3)), F32(B(0, 4)));
                cases.Add(op, OpClass.Sum, F32(A(2, 3, 0)), F32(B(3, 4)));
                cases.Add(op, OpClass.Sum, F32(A(129, 257)), F32(B(257, 65)));
                cases.Add(op, OpClass.Sum, F32(A(31, 45, 3)), F32(B(45, 67, 3)));
                cases.Add(op, OpClass.Sum, F32(A(13, 9, 3), layout: Layout.Transposed), F32(B(9, 11, 3), layout: Layout.Sliced));
                cases.Add(op, OpClass.Sum, F32(A(13, 9), layout: Layout.Flipped), F32(B(9, 11), layout: Layout.Expanded));
                cases.Add(op, OpClass.Sum, F64(A(33, 65)), F64(B(65, 17)));
                cases.Add(op, OpClass.Exact, I32(A(5, 6)), I32(B(6, 7)));
                cases.Add(op, OpClass.Exact, I64(A(5, 6), layout: Layout.Transposed), I64(B(6, 7, 2)));
                cases.Add(op, OpClass.Sum, F16(A(5, 16), Values.Normal), F16(B(16, 7), Values.Normal));
                cases.Add(op, OpClass.Sum, B16(A(5, 16), Values.Normal), B16(B(16, 7), Values.Normal));
            }
        }

        foreach ((Shape x, Shape weight, Window window, int groups) in new (Shape, Shape, Window, int)[]
        {
            ([2, 3, 7], [4, 3, 3], Slide1(1, 0, 0, 1), 1), ([1, 2, 8], [3, 2, 3], Slide1(2, 1, 1, 1), 1), ([2, 4, 9], [4, 2, 2], Slide1(1, 2, 0, 3), 2),
            ([1, 2, 5], [3, 2, 1], Slide1(3, 0, 0, 1), 1), ([2, 2, 4, 5], [3, 2, 2, 3], Slide2(1, 1, 0, 0), 1),
            ([1, 3, 5, 6], [2, 3, 3, 3], Slide2(1, 1, 1, 1), 1), ([1, 2, 7, 6], [2, 2, 3, 2], Slide2(2, 3, 1, 0), 1),
            ([1, 4, 5, 5], [6, 2, 3, 3], Slide2(2, 1, 1, 2), 2), ([1, 3, 4, 4], [3, 1, 3, 3], Slide2(1, 1, 1, 1), 3),
            ([1, 1, 6, 7], [2, 1, 2, 3], new Window([2, 1], [1, 0], [0, 2], [2, 2]), 1), ([0, 2, 4], [3, 2, 3], Slide1(1, 0, 0, 1), 1),
        })
        {
            Convolution op = new(window, groups);
            Shape y = op.Infer([new TensorSpec(x, DType.Float32), new TensorSpec(weight, DType.Float32)]).Shape;
            ConvolutionInputGradient first = new(window, groups, x.Dims);
            ConvolutionWeightGradient second = new(window, groups, weight.Dims);
            foreach (Func<Shape, Values?, CaseInput> of in s_wide)
            {
                cases.Add(op, OpClass.Sum, of(x, null), of(weight, null));
                cases.Add(op, OpClass.Sum, of(x, null), of(weight, null), of([weight[0]], null));
                cases.Add(first, OpClass.Sum, of(y, null), of(weight, null));
                cases.Add(second, OpClass.Sum, of(x, null), of(y, null));
                cases.Add(new ConvolutionGradient(window, groups, weight.Dims, true, true), OpClass.Sum, of(y, null), of(x, null), of(weight, null));
                cases.Add(new ConvolutionGradient(window, groups, weight.Dims, false, true), OpClass.Sum, of(y, null), of(x, null));
            }
        }

        // Few enough elements for finite differences of every input.
        Window narrow = Slide1(2, 1, 0, 2), plane = Slide2(1, 2, 1, 1);
        cases.Add(new Convolution(narrow, 2), OpClass.Sum, F64([2, 2, 6]), F64([4, 1, 2]), F64([4]));
        cases.Add(new Convolution(plane), OpClass.Sum, F64([1, 2, 3, 3]), F64([2, 2, 2, 3]));
        cases.Add(new ConvolutionInputGradient(plane, 1, [1, 2, 3, 3]), OpClass.Sum, F64([1, 2, 4, 2]), F64([2, 2, 2, 3]));
        cases.Add(new ConvolutionWeightGradient(plane, 1, [2, 2, 2, 3]), OpClass.Sum, F64([1, 2, 3, 3]), F64([1, 2, 4, 2]));
        cases.Add(new ConvolutionGradient(plane, 1, [2, 2, 2, 3], true, false), OpClass.Sum, F64([1, 2, 4, 2]), F64([1, 2, 3, 3]), F64([2, 2, 2, 3]));
        cases.Add(new Convolution(Slide2(1, 1, 1, 1)), OpClass.Sum, F32([4, 8, 14, 14]), F32([16, 8, 3, 3]), F32([16]));
        cases.Add(new Convolution(Slide1(1, 2, 2, 1)), OpClass.Sum, F32([2, 5, 301]), F32([7, 5, 5]));
        cases.Add(new Convolution(Slide2(1, 1, 0, 0)), OpClass.Sum, F16([1, 2, 5, 5]), F16([2, 2, 3, 3]));
    }

    private static void AddPooling(CaseList cases)
    {
        foreach ((Shape x, Dims size, Window window) in new (Shape, Dims, Window)[]
        {
            ([2, 3, 8], [2], Slide1(2, 0, 0, 1)), ([1, 2, 9], [3], Slide1(1, 1, 1, 1)), ([1, 2, 5], [5], Slide1(1, 2, 2, 1)),
            ([2, 2, 6, 6], [2, 2], Slide2(2, 2, 0, 0)), ([1, 2, 5, 7], [3, 2], Slide2(1, 2, 1, 1)), ([1, 1, 7, 7], [3, 3], Slide2(2, 2, 1, 1)),
            ([1, 1, 4, 5], [1, 1], Slide2(1, 1, 0, 0)), ([0, 2, 4, 4], [2, 2], Slide2(2, 2, 0, 0)), ([4, 8, 28, 28], [2, 2], Slide2(2, 2, 0, 0)),
        })
        {
            MaxPool most = new(size, window);
            Shape y = most.InferAll([new TensorSpec(x, DType.Float32)])[0].Shape;
            foreach (bool counts in new[] { true, false })
            {
                AveragePool mean = new(size, window, counts);
                AveragePoolGradient back = new(size, window, counts, x.Dims);
                cases.Add(mean, OpClass.Sum, F32(x));
                cases.Add(mean, OpClass.Sum, F32(x, layout: Layout.Transposed));
                cases.Add(mean, OpClass.Sum, F64(x, layout: Layout.Flipped));
                cases.Add(back, OpClass.Sum, F32(y));
                cases.Add(back, OpClass.Sum, F64(y, layout: Layout.Transposed));
            }

            cases.Add(most, OpClass.Exact, F32(x, Values.Distinct));
            cases.Rough(most, OpClass.Exact, F32(x, Values.Ties));
            cases.Values(most, OpClass.Exact, F32(x, Values.WithNaN));
            cases.Rough(most, OpClass.Exact, F32(x, Values.List(double.NegativeInfinity)));
            cases.Add(most, OpClass.Exact, F32(x, Values.Distinct, Layout.Transposed));
            cases.Add(most, OpClass.Exact, F64(x, Values.Distinct, Layout.Sliced));
            int plane = Indices.Product(x.AsSpan()[2..]);
            cases.Add(new MaxPoolGradient(x.Dims), OpClass.Sum, F32(y), I64(y, Values.Below(plane)));
            cases.Add(new MaxPoolGradient(x.Dims), OpClass.Sum, F64(y, layout: Layout.Transposed), I32(y, Values.Below(plane), Layout.Flipped));
        }

        cases.Add(new MaxPool([2], Slide1(1, 0, 0, 3)), OpClass.Exact, F32([1, 2, 9], Values.Distinct));
        cases.Add(new MaxPool([2, 2], Slide2(1, 2, 1, 0)), OpClass.Exact, F64([1, 2, 3, 4], Values.Distinct));
        cases.Add(new MaxPoolGradient([1, 2, 5]), OpClass.Sum, F64([1, 2, 3]), I64([1, 2, 3], Values.Below(5)));
        cases.Add(new AveragePool([2, 2], Slide2(2, 1, 1, 0), false), OpClass.Sum, F64([1, 2, 3, 4]));
        cases.Add(new AveragePoolGradient([2], Slide1(2, 1, 1, 1), true, [1, 2, 6]), OpClass.Sum, F64([1, 2, 4]));
    }

    private static Window Slide1(int stride, int low, int high, int dilation) => new([stride], [low], [high], [dilation]);

    private static Window Slide2(int strideY, int strideX, int padY, int padX) => new([strideY, strideX], [padY, padX], [padY, padX], [1, 1]);
}

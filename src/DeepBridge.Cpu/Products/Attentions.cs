using System.Numerics;
using System.Runtime.CompilerServices;
using DeepBridge.Backends;
using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <summary>
/// Attention without a mask but the causal one, in blocks of queries: their scores stay in cache, and memory does not grow
/// with the square of the length (Dao et al., "FlashAttention", 2022).
/// </summary>
internal static unsafe class Attentions
{
    /// <summary>Queries of a block.</summary>
    private const int BlockRows = 32;

    /// <summary>Operations of a chunk, at least.</summary>
    private const long ChunkCost = 1_000_000;

    /// <summary>Whether query, key and value, which begin at an input, have the same leading axes, there is no mask, and larger products count more.</summary>
    internal static bool Fits(ReadOnlySpan<TensorSpec> inputs, int first, int count, double? scale)
    {
        Shape q = inputs[first].Shape, k = inputs[first + 1].Shape, v = inputs[first + 2].Shape;
        return inputs.Length == count && scale is null or > 0 && q.AsSpan()[..^2].SequenceEqual(k.AsSpan()[..^2]) && k.AsSpan()[..^2].SequenceEqual(v.AsSpan()[..^2]);
    }

    /// <summary>The output and, of each query, the logarithm of the sum of its exponentials.</summary>
    internal static void Forward<T>(ScaledDotProductAttention op, in KernelCall call)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using Arguments arguments = new(call);
        CpuTensor q = (CpuTensor)call.Inputs[0], k = (CpuTensor)call.Inputs[1], v = (CpuTensor)call.Inputs[2];
        CpuTensor y = arguments.Output(0), sums = arguments.Output(1);
        fixed (T* from = &q.First<T>(), keys = &k.First<T>(), values = &v.First<T>(), to = &y.First<T>(), logs = &sums.First<T>())
        {
            Start(new Work<T>(op.Causal, op.Scale, sums.Count, new(q, from), new(k, keys), new(v, values), default, to, null, null, logs));
        }
    }

    /// <summary>The gradients of query, key and value.</summary>
    internal static void Gradient<T>(ScaledDotProductAttentionGradient op, in KernelCall call)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using Arguments arguments = new(call);
        CpuTensor q = (CpuTensor)call.Inputs[1], k = (CpuTensor)call.Inputs[2], v = (CpuTensor)call.Inputs[3];
        CpuTensor g = arguments.Dense(0), y = arguments.Dense(4), sums = arguments.Dense(5);
        CpuTensor dq = arguments.Output(0), dk = arguments.Output(1), dv = arguments.Output(2);
        dk.Span<T>().Clear();
        dv.Span<T>().Clear();
        fixed (T* incoming = &g.First<T>(), output = &y.First<T>(), from = &q.First<T>(), keys = &k.First<T>(), values = &v.First<T>(), logs = &sums.First<T>())
        fixed (T* toQ = &dq.First<T>(), toK = &dk.First<T>(), toV = &dv.First<T>())
        {
            Start(new Work<T>(op.Causal, op.Scale, sums.Count, new(q, from), new(k, keys), new(v, values), new(incoming, output), toQ, toK, toV, logs));
        }
    }

    private static void Start<T>(in Work<T> work)
        where T : unmanaged, IFloatingPointIeee754<T> => Workers.Run((work.Count + work.Group - 1) / work.Group, work);

    /// <summary>The dense output and its gradient.</summary>
    private readonly struct Outcome<T>(T* gradient, T* output)
        where T : unmanaged
    {
        internal readonly T* Gradient = gradient, Output = output;
    }

    /// <summary>An operand: matrices of any strides.</summary>
    private readonly struct Operand<T>
        where T : unmanaged
    {
        private readonly T* _first;
        private readonly long[] _strides;
        private readonly Shape _shape;

        internal Operand(CpuTensor tensor, T* first)
        {
            _first = first;
            _shape = tensor.Spec.Shape;
            _strides = new long[_shape.Rank];
            tensor.StridesIn(_shape.AsSpan(), _strides);
        }

        internal int Rows => _shape[^2];

        internal int Columns => _shape[^1];

        internal nint Row => (nint)_strides[^2];

        internal nint Column => (nint)_strides[^1];

        /// <summary>A row of a matrix.</summary>
        internal T* At(int matrix, int row)
        {
            long offset = row * _strides[^2];
            for (int axis = _shape.Rank - 3; axis >= 0; axis--)
            {
                (matrix, int index) = Math.DivRem(matrix, _shape[axis]);
                offset += index * _strides[axis];
            }

            return _first + offset;
        }
    }

    /// <summary>Groups of matrices; forward where there is no gradient of a key, else backward.</summary>
    private readonly struct Work<T>(
        bool causal, double? scale, int queries, Operand<T> q, Operand<T> k, Operand<T> v, Outcome<T> outcome, T* y, T* dk, T* dv, T* sums) : IWork
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        internal readonly int Count = queries / Math.Max(1, q.Rows);
        internal readonly int Group = (int)Math.Clamp(ChunkCost / Math.Max(1, 4L * q.Rows * k.Rows * q.Columns), 1, Math.Max(1, queries));
        private readonly T _scale = T.CreateTruncating(scale ?? 1 / Math.Sqrt(q.Columns));

        public void Run(int chunk)
        {
            CpuBlock block = CpuBlock.Rent(Math.Max(1, 2L * BlockRows * k.Rows * sizeof(T)));
            for (int matrix = chunk * Group; matrix < Math.Min(Count, (chunk + 1) * Group); matrix++)
            {
                for (int row = 0; row < q.Rows; row += BlockRows)
                {
                    Block(matrix, row, Math.Min(BlockRows, q.Rows - row), (T*)block.Address);
                }
            }

            block.Release();
        }

        [MethodImpl(Hot.Loop)]
        private void Block(int matrix, int row, int rows, T* scores)
        {
            int width = causal ? Math.Min(k.Rows, row + rows) : k.Rows;
            nint first = ((nint)matrix * q.Rows) + row;
            T* query = q.At(matrix, row), key = k.At(matrix, 0), value = v.At(matrix, 0), logs = sums + first;
            Gemm.Multiply(rows, width, q.Columns, query, q.Row, q.Column, key, k.Column, k.Row, scores, width);
            for (int i = 0; i < rows && causal; i++)
            {
                // What a query does not see counts as 0.
                int seen = Math.Min(width, row + i + 1);
                new Span<T>(scores + ((nint)i * width) + seen, width - seen).Fill(T.NegativeInfinity);
            }

            for (int i = 0; i < rows; i++)
            {
                if (dk == null)
                {
                    // The scale is positive, so the largest score stays the largest.
                    T max = _scale * Rows.Max(scores + ((nint)i * width), width);
                    logs[i] = T.IsFinite(max) ? max : T.Zero;
                }

                Shift(scores + ((nint)i * width), width, logs[i]);
            }

            Loops.Unary<ExpKernel, T>(ref *scores, ref *scores, (nint)rows * width);
            if (dk == null)
            {
                for (int i = 0; i < rows; i++)
                {
                    logs[i] += Normalize(scores + ((nint)i * width), width);
                }

                Gemm.Multiply(rows, v.Columns, width, scores, width, 1, value, v.Row, v.Column, y + (first * v.Columns), v.Columns);
                return;
            }

            T* incoming = outcome.Gradient + (first * v.Columns), output = outcome.Output + (first * v.Columns), slopes = scores + ((nint)rows * width);
            Gemm.Multiply(rows, width, v.Columns, incoming, v.Columns, 1, value, v.Column, v.Row, slopes, width);
            for (int i = 0; i < rows; i++)
            {
                T along = T.CreateTruncating(Rows.SumProducts(incoming + ((nint)i * v.Columns), output + ((nint)i * v.Columns), v.Columns, T.Zero).Product);
                Slopes(scores + ((nint)i * width), slopes + ((nint)i * width), width, along);
            }

            Gemm.Multiply(width, v.Columns, rows, scores, 1, width, incoming, v.Columns, 1, dv + ((nint)matrix * k.Rows * v.Columns), v.Columns, true);
            Gemm.Multiply(rows, q.Columns, width, slopes, width, 1, key, k.Row, k.Column, y + (first * q.Columns), q.Columns);
            Gemm.Multiply(width, q.Columns, rows, slopes, 1, width, query, q.Row, q.Column, dk + ((nint)matrix * k.Rows * q.Columns), q.Columns, true);
        }

        /// <summary>Scores to exponents.</summary>
        [MethodImpl(Hot.Loop)]
        private void Shift(T* row, int width, T shift)
        {
            Vector<T> factor = new(_scale), away = new(shift);
            for (int i = 0; i < width; i += Vector<T>.Count)
            {
                Vectors.Store((Vectors.Load(row + i, width - i) * factor) - away, row + i, width - i);
            }
        }

        /// <summary>Powers to probabilities; the logarithm of their sum.</summary>
        [MethodImpl(Hot.Loop)]
        private static T Normalize(T* row, int width)
        {
            T sum = T.CreateTruncating(Rows.Sum(row, width));
            sum = sum == T.Zero ? T.One : sum;
            Vector<T> share = new(T.One / sum);
            for (int i = 0; i < width; i += Vector<T>.Count)
            {
                Vectors.Store(Vectors.Load(row + i, width - i) * share, row + i, width - i);
            }

            return T.Log(sum);
        }

        /// <summary>The gradients of probabilities to the scores'.</summary>
        [MethodImpl(Hot.Loop)]
        private void Slopes(T* row, T* slopes, int width, T along)
        {
            Vector<T> factor = new(_scale), sum = new(along);
            for (int i = 0; i < width; i += Vector<T>.Count)
            {
                Vectors.Store(Vectors.Load(row + i, width - i) * (Vectors.Load(slopes + i, width - i) - sum) * factor, slopes + i, width - i);
            }
        }
    }
}

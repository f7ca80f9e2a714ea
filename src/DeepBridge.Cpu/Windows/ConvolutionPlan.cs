using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <summary>What a convolution and its two gradients share: extents, and how the work is cut.</summary>
/// <remarks>
/// A convolution is one matrix product an image and group: weight (filters × depth) · columns (depth × elements of the
/// output), where columns hold what each element of the window meets. They are made for a few rows of the output at a
/// time, so that they stay in the second-level cache. Every cut follows from the shapes alone.
/// </remarks>
internal readonly struct ConvolutionPlan
{
    /// <summary>Bytes of columns made at a time.</summary>
    private const int ColumnBytes = 1 << 18;

    /// <summary>Operations below which a second thread costs more than it saves.</summary>
    private const long ParallelCost = 4_000_000;

    /// <summary>Operations of a chunk, at least.</summary>
    private const long ChunkCost = 1_000_000;

    /// <summary>Most runs of images whose weight gradients are summed apart.</summary>
    private const int MostSlices = 8;

    /// <summary>Filters of one channel up to which sums over the plane itself beat a matrix product.</summary>
    private const int DirectFilters = 4;

    internal readonly Sliding Sliding;
    internal readonly int Batch, Groups, Channels, Filters, BlockRows;

    private readonly int _elementSize;

    /// <summary>Makes the plan.</summary>
    internal ConvolutionPlan(Window window, int groups, Shape input, Shape weight, Shape output, int elementSize)
        : this(
            new Sliding(window, weight.AsSpan()[2..], input, output), input[0], groups, input[1] / groups, weight[0] / groups, elementSize)
    {
    }

    private ConvolutionPlan(in Sliding sliding, int batch, int groups, int channels, int filters, int elementSize)
    {
        Sliding = sliding;
        Batch = batch;
        Groups = groups;
        Channels = channels;
        Filters = filters;
        _elementSize = elementSize;
        int rows = (int)(ColumnBytes / Math.Max(1, (long)Channels * Sliding.Taps * Sliding.OutWidth * elementSize));
        BlockRows = IsPlain ? Sliding.OutHeight : Math.Clamp(rows, 1, Math.Max(1, Sliding.OutHeight));
    }

    /// <summary>The plan of the convolution that is this one's gradient in the input; see <see cref="Sliding.Turned"/>.</summary>
    internal ConvolutionPlan Turned() => new(Sliding.Turned(), Batch, Groups, Filters, Channels, _elementSize);

    /// <summary>Rows of the columns: elements of one filter.</summary>
    internal int Depth => Channels * Sliding.Taps;

    /// <summary>Elements of one image of the input.</summary>
    internal nint Image => (nint)Groups * Channels * Sliding.Plane;

    /// <summary>Elements of one image of the output.</summary>
    internal nint OutImage => (nint)Groups * Filters * Sliding.OutPlane;

    /// <summary>Whether the input itself is the columns.</summary>
    internal bool IsPlain => Sliding.IsIdentity;

    /// <summary>Whether each group is one channel and so few filters that no columns are made.</summary>
    internal bool IsDirect => Channels == 1 && Groups > 1 && Filters <= DirectFilters && !IsPlain;

    /// <summary>Elements of the padded planes of a group, with slack.</summary>
    internal long PaddedSize => IsPlain ? 0 : ((long)Channels * Sliding.PlanePitch) + Sliding.Slack;

    /// <summary>Elements of a block of columns, or of a plane of the output, with slack.</summary>
    internal long ColumnsSize =>
        Sliding.Slack + (IsPlain ? 0 : IsDirect ? Sliding.OutPlane : (long)Depth * BlockRows * Sliding.OutWidth);

    /// <summary>Images of a chunk; all of them where threads do not pay.</summary>
    internal int ChunkImages
    {
        get
        {
            long cost = Math.Max(1, 2L * Depth * OutImage);
            return cost * Batch < ParallelCost ? Math.Max(1, Batch) : (int)Math.Clamp(ChunkCost / cost, 1, Batch);
        }
    }

    /// <summary>Runs of images whose weight gradients are summed apart and then added up, in order.</summary>
    internal int Slices
    {
        get
        {
            long cost = 2L * Depth * OutImage * Batch;
            return (int)Math.Clamp(cost / ParallelCost * 2, 1, Math.Max(1, Math.Min(MostSlices, Batch)));
        }
    }
}

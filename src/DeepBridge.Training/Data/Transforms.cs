using System.Numerics.Tensors;

namespace DeepBridge.Data;

/// <summary>Changes an image, into a new one.</summary>
/// <param name="image">The image: (channels, height, width), or (height, width); it must stay as it is.</param>
/// <param name="random">Where random choices come from.</param>
/// <returns>The new image.</returns>
public delegate HostArray<float> ImageTransform(HostArray<float> image, SampleRandom random);

/// <summary>
/// Transforms of images. Each draws its numbers from the sample's own <see cref="SampleRandom"/>, so one seed gives the
/// same images whatever the number of workers.
/// </summary>
public static class Transforms
{
    /// <summary>Sends the input of each pair through transforms; the label stays as it is.</summary>
    /// <typeparam name="TLabel">The label.</typeparam>
    /// <param name="dataset">The dataset.</param>
    /// <param name="transforms">The transforms, the first first.</param>
    /// <returns>The dataset of the results.</returns>
    public static IDataset<(HostArray<float> Input, TLabel Label)> Transform<TLabel>(
        this IDataset<(HostArray<float> Input, TLabel Label)> dataset, params ImageTransform[] transforms)
    {
        ArgumentNullException.ThrowIfNull(transforms);
        return dataset.Select((sample, random) =>
        {
            HostArray<float> image = sample.Input;
            foreach (ImageTransform transform in transforms)
            {
                image = transform(image, random);
            }

            return (image, sample.Label);
        });
    }

    /// <summary>Bytes as numbers from 0 to 1.</summary>
    /// <param name="image">The bytes, of any shape.</param>
    /// <returns>The bytes over 255.</returns>
    public static HostArray<float> ToFloat(HostArray<byte> image)
    {
        float[] values = new float[image.Values.Length];
        TensorPrimitives.ConvertSaturating(image.Span, values);
        TensorPrimitives.Divide(values, 255f, values);
        return new HostArray<float>(values, image.Shape);
    }

    /// <summary>(image − mean) / deviation, by channel.</summary>
    /// <param name="means">One mean, or one for each channel.</param>
    /// <param name="deviations">As many standard deviations, none of them 0.</param>
    /// <returns>The transform.</returns>
    /// <exception cref="ArgumentException">There are not as many deviations as means, or one is 0.</exception>
    public static ImageTransform Normalize(float[] means, float[] deviations)
    {
        ArgumentNullException.ThrowIfNull(means);
        ArgumentNullException.ThrowIfNull(deviations);
        if (means.Length == 0 || means.Length != deviations.Length || deviations.Contains(0))
        {
            throw new ArgumentException($"{means.Length} means need as many deviations, none of them 0.", nameof(deviations));
        }

        return (image, _) =>
        {
            Frame frame = new(image);
            if (means.Length != 1 && means.Length != frame.Channels)
            {
                throw new ShapeMismatchException(nameof(Normalize), $"{means.Length} means do not fit an image of {image.Shape}.", [image.Shape]);
            }

            float[] values = new float[image.Values.Length];
            int size = means.Length == 1 ? values.Length : frame.Size;
            for (int channel = 0; channel < means.Length; channel++)
            {
                Span<float> plane = values.AsSpan(channel * size, size);
                TensorPrimitives.Subtract(image.Span.Slice(channel * size, size), means[channel], plane);
                TensorPrimitives.Divide(plane, deviations[channel], plane);
            }

            return new HostArray<float>(values, image.Shape);
        };
    }

    /// <summary>A stretch at a random place of the image with a border around it.</summary>
    /// <param name="height">The new height.</param>
    /// <param name="width">The new width.</param>
    /// <param name="padding">How wide the border is.</param>
    /// <param name="fill">What the border holds.</param>
    /// <returns>The transform; it throws <see cref="ShapeMismatchException"/> for an image that is too small.</returns>
    public static ImageTransform RandomCrop(int height, int width, int padding = 0, float fill = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegative(padding);
        return (image, random) =>
        {
            Frame frame = new(image);
            int rows = frame.Height + (2 * padding) - height, columns = frame.Width + (2 * padding) - width;
            return rows >= 0 && columns >= 0
                ? frame.Window(random.Integer(rows + 1) - padding, random.Integer(columns + 1) - padding, height, width, fill)
                : throw new ShapeMismatchException(
                    nameof(RandomCrop), $"({height}, {width}) is larger than {image.Shape} with a border of {padding}.", [image.Shape]);
        };
    }

    /// <summary>Moves the image by a random number of rows and columns.</summary>
    /// <param name="rows">How many rows at most, up or down.</param>
    /// <param name="columns">How many columns at most, left or right.</param>
    /// <param name="fill">What comes in at the border.</param>
    /// <returns>The transform.</returns>
    public static ImageTransform RandomShift(int rows, int columns, float fill = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        return (image, random) =>
        {
            Frame frame = new(image);
            int top = random.Integer((2 * rows) + 1) - rows, left = random.Integer((2 * columns) + 1) - columns;
            return frame.Window(top, left, frame.Height, frame.Width, fill);
        };
    }

    /// <summary>Mirrors left and right.</summary>
    /// <param name="probability">How often.</param>
    /// <returns>The transform.</returns>
    public static ImageTransform RandomHorizontalFlip(double probability = 0.5) => Flip(probability, horizontal: true);

    /// <summary>Mirrors top and bottom.</summary>
    /// <param name="probability">How often.</param>
    /// <returns>The transform.</returns>
    public static ImageTransform RandomVerticalFlip(double probability = 0.5) => Flip(probability, horizontal: false);

    /// <summary>Turns the image about its centre by a random angle, bilinearly.</summary>
    /// <param name="degrees">The greatest angle, either way.</param>
    /// <param name="fill">What comes in at the border.</param>
    /// <returns>The transform.</returns>
    public static ImageTransform RandomRotation(double degrees, float fill = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(degrees);
        return (image, random) => Rotate(image, random.Uniform(-degrees, degrees), fill);
    }

    /// <summary>Turns an image counterclockwise about its centre.</summary>
    internal static HostArray<float> Rotate(HostArray<float> image, double degrees, float fill)
    {
        Frame frame = new(image);
        (double sine, double cosine) = Math.SinCos(degrees * Math.PI / 180);
        double middleY = (frame.Height - 1) / 2.0, middleX = (frame.Width - 1) / 2.0;
        float[] values = new float[image.Values.Length];
        for (int y = 0; y < frame.Height; y++)
        {
            for (int x = 0; x < frame.Width; x++)
            {
                double fromX = (cosine * (x - middleX)) - (sine * (y - middleY)) + middleX;
                double fromY = (sine * (x - middleX)) + (cosine * (y - middleY)) + middleY;
                int left = (int)Math.Floor(fromX), top = (int)Math.Floor(fromY);
                double right = fromX - left, below = fromY - top;
                for (int channel = 0; channel < frame.Channels; channel++)
                {
                    double upper = (frame.At(channel, top, left, fill) * (1 - right)) + (frame.At(channel, top, left + 1, fill) * right);
                    double lower = (frame.At(channel, top + 1, left, fill) * (1 - right)) + (frame.At(channel, top + 1, left + 1, fill) * right);
                    values[(channel * frame.Size) + (y * frame.Width) + x] = (float)((upper * (1 - below)) + (lower * below));
                }
            }
        }

        return new HostArray<float>(values, image.Shape);
    }

    private static ImageTransform Flip(double probability, bool horizontal)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(probability is >= 0 and <= 1, true, nameof(probability));
        return (image, random) =>
        {
            if (random.Uniform() >= probability)
            {
                return image;
            }

            Frame frame = new(image);
            float[] values = image.Span.ToArray();
            for (int row = 0; row < values.Length / Math.Max(frame.Width, 1); row++)
            {
                int from = horizontal ? row : row - (2 * (row % frame.Height)) + frame.Height - 1;
                Span<float> target = values.AsSpan(row * frame.Width, frame.Width);
                image.Span.Slice(from * frame.Width, frame.Width).CopyTo(target);
                if (horizontal)
                {
                    target.Reverse();
                }
            }

            return new HostArray<float>(values, image.Shape);
        };
    }

    /// <summary>An image as planes of rows.</summary>
    private readonly ref struct Frame
    {
        private readonly HostArray<float> _image;
        private readonly ReadOnlySpan<float> _values;

        public Frame(HostArray<float> image)
        {
            if (image.Shape.Rank is not (2 or 3))
            {
                throw new ShapeMismatchException(nameof(Transforms), $"an image is (channels, height, width) or (height, width), not {image.Shape}.", [image.Shape]);
            }

            _image = image;
            _values = image.Span;
            (Channels, Height, Width) = (image.Shape.Rank == 3 ? image.Shape[0] : 1, image.Shape[^2], image.Shape[^1]);
        }

        public int Channels { get; }

        public int Height { get; }

        public int Width { get; }

        public int Size => Height * Width;

        public float At(int channel, int y, int x, float fill) =>
            (uint)y < (uint)Height && (uint)x < (uint)Width ? _values[(channel * Size) + (y * Width) + x] : fill;

        /// <summary>A stretch that may reach over the border.</summary>
        public HostArray<float> Window(int top, int left, int height, int width, float fill)
        {
            float[] values = new float[Channels * height * width];
            int first = Math.Clamp(-left, 0, width), end = Math.Clamp(Width - left, first, width);
            for (int row = 0; row < Channels * height; row++)
            {
                int channel = row / height, y = top + (row % height);
                Span<float> target = values.AsSpan(row * width, width);
                if ((uint)y >= (uint)Height || first == end)
                {
                    target.Fill(fill);
                    continue;
                }

                target[..first].Fill(fill);
                target[end..].Fill(fill);
                _values.Slice((channel * Size) + (y * Width) + left + first, end - first).CopyTo(target[first..]);
            }

            Shape shape = _image.Shape.With(_image.Shape.Rank - 2, height).With(_image.Shape.Rank - 1, width);
            return new HostArray<float>(values, shape);
        }
    }
}

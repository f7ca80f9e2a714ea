using DeepBridge.Data;
using FsCheck;
using FsCheck.Fluent;

namespace DeepBridge.Tests.Data;

public sealed class TransformsTests
{
    private static readonly HostArray<float> s_image = new(Enumerable.Range(0, 24).Select(i => (float)i).ToArray(), [2, 3, 4]);

    [Fact]
    public void Normalizing_works_by_channel()
    {
        Apply(Transforms.Normalize([1], [2])).Span.ToArray().Should().Equal(Enumerable.Range(0, 24).Select(i => (i - 1) / 2f));
        Apply(Transforms.Normalize([0, 12], [1, 4])).Span.ToArray().Should().Equal(Enumerable.Range(0, 24).Select(i => i < 12 ? i : (i - 12) / 4f));
        FluentActions.Invoking(() => Apply(Transforms.Normalize([0, 0, 0], [1, 1, 1]))).Should().Throw<ShapeMismatchException>();
        FluentActions.Invoking(() => Transforms.Normalize([0], [0])).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => Transforms.Normalize([], [])).Should().Throw<ArgumentException>();
        Transforms.ToFloat(new HostArray<byte>(new byte[] { 0, 51, 255 }, [3])).Span.ToArray().Should().Equal(0, 0.2f, 1);
    }

    [Fact]
    public void A_crop_is_a_window_of_the_padded_image_and_all_places_come()
    {
        HashSet<(float, float)> corners = [];
        for (int index = 0; index < 400; index++)
        {
            HostArray<float> crop = Apply(Transforms.RandomCrop(3, 4, padding: 1, fill: -1), index);
            crop.Shape.Should().Be(s_image.Shape);

            // Where pixel (c, 1, 1) of the crop came from is where all came from.
            (int top, int left) = ((int)crop.Span[5] / 4 - 1, ((int)crop.Span[5] % 4) - 1);
            corners.Add((top, left));
            crop.Span.ToArray().Should().Equal(Window(top, left, 3, 4, -1));
        }

        corners.Should().HaveCount(9);
        FluentActions.Invoking(() => Apply(Transforms.RandomCrop(6, 4, padding: 1))).Should().Throw<ShapeMismatchException>();
    }

    [Fact]
    public void Windows_far_outside_are_all_fill() =>
        Check.QuickThrowOnFailure(Prop.ForAll(
            Gen.Choose(0, 9).Four().ToArbitrary(),
            range =>
            {
                (int rows, int columns, int index, _) = range;
                HostArray<float> shifted = Apply(Transforms.RandomShift(rows, columns, fill: 99), index);
                SampleRandom random = new(index: index);
                int top = random.Integer((2 * rows) + 1) - rows, left = random.Integer((2 * columns) + 1) - columns;
                return shifted.Span.SequenceEqual(Window(top, left, 3, 4, 99));
            }));

    [Fact]
    public void Flips_mirror_as_often_as_asked()
    {
        float[] horizontal = [.. Enumerable.Range(0, 24).Select(i => (float)((i / 4 * 4) + 3 - (i % 4)))];
        float[] vertical = [.. Enumerable.Range(0, 24).Select(i => (float)((i / 12 * 12) + ((2 - (i / 4 % 3)) * 4) + (i % 4)))];
        Apply(Transforms.RandomHorizontalFlip(1)).Span.ToArray().Should().Equal(horizontal);
        Apply(Transforms.RandomVerticalFlip(1)).Span.ToArray().Should().Equal(vertical);
        Apply(Transforms.RandomVerticalFlip(0)).Should().Be(s_image);
        Enumerable.Range(0, 1000).Count(index => Apply(Transforms.RandomHorizontalFlip(), index) != s_image).Should().BeInRange(450, 550);
        FluentActions.Invoking(() => Transforms.RandomVerticalFlip(1.5)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void Rotation_is_exact_at_right_angles_bilinear_between_and_leaves_the_original_alone()
    {
        HostArray<float> square = new(new float[] { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, [3, 3]);
        Near(Transforms.Rotate(square, 0, 0), square.Span.ToArray());
        Near(Transforms.Rotate(square, 90, 0), [3, 6, 9, 2, 5, 8, 1, 4, 7]);
        Near(Transforms.Rotate(square, -180, 0), [9, 8, 7, 6, 5, 4, 3, 2, 1]);

        // A plane a·x + b·y, turned, is a plane: inside, bilinear interpolation of it is exact.
        float[] plane = [.. Enumerable.Range(0, 121).Select(i => (2f * ((i % 11) - 5)) + ((i / 11) - 5))];
        HostArray<float> turned = Transforms.Rotate(new HostArray<float>(plane, [1, 11, 11]), 30, 0);
        (double sine, double cosine) = Math.SinCos(Math.PI / 6);
        for (int y = -3; y <= 3; y++)
        {
            for (int x = -3; x <= 3; x++)
            {
                double expected = (2 * ((cosine * x) - (sine * y))) + (sine * x) + (cosine * y);
                turned.Span[((y + 5) * 11) + x + 5].Should().BeApproximately((float)expected, 1e-5f);
            }
        }

        Apply(Transforms.RandomRotation(20, fill: 5), 1).Span.ToArray().Should().NotEqual(Apply(Transforms.RandomRotation(20, fill: 5), 2).Span.ToArray());
        s_image.Span.ToArray().Should().Equal(Enumerable.Range(0, 24).Select(i => (float)i));
        FluentActions.Invoking(() => Transforms.Rotate(new HostArray<float>(new float[4], [4]), 1, 0)).Should().Throw<ShapeMismatchException>();

        static void Near(HostArray<float> image, float[] expected) =>
            image.Span.ToArray().Zip(expected).Should().OnlyContain(pair => Math.Abs(pair.First - pair.Second) < 1e-5);
    }

    [Fact]
    public void Transforms_of_a_dataset_run_in_order_and_leave_the_label()
    {
        IDataset<(HostArray<float> Input, long Label)> dataset = Dataset.Of([(s_image, 4L)]);
        (HostArray<float> image, long label) = dataset.Transform(Transforms.Normalize([1], [1]), Transforms.RandomHorizontalFlip(1)).Get(0);
        label.Should().Be(4);
        image.Span[..4].ToArray().Should().Equal(2, 1, 0, -1);
    }

    private static HostArray<float> Apply(ImageTransform transform, int index = 0) => transform(s_image, new SampleRandom(index: index));

    private static float[] Window(int top, int left, int height, int width, float fill)
    {
        List<float> values = [];
        for (int i = 0; i < 2 * height * width; i++)
        {
            int channel = i / (height * width), y = top + (i / width % height), x = left + (i % width);
            values.Add(y is >= 0 and < 3 && x is >= 0 and < 4 ? s_image.Span[(channel * 12) + (y * 4) + x] : fill);
        }

        return [.. values];
    }
}

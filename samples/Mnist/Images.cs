using DeepBridge.Data;
using Samples;

namespace Mnist;

/// <summary>Images with their labels, to train on and to test.</summary>
/// <param name="Train">To train on.</param>
/// <param name="Test">To test.</param>
internal sealed record Images(IDataset<(HostArray<float> Input, long Label)> Train, IDataset<(HostArray<float> Input, long Label)> Test)
{
    private const int CarriedTraining = 9000;

    /// <summary>Of the training images' pixels.</summary>
    private const float Mean = 0.1307f, Deviation = 0.3081f;

    /// <summary>Reads a folder with MNIST's four files.</summary>
    /// <param name="folder">The folder; null: the test files that the sample carries, of which nine tenths train.</param>
    /// <returns>The images, of mean 0 and deviation 1.</returns>
    /// <exception cref="InvalidInputException">A file is missing, or its images are not of 28 by 28 pixels.</exception>
    internal static Images Read(string? folder)
    {
        IDataset<(HostArray<float> Input, long Label)> test = Read(folder ?? Path.Combine(AppContext.BaseDirectory, "data"), "t10k");
        return folder is null
            ? new Images(test.Subset(..CarriedTraining), test.Subset(CarriedTraining..))
            : new Images(Read(folder, "train"), test);
    }

    private static IDataset<(HostArray<float> Input, long Label)> Read(string folder, string part)
    {
        IDataset<(HostArray<byte> Input, long Label)> images = IdxFile.ReadImages(Find(folder, $"{part}-images-idx3-ubyte"), Find(folder, $"{part}-labels-idx1-ubyte"));
        if (images.Count == 0 || images.Get(0).Input.Shape != [1, 28, 28])
        {
            throw new InvalidInputException($"The images of '{folder}' are not of 28 by 28 pixels.");
        }

        return images.Select(image => (Transforms.ToFloat(image.Input), image.Label)).Transform(Transforms.Normalize([Mean], [Deviation]));
    }

    private static string Find(string folder, string name)
    {
        string path = Path.Combine(folder, name), zipped = path + ".gz";
        return File.Exists(path) ? path : File.Exists(zipped) ? zipped : throw new InvalidInputException($"'{folder}' has neither {name} nor {name}.gz.");
    }
}

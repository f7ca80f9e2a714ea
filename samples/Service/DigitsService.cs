using DeepBridge;
using DeepBridge.Data;
using DeepBridge.Optimizers;
using Digits;
using Microsoft.AspNetCore.Mvc;

namespace Service;

/// <summary>A web service that learns to read digits as it starts, on the device that its configuration names, and then reads them.</summary>
internal static class DigitsService
{
    private const int Pixels = 64, Darkest = 16, TrainingRows = 1437, Epochs = 5;

    /// <summary>Builds the application.</summary>
    /// <param name="args">Its command line: <c>--DeepBridge:Device=torch:cpu</c> names another device.</param>
    /// <param name="configure">What a test wants different.</param>
    /// <returns>The application, not started.</returns>
    internal static WebApplication Build(string[] args, Action<WebApplicationBuilder>? configure = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
        configure?.Invoke(builder);
        builder.Services.AddDeepBridge(backends => backends.Use(() => Samples.Engines.Register(builder.Configuration["DeepBridge:Device"] ?? "cpu")));
        builder.Services.AddModule(Learn);

        WebApplication application = builder.Build();
        application.MapGet("/", ([FromServices] Device device, Mlp model) => $"{device}: {model.Parameters.Sum(parameter => parameter.Shape.Count)} parameters");
        application.MapPost("/read", Read);
        return application;
    }

    private static Mlp Learn(IServiceProvider services)
    {
        ILogger logger = services.GetRequiredService<ILoggerFactory>().CreateLogger(nameof(DigitsService));
        DigitsFile digits = DigitsFile.Read(DigitsFile.Carried, labelled: true);
        using Tensor images = digits.Images(..TrainingRows), labels = digits.Digits(..TrainingRows);
        Mlp model = new();
        Adam optimizer = new(model, learningRate: 3e-3);
        Batches batches = new(images, labels, size: 32, shuffle: true);
        for (int epoch = 1; epoch <= Epochs; epoch++)
        {
            double loss = 0;
            foreach ((Tensor input, Tensor expected) in batches)
            {
                Tensor error = Loss.CrossEntropy(model.Call(input), expected);
                optimizer.Step(Gradients.Of(error, model.Parameters));
                loss = error.Item();
            }

            logger.LogInformation("Epoch {Epoch} of {Epochs}: loss {Loss:F4} on {Device}", epoch, Epochs, loss, Device.Default);
        }

        return model;
    }

    /// <summary>Reads images of 8 by 8 pixels, each 64 numbers from 0 (paper) to 16 (ink).</summary>
    private static IResult Read(List<float[]> images, Mlp model, [FromServices] Device device)
    {
        if (images.Count == 0 || images.Any(image => image is not { Length: Pixels } || image.Any(pixel => pixel is not (>= 0 and <= Darkest))))
        {
            return Results.Problem($"Expected a list of images, each of {Pixels} numbers from 0 to {Darkest}.", statusCode: StatusCodes.Status400BadRequest);
        }

        using TensorScope scope = new("read");
        using AmbientChange change = Gradients.NoGradient();
        Tensor pixels = Tensor.From<float>([.. images.SelectMany(image => image)], [images.Count, Pixels], device) / Darkest;
        return Results.Ok(model.Call(pixels).ArgMax(-1).ToArray<long>());
    }
}

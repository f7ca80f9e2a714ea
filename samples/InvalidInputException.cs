namespace Samples;

/// <summary>The user gave something that cannot be; the message says what.</summary>
/// <param name="message">What.</param>
internal sealed class InvalidInputException(string message) : Exception(message);

using System.Reflection;
using DeepBridge.Testing;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestFramework(typeof(DeepBridge.Engines.Tests.AbsentDevices))]

namespace DeepBridge.Engines.Tests;

/// <summary>
/// Runs one test, best one of the class's own, of a conformance suite whose constructor skips, and so says that its device is not
/// there: hundreds would say the same.
/// </summary>
public sealed class AbsentDevices : XunitTestFramework
{
    /// <inheritdoc/>
    protected override ITestFrameworkExecutor CreateExecutor(Assembly assembly) => new Executor(new XunitTestAssembly(assembly, null, assembly.GetName().Version));

    private static bool IsThere(Type suite)
    {
        try
        {
            Activator.CreateInstance(suite);
            return true;
        }
        catch (TargetInvocationException error)
        {
            return !(error.InnerException?.Message.StartsWith(DynamicSkipToken.Value, StringComparison.Ordinal) ?? false);
        }
    }

    private sealed class Executor(IXunitTestAssembly assembly) : XunitTestFrameworkExecutor(assembly)
    {
        /// <inheritdoc/>
        public override ValueTask RunTestCases(
            IReadOnlyCollection<IXunitTestCase> testCases, IMessageSink executionMessageSink, ITestFrameworkExecutionOptions executionOptions, CancellationToken cancellationToken)
        {
            IEnumerable<IXunitTestCase> some = testCases.GroupBy(test => test.TestMethod.TestClass.Class).SelectMany(suite =>
                !suite.Key.IsSubclassOf(typeof(BackendConformance)) || IsThere(suite.Key)
                    ? suite
                    : suite.OrderBy(test => test.TestMethod.Method.DeclaringType != suite.Key).Take(1));
            return base.RunTestCases([.. some], executionMessageSink, executionOptions, cancellationToken);
        }
    }
}

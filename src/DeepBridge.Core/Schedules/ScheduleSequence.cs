namespace DeepBridge.Schedules;

/// <summary>Schedules one after another, each from its own start: PyTorch's <c>SequentialLR</c>.</summary>
public sealed class ScheduleSequence : Schedule
{
    private readonly Schedule[] _schedules;
    private readonly int[] _milestones;

    /// <summary>Makes the sequence.</summary>
    /// <param name="schedules">The schedules, at least one.</param>
    /// <param name="milestones">At which step each but the first begins, ascending.</param>
    /// <exception cref="InvalidAttributeException">The numbers do not fit.</exception>
    public ScheduleSequence(IEnumerable<Schedule> schedules, IEnumerable<int> milestones)
    {
        _schedules = [.. schedules];
        _milestones = [.. milestones];
        if (_schedules.Length != _milestones.Length + 1 || _milestones.Zip(_milestones.Prepend(0)).Any(pair => pair.First <= pair.Second))
        {
            throw new InvalidAttributeException(
                nameof(ScheduleSequence),
                $"takes a milestone above 0 for each schedule but the first, ascending: got {_schedules.Length} schedules and milestones {string.Join(", ", _milestones)}.");
        }
    }

    /// <inheritdoc/>
    public override Tensor At(Tensor step)
    {
        ArgumentNullException.ThrowIfNull(step);
        Tensor rate = _schedules[0].At(step);
        for (int i = 0; i < _milestones.Length; i++)
        {
            rate = Tensor.Where(step < _milestones[i], rate, _schedules[i + 1].At((step - _milestones[i]).Maximum(0)));
        }

        return rate;
    }

    /// <inheritdoc/>
    public override IEnumerable<(string Key, Variable Variable)> NamedVariables() => _schedules.SelectMany(
        (schedule, index) => schedule.NamedVariables().Select(named => ($"{index}.{named.Key}", named.Variable)));
}

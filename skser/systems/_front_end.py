"""Which steps of a system learn nothing, so that all folds can share their result."""

from sklearn.pipeline import Pipeline

from skser.streaming import learning_steps


def split_front_end(system):
    """Split a Pipeline before the first step that learns something.

    The steps that learn nothing (loading, framing, features) give every recording
    the same in every fold: they can be run once for a whole cross-validation, without
    anything of a test speaker in any fit.

    Parameters
    ----------
    system : sklearn.pipeline.Pipeline
        One of ``SYSTEMS``, or your own.

    Returns
    -------
    front_end : sklearn.pipeline.Pipeline
        The leading steps whose tag ``requires_fit`` is False; not empty.
    rest : sklearn.pipeline.Pipeline
        The other steps.

    Raises
    ------
    ValueError
        If the first step learns something, or no step does.

    Examples
    --------
    >>> from skser.systems import attention_blstm_fcn, split_front_end
    >>> front_end, rest = split_front_end(attention_blstm_fcn())
    >>> list(front_end.named_steps), list(rest.named_steps)
    (['load', 'frame', 'features'], ['whiten', 'classify'])
    """
    learns = [bool(learning_steps(step)) for _, step in system.steps]
    if learns[0] or not any(learns):
        raise ValueError(
            "A front end is split off behind the steps that learn nothing and before "
            f"the first that does, but of {list(system.named_steps)} "
            f"{'the first step learns' if learns[0] else 'no step learns'}."
        )
    first = learns.index(True)
    return Pipeline(system.steps[:first]), Pipeline(system.steps[first:])

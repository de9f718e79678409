"""Where the seeds of nested estimators come from."""

from sklearn.base import clone


def clone_with_seeds(estimator, generator):
    """Return an unfitted copy in which every unset `random_state` is set.

    Parameters
    ----------
    estimator : estimator instance
    generator : RandomState
        Gives a seed for each `random_state` that is None, nested ones included.

    Returns
    -------
    copy : estimator instance
    """
    copy = clone(estimator)
    unset = [
        name
        for name, value in sorted(copy.get_params(deep=True).items())
        if name.split("__")[-1] == "random_state" and value is None
    ]
    seeds = generator.randint(2**31 - 1, size=len(unset)).tolist()
    return copy.set_params(**dict(zip(unset, seeds, strict=True)))

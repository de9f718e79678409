"""Where the seeds of a network's layers come from: one number gives them all."""

import numpy as np


def seed_stream(seed):
    """Yield an endless stream of seeds that `seed` determines.

    Keras layers without a seed would draw one from Python's global random state: the
    weights would not be repeatable and the caller's state would change.

    Parameters
    ----------
    seed : int or None
        None gives other seeds every time.

    Yields
    ------
    seed : int

    Examples
    --------
    >>> from skser.networks._seeds import seed_stream
    >>> first, second = seed_stream(0), seed_stream(0)
    >>> next(first) == next(second)
    True
    """
    generator = np.random.default_rng(seed)
    while True:
        yield int(generator.integers(2**31 - 1))

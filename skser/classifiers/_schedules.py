"""How the learning rate changes from epoch to epoch, as functions of the history.

A schedule is a function ``(epoch, max_epochs, losses) -> factor``: the factor on the
initial learning rate in epoch 0, 1, ..., given the monitored losses of all epochs
before. Having no state of their own, schedules need no reset between fits.
"""

import math

PLATEAU_PATIENCE = 5
PLATEAU_FACTOR = 0.5
# A loss that falls by less than this share has not improved.
PLATEAU_TOLERANCE = 1e-3
SMALLEST_FACTOR = 1e-3


def constant(epoch, max_epochs, losses):
    """Keep the learning rate."""
    return 1.0


def cosine(epoch, max_epochs, losses):
    """Let the learning rate fall along half a cosine, towards 0 at the end.

    Examples
    --------
    >>> [round(cosine(epoch, 4, []), 3) for epoch in range(4)]
    [1.0, 0.854, 0.5, 0.146]
    """
    return 0.5 * (1.0 + math.cos(math.pi * epoch / max_epochs))


def plateau(epoch, max_epochs, losses):
    """Halve the learning rate whenever the loss has not fallen for five epochs.

    Examples
    --------
    >>> plateau(5, 30, [2.0, 1.5, 1.2, 1.1, 1.05])
    1.0
    >>> plateau(8, 30, [2.0, 1.5, 1.2, 1.2, 1.2, 1.2, 1.2, 1.2])
    0.5
    """
    factor, best, epochs_since = 1.0, math.inf, 0
    for loss in losses:
        improved = loss < best * (1 - PLATEAU_TOLERANCE)
        epochs_since = 0 if improved else epochs_since + 1
        best = min(best, loss)
        if epochs_since == PLATEAU_PATIENCE:
            factor, epochs_since = factor * PLATEAU_FACTOR, 0
    return max(factor, SMALLEST_FACTOR)


SCHEDULES = {"constant": constant, "cosine": cosine, "plateau": plateau}

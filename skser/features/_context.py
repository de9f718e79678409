"""Temporal context of frames: deltas, context windows (splicing), averaging."""

from numbers import Integral

import numpy as np

from skser._base import StatelessFrameTransformer
from skser._compat import Interval
from skser._sequences import validate_sequences


class Deltas(StatelessFrameTransformer):
    r"""Append the slope of every feature over the neighbouring frames.

    .. math:: \Delta x_t = \frac{\sum_{k=1}^{K} k\,(x_{t+k} - x_{t-k})}
              {2 \sum_{k=1}^{K} k^2},

    the regression line's slope per frame over :math:`2K + 1` frames, as in HTK [1]_.
    Beyond its ends an utterance goes on with its first and last frame.

    Parameters
    ----------
    order : int, default=1
        1 appends the slopes, 2 also the slopes of the slopes, and so on. The new
        columns are named ``delta_x0``, ``delta2_x0``, ...
    n_context : int, default=2
        :math:`K`, the number of frames on each side.

    Attributes
    ----------
    n_features_in_ : int
        Number of features of a frame.

    References
    ----------
    .. [1] S. Young et al., "The HTK Book", Cambridge University, 2006, section 5.9.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.features import Deltas
    >>> ramp = 3.0 * np.arange(6)[:, np.newaxis]
    >>> Deltas(n_context=1).fit_transform([ramp])[0][:, 1].tolist()
    [1.5, 3.0, 3.0, 3.0, 3.0, 1.5]
    """

    _parameter_constraints = {
        "order": [Interval(Integral, 1, None, closed="left")],
        "n_context": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, order: int = 1, *, n_context: int = 2):
        self.order = order
        self.n_context = n_context

    def _rename_columns(self, names):
        prefixes = ["", "delta_", *(f"delta{k}_" for k in range(2, self.order + 1))]
        return np.array([p + n for p in prefixes for n in names], dtype=object)

    def _transform_frames(self, sequence):
        """Return the features with their slopes behind them."""
        parts = [sequence]
        for _ in range(self.order):
            parts.append(slopes(parts[-1], self.n_context))
        return np.concatenate(parts, axis=1)


def slopes(sequence, n_context):
    """Return the slope of each feature at each frame, as `Deltas` defines it.

    Parameters
    ----------
    sequence : ndarray of shape (n_frames, n_features)
    n_context : int
        Number of neighbours on each side.

    Returns
    -------
    slopes : ndarray of shape (n_frames, n_features)
    """
    # Differences first: a constant feature must have a slope of exactly 0.
    padded = np.pad(sequence, ((n_context, n_context), (0, 0)), mode="edge")
    steps = range(1, n_context + 1)
    middle = slice(n_context, n_context + len(sequence))
    differences = (
        step * (np.roll(padded, -step, axis=0) - np.roll(padded, step, axis=0))[middle]
        for step in steps
    )
    return sum(differences) / (2 * sum(step**2 for step in steps))


class ContextWindows(StatelessFrameTransformer):
    """Put each frame's neighbours beside it.

    Row `t` of the result holds the frames ``t - n_context`` to ``t + n_context``, one
    behind the other. Beyond its ends an utterance goes on with its first and last
    frame, so that every frame gets a window, and a short utterance, too.

    Parameters
    ----------
    n_context : int, default=12
        Number of neighbours on each side. 12 frames every 10 ms make the segments of
        265 ms of Han et al. [1]_. Columns are named with the distance of their frame,
        such as ``x0_-2``.

    Attributes
    ----------
    n_features_in_ : int
        Number of features of a frame.

    References
    ----------
    .. [1] Han, Yu and Tashev 2014, as of :class:`skser.classifiers.SegmentPosteriors`.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.features import ContextWindows
    >>> ContextWindows(1).fit_transform([np.array([[1.0], [2.0], [3.0]])])[0]
    array([[1., 1., 2.],
           [1., 2., 3.],
           [2., 3., 3.]])
    """

    _parameter_constraints = {
        "n_context": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(self, n_context: int = 12):
        self.n_context = n_context

    def _rename_columns(self, names):
        steps = range(-self.n_context, self.n_context + 1)
        return np.array([f"{n}_{step:+d}" for step in steps for n in names], object)

    def _transform_frames(self, sequence):
        """Return the windows around all frames."""
        return context_windows(sequence, np.arange(len(sequence)), self.n_context)


def context_windows(sequence, rows, n_context):
    """Return the windows around some of an utterance's frames.

    Parameters
    ----------
    sequence : ndarray of shape (n_frames, n_features)
    rows : ndarray of int of shape (n_rows,)
        The frames in the middle of the windows.
    n_context : int
        Number of neighbours on each side.

    Returns
    -------
    windows : ndarray of shape (n_rows, (2 * n_context + 1) * n_features)
    """
    steps = np.arange(-n_context, n_context + 1)
    neighbours = np.clip(rows[:, np.newaxis] + steps, 0, len(sequence) - 1)
    return sequence[neighbours].reshape(len(rows), -1)


class FrameAveraging(StatelessFrameTransformer):
    """Average the features of neighbouring frames.

    Every `n_frames` consecutive frames become one, their mean; what is left at the end
    of an utterance is averaged, too. A network then learns from fewer and smoother
    frames, in less time. Unlike for its neighbours in this module, the rows of a
    two-dimensional `X` are utterances of one frame, of which nothing is averaged.

    Parameters
    ----------
    n_frames : int, default=2
        Number of frames that become one. With 4 of the paper's frames, one every 32 ms,
        there is one every 128 ms, about as long as a vowel and its neighbours.

    Attributes
    ----------
    n_features_in_ : int
        Number of features of a frame.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.features import FrameAveraging
    >>> FrameAveraging(2).fit_transform([np.array([[1.0], [3.0], [8.0]])])[0].tolist()
    [[2.0], [8.0]]
    """

    _parameter_constraints = {
        "n_frames": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, n_frames: int = 2):
        self.n_frames = n_frames

    def _check_input(self, X, reset):
        """Return the utterances; rows of a two-dimensional `X` are utterances."""
        return validate_sequences(self, X, reset=reset, dtype=[np.float64, np.float32])

    def _transform_frames(self, sequence):
        """Return the means."""
        starts = np.arange(0, len(sequence), self.n_frames)
        sums = np.add.reduceat(sequence.astype(np.float64), starts, axis=0)
        lengths = np.diff(starts, append=len(sequence))[:, np.newaxis]
        return (sums / lengths).astype(sequence.dtype)

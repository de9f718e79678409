"""Framing (windowing, short-time analysis): cut signals into overlapping frames."""

import numbers
from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike
from sklearn.utils.validation import validate_data

from skser._base import ListTransformer
from skser._compat import Interval, validate_params
from skser._sequences import Batch, check_numeric_array, check_utterances, is_table

_PARAMETER_CONSTRAINTS = {
    "frame_length": [Interval(numbers.Integral, 2, None, closed="left")],
    "hop_length": [Interval(numbers.Integral, 1, None, closed="left")],
}


@validate_params(
    {"y": ["array-like"], **_PARAMETER_CONSTRAINTS},
    prefer_skip_nested_validation=True,
)
def frame(y: ArrayLike, frame_length: int = 1024, hop_length: int = 512) -> np.ndarray:
    r"""Cut a signal into overlapping frames, each centred on a multiple of the hop.

    A signal of :math:`N` samples gives :math:`T = \lceil N / h \rceil` frames of
    :math:`B` samples for a hop of :math:`h`. Frame :math:`t` holds the samples

    .. math:: y_{th - \lfloor B/2 \rfloor}, \ldots,
              y_{th - \lfloor B/2 \rfloor + B - 1},

    so that it is centred on sample :math:`t h`. Samples outside the signal are 0. These
    are YAAFE's frames [1]_, and those of ``librosa.util.frame`` after centring, except
    that librosa adds one more frame when the hop divides the number of samples.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        The signal.
    frame_length : int, default=1024
        Number of samples of a frame; 1024 samples are 64 ms at 16 kHz.
    hop_length : int, default=512
        Number of samples from one frame to the next; 512 samples are 32 ms at 16 kHz.

    Returns
    -------
    frames : ndarray of shape (ceil(n_samples / hop_length), frame_length)
        A read-only view of one zero-padded copy of the signal: overlapping frames
        share their samples, so framing costs no more memory than the signal.

    Raises
    ------
    ValueError
        If the signal is empty or not one-dimensional.

    References
    ----------
    .. [1] B. Mathieu, S. Essid, T. Fillon, J. Prado and G. Richard, "YAAFE, an easy to
       use and efficient audio feature extraction software", ISMIR 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.framing import frame
    >>> frame(np.arange(1.0, 8.0), frame_length=4, hop_length=2)
    array([[0., 0., 1., 2.],
           [1., 2., 3., 4.],
           [3., 4., 5., 6.],
           [5., 6., 7., 0.]])
    """
    y = check_numeric_array(y, "y", 1, "(n_samples,)")
    return _frame_rows(y[np.newaxis], frame_length, hop_length)[0]


def _frame_rows(signals, frame_length, hop_length):
    """Frame each row of (n_signals, n_samples); shape (n_signals, n_frames, length)."""
    n_samples = signals.shape[-1]
    n_frames = -(-n_samples // hop_length)
    before = frame_length // 2
    padded_length = (n_frames - 1) * hop_length + frame_length
    # The last frame may end before the signal does, when the hop is the longer one.
    after = max(padded_length - before - n_samples, 0)
    padded = np.pad(signals, ((0, 0), (before, after)))
    return sliding_window_view(padded, frame_length, axis=-1)[
        :, : padded_length - frame_length + 1 : hop_length
    ]


class Framer(ListTransformer):
    r"""Cut each signal into overlapping frames.

    The transformer form of :func:`frame`: frame :math:`t` of a signal is centred on
    sample :math:`t \cdot` `hop_length`, and samples outside the signal are 0. It
    learns nothing.

    Parameters
    ----------
    frame_length : int, default=1024
        Number of samples of a frame; 1024 samples are 64 ms at 16 kHz.
    hop_length : int, default=512
        Number of samples from one frame to the next; 512 samples are 32 ms at 16 kHz.

    Attributes
    ----------
    n_features_in_ : int
        Number of samples of the signals seen in `fit`, if these were rows of a
        two-dimensional array. Lists of signals may mix lengths and do not set it.

    See Also
    --------
    skser.AudioLoader : Recordings to signals, the step before.
    skser.AcousticFeatures : Frames to features, the step behind.

    Examples
    --------
    >>> import numpy as np
    >>> from skser import Framer
    >>> signals = [np.zeros(16000), np.zeros(700)]
    >>> [frames.shape for frames in Framer().fit_transform(signals)]
    [(32, 1024), (2, 1024)]
    """

    declared_tags = {"transformer_tags.preserves_dtype": ["float64", "float32"]}

    _parameter_constraints = _PARAMETER_CONSTRAINTS

    def __init__(self, frame_length: int = 1024, hop_length: int = 512):
        self.frame_length = frame_length
        self.hop_length = hop_length

    def transform(self, X: Sequence | ArrayLike) -> list[np.ndarray]:
        """Cut the signals into frames.

        Parameters
        ----------
        X : list of array-like of shape (n_samples,)
            One signal per utterance, of any lengths, or a two-dimensional array.

        Returns
        -------
        frames : list of ndarray of shape (n_frames, frame_length)
            Read-only views; an array of shape (n_signals, n_frames, frame_length)
            if `X` is two-dimensional.
        """
        self._validate_params()
        signals = self._check_input(X, reset=False)
        if isinstance(signals, np.ndarray):
            return _frame_rows(signals, self.frame_length, self.hop_length)
        return Batch(
            _frame_rows(signal[np.newaxis], self.frame_length, self.hop_length)[0]
            for signal in signals
        )

    def _name_columns(self):
        return [f"sample_{i}" for i in range(self.frame_length)]

    def _check_input(self, X, reset):
        """Return the signals as a list of arrays, or as one array if `X` is a table."""
        dtypes = [np.float64, np.float32]
        is_list_of_signals = (
            isinstance(X, (list, tuple)) and len(X) > 0 and isinstance(X[0], np.ndarray)
        )
        if is_table(X) and not is_list_of_signals:
            # A signal length seen in `fit` binds only tables: of an unfitted framer,
            # and after lists, any length will do.
            reset = reset or not hasattr(self, "n_features_in_")
            return validate_data(self, X, reset=reset, dtype=dtypes)
        signals = check_utterances(X, 1, "(n_samples,)")
        return [s if s.dtype in dtypes else s.astype(dtypes[0]) for s in signals]

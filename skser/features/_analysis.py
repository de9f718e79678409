"""What the features share: `FrameAnalysis` computes it once, when asked for."""

from functools import cache, cached_property

import numpy as np
from scipy import fft

from skser.features._filterbanks import (
    N_BINS,
    banded,
    quarter_octave_averages,
    quarter_octave_weights,
)
from skser.features._moments import EPS, index_powers, inner_products

# Flux and variation look one frame back, the onset detection two.
N_PREVIOUS = 2


class FrameAnalysis:
    """Everything that two or more features need of the same consecutive frames.

    Each property is computed when a feature first asks for it, and kept; so the
    27 features share one Fourier transform, and a selection of them pays only for what
    it uses. Nothing may write to the arrays that it gets.

    Many frames are analysed in two stages. Frames and spectra are wide, hundreds of
    numbers a frame: `measure` takes what features need of them from a few frames at a
    time, which stay in the processor's cache. What it finds is narrow, and the features
    made of that alone are computed for all frames at once, with few calls. ``measured``
    in the catalogue tells the stages apart.

    Parameters
    ----------
    frames : ndarray of shape (n_previous + n_frames, 1024)
        Consecutive frames of one utterance, not windowed.
    n_previous : int, default=0
        Number of frames (at most 2) at the beginning that only give the context for
        features which measure change. Frames missing there count as true silence.

    Attributes
    ----------
    frames : ndarray of float64 of shape (n_frames, 1024)
        The frames without the context; a view of them, if they were float64.

    Examples
    --------
    >>> import numpy as np
    >>> analysis = FrameAnalysis(np.ones((3, 1024)))
    >>> analysis.magnitude.shape
    (3, 513)
    >>> analysis.magnitude[0, :3].round(6)
    array([512., 256.,   0.])
    """

    def __init__(self, frames, n_previous=0):
        self._all_frames = np.asarray(frames, dtype=np.float64)
        self._n_previous = n_previous
        self._n_missing = N_PREVIOUS - n_previous
        self._features = {}
        self.frames = self._all_frames[n_previous:]

    def feature(self, function):
        """Return a feature's values; a feature built on another asks for it here.

        Parameters
        ----------
        function : callable
            One of the catalogue's functions.

        Returns
        -------
        values : ndarray of shape (n_frames, width) or (n_frames,)
        """
        if function not in self._features:
            self._features[function] = function(self)
        return self._features[function]

    def measure(self, functions, chunk_length, out):
        """Compute functions chunk by chunk and keep their values for `feature`.

        Parameters
        ----------
        functions : iterable of callable
            From a `FrameAnalysis` to an array of shape (n_frames, width) or
            (n_frames,), as the catalogue's functions.
        chunk_length : int
            Number of frames to analyse at a time.
        out : dict of ndarray
            Where to write the values of a function; of the others a new array is made.

        Examples
        --------
        >>> import numpy as np
        >>> analysis = FrameAnalysis(np.ones((5, 1024)))
        >>> analysis.measure([lambda chunk: chunk.power.max(axis=1)], 2, {})
        """
        if len(self.frames) <= chunk_length:
            return  # `feature` computes them as well.
        measured = {}
        chunks = iterate_analyses(self._all_frames, chunk_length, self._n_previous)
        for rows, chunk in chunks:
            for function in functions:
                values = chunk.feature(function)
                if function not in measured:
                    whole = np.empty((len(self.frames), *values.shape[1:]))
                    measured[function] = out.get(function, whole)
                measured[function][rows] = values
        self._features.update(measured)

    @cached_property
    def _fourier(self):
        """Fourier transform of the frames without a window, context included."""
        return fft.rfft(self._all_frames)

    @property
    def fourier(self):
        """Fourier transform without a window: complex, (n_frames, 513)."""
        return self._fourier[self._n_previous :]

    @cached_property
    def spectrum_history(self):
        r"""Hann-windowed spectrum of two previous frames and the frames themselves.

        The periodic Hann window is a convolution with (-1/4, 1/2, -1/4) in frequency,
        a second difference, which is cheaper than a second transform. Complex,
        (2 + n_frames, 513); a frame before the beginning of the utterance is 0.
        """
        history = np.empty((N_PREVIOUS + len(self.frames), N_BINS), dtype=complex)
        history[: self._n_missing] = 0
        windowed = history[self._n_missing :]
        # The real view makes the loops over complex numbers loops over floats, twice
        # as fast; a bin is two floats wide.
        raw, result = self._fourier.view(float), windowed.view(float)
        steps = raw[:, 2:] - raw[:, :-2]
        np.subtract(steps[:, :-2], steps[:, 2:], out=result[:, 2:-2])
        # Beyond both ends the spectrum of a real signal continues conjugated.
        windowed[:, 0] = -2 * steps[:, 0]
        windowed[:, -1] = 2 * steps[:, -2]
        result *= 0.25
        return history

    @cached_property
    def magnitude_history(self):
        """Magnitudes of `spectrum_history`, (2 + n_frames, 513).

        As in YAAFE a magnitude of exactly 0 counts as the machine epsilon, so that
        logarithms and ratios exist; but not before the beginning of the utterance.
        """
        magnitude = np.abs(self.spectrum_history)
        present = magnitude[self._n_missing :]
        if not present.all():
            present[present == 0] = EPS
        return magnitude

    @property
    def magnitude(self):
        """Magnitudes of the windowed spectrum, not scaled, (n_frames, 513)."""
        return self.magnitude_history[N_PREVIOUS:]

    @cached_property
    def norm_products(self):
        """Euclidean norm of the magnitudes times that of the frame before, (n_frames,).

        0 in the first frame of an utterance.
        """
        magnitude = self.magnitude_history[1:]
        norms = np.sqrt(inner_products(magnitude, magnitude))
        return norms[1:] * norms[:-1]

    @cached_property
    def magnitude_sums(self):
        r"""Weighted sums of the magnitudes, (n_frames, 7).

        With the weights :math:`k^0` to :math:`k^4`, whose sums are moments; then, for
        :math:`k > 0` only, with 1 and with :math:`1/k`. One product, since what takes
        the time is to read the magnitudes.
        """
        return self.magnitude @ _magnitude_weights()

    @cached_property
    def power(self):
        """Squared magnitudes, (n_frames, 513)."""
        return np.square(self.magnitude)

    @cached_property
    def quarter_octave_groups(self):
        """Power in the groups of bins of the 19 quarter octaves, (n_frames, 227)."""
        return self.power @ banded(quarter_octave_weights, n_together=16)

    @cached_property
    def quarter_octave_means(self):
        """Mean power of the groups of each quarter octave, (n_frames, 19)."""
        return self.quarter_octave_groups @ banded(quarter_octave_averages)


@cache
def _magnitude_weights():
    """Return the weights of `FrameAnalysis.magnitude_sums`, (513, 7)."""
    bins = np.arange(N_BINS)
    others = np.stack([bins > 0, 1 / np.maximum(bins, 1)], axis=1)
    others[0] = 0
    return np.hstack([index_powers(N_BINS), others])


def iterate_analyses(frames, chunk_length, n_previous=0):
    """Yield the analyses of consecutive frames, chunk by chunk.

    Parameters
    ----------
    frames : ndarray of shape (n_previous + n_frames, 1024)
    chunk_length : int
        Number of frames to analyse at a time. The results do not depend on it, but
        the memory does, and the time.
    n_previous : int, default=0
        Number of frames (at most 2) that only give the context.

    Yields
    ------
    rows : slice
        Which frames were analysed, the first after the context being 0.
    analysis : FrameAnalysis

    Examples
    --------
    >>> import numpy as np
    >>> [rows for rows, _ in iterate_analyses(np.zeros((5, 1024)), 3)]
    [slice(0, 3, None), slice(3, 5, None)]
    """
    n_frames = len(frames) - n_previous
    for start in range(0, n_frames, chunk_length):
        stop = min(start + chunk_length, n_frames)
        n_before = min(start + n_previous, N_PREVIOUS)
        chunk = frames[start + n_previous - n_before : stop + n_previous]
        yield slice(start, stop), FrameAnalysis(chunk, n_before)

"""What the features share: `FrameAnalysis` computes it once, when asked for."""

from functools import cached_property

import numpy as np
from scipy import fft

from skser.features._filterbanks import (
    N_BINS,
    banded,
    quarter_octave_averages,
    quarter_octave_weights,
)
from skser.features._moments import EPS

# Flux and variation look one frame back, the onset detection two.
N_PREVIOUS = 2


class FrameAnalysis:
    """Everything that two or more features need of the same consecutive frames.

    Each property is computed when a feature first asks for it, and kept; so the
    27 features share one Fourier transform, and a selection of them pays only for what
    it uses. Nothing may write to the arrays that it gets.

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
        The frames without the context.

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
        self._all_frames = np.ascontiguousarray(frames, dtype=np.float64)
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

    @cached_property
    def squares(self):
        """Squared samples of the frames, (n_frames, 1024)."""
        return np.square(self.frames)

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
        norms = np.sqrt(np.einsum("tk,tk->t", magnitude, magnitude))
        return norms[1:] * norms[:-1]

    @cached_property
    def power(self):
        """Squared magnitudes, (n_frames, 513)."""
        return np.square(self.magnitude)

    @cached_property
    def quarter_octave_groups(self):
        """Power in the groups of bins of the 19 quarter octaves, (n_frames, 227)."""
        return self.power @ banded(quarter_octave_weights)

    @cached_property
    def quarter_octave_means(self):
        """Mean power of the groups of each quarter octave, (n_frames, 19)."""
        return self.quarter_octave_groups @ banded(quarter_octave_averages)


def iterate_analyses(frames, chunk_length):
    """Yield the analyses of an utterance, chunk by chunk.

    Parameters
    ----------
    frames : ndarray of shape (n_frames, 1024)
    chunk_length : int
        Number of frames to analyse at a time. The results do not depend on it, but
        the memory does, and the time: a chunk should stay in the processor's cache.

    Yields
    ------
    rows : slice
        Which frames were analysed.
    analysis : FrameAnalysis

    Examples
    --------
    >>> import numpy as np
    >>> [rows for rows, _ in iterate_analyses(np.zeros((5, 1024)), 3)]
    [slice(0, 3, None), slice(3, 5, None)]
    """
    for start in range(0, len(frames), chunk_length):
        rows = slice(start, min(start + chunk_length, len(frames)))
        n_previous = min(start, N_PREVIOUS)
        yield rows, FrameAnalysis(frames[start - n_previous : rows.stop], n_previous)

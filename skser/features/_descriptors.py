"""The short-time descriptors that the baselines use, in place of the 743 features."""

import functools
import os
from numbers import Integral

import numpy as np
from scipy import fft
from scipy.signal.windows import hamming
from sklearn.base import BaseEstimator, TransformerMixin

from skser._compat import Interval, fit_context
from skser._sequences import check_utterances
from skser.features._voice import SILENCE, periodicity
from skser.storage import map_cached

# Energies below that of the quietest sound of 16 bits are all the same silence.
ENERGY_FLOOR = SILENCE**2


# Number of frames described at a time, so that the memory beside the result is bounded,
# and most of it stays in the processor's cache.
_CHUNK_LENGTH = 256


class SpeechDescriptors(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Describe each frame by cepstra, energies, pitch and voicing.

    What the systems that the paper is compared with look at: a few numbers every 10 ms,
    from frames of 25 ms. The estimator is stateless: `fit` only checks its input.

    Parameters
    ----------
    descriptors : sequence of str, default=("mfcc",)
        In the order of the columns, from:

        - "mfcc": mel-frequency cepstral coefficients, from the 0th on
        - "log_mel": logarithms of the energies of mel bands
        - "log_energy": logarithm of the mean square
        - "zero_crossing_rate": changes of sign per sample
        - "pitch": fundamental frequency in Hz, 0 without voice
        - "voicing": height of the correlation's peak, from 0 to 1
        - "harmonics_to_noise": in dB, from -20 to 40
    n_mfcc : int, default=13
        Number of cepstral coefficients.
    n_mels : int, default=26
        Number of mel bands, for "mfcc" as for "log_mel".
    sample_rate : int, default=16000
        Of the frames' signals, in Hz.
    n_jobs : int, default=None
        Number of threads over utterances; None is 1, -1 is all processors.
    cache : str or os.PathLike, default=None
        Folder in which the descriptors of each utterance are kept, as in
        :class:`skser.AcousticFeatures`.

    See Also
    --------
    skser.AcousticFeatures : The 743 features of the paper.
    skser.Framer : Cuts signals into frames; here with ``Framer(400, 160)``.

    Notes
    -----
    Spectra are those of the Hamming-windowed frame; mel bands are librosa's (Slaney's
    scale, triangles of equal area), cepstra the orthonormal cosine transform of their
    logarithms. Pitch and its kin are from Talkin's cross-correlation [1]_. Digital
    silence is taken for the quietest sound of 16 bits, so that everything is finite.

    References
    ----------
    .. [1] D. Talkin, "A robust algorithm for pitch tracking (RAPT)", in W. B. Kleijn
       and K. K. Paliwal (eds.), Speech Coding and Synthesis, Elsevier, 1995.

    Examples
    --------
    >>> import numpy as np
    >>> from skser import Framer
    >>> from skser.features import SpeechDescriptors
    >>> signals = [np.sin(2 * np.pi * 200 * np.arange(16000) / 16000)]
    >>> descriptors = SpeechDescriptors(["zero_crossing_rate", "pitch"])
    >>> [frames] = descriptors.transform(Framer(400, 160).transform(signals))
    >>> frames.shape, frames[50].round(1).tolist()
    ((100, 2), [0.0, 200.0])
    """

    _parameter_constraints = {
        "descriptors": [list, tuple],
        "n_mfcc": [Interval(Integral, 1, None, closed="left")],
        "n_mels": [Interval(Integral, 1, None, closed="left")],
        "sample_rate": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "cache": [str, os.PathLike, None],
    }

    def __init__(
        self,
        descriptors=("mfcc",),
        *,
        n_mfcc=13,
        n_mels=26,
        sample_rate=16000,
        n_jobs=None,
        cache=None,
    ):
        self.descriptors = descriptors
        self.n_mfcc = n_mfcc
        self.n_mels = n_mels
        self.sample_rate = sample_rate
        self.n_jobs = n_jobs
        self.cache = cache

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check the parameters and the frames; nothing is learnt.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, frame_length)
            Consecutive frames of each utterance.
        y : Ignored
            Present for scikit-learn's conventions.

        Returns
        -------
        self : SpeechDescriptors
        """
        self._check_descriptors()
        _check_frames(X)
        return self

    def transform(self, X):
        """Compute the descriptors of each frame.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, frame_length)
            Consecutive frames of each utterance, not windowed, samples in [-1, 1].

        Returns
        -------
        descriptors : list of ndarray of float32 of shape (n_frames, n_columns)

        Raises
        ------
        ValueError
            If a descriptor is unknown, a frame too short for pitch, or a sample not
            finite.
        """
        self._validate_params()
        self._check_descriptors()
        packages = ("numpy", "scipy", "librosa")
        return map_cached(self._describe, _check_frames(X), self, packages)

    def get_feature_names_out(self, input_features=None):
        """Give the names of the columns.

        Parameters
        ----------
        input_features : Ignored
            The names do not depend on those of the samples.

        Returns
        -------
        names : ndarray of str objects of shape (n_columns,)
            Such as ``"mfcc_0"`` or ``"pitch"``.
        """
        widths = {"mfcc": self.n_mfcc, "log_mel": self.n_mels}
        names = []
        for name in self.descriptors:
            numbered = [f"{name}_{i}" for i in range(widths.get(name, 0))]
            names += numbered or [name]
        return np.array(names, dtype=object)

    def _check_descriptors(self):
        """Refuse what is not in the table."""
        unknown = [name for name in self.descriptors if name not in DESCRIPTORS]
        if unknown or not self.descriptors:
            raise ValueError(
                f"descriptors must be some of {', '.join(DESCRIPTORS)}, got "
                f"{unknown or 'none'}."
            )
        if self.n_mfcc > self.n_mels:
            raise ValueError(
                f"n_mfcc={self.n_mfcc} must be at most n_mels={self.n_mels}."
            )

    def _describe(self, frames):
        """Return the descriptors of one utterance."""
        # No descriptor looks beyond its frame.
        starts = range(0, len(frames), _CHUNK_LENGTH)
        chunks = [frames[start : start + _CHUNK_LENGTH] for start in starts]
        return np.concatenate([self._describe_chunk(chunk) for chunk in chunks])

    def _describe_chunk(self, frames):
        """Return the descriptors of some frames."""
        analysis = _Analysis(frames.astype(np.float64), self)
        columns = [DESCRIPTORS[name](analysis) for name in self.descriptors]
        return np.column_stack(columns).astype(np.float32)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = []
        return tags


class _Analysis:
    """What several descriptors of an utterance share, computed when first asked for."""

    def __init__(self, frames, settings):
        self.frames = frames
        self.settings = settings

    @functools.cached_property
    def periodicity(self):
        """Pitch, voicing and harmonics-to-noise ratio."""
        return periodicity(self.frames, self.settings.sample_rate)

    @functools.cached_property
    def log_mel(self):
        """Logarithms of the energies of the mel bands."""
        length = self.frames.shape[1]
        window = hamming(length, sym=False)
        n_points = 2 ** int(np.ceil(np.log2(length)))
        spectrum = np.abs(fft.rfft(self.frames * window, n_points, axis=1)) ** 2
        bands = _mel_bands(self.settings.sample_rate, n_points, self.settings.n_mels)
        return np.log(spectrum / np.sum(window**2) @ bands.T + ENERGY_FLOOR)

    @property
    def mfcc(self):
        """The first cosine coefficients of the logarithms of the mel bands."""
        coefficients = fft.dct(self.log_mel, axis=1, norm="ortho")
        return coefficients[:, : self.settings.n_mfcc]

    @property
    def log_energy(self):
        """Logarithm of the mean square."""
        return np.log(np.mean(self.frames**2, axis=1) + ENERGY_FLOOR)

    @property
    def zero_crossing_rate(self):
        """Changes of sign per sample."""
        is_negative = np.signbit(self.frames)
        return np.mean(is_negative[:, 1:] != is_negative[:, :-1], axis=1)


DESCRIPTORS = {
    "mfcc": lambda analysis: analysis.mfcc,
    "log_mel": lambda analysis: analysis.log_mel,
    "log_energy": lambda analysis: analysis.log_energy,
    "zero_crossing_rate": lambda analysis: analysis.zero_crossing_rate,
    "pitch": lambda analysis: analysis.periodicity.pitch,
    "voicing": lambda analysis: analysis.periodicity.voicing,
    "harmonics_to_noise": lambda analysis: analysis.periodicity.harmonics_to_noise,
}


@functools.lru_cache(maxsize=8)
def _mel_bands(sample_rate, n_points, n_mels):
    """Return the weights of the mel bands, (n_mels, n_points // 2 + 1)."""
    import librosa

    return librosa.filters.mel(sr=sample_rate, n_fft=n_points, n_mels=n_mels)


def _check_frames(X):
    """Return the utterances' frames as arrays, or say what is wrong with one."""
    return check_utterances(X, 2, "(n_frames, frame_length)")

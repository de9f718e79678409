"""Short-time descriptors: MFCC, mel energies, flux, pitch (F0), voicing, HNR, ZCR."""

import functools
import os
from collections.abc import Sequence
from numbers import Integral
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import fft

from skser._base import ListTransformer, find_unknown, set_parameters
from skser._compat import Interval
from skser._sequences import check_finite, check_utterances
from skser.features._analysis import keep_freed_memory
from skser.features._bands import triangles
from skser.storage import map_cached

# Range of the pitch of voices, in Hz: from a bass's to a child's.
PITCH_FLOOR, PITCH_CEILING = 75.0, 500.0
# A peak below this height is no voice.
VOICING_THRESHOLD = 0.5
# Twice the period is a period, too: of the peaks so near the highest, the first wins.
OCTAVE_TOLERANCE = 0.1
# Limits of the harmonics-to-noise ratio in dB: what rounding and quantisation allow.
HNR_LIMITS = (-20.0, 40.0)
# A frame whose root mean square is below this is silent: half a step of 16 bits.
SILENCE = 0.5 / 32768
# Energies below that of the quietest sound of 16 bits are all the same silence.
ENERGY_FLOOR = SILENCE**2

# Between the voices of men and of women.
_LOG_PITCH_WITHOUT_VOICE = 7.3

# Number of frames described at a time, so that the memory beside the result is bounded,
# and most of it stays in the processor's cache.
_CHUNK_LENGTH = 256


class SpeechDescriptors(ListTransformer):
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
        - "voiced": 1 where there is a voice, else 0
        - "log_pitch": logarithm of the pitch to base 2, so that 1 is an octave; on a
          straight line where there is no voice. Without any it is that of 158 Hz.
        - "flux": what changes from the frame before. Four columns: the mean change, up
          or down, of all log mel energies, of the lowest third of the bands, and of the
          highest; and the Euclidean distance of cepstra 1 to 12. 0 for the first frame.
    n_mfcc : int, default=13
        Number of cepstral coefficients.
    n_mels : int, default=26
        Number of mel bands, for "mfcc" and "flux" as for "log_mel".
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

    declared_tags = {
        "input_tags.two_d_array": False,
        "input_tags.three_d_array": True,
        "transformer_tags.preserves_dtype": [],
    }

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
        descriptors: Sequence[str] = ("mfcc",),
        *,
        n_mfcc: int = 13,
        n_mels: int = 26,
        sample_rate: int = 16000,
        n_jobs: int | None = None,
        cache: str | os.PathLike | None = None,
    ):
        set_parameters(self, locals())

    def transform(self, X: Sequence | ArrayLike) -> list[np.ndarray]:
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
        utterances = self._check_input(X, reset=False)
        packages = ("numpy", "scipy")
        keep_freed_memory()
        described = map_cached(
            lambda batch: [self._describe(frames) for frames in batch],
            utterances,
            self,
            packages,
        )
        for i, descriptors in enumerate(described):
            check_finite(descriptors, f"What SpeechDescriptors makes of X[{i}]")
        return described

    def _name_columns(self):
        widths = {"mfcc": self.n_mfcc, "log_mel": self.n_mels, "flux": 4}
        names = []
        for name in self.descriptors:
            numbered = [f"{name}_{i}" for i in range(widths.get(name, 0))]
            names += numbered or [name]
        return names

    def _check_choices(self):
        """Refuse names that are not in the table, and more coefficients than bands."""
        unknown = find_unknown(self.descriptors, DESCRIPTORS)
        if unknown or not self.descriptors:
            raise ValueError(
                f"descriptors must be some of {', '.join(DESCRIPTORS)}, got "
                f"{unknown or 'none'}."
            )
        if self.n_mfcc > self.n_mels:
            raise ValueError(
                f"n_mfcc={self.n_mfcc} must be at most n_mels={self.n_mels}."
            )

    def _check_input(self, X, reset):
        """Return the frames as arrays, or refuse them or the parameters."""
        self._check_choices()
        return check_utterances(X, 2, "(n_frames, frame_length)")

    def _describe(self, frames):
        """Return the descriptors of one utterance, float32."""
        columns = [[] for _ in self.descriptors]
        # What overflows is reported by `transform`, with its place.
        with np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, len(frames), _CHUNK_LENGTH):
                chunk = frames[start : start + _CHUNK_LENGTH].astype(np.float64)
                analysis = _Analysis(chunk, self)
                for parts, name in zip(columns, self.descriptors, strict=True):
                    parts.append(DESCRIPTORS[name](analysis))
            contours = [np.concatenate(parts) for parts in columns]
            for i, name in enumerate(self.descriptors):
                if name in _ACROSS_FRAMES:
                    contours[i] = _ACROSS_FRAMES[name](contours[i])
            return np.column_stack(contours).astype(np.float32)


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
        n_frames, length = self.frames.shape
        window = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(length) / length)
        n_points = 2 ** int(np.ceil(np.log2(length)))
        # Padded here: the transform would copy what was windowed.
        windowed = np.zeros((n_frames, n_points))
        np.multiply(self.frames, window, out=windowed[:, :length])
        power = np.abs(fft.rfft(windowed, axis=1))
        np.square(power, out=power)
        bands = _mel_bands(self.settings.sample_rate, n_points, self.settings.n_mels)
        energies = power @ (bands / np.sum(window**2))
        energies += ENERGY_FLOOR
        return np.log(energies, out=energies)


DESCRIPTORS = {
    "mfcc": lambda analysis: fft.dct(analysis.log_mel, axis=1, norm="ortho")[
        :, : analysis.settings.n_mfcc
    ],
    "log_mel": lambda analysis: analysis.log_mel,
    "log_energy": lambda analysis: np.log(
        np.mean(analysis.frames**2, axis=1) + ENERGY_FLOOR
    ),
    "zero_crossing_rate": lambda analysis: np.mean(
        np.diff(np.signbit(analysis.frames), axis=1), axis=1
    ),
    "pitch": lambda analysis: analysis.periodicity.pitch,
    "voicing": lambda analysis: analysis.periodicity.voicing,
    "harmonics_to_noise": lambda analysis: analysis.periodicity.harmonics_to_noise,
    "voiced": lambda analysis: analysis.periodicity.pitch > 0,
    "log_pitch": lambda analysis: analysis.periodicity.pitch,
    "flux": lambda analysis: analysis.log_mel,
}


def _interpolate_pitch(pitch):
    """Return the logarithm of the pitch, on a straight line where there is no voice."""
    voiced = np.flatnonzero(pitch)
    if not len(voiced):
        return np.full(len(pitch), _LOG_PITCH_WITHOUT_VOICE)
    return np.interp(np.arange(len(pitch)), voiced, np.log2(pitch[voiced]))


def _flux(log_mel):
    """Return the change of the spectrum, of its ends and its shape, (n_frames, 4)."""
    n_mels = log_mel.shape[1]
    change = np.diff(log_mel, axis=0, prepend=log_mel[:1])
    size = np.abs(change)
    cepstra = fft.dct(change, axis=1, norm="ortho")[:, 1:13]
    return np.column_stack(
        [
            size.mean(axis=1),
            size[:, : max(1, n_mels // 3)].mean(axis=1),
            size[:, 2 * n_mels // 3 :].mean(axis=1),
            np.linalg.norm(cepstra, axis=1),
        ]
    )


# Of those descriptors that look beyond their frame: from what `DESCRIPTORS` gives of
# all frames of an utterance.
_ACROSS_FRAMES = {"log_pitch": _interpolate_pitch, "flux": _flux}


@functools.lru_cache(maxsize=8)
def _mel_bands(sample_rate, n_points, n_mels):
    """Return the weights of bands equally wide in mel, (n_points // 2 + 1, n_mels).

    Those of ``librosa.filters.mel``, whose import takes a second. Slaney's scale has
    3 mel for 200 Hz up to 1 kHz, and 27 for each factor of 6.4 above.
    """
    knee, per_hertz, per_neper = 1000.0, 3 / 200, 27 / np.log(6.4)
    top = sample_rate / 2
    n_mel = min(top, knee) * per_hertz + np.log(max(top / knee, 1.0)) * per_neper
    mel = np.linspace(0, n_mel, n_mels + 2)
    above = np.maximum(mel - knee * per_hertz, 0.0)
    points = np.minimum(mel / per_hertz, knee) * np.exp(above / per_neper)
    heights = 2 / (points[2:] - points[:-2])
    corners = points / (sample_rate / n_points)
    return triangles(corners, heights, n_points // 2 + 1)


class Periodicity(NamedTuple):
    """What the highest peak of the autocorrelation of each frame says.

    Parameters
    ----------
    pitch : ndarray of shape (n_frames,)
        In Hz; 0 where there is no voice.
    voicing : ndarray of shape (n_frames,)
        Height of the peak, from 0 to 1.
    harmonics_to_noise : ndarray of shape (n_frames,)
        In dB.
    """

    pitch: np.ndarray
    voicing: np.ndarray
    harmonics_to_noise: np.ndarray


def periodicity(frames, sample_rate=16000):
    r"""Find pitch, voicing and harmonics-to-noise ratio of each frame.

    All three come from one curve, the normalised cross-correlation of the frame
    :math:`x` of :math:`N` samples with itself :math:`\tau` samples later [1]_:

    .. math:: r(\tau) = \frac{\sum_{n=0}^{N-\tau-1} x_n x_{n+\tau}}
              {\sqrt{\sum_{n=0}^{N-\tau-1} x_n^2 \; \sum_{n=\tau}^{N-1} x_n^2}}

    It is 1 at the period of a periodic signal, however few periods the frame holds;
    the autocorrelation would fall with the lag. The best peak within the range of
    voices is at the pitch period :math:`\tau_0`. The harmonics-to-noise ratio is
    Han's [2]_

    .. math:: \mathrm{HNR} = 10 \log_{10} \frac{r(\tau_0)}{r(0) - r(\tau_0)},

    with :math:`r(0) = 1`, limited to -20 to 40 dB.

    Parameters
    ----------
    frames : ndarray of shape (n_frames, frame_length)
        Consecutive frames of a signal; 25 ms hold two periods of the lowest voices.
    sample_rate : int, default=16000
        In Hz.

    Returns
    -------
    periodicity : Periodicity
        A silent frame has no pitch, no voicing and the lowest ratio.

    Raises
    ------
    ValueError
        If a frame is too short for the pitch of any voice.

    References
    ----------
    .. [1] D. Talkin, "A robust algorithm for pitch tracking (RAPT)", in W. B. Kleijn
       and K. K. Paliwal (eds.), Speech Coding and Synthesis, Elsevier, 1995.
    .. [2] K. Han, D. Yu and I. Tashev, "Speech emotion recognition using deep neural
       network and extreme learning machine", Interspeech 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.features._descriptors import periodicity
    >>> buzz = np.sign(np.sin(2 * np.pi * 125 * np.arange(400) / 16000))
    >>> periodicity(buzz[np.newaxis]).pitch.round()
    array([125.])
    """
    frame_length = frames.shape[1]
    shortest = int(sample_rate / PITCH_CEILING)
    # Two thirds: what is left of the frame must still be worth comparing.
    longest = min(int(np.ceil(sample_rate / PITCH_FLOOR)), 2 * frame_length // 3)
    if longest <= shortest + 2:
        raise ValueError(
            f"Pitch needs frames of at least {2 * shortest} samples at {sample_rate} "
            f"Hz, got {frame_length}. Use Framer(frame_length=400)."
        )
    correlation, is_silent = _normalized_correlation(frames, longest + 2)
    period, height = _highest_peak(correlation, shortest, longest)
    height = np.where(is_silent, 0.0, np.clip(height, 0.0, 1.0))
    pitch = np.where(height > VOICING_THRESHOLD, sample_rate / period, 0.0)
    lowest, highest = 10.0 ** (np.array(HNR_LIMITS) / 10)
    bounded = np.clip(height, lowest / (1 + lowest), highest / (1 + highest))
    return Periodicity(pitch, height, 10 * np.log10(bounded / (1 - bounded)))


def _normalized_correlation(frames, n_lags):
    """Return r(tau) for tau < n_lags, and which frames are silent."""
    frames = frames - frames.mean(axis=1, keepdims=True)
    is_silent = np.sqrt(np.mean(frames**2, axis=1)) < SILENCE
    # energies[:, n] is the sum over the first n samples.
    energies = np.pad(np.cumsum(frames**2, axis=1), ((0, 0), (1, 0)))
    lags = np.arange(n_lags)
    early = energies[:, frames.shape[1] - lags]
    late = energies[:, -1:] - energies[:, lags]
    norm = np.sqrt(np.maximum(early * late, np.finfo(float).tiny))
    n_points = fft.next_fast_len(frames.shape[1] + n_lags, real=True)
    power = np.abs(fft.rfft(frames, n_points, axis=1)) ** 2
    return fft.irfft(power, n_points, axis=1)[:, :n_lags] / norm, is_silent


def _highest_peak(correlation, shortest, longest):
    """Return the period, in samples, and the height of the best peak of each row.

    Only local maxima count: at the short end the curve still falls from r(0) = 1.
    """
    lags = np.arange(shortest, longest + 1)
    here = correlation[:, lags]
    before, behind = correlation[:, lags - 1], correlation[:, lags + 1]
    is_peak = (here >= before) & (here > behind)
    peaks = np.where(is_peak, here, -np.inf)
    is_near = peaks >= peaks.max(axis=1, keepdims=True) - OCTAVE_TOLERANCE
    best = is_near.argmax(axis=1)
    rows = np.arange(len(correlation))
    has_peak = is_peak[rows, best]
    left, middle, right = (part[rows, best] for part in (before, here, behind))
    # The vertex of the parabola through the peak and its neighbours.
    curvature = np.where(has_peak, left - 2 * middle + right, 1.0)
    slope = np.where(has_peak, left - right, 0.0)
    period = lags[best] + 0.5 * slope / np.where(curvature == 0, 1.0, curvature)
    height = middle - 0.125 * slope**2 / np.where(curvature == 0, 1.0, curvature)
    return period, np.where(has_peak, height, 0.0)

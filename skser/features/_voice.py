r"""What a voice's periodicity tells: pitch, voicing and harmonics-to-noise ratio.

All three come from one curve, the normalised cross-correlation of the frame :math:`x`
of :math:`N` samples with itself :math:`\tau` samples later [1]_:

.. math:: r(\tau) = \frac{\sum_{n=0}^{N-\tau-1} x_n x_{n+\tau}}
          {\sqrt{\sum_{n=0}^{N-\tau-1} x_n^2 \; \sum_{n=\tau}^{N-1} x_n^2}}

It is 1 at the period of a periodic signal, however few periods the frame holds; the
autocorrelation would fall with the lag. The best peak within the range of voices is at
the pitch period :math:`\tau_0`.

.. [1] D. Talkin, "A robust algorithm for pitch tracking (RAPT)", in W. B. Kleijn and
   K. K. Paliwal (eds.), Speech Coding and Synthesis, Elsevier, 1995.
"""

from typing import NamedTuple

import numpy as np
from scipy import fft

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

    The harmonics-to-noise ratio is Han's [1]_

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
    .. [1] K. Han, D. Yu and I. Tashev, "Speech emotion recognition using deep neural
       network and extreme learning machine", Interspeech 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.features._voice import periodicity
    >>> buzz = np.sign(np.sin(2 * np.pi * 125 * np.arange(400) / 16000))
    >>> periodicity(buzz[np.newaxis]).pitch.round()
    array([125.])
    """
    shortest, longest = _period_range(frames.shape[1], sample_rate)
    correlation, is_silent = _normalized_correlation(frames, longest + 2)
    period, height = _highest_peak(correlation, shortest, longest)
    height = np.where(is_silent, 0.0, np.clip(height, 0.0, 1.0))
    is_voiced = height > VOICING_THRESHOLD
    pitch = np.where(is_voiced, sample_rate / period, 0.0)
    return Periodicity(pitch, height, _harmonics_to_noise(height))


def _period_range(frame_length, sample_rate):
    """Return the shortest and the longest period, in samples, that a frame can show."""
    shortest = int(sample_rate / PITCH_CEILING)
    # Two thirds: what is left of the frame must still be worth comparing.
    longest = min(int(np.ceil(sample_rate / PITCH_FLOOR)), 2 * frame_length // 3)
    if longest <= shortest + 2:
        raise ValueError(
            f"Pitch needs frames of at least {2 * shortest} samples at {sample_rate} "
            f"Hz, got {frame_length}. Use Framer(frame_length=400)."
        )
    return shortest, longest


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
    return _correlation(frames, n_lags) / norm, is_silent


def _correlation(rows, n_lags):
    """Return the sums of x[n] x[n + tau] of each row for the first lags tau."""
    n_points = fft.next_fast_len(rows.shape[1] + n_lags, real=True)
    power = np.abs(fft.rfft(rows, n_points, axis=1)) ** 2
    return fft.irfft(power, n_points, axis=1)[:, :n_lags]


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


def _harmonics_to_noise(height):
    """Return the ratio in dB for peaks of these heights."""
    lowest, highest = 10.0 ** (np.array(HNR_LIMITS) / 10)
    bounded = np.clip(height, lowest / (1 + lowest), highest / (1 + highest))
    return 10 * np.log10(bounded / (1 - bounded))

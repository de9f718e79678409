"""Perturbations for robustness: gain, telephone band, noise, 8 kHz and MP3 round trips.

Each is a function of a signal and its sampling rate that returns a signal of the same
length. :data:`PERTURBATIONS` names the usual ones;
:func:`~skser.model_selection.evaluate_under` applies them to the test recordings of
each fold, and to nothing else.

What is random is drawn from a seed. A perturbation with the parameter `random_state`
gets another seed for each recording (noise), one with `speaker_state` another for each
speaker (the microphone, which stays the same for all recordings of a speaker).
"""

import inspect
import io
import os
import zlib
from collections.abc import Callable, Iterable
from functools import partial

import numpy as np
import scipy
import soundfile
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from skser._recordings import Segment, Waveform, as_recording, is_pair
from skser.audio import AudioLoader, resample

__all__ = [
    "PERTURBATIONS",
    "add_noise",
    "apply_shelf",
    "change_gain",
    "compress_mp3",
    "limit_band",
    "perturb",
    "reduce_sample_rate",
]

# What LAME's encoder and its decoder add at the front, where the file does not say so.
_MP3_DELAY = 576 + 529


def change_gain(signal: ArrayLike, sample_rate: int, *, decibels: float) -> np.ndarray:
    r"""Make a recording louder or softer, as another distance or level control does.

    .. math:: y_n = 10^{g / 20} \, x_n

    Nothing is clipped: signals are floating-point numbers.

    Parameters
    ----------
    signal : ndarray of shape (n_samples,)
    sample_rate : int
        In Hz. It has no influence.
    decibels : float
        The gain :math:`g`.

    Returns
    -------
    changed : ndarray of float32 of shape (n_samples,)

    Examples
    --------
    >>> import numpy as np
    >>> from skser.model_selection.perturbations import change_gain
    >>> change_gain(np.array([0.1, -0.2]), 16000, decibels=20)
    array([ 1., -2.], dtype=float32)
    """
    changed = 10 ** (decibels / 20) * np.asarray(signal, dtype=float)
    return changed.astype(np.float32)


def limit_band(
    signal: ArrayLike, sample_rate: int, *, low: float = 300, high: float = 3400
) -> np.ndarray:
    r"""Keep a band of frequencies; by default that of a telephone.

    A causal Butterworth filter with four poles on each side,

    .. math:: |H(f)|^2 = \frac{1}{1 + \left(
        \frac{f^2 - f_l f_h}{f \, (f_h - f_l)} \right)^8},

    is 3 dB down at both edges and falls by 24 dB per octave below and above.

    Parameters
    ----------
    signal : ndarray of shape (n_samples,)
    sample_rate : int
        In Hz; more than ``2 * high``.
    low, high : float, default=300, 3400
        The edges :math:`f_l` and :math:`f_h`, in Hz.

    Returns
    -------
    filtered : ndarray of float32 of shape (n_samples,)

    Raises
    ------
    ValueError
        If the edges are not in order, or not below half the sampling rate.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.model_selection.perturbations import limit_band
    >>> seconds = np.arange(16000) / 16000
    >>> for frequency in (100, 1000, 6000):
    ...     tone = limit_band(np.sin(2 * np.pi * frequency * seconds), 16000)
    ...     print(frequency, round(float(np.sqrt(2 * np.mean(tone[8000:] ** 2))), 2))
    100 0.01
    1000 1.0
    6000 0.01
    """
    if not 0 < low < high < sample_rate / 2:
        raise ValueError(
            f"low={low} and high={high} Hz must be in this order, above 0 and below "
            f"half of sample_rate={sample_rate} Hz."
        )
    sections = scipy.signal.butter(
        4, [low, high], "bandpass", fs=sample_rate, output="sos"
    )
    filtered = scipy.signal.sosfilt(sections, np.asarray(signal, dtype=float))
    return filtered.astype(np.float32)


def apply_shelf(
    signal: ArrayLike,
    sample_rate: int,
    *,
    decibels: float | None = None,
    frequency: float | None = None,
    speaker_state: int | np.random.RandomState | None = None,
) -> np.ndarray:
    r"""Raise or lower all high frequencies, as another microphone does.

    A high shelf of second order [1]_: 0 dB far below `frequency`, `decibels` far above,
    half of them at it. With :math:`A = 10^{g/40}` and
    :math:`Q = 1/\sqrt{2}` its analogue prototype is

    .. math:: H(s) = A \frac{A s^2 + \sqrt{A} s / Q + 1}{s^2 + \sqrt{A} s / Q + A}.

    Parameters
    ----------
    signal : ndarray of shape (n_samples,)
    sample_rate : int
        In Hz.
    decibels : float, default=None
        The gain :math:`g` of high frequencies. None draws it from -12 to 12,
        uniformly.
    frequency : float, default=None
        The middle of the slope, in Hz. None draws it from 500 to 2000, uniformly on a
        logarithmic scale.
    speaker_state : int, RandomState instance or None, default=None
        Determines both draws.

    Returns
    -------
    filtered : ndarray of float32 of shape (n_samples,)

    Raises
    ------
    ValueError
        If `frequency` is not below half the sampling rate.

    References
    ----------
    .. [1] R. Bristow-Johnson, "Cookbook formulae for audio equalizer biquad filter
       coefficients", 1998, published as a W3C Note in 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.model_selection.perturbations import apply_shelf
    >>> seconds = np.arange(16000) / 16000
    >>> for hertz in (50, 6000):
    ...     tone = np.sin(2 * np.pi * hertz * seconds)
    ...     tone = apply_shelf(tone, 16000, decibels=-6, frequency=1000)
    ...     print(hertz, round(float(np.sqrt(2 * np.mean(tone[8000:] ** 2))), 2))
    50 1.0
    6000 0.5
    """
    generator = check_random_state(speaker_state)
    drawn = generator.uniform(-12, 12), np.exp(generator.uniform(*np.log([500, 2000])))
    decibels = drawn[0] if decibels is None else decibels
    frequency = drawn[1] if frequency is None else frequency
    if not 0 < frequency < sample_rate / 2:
        raise ValueError(
            f"frequency={frequency} Hz must be above 0 and below half of "
            f"sample_rate={sample_rate} Hz."
        )
    root = 10 ** (decibels / 80)
    a = root**2
    angle = 2 * np.pi * frequency / sample_rate
    cosine, slope = np.cos(angle), 2 * root * np.sin(angle) / np.sqrt(2)
    above = [
        a * ((a + 1) + (a - 1) * cosine + slope),
        -2 * a * ((a - 1) + (a + 1) * cosine),
        a * ((a + 1) + (a - 1) * cosine - slope),
    ]
    below = [
        (a + 1) - (a - 1) * cosine + slope,
        2 * ((a - 1) - (a + 1) * cosine),
        (a + 1) - (a - 1) * cosine - slope,
    ]
    sections = np.array([above + below]) / below[0]
    filtered = scipy.signal.sosfilt(sections, np.asarray(signal, dtype=float))
    return filtered.astype(np.float32)


def add_noise(
    signal: ArrayLike,
    sample_rate: int,
    *,
    decibels: float,
    color: str = "white",
    random_state: int | np.random.RandomState | None = None,
) -> np.ndarray:
    r"""Add noise at a signal-to-noise ratio.

    With Gaussian noise :math:`w` and the ratio :math:`r`

    .. math:: y_n = x_n + w_n \sqrt{10^{-r / 10} \,
        \frac{\sum_m x_m^2}{\sum_m w_m^2}},

    where the power of the signal is that of the whole recording, pauses included.

    Parameters
    ----------
    signal : ndarray of shape (n_samples,)
    sample_rate : int
        In Hz. It has no influence.
    decibels : float
        The ratio :math:`r`.
    color : {"white", "pink"}, default="white"
        White noise has the same power in each Hz, pink noise in each octave (its
        spectrum falls by 3 dB per octave).
    random_state : int, RandomState instance or None, default=None
        Determines the noise.

    Returns
    -------
    noisy : ndarray of float32 of shape (n_samples,)
        Silence stays silence.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.model_selection.perturbations import add_noise
    >>> tone = np.sin(np.arange(16000))
    >>> noise = add_noise(tone, 16000, decibels=20, random_state=0) - tone
    >>> round(float(np.mean(tone**2) / np.mean(noise**2)), 1)
    100.0
    """
    colors = {"white": 0.0, "pink": 0.5}
    if color not in colors:
        raise ValueError(f"color must be one of {list(colors)}, got {color!r}.")
    signal = np.asarray(signal, dtype=float)
    noise = check_random_state(random_state).standard_normal(len(signal))
    if colors[color]:
        spectrum = np.fft.rfft(noise)
        spectrum /= np.maximum(1, np.arange(len(spectrum))) ** colors[color]
        noise = np.fft.irfft(spectrum, len(signal))
    wanted = 10 ** (-decibels / 10) * np.sum(signal**2)
    power = np.sum(noise**2)
    noisy = signal + noise * np.sqrt(wanted / power if power else 0)
    return noisy.astype(np.float32)


def reduce_sample_rate(
    signal: ArrayLike, sample_rate: int, *, rate: int = 8000
) -> np.ndarray:
    """Resample to a lower rate and back: all above half of it is lost.

    The resampling is that of :class:`~skser.audio.AudioLoader`.

    Parameters
    ----------
    signal : ndarray of shape (n_samples,)
    sample_rate : int
        In Hz.
    rate : int, default=8000
        The lower rate, in Hz.

    Returns
    -------
    resampled : ndarray of float32 of shape (n_samples,)

    Examples
    --------
    >>> import numpy as np
    >>> from skser.model_selection.perturbations import reduce_sample_rate
    >>> tone = np.sin(2 * np.pi * 6000 * np.arange(16000) / 16000)
    >>> reduced = reduce_sample_rate(tone, 16000)
    >>> bool(abs(reduced[1000:-1000]).max() < 0.001)
    True
    """
    signal = np.asarray(signal, dtype=np.float32)
    reduced = resample([signal], sample_rate, rate)
    return np.concatenate([*resample(reduced, rate, sample_rate)])[: len(signal)]


def compress_mp3(
    signal: ArrayLike, sample_rate: int, *, compression: float = 0.8
) -> np.ndarray:
    """Write a recording as MP3, and read it again.

    Encoder and decoder are those of libsndfile (LAME and mpg123), at a constant bit
    rate.

    Parameters
    ----------
    signal : ndarray of shape (n_samples,)
    sample_rate : int
        In Hz; one that MP3 has: 8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100
        or 48000.
    compression : float, default=0.8
        From 0, the highest bit rate of the format, to 1, the lowest. 0.8 is 40 kbit/s
        at 16 kHz.

    Returns
    -------
    decoded : ndarray of float32 of shape (n_samples,)
        Without the delay of the encoder.

    Raises
    ------
    RuntimeError
        If the libsndfile in use was built without MP3.
    ValueError
        If MP3 does not have the sampling rate.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.model_selection.perturbations import compress_mp3
    >>> tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    >>> decoded = compress_mp3(tone, 16000)
    >>> len(decoded), round(float(np.corrcoef(tone, decoded)[0, 1]), 2)
    (16000, 1.0)
    """
    if "MP3" not in soundfile.available_formats():
        raise RuntimeError(
            f"libsndfile {soundfile.__libsndfile_version__} was built without MP3. "
            "Install a soundfile wheel, which has it, or leave this perturbation out."
        )
    file = io.BytesIO()
    try:
        soundfile.write(
            file,
            np.asarray(signal),
            sample_rate,
            format="MP3",
            subtype="MPEG_LAYER_III",
            compression_level=compression,
            bitrate_mode="CONSTANT",
        )
    except soundfile.LibsndfileError as error:
        raise ValueError(
            f"MP3 cannot be written at sample_rate={sample_rate} Hz with "
            f"compression={compression}: {error} MP3 has 8, 11.025, 12, 16, 22.05, 24, "
            "32, 44.1 and 48 kHz."
        ) from error
    file.seek(0)
    decoded, _ = soundfile.read(file, dtype="float32")
    n_samples = np.size(signal)
    # Frames of low bit rates have no room for the tag that says how long the delay is.
    start = _MP3_DELAY if len(decoded) > n_samples else 0
    return decoded[start:][:n_samples]


PERTURBATIONS: dict[str, Callable] = {
    "gain -18 dB": partial(change_gain, decibels=-18),
    "gain -6 dB": partial(change_gain, decibels=-6),
    "gain +12 dB": partial(change_gain, decibels=12),
    "telephone band": limit_band,
    "shelf per speaker": apply_shelf,
    "white noise 20 dB": partial(add_noise, decibels=20),
    "white noise 10 dB": partial(add_noise, decibels=10),
    "8 kHz": reduce_sample_rate,
    "MP3": compress_mp3,
}
"""Name -> function of (signal, sample_rate). The band is 300 to 3400 Hz, MP3 has
40 kbit/s at 16 kHz."""


def perturb(
    signals: list,
    perturbation: str | Callable,
    sample_rate: int,
    *,
    groups: Iterable | None = None,
    names: Iterable | None = None,
    random_state: int = 0,
) -> list:
    """Perturb a batch of signals, each with a seed of its own.

    Parameters
    ----------
    signals : list of ndarray of shape (n_samples,)
    perturbation : str or callable
        A name in :data:`PERTURBATIONS`, or a function ``f(signal, sample_rate)``. If
        the function has a parameter `random_state` it is given a seed for each
        recording, if it has `speaker_state` one for each speaker.
    sample_rate : int
        Of all signals, in Hz.
    groups : array-like of shape (n_signals,), default=None
        The speakers. None takes each recording for one of another speaker.
    names : array-like of shape (n_signals,), default=None
        What, with `random_state`, determines the seed of each recording. None takes
        the position.
    random_state : int, default=0
        Determines all seeds. The same seed, names and groups give the same signals on
        every machine, in any order.

    Returns
    -------
    perturbed : list of ndarray of float32 of shape (n_samples,)

    Raises
    ------
    ValueError
        If the perturbation is unknown, or returns numbers that are not finite or
        another number of samples.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.model_selection.perturbations import perturb
    >>> signals = [np.ones(3), np.ones(2)]
    >>> perturb(signals, lambda signal, sample_rate: 0.5 * signal, 16000)
    [array([0.5, 0.5, 0.5], dtype=float32), array([0.5, 0.5], dtype=float32)]
    >>> noisy = perturb(signals, "white noise 10 dB", 16000, random_state=1)
    >>> noisy[0].shape
    (3,)
    """
    if not callable(perturbation) and perturbation not in PERTURBATIONS:
        raise ValueError(
            f"perturbation must be a function or one of {list(PERTURBATIONS)}, got "
            f"{perturbation!r}."
        )
    function = perturbation if callable(perturbation) else PERTURBATIONS[perturbation]
    accepted = inspect.signature(function).parameters
    names = list(range(len(signals))) if names is None else list(names)
    groups = names if groups is None else list(groups)
    perturbed = []
    for i, signal in enumerate(signals):
        keys = {"random_state": names[i], "speaker_state": groups[i]}
        seeds = {
            parameter: zlib.crc32(f"{random_state} {parameter} {key}".encode())
            for parameter, key in keys.items()
            if parameter in accepted
        }
        changed = np.asarray(function(signal, sample_rate, **seeds), dtype=np.float32)
        if changed.shape != np.shape(signal) or not np.isfinite(changed).all():
            name = getattr(perturbation, "__name__", perturbation)
            raise ValueError(
                f"The perturbation {name!r} must return finite numbers of the shape "
                f"{np.shape(signal)}, as it was given; of signal {i} it returned "
                f"{changed.shape}, {np.sum(~np.isfinite(changed))} of them not finite."
            )
        perturbed.append(changed)
    return perturbed


def perturb_recordings(recordings, perturbation, sample_rate, folder, **options):
    """Perturb recordings, which a system may take as paths: then to paths of copies.

    Parameters
    ----------
    recordings : sequence
        As :class:`~skser.audio.AudioLoader` takes them; waveforms without a rate are at
        `sample_rate`.
    perturbation, sample_rate, **options
        As of :func:`perturb`. Files of another rate are resampled first.
    folder : str or os.PathLike
        Where copies are written, as WAV files of 32-bit floating-point numbers.

    Returns
    -------
    perturbed : list
        In place of a waveform the perturbed one, of a path or segment the path of a
        copy, of anything else (waveform, rate).
    """
    recordings = list(recordings)
    loader = AudioLoader(sample_rate, input_sample_rate=sample_rate, max_duration=None)
    signals = perturb(
        loader.transform(recordings), perturbation, sample_rate, **options
    )
    perturbed = []
    for i, (recording, signal) in enumerate(zip(recordings, signals, strict=True)):
        kind = as_recording(recording, f"X[{i}]", sample_rate)
        if isinstance(kind, Segment):
            path = os.path.join(folder, f"{i:05d}.wav")
            soundfile.write(path, signal, sample_rate, subtype="FLOAT")
            perturbed.append(path)
        elif isinstance(kind, Waveform) and not is_pair(recording):
            perturbed.append(signal)
        else:
            perturbed.append((signal, sample_rate))
    return perturbed

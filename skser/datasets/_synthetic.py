"""A synthetic corpus of emotional "speech", for examples and tests.

A source-filter synthesiser: a train of glottal pulses and some noise pass through the
resonances of moving vowels. An emotion is one row of a table of voice parameters.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy  # its signal module is loaded when it is first used
import soundfile
from sklearn.utils import Bunch, check_random_state

from skser._compat import Interval, validate_params


class _Expression(NamedTuple):
    """How an emotion sounds, for a speaker whose own voice counts as zero."""

    pitch: float  # semitones above the speaker's own
    pitch_range: float  # standard deviation of the accents, semitones
    pitch_slope: float  # from the beginning to the end of the utterance, semitones
    brightness: float  # octaves by which the cutoff of the spectral tilt moves
    energy: float  # dB
    rate: float  # octaves by which the number of syllables a second changes
    jitter: float  # relative deviation of the length of the glottal periods
    breathiness: float  # noise against pulses, root mean squares


# In the directions that are found for acted speech, for instance by Burkhardt and
# Sendlmeier (2000) and Scherer (2003); the sizes are this module's own.
_EXPRESSIONS = {
    "anger": _Expression(4.0, 3.0, -2.0, 1.0, 7.0, 0.25, 0.020, 0.06),
    "boredom": _Expression(-1.5, 0.8, -2.0, -0.5, -3.0, -0.35, 0.010, 0.14),
    "disgust": _Expression(-0.5, 2.4, -4.0, 0.1, -1.0, -0.25, 0.035, 0.16),
    "fear": _Expression(5.5, 1.6, 1.0, 0.2, 1.0, 0.35, 0.030, 0.22),
    "happiness": _Expression(4.0, 3.8, 1.0, 0.6, 4.0, 0.15, 0.012, 0.10),
    "neutral": _Expression(0.0, 1.8, -2.5, 0.0, 0.0, 0.0, 0.010, 0.10),
    "sadness": _Expression(-0.5, 1.0, -3.0, -0.9, -6.0, -0.40, 0.020, 0.28),
}
# How much the same speaker differs from one utterance to the next.
_VARIATION = _Expression(1.0, 0.4, 1.0, 0.25, 1.5, 0.10, 0.003, 0.03)
# What listeners would say, per unit of the distance from a neutral utterance, before
# `tanh` bounds it: a high, loud, bright, fast voice is aroused; a melodious one that is
# neither harsh nor breathy is pleasant. They give anger high arousal and low valence,
# sadness low ones, happiness high ones; the sizes are this module's own.
_AROUSAL = _Expression(0.05, 0.1, 0.0, 0.2, 0.03, 0.8, 0.0, -0.7)
_VALENCE = _Expression(-0.1, 0.5, 0.2, -0.2, -0.1, 0.8, -20.0, -3.0)
# An emotion is acted more or less strongly; at strength 0 it would be neutral.
_STRENGTH = (0.5, 1.2)

# First three formants in Hz, Peterson and Barney (1952), averages of men.
_VOWELS = {
    "a": (730, 1090, 2440),
    "e": (530, 1840, 2480),
    "i": (270, 2290, 3010),
    "o": (570, 840, 2410),
    "u": (300, 870, 2240),
}
_HIGHER_FORMANTS = (3500, 4500)
_BANDWIDTHS = (60, 90, 150, 200, 250)

_SYLLABLE_RATE = 4.5  # a second
_TILT_CUTOFF = 1000.0  # Hz
_OPEN_QUOTIENT = 0.6  # share of a glottal period with air flow
_LEVEL = -26.0  # dB relative to full scale, root mean square
_NOISE_FLOOR = 10 ** (-66 / 20)
_FRICATIVE_SHARE = 0.4  # of the syllables
_PAUSE_SHARE = 0.08

_DESCRIPTION = """\
Synthetic emotional "speech" from skser.datasets.make_emotional_speech.

Made by a small source-filter synthesiser, for examples and tests. The emotions differ
because a table of voice parameters says so: a result on this corpus is no evidence
about real speech."""


class _Speaker(NamedTuple):
    """What belongs to the person and not to the emotion."""

    pitch: float  # Hz
    tract_scale: float  # factor on the formants: short tracts have high ones
    level: float  # dB
    rate: float  # factor
    brightness: float  # octaves


@validate_params(
    {
        "n_speakers": [Interval(Integral, 1, None, closed="left")],
        "emotions": ["array-like"],
        "n_utterances": [Interval(Integral, 1, None, closed="left")],
        "sample_rate": [Interval(Integral, 8000, None, closed="left")],
        "duration": [Interval(Real, 0.2, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_emotional_speech(
    n_speakers: int = 4,
    emotions: Sequence[str] = ("anger", "happiness", "neutral", "sadness"),
    n_utterances: int = 5,
    *,
    sample_rate: int = 16000,
    duration: float = 1.5,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Make up a seeded corpus of emotional "speech".

    **The sound is synthetic.** It lets examples and tests run without a licensed
    corpus; a score on it says nothing about real speech.

    An emotion sets the height, range and slope of the pitch, the spectral tilt, energy,
    rate, jitter and breathiness; it is acted more or less strongly. A speaker has a
    pitch, the length of a vocal tract, a level and a rate. The ranges of the speakers
    overlap with the differences between the emotions. The words are random vowels,
    fricatives and pauses.

    Parameters
    ----------
    n_speakers : int, default=4
        Number of speakers.
    emotions : sequence of str, \
            default=("anger", "happiness", "neutral", "sadness")
        From "anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness".
    n_utterances : int, default=5
        Number of utterances of each speaker in each emotion.
    sample_rate : int, default=16000
        In Hz, at least 8000.
    duration : float, default=1.5
        Mean duration of an utterance in seconds, at least 0.2; the utterances lie
        within 20 % of it.
    random_state : int, RandomState instance or None, default=None
        An int makes the same corpus at every call.

    Returns
    -------
    corpus : :class:`~sklearn.utils.Bunch`
        With, for ``n_speakers * len(emotions) * n_utterances`` samples:

        data : list of ndarray of shape (n_samples_of_the_signal,)
            Mono signals in [-1, 1], `float32`.
        target : ndarray of str of shape (n_samples,)
            The emotion.
        groups : ndarray of str of shape (n_samples,)
            The speaker: "s01", "s02" ...
        arousal, valence : ndarray of float of shape (n_samples,)
            Dimensions of the emotion, between -1 and 1, for regressors. They follow
            from the voice parameters of the very utterance, relative to the speaker's
            own; 0 is an average neutral utterance. Valence is the harder one to
            learn.
        target_names : list of str
            The emotions, sorted.
        sample_rate : int
            In Hz.
        DESCR : str
            What this is.

    Raises
    ------
    ValueError
        If an emotion is unknown, or there is none.

    See Also
    --------
    write_corpus : Write it to a folder, as WAV files.

    References
    ----------
    .. [1] D. H. Klatt and L. C. Klatt, "Analysis, synthesis, and perception of voice
       quality variations among female and male talkers", J. Acoust. Soc. Am. 87, 1990.
    .. [2] F. Burkhardt and W. Sendlmeier, "Verification of acoustical correlates of
       emotional speech using formant-synthesis", ISCA Workshop on Speech and Emotion,
       2000.
    .. [3] G. E. Peterson and H. L. Barney, "Control methods used in a study of the
       vowels", J. Acoust. Soc. Am. 24, 1952.

    Examples
    --------
    >>> from skser.datasets import make_emotional_speech
    >>> corpus = make_emotional_speech(n_speakers=2, n_utterances=1, random_state=0)
    >>> len(corpus.data), corpus.data[0].dtype, corpus.sample_rate
    (8, dtype('float32'), 16000)
    >>> print(corpus.target[:2], corpus.groups[:2])
    ['anger' 'happiness'] ['s01' 's01']

    Arousal tells both from sadness, valence tells them apart:

    >>> corpus.target[:4].tolist()
    ['anger', 'happiness', 'neutral', 'sadness']
    >>> corpus.arousal[:4].round(1).tolist()
    [0.9, 0.7, 0.0, -0.7]
    >>> corpus.valence[:4].round(1).tolist()
    [-0.3, 0.9, 0.5, -0.7]
    """
    if len(emotions) == 0 or not set(emotions) <= set(_EXPRESSIONS):
        raise ValueError(
            f"emotions must be some of {sorted(_EXPRESSIONS)}, got {list(emotions)}."
        )
    random_state = check_random_state(random_state)
    speakers = {
        f"s{i:02d}": _draw_speaker(random_state) for i in range(1, n_speakers + 1)
    }
    rows = [
        (speaker, emotion)
        for speaker in speakers
        for emotion in emotions
        for _ in range(n_utterances)
    ]
    data, expressions = [], []
    for speaker, emotion in rows:
        expression = _draw_expression(emotion, random_state)
        expressions.append(expression)
        data.append(
            _synthesise(
                speakers[speaker], expression, sample_rate, duration, random_state
            )
        )
    return Bunch(
        data=data,
        target=np.array([emotion for _, emotion in rows]),
        target_names=sorted(set(emotions)),
        groups=np.array([speaker for speaker, _ in rows]),
        arousal=_rate(expressions, _AROUSAL),
        valence=_rate(expressions, _VALENCE),
        sample_rate=sample_rate,
        DESCR=_DESCRIPTION,
    )


def write_corpus(corpus: Bunch, folder: str | os.PathLike) -> np.ndarray:
    """Write the signals of a corpus to a folder, as WAV files of 16 bits.

    Parameters
    ----------
    corpus : :class:`~sklearn.utils.Bunch`
        As :func:`make_emotional_speech` returns it.
    folder : str or os.PathLike
        Is made if it does not exist. Files of the same names are overwritten.

    Returns
    -------
    paths : ndarray of str of shape (n_samples,)
        In the order of `corpus.data`, named ``0000_s01_anger.wav``.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skser.datasets import make_emotional_speech, write_corpus
    >>> corpus = make_emotional_speech(n_speakers=1, n_utterances=1, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = write_corpus(corpus, folder)
    >>> Path(paths[0]).name
    '0000_s01_anger.wav'
    """
    folder = Path(folder).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    rows = zip(corpus.data, corpus.groups, corpus.target, strict=True)
    paths = []
    for i, (signal, speaker, emotion) in enumerate(rows):
        path = folder / f"{i:04d}_{speaker}_{emotion}.wav"
        soundfile.write(path, signal, corpus.sample_rate, subtype="PCM_16")
        paths.append(str(path))
    return np.array(paths)


def _draw_speaker(random_state):
    height = random_state.uniform()  # 0 is a low voice in a long tract
    return _Speaker(
        pitch=95 * 2.3**height,
        tract_scale=1 + 0.17 * height + random_state.uniform(-0.04, 0.04),
        level=random_state.uniform(-3, 3),
        rate=random_state.uniform(0.88, 1.12),
        brightness=random_state.uniform(-0.35, 0.35),
    )


def _draw_expression(emotion, random_state):
    """Draw how one utterance expresses its emotion."""
    neutral = np.array(_EXPRESSIONS["neutral"])
    strength = random_state.uniform(*_STRENGTH)
    values = neutral + strength * (np.array(_EXPRESSIONS[emotion]) - neutral)
    values += np.array(_VARIATION) * random_state.standard_normal(len(values))
    expression = _Expression(*values)
    return expression._replace(
        pitch_range=max(0.3, expression.pitch_range),
        jitter=max(0.002, expression.jitter),
        breathiness=max(0.02, expression.breathiness),
    )


def _rate(expressions, weights):
    """Return a dimension of each utterance, between -1 and 1."""
    distances = np.array(expressions) - np.array(_EXPRESSIONS["neutral"])
    return np.tanh(distances @ np.array(weights))


class _Syllables(NamedTuple):
    """The timing of an utterance, in seconds, one entry a syllable."""

    starts: np.ndarray
    lengths: np.ndarray

    def at(self, share):
        """Return the moments at which a share of each syllable has passed."""
        return self.starts + share * self.lengths


def _synthesise(speaker, expression, sample_rate, duration, random_state):
    """Return one utterance, as `float32`."""
    duration *= random_state.uniform(0.8, 1.2)
    time = np.arange(int(duration * sample_rate)) / sample_rate
    rate = _SYLLABLE_RATE * speaker.rate * 2**expression.rate
    lengths = random_state.uniform(0.7, 1.3, size=max(1, round(rate * duration)))
    lengths *= duration / lengths.sum()
    syllables = _Syllables(np.cumsum(lengths) - lengths, lengths)

    pitch = _pitch_contour(speaker, expression, syllables, time, random_state)
    source = _glottal_source(pitch, expression.jitter, sample_rate, random_state)
    breath = expression.breathiness * np.std(source)
    source += breath * random_state.standard_normal(len(time))
    cutoff = _TILT_CUTOFF * 2 ** (expression.brightness + speaker.brightness)
    # Weaken what lies above the cutoff by 6 dB per octave.
    pole = np.exp(-2 * np.pi * cutoff / sample_rate)
    source = scipy.signal.lfilter([1 - pole], [1, -pole], source)
    voiced, frication = _draw_envelopes(syllables, time, random_state)
    signal = voiced * _articulate(
        source, speaker.tract_scale, syllables, sample_rate, random_state
    )
    signal /= np.sqrt(np.mean(signal**2))
    hiss = np.diff(random_state.standard_normal(len(time)), prepend=0)
    signal += 0.25 * frication * hiss
    return _set_level(signal, _LEVEL + speaker.level + expression.energy, random_state)


def _pitch_contour(speaker, expression, syllables, time, random_state):
    """Return the fundamental frequency in Hz: a slope with an accent a syllable."""
    accents = random_state.standard_normal(len(syllables.starts))
    semitones = (
        expression.pitch
        + expression.pitch_slope * (time / time[-1] - 0.5)
        + expression.pitch_range * np.interp(time, syllables.at(0.5), accents)
    )
    return speaker.pitch * 2 ** (semitones / 12)


def _glottal_source(pitch, jitter, sample_rate, random_state):
    """Return the derivative of the air flow, Klatt and Klatt's pulse per period."""
    periods = (np.cumsum(pitch) / sample_rate).astype(int)
    deviation = random_state.standard_normal((2, periods[-1] + 2))
    phase = np.cumsum(pitch * (1 + jitter * deviation[0, periods])) / sample_rate
    position = (phase % 1) / _OPEN_QUOTIENT
    pulse = np.where(position < 1, 2 * position - 3 * position**2, 0.0)
    shimmer = 1 + 3 * jitter * deviation[1, periods]
    return shimmer * pulse


def _draw_envelopes(syllables, time, random_state):
    """Return the amplitudes of the vowels and of the fricatives."""
    n_syllables = len(syllables.starts)
    is_pause = random_state.uniform(size=n_syllables) < _PAUSE_SHARE
    is_pause[0] = False
    stress = random_state.uniform(0.7, 1.0, size=n_syllables) * ~is_pause
    is_fricative = random_state.uniform(size=n_syllables) < _FRICATIVE_SHARE
    hiss = is_fricative * ~is_pause
    voiced = [(0.0, 0.1 * stress), (0.3, stress), (0.8, stress), (0.99, 0.1 * stress)]
    frication = [(0.0, 0 * hiss), (0.1, hiss), (0.2, hiss), (0.3, 0 * hiss)]
    return (
        _interpolate(voiced, syllables, time),
        _interpolate(frication, syllables, time),
    )


def _interpolate(points, syllables, time):
    """Join (share of the syllable, values of all syllables) by straight lines."""
    moments = np.array([syllables.at(share) for share, _ in points])
    values = np.array([values for _, values in points])
    return np.interp(time, moments.T.ravel(), values.T.ravel())


def _articulate(source, tract_scale, syllables, sample_rate, random_state):
    """Pass a source through a random sequence of vowels, with gliding transitions."""
    time = np.arange(len(source)) / sample_rate
    sequence = random_state.randint(len(_VOWELS), size=len(syllables.starts))
    signal = np.zeros_like(source)
    for i, formants in enumerate(_VOWELS.values()):
        # A vowel has its full weight at the centre of its syllables, none at others'.
        weight = np.interp(time, syllables.at(0.5), (sequence == i).astype(float))
        if weight.any():
            formants = np.array(formants + _HIGHER_FORMANTS) * tract_scale
            signal += weight * scipy.signal.sosfilt(
                _resonators(formants, sample_rate), source
            )
    return signal


def _resonators(formants, sample_rate):
    """Return second-order sections with a resonance each and a gain of 1 at 0 Hz."""
    is_audible = formants < 0.45 * sample_rate
    angles = 2 * np.pi * formants[is_audible] / sample_rate
    radii = np.exp(-np.pi * np.array(_BANDWIDTHS)[is_audible] / sample_rate)
    sections = np.zeros((len(angles), 6))
    sections[:, 3] = 1
    sections[:, 4] = -2 * radii * np.cos(angles)
    sections[:, 5] = radii**2
    sections[:, 0] = sections[:, 3:].sum(axis=1)
    return sections


def _set_level(signal, level, random_state):
    """Scale to a root mean square in dB, add the room's noise, keep within [-1, 1]."""
    signal = signal * (10 ** (level / 20) / np.sqrt(np.mean(signal**2)))
    signal += _NOISE_FLOOR * random_state.standard_normal(len(signal))
    return (signal / max(1.0, np.abs(signal).max())).astype(np.float32)

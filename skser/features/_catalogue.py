"""Which 27 features there are, in which columns, from which paper. READ THIS FIRST.

The one table from which widths, names, bounds, documentation and tests derive. The
features are those of YAAFE 0.64 and 0.65 (all but the raw samples), in YAAFE's own
order, which is alphabetical: 743 columns at 16 kHz with frames of 1024 samples.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from skser.features import _bands, _spectrum, _waveform

_STATISTICS = ("centroid", "spread", "skewness", "kurtosis")
_SINGLE = ("",)
_VALUES = ("frequency", "strength", "strength_in_band", "product")

# Bound of what grows with the level of the signal. Speech in [-1, 1] reaches 3e3; even
# the sum of the squares of 1e7 values at the bound is finite in float32.
_LEVEL = 1e15


@dataclass(frozen=True)
class Feature:
    """One row of the catalogue.

    Parameters
    ----------
    name : str
        YAAFE's name of the feature.
    function : callable
        From a :class:`~skser.features.FrameAnalysis` to an array of shape
        (n_frames, width), or (n_frames,) if the feature has one column.
    columns : tuple of str
        What tells the columns apart, in order; ``("",)`` for a single column. Numbers
        are the indices of the formula.
    reference : str
        Where the feature comes from.
    lower, upper : float or tuple of float
        Bounds of the values, for all columns or for each; `AcousticFeatures` keeps to
        them unless ``exact=True``.
    undefined : float or tuple of float, default=0.0
        What stands for NaN, unless ``exact=True``.
    measured : tuple of callable, default=None
        What `function` is made of, if that is narrow. It asks for these values by
        ``analysis.feature`` and for no frame or spectrum, so that it is computed for
        many frames of several utterances at a time, each by itself; what it is made of,
        for a few frames at a time. None tells that `function` itself measures.

    Examples
    --------
    >>> from skser.features import CATALOGUE
    >>> feature = CATALOGUE["LPC"]
    >>> feature.width, feature.column_names
    (2, ('LPC_1', 'LPC_2'))
    """

    name: str
    function: Callable
    columns: tuple[str, ...]
    reference: str
    lower: float | tuple[float, ...] = -_LEVEL
    upper: float | tuple[float, ...] = _LEVEL
    undefined: float | tuple[float, ...] = 0.0
    measured: tuple[Callable, ...] | None = None

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.columns)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns, such as ``"ZCR"`` or ``"MFCC_1"``."""
        return tuple(f"{self.name}_{c}" if c else self.name for c in self.columns)


def _numbered(start, stop):
    """Return the indices `start` to `stop`, both included, as column names."""
    return tuple(str(index) for index in range(start, stop + 1))


# Sources of more than one feature.
_MATHIEU = "Mathieu et al. 2010 (YAAFE)"
_ESSID = "Essid 2005"
_PEETERS = "Peeters 2004"
_GILLET = "Gillet and Richard 2004"
_SCHEIRER = "Scheirer and Slaney 1997"
_DAVIS = "Davis and Mermelstein 1980"
_MPEG7 = "ISO/IEC 15938-4 (MPEG-7) 2002"

# Skewness and kurtosis have no natural bounds. In EmoDB they reach 10 and, in a frame
# beside digital silence, 2e7; the bounds leave that alone. A frame with one non-zero
# sample has a kurtosis of -1e75.
_SKEWNESS, _KURTOSIS = 1e3, 1e8


def _statistics_bounds(length):
    """Return the bounds of the shape statistics of a sequence."""
    return {
        "lower": (0.0, 0.0, -_SKEWNESS, -_KURTOSIS),
        "upper": (float(length), float(length), _SKEWNESS, _KURTOSIS),
    }


_ROWS = (
    Feature(
        "AmplitudeModulation",
        _waveform.amplitude_modulation,
        tuple(f"{rate}_{value}" for rate in ("tremolo", "grain") for value in _VALUES),
        "Eronen 2001; Essid 2005",
        lower=0.0,
    ),
    Feature("AutoCorrelation", _waveform.autocorrelation, _numbered(0, 48), _MATHIEU),
    Feature(
        "ComplexDomainOnsetDetection",
        _spectrum.complex_domain_onset_detection,
        _SINGLE,
        "Duxbury et al. 2003",
        lower=0.0,
    ),
    Feature("Energy", _waveform.energy, _SINGLE, _MATHIEU, lower=0.0),
    Feature("Envelope", _waveform.envelope, _numbered(0, 5), _MATHIEU, lower=0.0),
    Feature(
        "EnvelopeShapeStatistics",
        _waveform.envelope_shape,
        _STATISTICS,
        _GILLET,
        **_statistics_bounds(6),
        measured=(_waveform.envelope_moments,),
    ),
    Feature(
        "LPC",
        _waveform.linear_prediction,
        _numbered(1, 2),
        "Makhoul 1975",
        # Those of a stable filter. Silence is predicted by none: A(z) = 1.
        lower=(-2.0, -1.0),
        upper=(2.0, 1.0),
        undefined=0.0,
        measured=(_waveform.autocorrelation,),
    ),
    Feature(
        "LSF",
        _waveform.line_spectral_frequencies,
        _numbered(1, 10),
        "Schüßler 1976; Bäckström and Magi 2006",
        lower=0.0,
        upper=np.pi,
        # The line spectral frequencies of A(z) = 1.
        undefined=tuple(np.pi * k / 11 for k in range(1, 11)),
        measured=(_waveform.autocorrelation,),
    ),
    Feature(
        "Loudness",
        _bands.loudness,
        _numbered(1, 24),
        "Peeters 2004; Moore et al. 1997",
        lower=0.0,
        upper=1.0,
        measured=(_bands.bark_power,),
    ),
    Feature(
        "MFCC",
        _bands.mel_cepstrum,
        _numbered(1, 13),
        _DAVIS,
        lower=-1e4,
        upper=1e4,
    ),
    Feature(
        "MagnitudeSpectrum",
        _spectrum.magnitude_spectrum,
        _numbered(0, 512),
        _MATHIEU,
        lower=0.0,
    ),
    Feature("MelSpectrum", _bands.mel_spectrum, _numbered(1, 40), _DAVIS, lower=0.0),
    Feature(
        "OBSI",
        _bands.octave_band_intensity,
        _numbered(0, 8),
        _ESSID,
        lower=-1e4,
        upper=1e4,
        measured=(_bands.octave_power,),
    ),
    Feature(
        "OBSIR",
        _bands.octave_band_intensity_ratio,
        _numbered(0, 7),
        _ESSID,
        lower=-1e4,
        upper=1e4,
        measured=(_bands.octave_power,),
    ),
    Feature(
        "PerceptualSharpness",
        _bands.perceptual_sharpness,
        _SINGLE,
        _PEETERS,
        lower=0.0,
        # All loudness in the highest band: 0.11 * 24 * 0.066 exp(0.171 * 24) = 10.6.
        upper=11.0,
        measured=(_bands.bark_power,),
    ),
    Feature(
        "PerceptualSpread",
        _bands.perceptual_spread,
        _SINGLE,
        _PEETERS,
        lower=0.0,
        upper=1.0,
        measured=(_bands.bark_power,),
    ),
    Feature(
        "SpectralCrestFactorPerBand",
        _spectrum.spectral_crest_factor_per_band,
        _numbered(0, 18),
        _MPEG7,
        lower=1.0,
        upper=17.0,
        undefined=1.0,
    ),
    Feature(
        "SpectralDecrease",
        _spectrum.spectral_decrease,
        _SINGLE,
        _PEETERS,
        # Speech: -6 to 0.5. Only division by almost nothing leads further.
        lower=-1e3,
        upper=1e3,
    ),
    Feature(
        "SpectralFlatness",
        _spectrum.spectral_flatness,
        _SINGLE,
        _PEETERS,
        lower=0.0,
        upper=1.0,
    ),
    Feature(
        "SpectralFlatnessPerBand",
        _spectrum.spectral_flatness_per_band,
        _numbered(0, 18),
        _MPEG7,
        lower=0.0,
        upper=1.0,
    ),
    Feature(
        "SpectralFlux",
        _spectrum.spectral_flux,
        _SINGLE,
        _SCHEIRER,
        lower=0.0,
        # The ratio of the levels of two frames: 16-bit noise to full scale is 1e5.
        # After digital silence it would be 1e13 to 1e16.
        upper=1e6,
    ),
    Feature(
        "SpectralRolloff",
        _spectrum.spectral_rolloff,
        _SINGLE,
        _SCHEIRER,
        lower=0.0,
        upper=8000.0,
    ),
    Feature(
        "SpectralShapeStatistics",
        _spectrum.spectral_shape,
        _STATISTICS,
        _GILLET,
        **_statistics_bounds(513),
        measured=(_spectrum.spectral_moments,),
    ),
    Feature(
        "SpectralSlope",
        _spectrum.spectral_slope,
        _SINGLE,
        _PEETERS,
        lower=-1.0,
        upper=1.0,
        measured=(_spectrum.spectral_moments,),
    ),
    Feature(
        "SpectralVariation",
        _spectrum.spectral_variation,
        _SINGLE,
        _PEETERS,
        lower=0.0,
        upper=1.0,
    ),
    Feature(
        "TemporalShapeStatistics",
        _waveform.temporal_shape,
        _STATISTICS,
        _GILLET,
        **_statistics_bounds(1024),
        measured=(_waveform.temporal_moments,),
    ),
    Feature(
        "ZCR",
        _waveform.zero_crossing_rate,
        _SINGLE,
        _SCHEIRER,
        lower=0.0,
        upper=1.0,
    ),
)

CATALOGUE = MappingProxyType({feature.name: feature for feature in _ROWS})

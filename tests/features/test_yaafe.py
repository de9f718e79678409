"""The features are YAAFE's: golden values, and the repository's reference signals.

``tests/data/yaafe_golden.npz`` holds, for each signal, the 16-bit samples, the index of
the first frame that is compared, and YAAFE's values (version 0.70, strict floating
point); NaN marks values that are undefined or mere rounding noise in YAAFE.
"""

from pathlib import Path

import numpy as np
import pytest

from skser.features import CATALOGUE, AcousticFeatures
from skser.framing import frame

GOLDEN = np.load(Path(__file__).parents[1] / "data" / "yaafe_golden.npz")
SIGNALS = ("espeak_900", "espeak_long", "silence_click", "sine440_noise")
REFERENCE = Path(__file__).parents[3] / "shared" / "data" / "yaafe"


@pytest.fixture(scope="module")
def extracted():
    """Exact features of all golden signals, cut to the compared frames."""
    extractor = AcousticFeatures(exact=True)
    results = {}
    for signal in SIGNALS:
        samples = GOLDEN[f"{signal}_samples"] / 32768
        first = int(GOLDEN[f"{signal}_first"])
        n_compared = len(GOLDEN[f"{signal}_values"])
        (features,) = extractor.transform([frame(samples)])
        results[signal] = features[first : first + n_compared]
    return results


def columns_of(name, features="all"):
    """Return the columns of a feature in the output of all features, or of some."""
    names = AcousticFeatures(features).get_feature_names_out()
    return np.flatnonzero(np.isin(names, CATALOGUE[name].column_names))


@pytest.mark.case("J02")
@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("name", CATALOGUE)
def test_feature_equals_yaafe(extracted, signal, name, yaafe_names):
    if name not in yaafe_names:
        pytest.skip(f"{name} is not a feature of YAAFE")
    values = extracted[signal][:, columns_of(name)]
    expected = GOLDEN[f"{signal}_values"][:, columns_of(name, yaafe_names)]
    comparable = np.isfinite(expected)
    assert comparable.any()
    np.testing.assert_allclose(
        values[comparable], expected[comparable], rtol=1e-6, atol=1e-9
    )


def test_only_predictions_of_silence_are_undefined(extracted):
    for signal in SIGNALS:
        features = extracted[signal]
        silent = features[:, columns_of("Energy")[0]] == 0
        undefined = np.zeros(features.shape, dtype=bool)
        for name in ("LPC", "LSF"):
            undefined[np.ix_(silent, columns_of(name))] = True
        np.testing.assert_array_equal(np.isnan(features), undefined)


@pytest.mark.skipif(
    not REFERENCE.is_dir(),
    reason="needs the full reference outputs beside the checkout",
)
@pytest.mark.parametrize("signal", SIGNALS)
def test_complete_reference_signals(signal):
    soundfile = pytest.importorskip("soundfile")
    samples, sample_rate = soundfile.read(REFERENCE / f"{signal}.wav")
    assert sample_rate == 16000
    values = np.load(REFERENCE / f"{signal}.npz")
    comparable = np.load(REFERENCE / f"{signal}.ok.npz")
    (features,) = AcousticFeatures(exact=True).transform([frame(samples)])
    for name in CATALOGUE:
        expected = values[name].reshape(len(features), -1)
        mask = comparable[name].reshape(expected.shape)
        np.testing.assert_allclose(
            features[:, columns_of(name)][mask],
            expected[mask],
            rtol=1e-6,
            atol=1e-9,
            err_msg=name,
        )


def test_default_mode_leaves_real_speech_alone(extracted):
    samples = GOLDEN["espeak_long_samples"] / 32768
    (features,) = AcousticFeatures().transform([frame(samples)])
    first = int(GOLDEN["espeak_long_first"])
    exact = extracted["espeak_long"]
    assert features.dtype == np.float32
    np.testing.assert_array_equal(
        features[first : first + len(exact)], exact.astype(np.float32)
    )

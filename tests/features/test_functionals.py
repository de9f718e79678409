"""openSMILE's functionals as a transformer."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone

from skser.features import OpenSmileFunctionals


@pytest.fixture
def opensmile():
    """Give openSMILE, imported as the package imports it, or skip."""
    try:
        OpenSmileFunctionals().transform([np.zeros(16000)])
    except ImportError:
        pytest.skip("openSMILE is not installed")
    import opensmile

    return opensmile


def test_a_signal_gives_openSMILEs_own_row(speech, opensmile):
    signals = speech.data[:2]
    smile = opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02,
        feature_level=opensmile.FeatureLevel.Functionals,
    )
    expected = [smile.process_signal(s, 16000).to_numpy()[0] for s in signals]
    rows = OpenSmileFunctionals().fit_transform(signals)
    np.testing.assert_allclose(rows, expected, rtol=1e-6)
    names = OpenSmileFunctionals().get_feature_names_out()
    assert list(names) == smile.feature_names


def test_a_louder_signal_differs_in_loudness_but_not_in_pitch(speech, opensmile):
    functionals = OpenSmileFunctionals()
    names = list(functionals.get_feature_names_out())
    quiet, loud = functionals.fit_transform([speech.data[0], 0.2 * speech.data[0]])
    loudness = names.index("loudness_sma3_amean")
    pitch = names.index("F0semitoneFrom27.5Hz_sma3nz_amean")
    assert loud[loudness] < 0.8 * quiet[loudness]
    np.testing.assert_allclose(loud[pitch], quiet[pitch], rtol=0.01)


def test_threads_do_not_change_the_rows(speech, opensmile):
    alone = OpenSmileFunctionals().fit_transform(speech.data[:6])
    together = clone(OpenSmileFunctionals(n_jobs=2)).fit_transform(speech.data[:6])
    np.testing.assert_array_equal(alone, together)


def test_a_signal_too_short_is_named_instead_of_filled_with_zeros(speech, opensmile):
    with pytest.raises(ValueError, match=r"X\[1\] is too short .* 10 samples"):
        OpenSmileFunctionals().transform([speech.data[0], np.ones(10)])


def test_without_openSMILE_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "opensmile", None)
    with pytest.raises(ImportError, match='pip install "opensmile>='):
        OpenSmileFunctionals().transform([np.zeros(16000)])


def test_an_unknown_set_and_a_signal_that_is_not_finite_are_refused(speech):
    with pytest.raises(ValueError, match="feature_set"):
        OpenSmileFunctionals("IS09").fit(speech.data[:1])
    with pytest.raises(ValueError, match=r"X\[0\] contains NaN"):
        OpenSmileFunctionals().fit([np.full(16000, np.nan)])


@pytest.mark.slow
def test_openSMILE_runs_where_TensorFlow_was_imported_first(opensmile):
    # In a new process: the order of the imports decides, and a fault is its death.
    script = """
import tensorflow
import numpy as np
from skser.features import OpenSmileFunctionals
tone = 0.1 * np.sin(np.arange(16000) / 10)
print(OpenSmileFunctionals().fit_transform([tone]).shape)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout.strip() == "(1, 88)"

"""The vote that is recommended without an encoder: level, speakers, no TensorFlow."""

import subprocess
import sys

import numpy as np
import pytest
import sklearn

from skser.systems import (
    recommended,
    recommended_transductive,
    statistics_ivector_vote,
    statistics_ivector_vote_transductive,
)


@pytest.fixture(scope="module")
def fitted(shrink, speech):
    system = statistics_ivector_vote(input_sample_rate=16000, random_state=0)
    return shrink(system).fit(speech.data, speech.target)


def members(system):
    """Return the members of both votes, fitted, by name."""
    contours, ivectors = system["classify"].estimators_
    prosody, spectrum = contours.estimator_["classify"].estimators_
    return {
        "contours": contours.estimator_[:-1],
        "prosody": prosody,
        "spectrum": spectrum,
        "ivectors": ivectors,
    }


def test_it_is_recommended_where_there_is_no_encoder():
    assert repr(recommended()) == repr(statistics_ivector_vote())
    transductive = statistics_ivector_vote_transductive()
    assert repr(recommended_transductive()) == repr(transductive)


@pytest.mark.parametrize("decibels", [-18, 12])
def test_gain_makes_no_difference(fitted, speech, decibels):
    louder = [10 ** (decibels / 20) * signal for signal in speech.data]
    np.testing.assert_allclose(
        fitted.predict_proba(louder), fitted.predict_proba(speech.data), atol=1e-4
    )


def test_the_three_linear_models_have_a_third_of_the_vote_each(fitted, speech):
    parts = members(fitted)
    signals = fitted[:-1].transform(speech.data[:5])
    frames = parts["contours"].transform(signals)
    expected = (
        parts["prosody"].predict_proba(frames)
        + parts["spectrum"].predict_proba(frames)
        + parts["ivectors"].predict_proba(signals)
    ) / 3
    np.testing.assert_allclose(fitted.predict_proba(speech.data[:5]), expected)


def test_prosody_is_the_columns_without_bands_and_cepstra(fitted):
    parts = members(fitted)
    names = parts["contours"]["features"].get_feature_names_out()
    columns = list(parts["prosody"]["statistics"].columns)
    assert names[columns].tolist() == [
        "log_energy",
        "zero_crossing_rate",
        "log_pitch",
        "voicing",
        "harmonics_to_noise",
        "voiced",
        *(f"flux_{i}" for i in range(4)),
    ]
    assert all(name.startswith(("log_mel", "mfcc")) for name in names[len(columns) :])
    # What the penalty of the logistic regression counts on.
    n_statistics = parts["spectrum"]["classify"].n_features_in_
    assert pytest.approx(30 / n_statistics) == parts["spectrum"]["classify"].C


def test_by_speaker_the_first_member_knows_four_cepstra_more():
    system = statistics_ivector_vote_transductive()
    contours = dict(system["classify"].estimators)["contours"].estimator
    names = contours["features"].get_feature_names_out()
    prosody = dict(contours["classify"].estimators)["prosody"]
    columns = list(prosody["statistics"].columns)
    assert len(columns) == 14
    assert names[columns[10:]].tolist() == [f"mfcc_{i}" for i in range(1, 5)]


def test_who_speaks_must_be_said_to_the_transductive_system_and_counts(shrink, speech):
    system = shrink(
        statistics_ivector_vote_transductive(input_sample_rate=16000, random_state=0)
    )
    names = [n for n in system.get_params() if n.endswith("__without_groups")]
    assert len(names) == 3
    system.set_params(**dict.fromkeys(names, "raise"))
    with pytest.raises(ValueError, match="must be told who speaks"):
        system.fit(speech.data, speech.target)
    with sklearn.config_context(enable_metadata_routing=True):
        system.fit(speech.data, speech.target, groups=speech.groups)
        right = system.predict_proba(speech.data, groups=speech.groups)
        mixed = system.predict_proba(speech.data, groups=np.roll(speech.groups, 5))
    assert np.abs(right - mixed).max() > 1e-3


def test_neither_training_nor_prediction_imports_tensorflow():
    code = """
import sys
from skser import load, save
from skser.datasets import make_emotional_speech
from skser.systems import recommended
speech = make_emotional_speech(n_speakers=2, n_utterances=2, random_state=0)
system = recommended(input_sample_rate=16000, random_state=0)
small = {"n_components": 5, "alignment__n_mixtures": 4}
small = {"classify__ivectors__ivectors__" + name: n for name, n in small.items()}
system.set_params(**small).fit(speech.data, speech.target).predict(speech.data)
heavy = {"tensorflow", "keras", "torch", "opensmile", "numba", "librosa"}
heavy &= set(sys.modules)
sys.exit(f"imported: {heavy}" if heavy else 0)
"""
    subprocess.run([sys.executable, "-c", code], check=True)

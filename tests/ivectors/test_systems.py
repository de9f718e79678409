"""The two systems of i-vectors, from recordings to labels."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skser.ivectors import WCCN, DeepBeliefAlignment, MixtureAlignment
from skser.systems import dbn_ivector, ivector

STEPS = [
    "load",
    "frame",
    "features",
    "deltas",
    "normalize",
    "ivectors",
    "length",
    "compensate",
    "classify",
]
SYSTEMS = [ivector, dbn_ivector]


@pytest.mark.parametrize("system", SYSTEMS)
def test_paths_and_waveforms_become_labels_and_fits_repeat(system, shrink, speech):
    fitted = shrink(system(random_state=0)).fit(speech.paths, speech.target)
    predicted = fitted.predict(speech.paths)
    assert set(predicted) <= set(speech.target)
    scores = fitted.decision_function(speech.paths)
    again = shrink(system(random_state=0)).fit(speech.paths, speech.target)
    np.testing.assert_array_equal(again.decision_function(speech.paths), scores)
    restored = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(restored.predict(speech.paths), predicted)
    rate = fitted["load"].get_params()["sample_rate"]
    waves = [np.zeros(rate), np.sin(np.arange(rate // 2))]
    fitted.set_params(load__input_sample_rate=rate)
    assert len(fitted.predict(waves)) == 2


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_step_is_there_and_can_be_replaced(system):
    pipeline = system(n_jobs=2, input_sample_rate=16000, verbose=1, memory="cache")
    assert isinstance(pipeline, Pipeline)
    assert list(pipeline.named_steps) == STEPS
    assert pipeline["load"].n_jobs == pipeline["features"].n_jobs == 2
    assert pipeline["load"].input_sample_rate == 16000
    assert pipeline["ivectors"].verbose == 1
    assert pipeline.memory.location == "cache"
    clone(pipeline).set_params(compensate=WCCN())


def test_the_systems_differ_by_the_alignment_only():
    plain, deep = ivector()["ivectors"], dbn_ivector()["ivectors"]
    assert isinstance(plain.alignment, MixtureAlignment)
    assert isinstance(deep.alignment, DeepBeliefAlignment)
    assert plain.alignment.n_mixtures == deep.alignment.n_mixtures == 128
    assert plain.n_components == deep.n_components == 100


def test_frames_are_25_milliseconds_of_39_numbers_every_10(speech):
    front_end = ivector()[:4]
    frames = front_end.fit_transform(speech.paths[:1])[0]
    assert frames.shape[1] == 39
    n_samples = len(ivector()["load"].fit_transform(speech.paths[:1])[0])
    assert len(frames) == -(-n_samples // 160)


def test_compensation_can_be_put_in(shrink, speech):
    system = shrink(ivector(random_state=0)).set_params(compensate=WCCN())
    assert len(system.fit(speech.paths, speech.target).predict(speech.paths[:2])) == 2

"""Posteriors that can be believed: temperature scaling on held-out speakers."""

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import GroupKFold, LeaveOneGroupOut
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skser import AcousticFeatures, AudioLoader, Framer
from skser.datasets import make_emotional_speech
from skser.features import FrameStatistics
from skser.model_selection import evaluate

# scikit-learn has temperature scaling since 1.8.
VERSION = tuple(map(int, sklearn.__version__.split(".")[:2]))
METHOD = "temperature" if VERSION >= (1, 8) else "sigmoid"


@pytest.fixture(scope="module")
def speech():
    return make_emotional_speech(n_speakers=5, n_utterances=3, random_state=0)


@pytest.fixture(scope="module")
def plain(speech):
    """A whole system, from signals to labels, that is too sure of itself."""
    return make_pipeline(
        AudioLoader(input_sample_rate=speech.sample_rate),
        Framer(),
        AcousticFeatures(features=["Loudness"]),
        FrameStatistics(),
        StandardScaler(),
        LinearDiscriminantAnalysis(),
    )


@pytest.fixture(scope="module")
def calibrated(plain):
    """The same system, whose last step is calibrated on speakers it has not seen."""
    system = clone(plain)
    last, classifier = system.steps[-1]
    wrapped = CalibratedClassifierCV(classifier, method=METHOD, cv=GroupKFold(4))
    return system.set_params(**{last: wrapped})


@pytest.fixture(scope="module")
def results(speech, plain, calibrated):
    return [evaluate(system, speech) for system in (plain, calibrated)]


def test_calibration_on_held_out_speakers_makes_a_system_less_sure(results):
    before, after = results
    assert before.score("overconfidence") > 0.02
    assert after.score("log loss") < before.score("log loss")
    assert abs(after.score("overconfidence")) < before.score("overconfidence") / 2


def test_the_inner_folds_keep_speakers_apart(speech, calibrated, results):
    # By hand: each test speaker apart, and within the others each speaker apart.
    features = calibrated[:-2].fit_transform(speech.data)
    posteriors = np.zeros((len(speech.target), 4))
    for train, test in LeaveOneGroupOut().split(features, speech.target, speech.groups):
        scaler = StandardScaler().fit(features[train])
        inner = GroupKFold(4).split(train, groups=speech.groups[train])
        classifier = CalibratedClassifierCV(
            LinearDiscriminantAnalysis(), method=METHOD, cv=list(inner)
        )
        classifier.fit(scaler.transform(features[train]), speech.target[train])
        posteriors[test] = classifier.predict_proba(scaler.transform(features[test]))
    result = results[1]
    np.testing.assert_allclose(result.posteriors, posteriors[result.recordings])

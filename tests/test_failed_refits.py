"""A refit that fails or is interrupted leaves every estimator as it was, never mixed.

Estimators that train networks are in ``classifiers/test_failed_fits.py``.
"""

import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

import skser
from skser.classifiers import (
    ELMClassifier,
    SegmentStatistics,
    ShrunkenDiscriminantAnalysis,
)
from skser.ensembles import SoftVotingClassifier
from skser.features import ContextWindows, Deltas, FrameAveraging, FrameStatistics
from skser.ivectors import WCCN, GaussianBernoulliRBM, IVectors, MixtureAlignment
from skser.normalization import FrameScaler, SpeakerNormalizer, UtteranceNormalizer
from skser.out_of_core import ByUtterance

Y = np.array(["calm", "angry"] * 10)
OTHER = np.array(["glad", "sad", "wild", "calm"] * 5)
UTTERANCES = [np.random.default_rng(i).normal(i % 2, 1, (8, 4)) for i in range(20)]
ROWS = np.array([utterance[0] for utterance in UTTERANCES])

ON_ROWS = [
    skser.PCAWhitening(2),
    WCCN(),
    ShrunkenDiscriminantAnalysis(),
    ELMClassifier(8, random_state=0),
    ELMClassifier(kernel="rbf"),
    GaussianBernoulliRBM(4, n_iter=2, random_state=0),
    SoftVotingClassifier([("a", LogisticRegression()), ("b", GaussianNB())]),
]
ON_UTTERANCES = [
    skser.PCAWhitening(2),
    FrameScaler(),
    UtteranceNormalizer(),
    SpeakerNormalizer(without_groups="one_speaker"),
    Deltas(),
    ContextWindows(),
    FrameAveraging(),
    FrameStatistics(),
    SegmentStatistics(),
    ByUtterance(Deltas()),
    MixtureAlignment(2, random_state=0),
    IVectors(1, alignment=MixtureAlignment(2, random_state=0), random_state=0),
]
CASES = [(e, ROWS) for e in ON_ROWS] + [(e, UTTERANCES) for e in ON_UTTERANCES]


def _spoil(X, value):
    """Return a copy with one bad number."""
    X = [np.array(item) for item in X]
    X[7].reshape(-1)[2] = value
    return X


WAYS = {
    "labels of another number": lambda X: (X, OTHER[:-1]),
    "NaN": lambda X: (_spoil(X, np.nan), OTHER),
    "infinity": lambda X: (_spoil(X, np.inf), OTHER),
    "one class": lambda X: (X, OTHER[:1].repeat(20)),
    "nothing": lambda X: (X[:0], OTHER[:0]),
    "text": lambda X: (["a.wav"] * 20, OTHER),
    "one of another width": lambda X: ([*X[:-1], X[-1][..., :3]], OTHER),
}


def _name(case):
    kind = "rows" if case[1] is ROWS else "utterances"
    return f"{type(case[0]).__name__}-{kind}"


def _state(estimator):
    """Return a hash of all that an estimator holds."""
    return joblib.hash(vars(estimator))


@pytest.mark.case("K02")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", CASES, ids=_name)
def test_a_refit_that_fails_leaves_what_was_fitted(case, way):
    estimator, X = case
    fitted = clone(estimator).fit(X, Y)
    before = _state(fitted)
    other_X, other_y = WAYS[way](X)
    try:
        fitted.fit(other_X, other_y)
    except (TypeError, ValueError):
        assert _state(fitted) == before
    else:  # Labels that nothing is learnt from may be any.
        learns_nothing = isinstance(estimator, ByUtterance)
        assert learns_nothing or way in ("labels of another number", "one class")
        assert not hasattr(fitted, "classes_")
    unfitted = clone(estimator)
    before = _state(unfitted)
    try:
        unfitted.fit(other_X, other_y)
    except (TypeError, ValueError):
        assert _state(unfitted) == before


class _Interruption:
    """Raise KeyboardInterrupt at some call of a function of this package."""

    def __init__(self, n_calls):
        self.n_calls = n_calls
        self.folder = str(Path(skser.__file__).parent)

    def __call__(self, frame, event, argument):
        if event == "call" and frame.f_code.co_filename.startswith(self.folder):
            self.n_calls -= 1
            if self.n_calls == 0 and "_base.py" not in frame.f_code.co_filename:
                raise KeyboardInterrupt


@pytest.mark.case("K02")
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.95])
@pytest.mark.parametrize("case", CASES, ids=_name)
def test_an_interrupted_refit_leaves_what_was_fitted(case, share):
    estimator, X = case
    other = [3 * x for x in X]
    counter = _Interruption(0)
    sys.setprofile(counter)
    try:
        clone(estimator).fit(other, OTHER)
    finally:
        sys.setprofile(None)
    fitted = clone(estimator).fit(X, Y)
    before = _state(fitted)
    sys.setprofile(_Interruption(max(2, round(-counter.n_calls * share))))
    try:
        fitted.fit(other, OTHER)
    except KeyboardInterrupt:
        sys.setprofile(None)
        assert _state(fitted) == before
    finally:
        sys.setprofile(None)

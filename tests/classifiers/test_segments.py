"""Posteriors of the loudest segments, and their statistics."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skser.classifiers import SegmentPosteriors, SegmentStatistics


@pytest.fixture(scope="module")
def utterances():
    """Utterances whose loud frames tell the class, and whose quiet ones mislead."""
    generator = np.random.default_rng(0)
    X, y = [], []
    for i in range(60):
        frames = generator.normal(size=(int(generator.integers(20, 50)), 3))
        loud = slice(5, 12)
        frames[:, 0] = -3
        frames[loud, 0] = 3
        frames[:, 1] -= 3 * (i % 2) - 1.5
        frames[loud, 1] += 6 * (i % 2) - 3
        X.append(frames.astype(np.float32))
        y.append(["calm", "wild"][i % 2])
    return X, np.array(y)


@pytest.fixture(scope="module")
def fitted(utterances):
    X, y = utterances
    posteriors = SegmentPosteriors(
        1, hidden_units=(8,), learning_rate=0.01, batch_size=32, random_state=0
    )
    return posteriors.fit(X[:40], y[:40])


def test_the_share_of_loudest_segments_is_rounded_up(fitted, utterances):
    X, _ = utterances
    lengths = [len(p) for p in fitted.transform(X)]
    assert lengths == [int(np.ceil(0.1 * len(x))) for x in X]
    assert len(fitted.transform([X[0][:1]])[0]) == 1


def test_only_loud_segments_are_heard(fitted, utterances):
    X, y = utterances
    changed = [x.copy() for x in X]
    for frames in changed:
        frames[14:, 1:] = 100
    for one, other in zip(fitted.transform(X), fitted.transform(changed), strict=True):
        np.testing.assert_array_equal(one, other)
    means = np.array([p.mean(axis=0) for p in fitted.transform(X[40:])])
    assert np.mean(fitted.classes_[means.argmax(axis=1)] == y[40:]) > 0.9


def test_posteriors_sum_to_one_and_do_not_depend_on_the_batch(fitted, utterances):
    X, _ = utterances
    together = fitted.transform(X)
    np.testing.assert_allclose(np.concatenate(together).sum(axis=1), 1)
    np.testing.assert_allclose(fitted.transform(X[7:8])[0], together[7], atol=1e-6)


def test_it_is_cloned_pickled_and_repeated_with_equal_seeds(fitted, utterances):
    X, y = utterances
    again = clone(fitted)
    with pytest.raises(NotFittedError):
        again.transform(X)
    again = pickle.loads(pickle.dumps(again.fit(X[:40], y[:40])))
    np.testing.assert_allclose(again.transform(X)[3], fitted.transform(X)[3], atol=1e-6)
    assert again.get_feature_names_out().tolist() == ["calm", "wild"]


def test_statistics_are_those_of_a_hand_computed_case():
    posteriors = [[[0.1, 0.9], [0.3, 0.7], [0.25, 0.75], [0.15, 0.85]], [[0.2, 0.8]]]
    rows = SegmentStatistics(threshold=0.2).fit_transform(posteriors)
    np.testing.assert_allclose(rows[0], [0.3, 0.9, 0.1, 0.7, 0.2, 0.8, 0.5, 1.0])
    # 0.2 is not above 0.2.
    np.testing.assert_allclose(rows[1], [0.2, 0.8, 0.2, 0.8, 0.2, 0.8, 0.0, 1.0])


def test_statistics_bear_the_names_of_the_classes():
    statistics = SegmentStatistics().fit([[[0.5, 0.5]]])
    names = statistics.get_feature_names_out(["calm", "wild"])
    assert names.tolist()[:3] == ["max_calm", "max_wild", "min_calm"]
    assert len(names) == 8


def test_a_missing_energy_column_and_a_single_class_are_refused(utterances):
    X, y = utterances
    with pytest.raises(ValueError, match="energy_column=3, but the frames have 3"):
        SegmentPosteriors(energy_column=3).fit(X, y)
    with pytest.raises(ValueError, match="at least 2 classes"):
        SegmentPosteriors().fit(X[::2], y[::2])

"""Votes of classifiers, augmentation of training, and how all learn who speaks."""

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import Bunch

from skser import AudioLoader, Framer, load, save
from skser.ensembles import AugmentedTraining, SoftVotingClassifier
from skser.features import FrameStatistics, SpeechDescriptors
from skser.metrics import SCORERS
from skser.model_selection import evaluate
from skser.model_selection.perturbations import limit_band
from skser.normalization import SpeakerNormalizer


@pytest.fixture
def corpus():
    """Emotions that are plain within a speaker and drowned between speakers."""
    generator = np.random.default_rng(0)
    groups = np.repeat(["ann", "bob", "eve", "ian"], 20)
    y = np.tile(["calm", "glad"], 40)
    voices = np.repeat([0.0, 20.0, -30.0, 9.0], 20)
    X = voices + 6 * (y == "glad") + generator.normal(size=80)
    return X[:, np.newaxis], y, groups


@pytest.fixture
def routing():
    """Switch metadata routing on."""
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def voting(normalizer):
    """Return a vote in which one member normalises by speaker, and the other not."""
    told = make_pipeline(normalizer, LogisticRegression())
    return SoftVotingClassifier(
        [("told", told), ("untold", GaussianNB())], weights=[3, 1]
    )


def test_posteriors_are_averaged_as_scikit_learn_averages_them(corpus):
    X, y, _ = corpus
    members = [("linear", LogisticRegression()), ("bayes", GaussianNB())]
    ours = SoftVotingClassifier(members, weights=[2, 1]).fit(X, y)
    theirs = VotingClassifier(members, voting="soft", weights=[2, 1]).fit(X, y)
    np.testing.assert_array_equal(ours.predict_proba(X), theirs.predict_proba(X))
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


def test_a_fit_that_fails_leaves_the_vote_as_it_was(corpus, monkeypatch):
    X, y, _ = corpus
    members = [("linear", LogisticRegression()), ("bayes", GaussianNB())]
    vote = SoftVotingClassifier(members).fit(X, y)
    expected = vote.predict(X)

    def fail(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(GaussianNB, "fit", fail)
    with pytest.raises(KeyboardInterrupt):
        vote.fit(np.hstack([X, X]), np.tile(["a", "b", "c", "d"], 20))
    np.testing.assert_array_equal(vote.predict(X), expected)


def test_a_dropped_member_has_no_vote(corpus):
    X, y, _ = corpus
    members = [("linear", LogisticRegression()), ("bayes", "drop")]
    vote = SoftVotingClassifier(members, weights=[2, 1]).fit(X, y)
    alone = LogisticRegression().fit(X, y)
    np.testing.assert_allclose(vote.predict_proba(X), alone.predict_proba(X))


@pytest.mark.usefixtures("routing")
def test_the_member_that_asks_is_told_who_speaks(corpus):
    X, y, groups = corpus
    system = Pipeline([("vote", voting(SpeakerNormalizer(prior_strength=0.1)))])
    system.fit(X[:60], y[:60], groups=groups[:60])
    labels = system.predict(X[60:], groups=groups[60:])
    assert np.mean(labels == y[60:]) == 1
    posteriors = system.predict_proba(X[60:], groups=groups[60:])
    np.testing.assert_array_equal(system.classes_[posteriors.argmax(1)], labels)


def test_what_cannot_reach_the_members_is_refused(corpus):
    X, y, groups = corpus
    vote = SoftVotingClassifier([("bayes", GaussianNB())]).fit(X, y)
    with pytest.raises(ValueError, match="groups can be passed on only with"):
        vote.predict(X, groups=groups)


@pytest.mark.usefixtures("routing")
def test_cross_validation_tells_the_speakers_through_our_scorers(corpus):
    X, y, groups = corpus
    scores = cross_validate(
        voting(SpeakerNormalizer(prior_strength=0.1)),
        X,
        y,
        cv=LeaveOneGroupOut(),
        scoring=SCORERS,
        params={"groups": groups},
    )
    assert scores["test_UA"].min() >= 0.9
    assert scores["test_WA"].min() >= 0.9


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("name", SCORERS)
def test_our_scorers_tell_the_speakers_of_one_batch_apart(name, corpus):
    X, y, groups = corpus
    normalizer = SpeakerNormalizer(prior_strength=0.1)
    system = make_pipeline(normalizer, LogisticRegression()).fit(X, y, groups=groups)
    assert SCORERS[name](system, X, y, groups=groups) >= 0.95
    assert SCORERS[name](system, X, y, groups=["all"] * 80) <= 0.8


@pytest.mark.usefixtures("routing")
def test_an_estimator_that_does_not_ask_is_scored_as_ever(corpus):
    X, y, groups = corpus
    given = {"cv": LeaveOneGroupOut(), "scoring": SCORERS, "params": {"groups": groups}}
    scores = cross_validate(LogisticRegression(), X, y, **given)
    assert scores["test_UA"].mean() <= 0.8


@pytest.mark.parametrize("is_in_a_vote", [False, True])
def test_an_evaluation_tells_the_speakers_by_itself(corpus, is_in_a_vote):
    X, y, groups = corpus
    corpus = Bunch(paths=[f"{i}.wav" for i in range(80)], target=y, groups=groups)
    alone = make_pipeline(SpeakerNormalizer(prior_strength=0.1), LogisticRegression())
    system = voting(SpeakerNormalizer(prior_strength=0.1)) if is_in_a_vote else alone
    result = evaluate(system, corpus, LeaveOneGroupOut(), X=list(X))
    assert result.ua >= 0.95
    # One speaker a fold: whoever is told nothing takes each batch for one speaker.
    plain = make_pipeline(
        SpeakerNormalizer(prior_strength=0.1, without_groups="one_speaker"),
        GaussianNB(),
    )
    assert evaluate(plain, corpus, LeaveOneGroupOut(), X=list(X)).ua >= 0.95


class Recorder(ClassifierMixin, BaseEstimator):
    """A classifier that keeps what it was given."""

    __metadata_request__fit = {"groups": True, "sample_weight": True}
    __metadata_request__predict = {"groups": True}

    def fit(self, X, y, sample_weight=None, groups=None):
        self.given_ = {"X": X, "y": y, "weights": sample_weight, "groups": groups}
        self.classes_ = np.unique(y)
        return self

    def predict(self, X, groups=None):
        self.predicted_ = {"X": X, "groups": groups}
        return np.repeat(self.classes_[:1], len(X))


@pytest.fixture
def signals():
    """Noise of several levels, without a mean, and labels."""
    generator = np.random.default_rng(0)
    noise = [generator.normal(0, 0.1 * (i + 1), 2000 + i) for i in range(4)]
    return [signal - signal.mean() for signal in noise], ["calm", "calm", "glad", "sad"]


def level(signal):
    """Return the root mean square."""
    return np.sqrt(np.mean(np.square(signal, dtype=float)))


def test_copies_stand_behind_the_signals_with_the_same_labels_and_levels(signals):
    X, y = signals
    given = AugmentedTraining(Recorder()).fit(X, y).estimator_.given_
    assert given["y"].tolist() == y * 2
    for signal, kept, copy in zip(X, given["X"][:4], given["X"][4:], strict=True):
        np.testing.assert_array_equal(kept, signal)
        filtered = limit_band(signal, 16000)
        np.testing.assert_allclose(level(copy), level(signal), rtol=1e-4)
        assert np.corrcoef(copy, filtered)[0, 1] > 0.999


def test_copies_may_have_other_levels(signals):
    X, y = signals
    quieter = AugmentedTraining(Recorder(), ["gain -6 dB"], keep_rms=False).fit(X, y)
    for signal, copy in zip(X, quieter.estimator_.given_["X"][4:], strict=True):
        np.testing.assert_allclose(copy, 10 ** (-6 / 20) * signal, rtol=1e-5)


def test_the_seed_determines_what_is_random_in_the_copies(signals):
    def copies(seed):
        augmented = AugmentedTraining(
            Recorder(), ["white noise 10 dB"] * 2, random_state=seed
        )
        return np.concatenate(augmented.fit(*signals).estimator_.given_["X"][4:])

    np.testing.assert_array_equal(copies(0), copies(0))
    assert np.any(copies(0) != copies(1))
    first, second = np.split(copies(0), 2)
    assert np.any(first != second)


def test_signals_are_predicted_as_they_are(signals):
    X, y = signals
    augmented = AugmentedTraining(Recorder()).fit(X, y)
    assert augmented.predict(X[:2]).tolist() == ["calm", "calm"]
    assert augmented.estimator_.predicted_["X"] == X[:2]
    assert not hasattr(augmented, "predict_proba")
    assert is_classifier(augmented)
    assert augmented.classes_.tolist() == ["calm", "glad", "sad"]


@pytest.mark.usefixtures("routing")
def test_weights_are_repeated_and_copies_are_of_other_speakers(signals):
    X, y = signals
    groups, weights = ["ann", "bob", "ann", "bob"], [1.0, 2.0, 3.0, 4.0]
    augmented = AugmentedTraining(Recorder(), ["telephone band", "8 kHz"])
    augmented.fit(X, y, groups=groups, sample_weight=weights)
    given = augmented.estimator_.given_
    assert given["weights"] == weights * 3
    np.testing.assert_array_equal(given["groups"], [0, 1, 0, 1, 2, 3, 2, 3, 4, 5, 4, 5])
    augmented.predict(X, groups=groups)
    assert augmented.estimator_.predicted_["groups"] == groups


def test_without_routing_nothing_can_be_passed_to_the_augmented(signals):
    with pytest.raises(ValueError, match="groups can be passed on only with"):
        AugmentedTraining(Recorder()).fit(*signals, groups=["ann"] * 4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"perturbations": ["phone"]}, "perturbation must be a function or one of"),
        ({"perturbations": "8 kHz"}, "perturbations"),
        ({"sample_rate": 0}, "sample_rate"),
        ({"keep_rms": 3}, "keep_rms"),
    ],
)
def test_what_cannot_be_augmented_is_refused(signals, change, message):
    with pytest.raises(ValueError, match=message):
        AugmentedTraining(Recorder()).set_params(**change).fit(*signals)


def test_paths_and_labels_of_another_number_are_refused(signals):
    X, y = signals
    with pytest.raises((TypeError, ValueError), match=r"X\[0\]"):
        AugmentedTraining(Recorder()).fit(["a.wav", "b.wav"], ["calm", "glad"])
    with pytest.raises(ValueError, match="inconsistent numbers"):
        AugmentedTraining(Recorder()).fit(X, y[:3])


def test_an_augmented_classifier_is_cloned_and_saved(signals, tmp_path):
    X, y = signals
    classifier = make_pipeline(
        Framer(400, 160),
        SpeechDescriptors(["log_energy"]),
        FrameStatistics(["mean"], []),
        LogisticRegression(),
    )
    augmented = clone(AugmentedTraining(classifier)).fit(X, y)
    save(augmented, tmp_path / "augmented.skser")
    loaded = load(tmp_path / "augmented.skser")
    np.testing.assert_array_equal(loaded.predict_proba(X), augmented.predict_proba(X))
    assert not hasattr(clone(loaded), "estimator_")


def test_who_was_trained_on_telephones_knows_them():
    """Classes differ much where no telephone reaches, and a little below it."""
    generator = np.random.default_rng(0)
    times = np.arange(8000) / 16000
    y = np.tile(["dark", "bright"], 20)
    strengths = {"dark": (0.1, 0.1), "bright": (2.0, 0.3)}
    X = [
        np.sin(2 * np.pi * 1000 * times)
        + strengths[label][0] * np.sin(2 * np.pi * 6000 * times)
        + strengths[label][1] * np.sin(2 * np.pi * 2000 * times)
        + generator.normal(0, 0.05, 8000)
        for label in y
    ]
    classifier = make_pipeline(
        AudioLoader(input_sample_rate=16000, rms=0.05),
        Framer(400, 160),
        SpeechDescriptors(["log_mel"]),
        FrameStatistics(["mean"], []),
        LogisticRegression(C=0.1),
    )
    through = [limit_band(signal, 16000) for signal in X]
    assert classifier.fit(X, y).score(through, y) == 0.5
    assert AugmentedTraining(classifier).fit(X, y).score(through, y) == 1

"""Votes, augmentation of training, refusing to answer, and who learns who speaks."""

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cohen_kappa_score, f1_score, log_loss
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    LeaveOneGroupOut,
    cross_val_predict,
    cross_validate,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC
from sklearn.utils import Bunch

from skser import AudioLoader, Framer, load, save
from skser.ensembles import AugmentedTraining, RejectOption, SoftVotingClassifier
from skser.features import FrameStatistics, SpeechDescriptors
from skser.metrics import SCORERS
from skser.model_selection import SpeakerFolds, evaluate
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


# Refusing to answer


@pytest.fixture(scope="module")
def overlapping():
    """Two emotions that overlap in the middle, of twelve speakers."""
    generator = np.random.default_rng(0)
    y = np.tile(["calm", "glad"], 600)
    X = np.where(y == "glad", 1.0, -1.0) + generator.normal(size=1200)
    return X[:, np.newaxis], y, np.repeat(np.arange(12), 100)


@pytest.fixture(scope="module")
def careful(overlapping):
    X, y, groups = overlapping
    return RejectOption(LogisticRegression(), 0.05).fit(X, y, groups=groups)


def test_the_threshold_is_the_smallest_that_keeps_the_error_rate(overlapping, careful):
    X, y, groups = overlapping
    posteriors = cross_val_predict(
        LogisticRegression(),
        X,
        y,
        cv=SpeakerFolds(5),
        groups=groups,
        method="predict_proba",
    )
    certainty = posteriors.max(axis=1)
    is_wrong = np.array(["calm", "glad"])[posteriors.argmax(axis=1)] != y

    def error_rate(threshold):
        answered = certainty >= threshold
        return (is_wrong[answered].sum() + 1) / (answered.sum() + 1)

    allowed = [t for t in certainty if error_rate(t) <= 0.05]
    assert careful.threshold_ == min(allowed)
    answered = certainty >= careful.threshold_
    assert careful.coverage_ == answered.mean()
    assert careful.error_rate_ == is_wrong[answered].mean()
    assert 0.2 < careful.coverage_ < 0.8


def test_the_error_rate_of_unknown_speakers_is_as_wished(careful):
    generator = np.random.default_rng(1)
    y = np.tile(["calm", "glad"], 5000)
    X = np.where(y == "glad", 1.0, -1.0) + generator.normal(size=10000)
    predicted = careful.predict(X[:, np.newaxis])
    is_answered = predicted != "unknown"
    error_rate = np.mean(predicted[is_answered] != y[is_answered])
    assert error_rate == pytest.approx(0.05, abs=0.02)
    assert np.mean(is_answered) == pytest.approx(careful.coverage_, abs=0.05)


def test_the_classifier_is_the_one_without_the_option(overlapping, careful):
    X, y, _ = overlapping
    alone = LogisticRegression().fit(X, y)
    np.testing.assert_array_equal(careful.predict_proba(X), alone.predict_proba(X))
    predicted = careful.predict(X)
    is_sure = alone.predict_proba(X).max(axis=1) >= careful.threshold_
    np.testing.assert_array_equal(predicted[is_sure], alone.predict(X)[is_sure])
    assert set(predicted[~is_sure]) == {"unknown"}
    assert careful.classes_.tolist() == ["calm", "glad"]
    assert careful.score(X, y) == np.mean(predicted == y)


def test_more_errors_allowed_give_more_answers(overlapping):
    X, y, groups = overlapping
    coverages = [
        RejectOption(LogisticRegression(), rate).fit(X, y, groups=groups).coverage_
        for rate in (0.03, 0.06, 0.1, 0.5)
    ]
    assert coverages == sorted(coverages)
    assert coverages[0] < coverages[1] < coverages[3] == 1
    everything = RejectOption(LogisticRegression(), 0.5).fit(X, y, groups=groups)
    assert everything.threshold_ == 0


def test_a_rate_that_is_not_reached_is_said_and_nothing_is_answered(overlapping):
    X, y, groups = overlapping
    noise = np.random.default_rng(0).normal(size=(1200, 1))
    option = RejectOption(LogisticRegression(), 0.1)
    with pytest.warns(UserWarning, match=r"No threshold reaches .*=0\.1.* 0\.[2-5]"):
        option.fit(noise, y, groups=groups)
    assert set(option.predict(noise)) == {"unknown"}
    assert (option.threshold_, option.coverage_) == (np.inf, 0)
    # A handful of right answers is no evidence.
    few = [*range(4), *range(1196, 1200)]
    with pytest.warns(UserWarning, match="No threshold"):
        RejectOption(LogisticRegression(), 0.1, cv=2).fit(8 * X[few], y[few])


@pytest.mark.filterwarnings("ignore:No threshold")
@pytest.mark.parametrize(
    ("labels", "unknown_label", "expected"),
    [
        (["calm", "glad"], "?", "?"),
        ([0, 1], None, np.nan),
        ([0, 1], -1, -1),
        (np.array(["calm", "glad"], dtype=object), None, "unknown"),
    ],
)
def test_a_refusal_is_of_the_kind_of_the_labels(labels, unknown_label, expected):
    X = np.random.default_rng(0).normal(size=(40, 1))
    y = np.tile(np.asarray(labels), 20)
    option = RejectOption(
        LogisticRegression(), 0.001, cv=2, unknown_label=unknown_label
    )
    predicted = option.fit(X, y).predict(X)
    np.testing.assert_array_equal(predicted, np.full(40, expected))
    assert option.score(X, y) == 0


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"unknown_label": "calm"}, r"'calm' is a class: \['calm', 'glad'\]"),
        ({"unknown_label": -1}, "of the kind of the labels, text, got -1"),
        ({"error_rate": 0}, "'error_rate' parameter of RejectOption"),
        ({"error_rate": 1.0}, "'error_rate' parameter of RejectOption"),
        ({"estimator": LinearSVC()}, "'estimator' parameter of RejectOption"),
        ({"cv": KFold(5)}, "not speaker-independent"),
    ],
)
def test_impossible_options_are_refused(overlapping, parameters, match):
    X, y, groups = overlapping
    with pytest.raises(ValueError, match=match):
        RejectOption(**{"estimator": LogisticRegression(), **parameters}).fit(
            X, y, groups=groups
        )


def test_one_speaker_cannot_be_held_out(overlapping):
    X, y, _ = overlapping
    with pytest.raises(ValueError, match="groups has only one"):
        RejectOption(LogisticRegression()).fit(X, y, groups=np.zeros(1200))
    with pytest.raises(ValueError, match="sample_weight can be passed on only with"):
        RejectOption(LogisticRegression()).fit(X, y, sample_weight=np.ones(1200))


@pytest.mark.usefixtures("routing")
def test_the_option_tells_its_classifier_who_speaks(corpus):
    X, y, groups = corpus
    told = make_pipeline(SpeakerNormalizer(prior_strength=0.1), LogisticRegression())
    system = Pipeline([("answer", RejectOption(told, 0.1))])
    system.fit(X, y, groups=groups)
    assert system["answer"].coverage_ > 0.9
    assert np.mean(system.predict(X, groups=groups) == y) > 0.9
    weights = np.where(y == "glad", 5.0, 1.0)
    weighed = LogisticRegression().set_fit_request(sample_weight=True)
    option = RejectOption(weighed, 0.9).fit(X, y, groups=groups, sample_weight=weights)
    expected = LogisticRegression().fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(option.predict_proba(X), expected.predict_proba(X))


def test_an_option_is_searched_and_cloned(overlapping):
    X, y, _ = overlapping
    option = RejectOption(LogisticRegression(), cv=3)
    search = GridSearchCV(option, {"error_rate": [0.05, 0.4]}, cv=2, scoring="accuracy")
    search.fit(X, y)
    # A refused recording counts as wrong, so that all are answered.
    assert search.best_params_ == {"error_rate": 0.4}
    assert clone(option).get_params()["cv"] == 3
    assert SCORERS["UA"](search.best_estimator_, X, y) == pytest.approx(0.84, abs=0.03)


def test_refused_recordings_have_no_answer_in_an_evaluation(overlapping):
    X, y, groups = overlapping
    system = RejectOption(LogisticRegression(), 0.1)
    result = evaluate(system, X, y, groups=groups, cv=SpeakerFolds(3))
    assert result.labels == ["calm", "glad", "no answer"]
    matrix = result.confusion_matrix()
    assert matrix[2].sum() == 0
    assert matrix[:, 2].sum() > 20
    assert result.wa == np.trace(matrix) / 1200
    assert list(result.recalls()) == ["calm", "glad"]
    assert result.ua == pytest.approx(np.mean(list(result.recalls().values())))
    wrong = matrix[0, 1] + matrix[1, 0]
    assert wrong / matrix[:, :2].sum() == pytest.approx(0.1, abs=0.03)
    precisions = np.diag(matrix)[:2] / matrix.sum(axis=0)[:2]
    assert result.macro_precision == pytest.approx(precisions.mean())
    assert "no answer" in result.to_markdown()
    low, high = result.confidence_interval()[1:]
    assert low < result.ua < high
    scores = {row["score"]: row["pooled"] for row in result.scores()}
    true, predicted = (result.predictions()[name] for name in ("true", "predicted"))
    f1 = f1_score(true, predicted, labels=["calm", "glad"], average="macro")
    assert scores["macro F1"] == pytest.approx(f1)
    kappa = cohen_kappa_score(true, predicted)
    assert scores["Cohen's kappa"] == pytest.approx(kappa)
    assert scores["log loss"] == pytest.approx(log_loss(true, result.posteriors))
    assert [row["class"] for row in result.class_scores()] == ["calm", "glad"]
    # The refused are the last to be answered.
    answered = result.coverage([matrix[:, :2].sum() / 1200])
    assert answered[0]["accuracy"] == pytest.approx(1 - wrong / matrix[:, :2].sum())


def test_an_option_is_saved_without_its_folds(overlapping, careful, tmp_path):
    X, _, _ = overlapping
    never = RejectOption(LogisticRegression(), 0.001, cv=SpeakerFolds(3))
    with pytest.warns(UserWarning, match="No threshold"):
        never.fit(X[:100], np.tile([0, 1], 50), groups=np.arange(100) % 3)
    for option in (careful, never):
        save(option, tmp_path / "option.skser")
        loaded = load(tmp_path / "option.skser")
        np.testing.assert_array_equal(loaded.predict(X), option.predict(X))
        assert loaded.threshold_ == option.threshold_
        assert loaded.cv is None

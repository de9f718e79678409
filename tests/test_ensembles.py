"""Votes of classifiers, and how they and their scorers learn who speaks."""

import numpy as np
import pytest
import sklearn
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import Bunch

from skser.ensembles import SoftVotingClassifier
from skser.metrics import SCORERS
from skser.model_selection import evaluate
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

"""I-vectors of whole utterances: what they tell apart and what they depend on."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer
from sklearn.svm import SVC
from sklearn.utils import get_tags

from skser.ivectors import (
    DeepBeliefAlignment,
    DeepBeliefNetwork,
    IVectors,
    MixtureAlignment,
    collect_statistics,
)

MIXTURE = IVectors(3, alignment=MixtureAlignment(4), random_state=0)
NETWORK = IVectors(
    3,
    alignment=DeepBeliefAlignment(
        4, n_class_mixtures=2, n_context=1, network=DeepBeliefNetwork((8,))
    ),
    random_state=0,
)


@pytest.mark.parametrize("extractor", [MIXTURE, NETWORK], ids=["mixture", "network"])
def test_ivectors_tell_classes_apart(extractor, sequences):
    X, y = sequences
    system = make_pipeline(clone(extractor), Normalizer(), SVC())
    assert cross_val_score(system, X, y, cv=3).mean() > 0.8


@pytest.mark.parametrize("extractor", [MIXTURE, NETWORK], ids=["mixture", "network"])
def test_an_ivector_does_not_depend_on_other_utterances_or_their_order(
    extractor, sequences
):
    X, y = sequences
    extractor = clone(extractor).fit(X, y)
    together = extractor.transform(X)
    np.testing.assert_allclose(extractor.transform(X[4:5])[0], together[4], atol=1e-5)
    np.testing.assert_allclose(extractor.transform(X[::-1])[::-1], together, atol=1e-5)


@pytest.mark.parametrize("extractor", [MIXTURE, NETWORK], ids=["mixture", "network"])
def test_fits_repeat_and_can_be_pickled(extractor, sequences):
    X, y = sequences
    fitted = clone(extractor).fit(X, y)
    expected = fitted.transform(X)
    np.testing.assert_array_equal(clone(extractor).fit_transform(X, y), expected)
    restored = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(restored.transform(X), expected)


def test_frames_of_an_utterance_may_come_in_any_order(sequences):
    X, _ = sequences
    extractor = clone(MIXTURE).fit(X)
    np.testing.assert_allclose(
        extractor.transform([x[::-1] for x in X]), extractor.transform(X), atol=1e-5
    )


def test_longer_utterances_of_the_same_frames_move_away_from_the_prior(sequences):
    X, _ = sequences
    extractor = clone(MIXTURE).fit(X)
    once = np.linalg.norm(extractor.transform(X), axis=1)
    often = np.linalg.norm(extractor.transform([np.tile(x, (9, 1)) for x in X]), axis=1)
    assert often.mean() > once.mean()


def test_the_means_are_estimated_under_the_alignment_of_the_network(sequences):
    X, y = sequences
    extractor = clone(NETWORK).fit(X, y)
    statistics = collect_statistics(X, extractor.alignment_.transform(X))
    means = extractor.total_variability_.means_
    np.testing.assert_allclose(means, statistics.means(), rtol=1e-5, atol=1e-5)
    assert not np.allclose(means, extractor.alignment_.mixture_.means_, atol=1e-2)


def test_alignments_are_cloned_and_seeded_only_where_they_have_no_seed(sequences):
    X, y = sequences
    extractor = clone(NETWORK).set_params(alignment__network__random_state=3).fit(X, y)
    assert not hasattr(extractor.alignment, "network_")
    assert extractor.alignment.random_state is None
    assert extractor.alignment_.random_state is not None
    assert extractor.alignment_.network_.random_state == 3
    other = clone(MIXTURE).set_params(random_state=1).fit(X, y)
    assert not np.allclose(other.transform(X), clone(MIXTURE).fit(X).transform(X))


def test_the_global_random_state_is_left_alone(sequences):
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    clone(MIXTURE).fit(sequences[0])
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_columns_are_named_and_tables_are_data_frames_where_asked_for(sequences):
    X, _ = sequences
    extractor = clone(MIXTURE).fit(X)
    names = ["ivectors0", "ivectors1", "ivectors2"]
    assert list(extractor.get_feature_names_out()) == names
    table = clone(MIXTURE).set_output(transform="pandas").fit_transform(X)
    assert isinstance(table, pd.DataFrame)
    assert list(table.columns) == names


def test_the_target_is_required_where_the_alignment_requires_it(sequences):
    assert not get_tags(IVectors()).target_tags.required
    assert get_tags(NETWORK).target_tags.required
    with pytest.raises(ValueError, match="requires y to be passed"):
        clone(NETWORK).fit(sequences[0])


def test_what_cannot_be_used_is_refused(sequences):
    X, _ = sequences
    with pytest.raises(NotFittedError):
        clone(MIXTURE).transform(X)
    with pytest.raises(ValueError, match=r"X\[1\] contains NaN"):
        clone(MIXTURE).fit([X[0], X[1] * np.nan])
    with pytest.raises(ValueError, match=r"128 Gaussians .* got 5 .* Lower n_mixtures"):
        IVectors().fit([X[0][:5]])
    with pytest.raises(ValueError, match="'alignment' parameter"):
        IVectors(alignment="mixture").fit(X)
    with pytest.raises(ValueError, match=r"X has 2 features, but IVectors .* 6"):
        clone(MIXTURE).fit(X).transform([np.ones((3, 2))])

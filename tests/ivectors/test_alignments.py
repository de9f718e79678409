"""Alignments of frames to mixtures: by the background model and by the network."""

import pickle

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skser.features import ContextWindows
from skser.ivectors import DeepBeliefAlignment, DeepBeliefNetwork, MixtureAlignment

SMALL = DeepBeliefAlignment(
    4,
    n_class_mixtures=2,
    n_context=1,
    network=DeepBeliefNetwork((16,), batch_size=20, learning_rate=0.01),
    random_state=0,
)


@pytest.fixture(scope="module")
def utterances():
    """Thirty utterances of frames in four clusters; one class avoids the fourth."""
    generator = np.random.default_rng(0)
    centres = generator.normal(0, 6, (4, 3))
    sequences, y = [], np.array(["calm", "angry"] * 15)
    for label in y:
        n_clusters = 4 if label == "angry" else 3
        clusters = generator.integers(n_clusters, size=generator.integers(10, 40))
        frames = centres[clusters] + generator.normal(size=(len(clusters), 3))
        sequences.append(frames.astype(np.float32))
    return sequences, y


def test_posteriors_are_those_of_the_mixture_by_bayes(utterances):
    X, _ = utterances
    alignment = MixtureAlignment(4, random_state=0).fit(X)
    mixture = alignment.mixture_
    densities = norm.pdf(
        X[0][:, np.newaxis], mixture.means_, np.sqrt(mixture.covariances_)
    ).prod(axis=2)
    joint = mixture.weights_ * densities
    expected = joint / joint.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(alignment.transform(X)[0], expected, atol=1e-4)


def test_the_background_model_is_fitted_to_a_sample_of_bounded_size(utterances, wrap):
    sizes = []

    def note(fit_mixture):
        def note_and_fit(frames, n_mixtures, **options):
            sizes.append(len(frames))
            return fit_mixture(frames, n_mixtures, **options)

        return note_and_fit

    wrap("skser.ivectors._mixture.fit_mixture", note)
    MixtureAlignment(2, max_frames=50, random_state=0).fit(utterances[0])
    assert sizes == [50]


def test_tables_are_frames_for_the_mixture(utterances):
    X, _ = utterances
    alignment = MixtureAlignment(4, random_state=0).fit(X)
    table = np.concatenate(X)
    np.testing.assert_allclose(
        alignment.transform(table), np.concatenate(alignment.transform(X)), atol=1e-6
    )


def test_the_network_gives_about_the_posteriors_of_the_mixture(utterances):
    X, y = utterances
    alignment = clone(SMALL).fit(X, y)
    expected = alignment.mixture_.predict_proba(np.concatenate(X))
    ours = np.concatenate(alignment.transform(X))
    np.testing.assert_allclose(ours.sum(axis=1), 1, atol=1e-5)
    agreement = ours.argmax(axis=1) == expected.argmax(axis=1)
    assert agreement.mean() > 0.9


def test_the_network_learns_which_emotion_a_frame_sounds_like(utterances):
    X, y = utterances
    alignment = clone(SMALL).fit(X, y)
    windows = np.concatenate(ContextWindows(1).fit_transform(X))
    frames = np.concatenate(X)
    predicted = alignment.network_.predict_posteriors(windows, head="labels")
    likelihoods = [m.score_samples(frames) for m in alignment.class_mixtures_]
    agreement = predicted.argmax(axis=1) == np.argmax(likelihoods, axis=0)
    assert agreement.mean() > max(0.6, np.mean(np.argmax(likelihoods, axis=0)))
    assert list(alignment.classes_) == ["angry", "calm"]


@pytest.mark.parametrize("alignment", [MixtureAlignment(4, random_state=0), SMALL])
def test_an_alignment_depends_on_the_utterance_only(alignment, utterances):
    X, y = utterances
    alignment = clone(alignment).fit(X, y)
    together = alignment.transform(X)
    alone = alignment.transform(X[7:8])[0]
    np.testing.assert_allclose(together[7], alone, atol=1e-6)
    assert alone.dtype == np.float32


@pytest.mark.parametrize("alignment", [MixtureAlignment(4, random_state=0), SMALL])
def test_fits_repeat_can_be_pickled_and_name_their_columns(alignment, utterances):
    X, y = utterances
    fitted = clone(alignment).fit(X, y)
    expected = fitted.transform(X)[0]
    restored = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(restored.transform(X)[0], expected)
    again = clone(alignment).fit(X, y).transform(X)[0]
    np.testing.assert_array_equal(again, expected)
    name = type(alignment).__name__.lower()
    assert list(fitted.get_feature_names_out()) == [f"{name}{i}" for i in range(4)]


def test_blocks_of_frames_change_nothing(utterances, monkeypatch):
    X, y = utterances
    alignment = clone(SMALL).fit(X, y)
    expected = alignment.transform(X)[0]
    monkeypatch.setattr("skser.ivectors._deep_belief_alignment._BLOCK_SIZE", 3)
    np.testing.assert_allclose(alignment.transform(X)[0], expected, atol=1e-6)


def test_the_network_is_cloned_and_seeded_only_where_it_has_no_seed(utterances):
    X, y = utterances
    alignment = clone(SMALL).fit(X, y)
    assert not hasattr(alignment.network, "layers_")
    assert alignment.network.random_state is None
    assert alignment.network_.random_state is not None
    own = clone(SMALL).set_params(network__random_state=5).fit(X, y)
    assert own.network_.random_state == 5


@pytest.mark.parametrize("alignment", [MixtureAlignment(4), SMALL])
def test_what_cannot_be_aligned_is_refused(alignment, utterances):
    X, y = utterances
    alignment = clone(alignment)
    with pytest.raises(NotFittedError):
        alignment.transform(X)
    with pytest.raises(ValueError, match=r"4 Gaussians .* frames, got 3.*n_mixtures"):
        alignment.fit([X[0][:2], X[1][:1]], y[:2])
    with pytest.raises(ValueError, match=r"X\[1\] contains NaN"):
        alignment.fit([X[0], X[1] * np.nan], y[:2])
    alignment.fit(X, y)
    with pytest.raises(ValueError, match=r"X has 2 features, but .* 3 features"):
        alignment.transform([np.zeros((3, 2))])


def test_the_network_needs_the_emotions(utterances):
    X, y = utterances
    with pytest.raises(ValueError, match="requires y to be passed"):
        clone(SMALL).fit(X, None)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clone(SMALL).fit(X, y[:-1])


def test_an_emotion_of_which_no_frame_was_drawn_is_named(utterances):
    X, _ = utterances
    y = np.array(["common"] * 29 + ["rare"])
    alignment = clone(SMALL).set_params(max_frames=4)
    with pytest.raises(ValueError, match=r"drawn is of 'rare'. Raise max_frames"):
        alignment.fit([*X[:29], X[29][:1]], y)

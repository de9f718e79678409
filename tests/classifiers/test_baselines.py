"""The classifiers of Table 4: attention that can be seen, and ratings."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline

from skser import AttentionBLSTMFCNClassifier, NetworkClassifier, PCAWhitening
from skser.classifiers import AttentionBLSTMClassifier, AttentiveCNNClassifier
from skser.networks import feedforward

RECURRENT = AttentionBLSTMClassifier(
    recurrent_units=(6,), learning_rate=0.02, max_epochs=15, random_state=0
)
CONVOLUTIONAL = AttentiveCNNClassifier(
    n_filters=12,
    kernel_size=3,
    pool_size=4,
    learning_rate=0.02,
    max_epochs=15,
    random_state=0,
)


@pytest.mark.parametrize("classifier", [RECURRENT, CONVOLUTIONAL])
def test_separable_classes_are_learnt(classifier, sequences):
    assert clone(classifier).fit(*sequences).score(*sequences) > 0.9


@pytest.mark.parametrize("attention", ["additive", "linear"])
def test_every_frame_has_a_weight(attention, sequences):
    classifier = clone(RECURRENT).set_params(attention=attention, max_epochs=1)
    weights = classifier.fit(*sequences).attention_weights(sequences[0])
    assert [len(w) for w in weights] == [len(x) for x in sequences[0]]
    np.testing.assert_allclose([w.sum() for w in weights], 1, atol=1e-5)


def test_uniform_attention_has_no_weights_and_says_so(sequences):
    classifier = clone(RECURRENT).set_params(attention="uniform", max_epochs=1)
    with pytest.raises(AttributeError, match="attention_weights"):
        classifier.fit(*sequences).attention_weights(sequences[0])


@pytest.mark.parametrize(("stride", "n_steps"), [(None, 3), (3, 4)])
def test_every_group_of_frames_has_a_weight(stride, n_steps, sequences):
    classifier = clone(CONVOLUTIONAL).set_params(pool_stride=stride, max_epochs=1)
    classifier.fit(*sequences)
    short, long = np.ones((10, 6)), np.ones((39, 6))
    weights = classifier.attention_weights([short, long])
    assert len(weights[0]) == n_steps
    np.testing.assert_allclose(weights[0].sum(), 1, atol=1e-5)


def test_the_first_loss_of_ratings_is_the_sum_of_their_cross_entropies(
    sequences,
):
    # Of weights so small that all scores are 0: log 3 for each rating and the classes.
    X, y = sequences
    X = [1e-9 * x for x in X]
    ratings = np.full((60, 2), 3.0)
    classifier = clone(CONVOLUTIONAL).set_params(max_epochs=1, learning_rate=1e-9)
    for columns in (0, 1, 2):
        given = {"ratings": ratings[:, :columns]} if columns else {}
        loss = clone(classifier).fit(X, y, **given).history_["loss"][0]
        np.testing.assert_allclose(loss, (1 + columns) * np.log(3), rtol=1e-4)


def test_unknown_ratings_have_no_part_in_the_loss(sequences):
    X, y = sequences
    unknown = np.full((60, 1), np.nan)
    classifier = clone(CONVOLUTIONAL).set_params(max_epochs=2)
    plain = clone(classifier).fit(X, y)
    rated = clone(classifier).fit(X, y, ratings=unknown)
    np.testing.assert_allclose(
        rated.history_["loss"][0], plain.history_["loss"][0], rtol=1e-5
    )


def test_what_ratings_say_reaches_the_shared_layers(sequences):
    X, y = sequences
    ratings = np.where(y == "wild", 5.0, 1.0)[:, np.newaxis]
    plain, rated = (
        clone(CONVOLUTIONAL).fit(X, y, **params)
        for params in ({}, {"ratings": ratings})
    )
    assert rated.n_ratings_ == 1
    assert plain.n_ratings_ == 0
    assert rated.score(X, y) > 0.9
    assert np.abs(rated.weights_[0] - plain.weights_[0]).max() > 1e-3


def test_training_can_go_on_without_ratings(sequences):
    X, y = sequences
    classifier = clone(CONVOLUTIONAL).fit(X, y, ratings=np.full((60, 2), 1.5))
    assert classifier.partial_fit(X, y).score(X, y) > 0.9


def test_bad_ratings_are_refused(sequences):
    X, y = sequences
    classifier = clone(CONVOLUTIONAL).set_params(max_epochs=1, warm_start=True)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier.fit(X, y, ratings=np.ones((59, 1)))
    with pytest.raises(ValueError, match="ratings contains infinity"):
        classifier.fit(X, y, ratings=np.full((60, 1), np.inf))
    classifier.fit(X, y, ratings=np.ones((60, 1)))
    with pytest.raises(ValueError, match=r"ratings has 2 columns, .* trained with 1"):
        classifier.fit(X, y, ratings=np.ones((60, 2)))
    assert len(classifier.predict(X)) == 60


def test_ratings_reach_the_classifier_through_a_pipeline(sequences):
    X, y = sequences
    system = make_pipeline(PCAWhitening(4), clone(CONVOLUTIONAL))
    with config_context(enable_metadata_routing=True):
        result = cross_validate(
            system,
            X,
            y,
            params={"ratings": np.full((60, 2), 3.0)},
            return_estimator=True,
            cv=2,
        )
    assert [fitted[-1].n_ratings_ for fitted in result["estimator"]] == [2, 2]


def average(n_features, n_classes, *, seed):
    """Build a network of one's own that knows no ratings."""
    return feedforward(n_features, n_classes, hidden_units=(), seed=seed)


TRAINING = {"max_epochs": 1, "random_state": 0}


@pytest.mark.slow
@pytest.mark.parametrize(
    "classifier",
    [
        AttentionBLSTMFCNClassifier(
            recurrent_units=3, filters=(4,), kernel_sizes=(3,), **TRAINING
        ),
        AttentionBLSTMClassifier(recurrent_units=(3,), **TRAINING),
        NetworkClassifier(feedforward, **TRAINING),
    ],
    ids=lambda classifier: type(classifier).__name__,
)
def test_every_network_learns_ratings_beside_the_classes(classifier, sequences):
    X, y = sequences
    X = [1e-9 * x for x in X]
    classifier = clone(classifier).set_params(learning_rate=1e-9)
    rated = classifier.fit(X, y, ratings=np.full((60, 2), 3.0))
    assert rated.n_ratings_ == 2
    np.testing.assert_allclose(rated.history_["loss"][0], 3 * np.log(3), rtol=1e-3)
    assert rated.predict_proba(X).shape == (60, 3)
    assert [x.shape for x in rated.to_keras().outputs] == [(None, 3)] * 3


def rated_network(n_features, n_classes, *, seed, n_ratings=0, n_levels=3):
    """Build a network of one's own with outputs for ratings."""
    import keras

    frames = keras.Input((None, n_features))
    pooled = keras.layers.GlobalAveragePooling1D()(frames)
    start = keras.initializers.GlorotUniform(seed)
    widths = [n_classes, *[n_levels] * n_ratings]
    scores = [keras.layers.Dense(n, kernel_initializer=start)(pooled) for n in widths]
    return keras.Model(frames, scores if n_ratings else scores[0])


def test_a_network_of_ones_own_may_take_ratings(sequences):
    X, y = sequences
    ratings = np.full((60, 2), 3.0)
    own = NetworkClassifier(rated_network, **TRAINING).fit(X, y, ratings=ratings)
    assert own.predict_proba(X).shape == (60, 3)
    with pytest.raises(ValueError, match=r"outputs of ratings .*\(None, 3\).*None, 2"):
        own.set_params(network_params={"n_levels": 2}).fit(X, y, ratings=ratings)
    with pytest.raises(ValueError, match="must take the keyword argument n_ratings"):
        NetworkClassifier(average, **TRAINING).fit(X, y, ratings=ratings)

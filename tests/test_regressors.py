"""Networks that predict numbers: units, speakers, stopping, files, bad input."""

import pickle

import keras
import numpy as np
import pytest
from sklearn.base import clone, is_regressor
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score

import skser
from skser import AttentionBLSTMFCNRegressor, NetworkRegressor
from skser.metrics import REGRESSION_SCORERS, concordance_correlation_coefficient
from skser.networks import feedforward

SMALL = {
    "recurrent_units": 4,
    "filters": (6,),
    "kernel_sizes": (3,),
    "hidden_units": (8,),
    "batch_size": 20,
    "learning_rate": 0.01,
    "random_state": 0,
}
GENERATOR = np.random.default_rng(0)
SPEAKERS = np.repeat(["anna", "bea", "carl", "dora", "emil"], 20)
# Activation and valence on a scale from 1 to 5, which two features tell, and what
# distinguishes speakers.
Y = GENERATOR.uniform(1, 5, (100, 2))
VOICES = GENERATOR.normal(0, 0.3, (5, 4))
X = [
    np.r_[y, 0, 0] + VOICES[i // 20] + GENERATOR.normal(size=(6 + i % 9, 4))
    for i, y in enumerate(Y)
]


def small(**parameters):
    """Return a regressor that is quick to train."""
    return AttentionBLSTMFCNRegressor(**{**SMALL, "max_epochs": 3, **parameters})


def dense(**parameters):
    """Return a regressor that is quicker still."""
    parameters = {"learning_rate": 0.03, "max_epochs": 2, **parameters}
    params = {"hidden_units": (8,)}
    return NetworkRegressor(
        feedforward, network_params=params, random_state=0, **parameters
    )


def by_frames_alone(n_features, n_classes, *, seed):
    """Build a network that takes no mask."""
    frames = keras.Input((None, n_features))
    average = keras.layers.GlobalAveragePooling1D()(frames)
    start = keras.initializers.GlorotUniform(seed)
    outputs = keras.layers.Dense(n_classes, kernel_initializer=start)(average)
    return keras.Model(frames, outputs)


@pytest.fixture(scope="module")
def fitted():
    """One that has learnt both targets from four speakers. Not to be changed."""
    return small(max_epochs=15).fit(X[:80], Y[:80], groups=SPEAKERS[:80])


def test_it_learns_both_targets_for_an_unseen_speaker(fitted):
    assert is_regressor(fitted)
    predicted = fitted.predict(X[80:])
    assert predicted.shape == (20, 2)
    assert concordance_correlation_coefficient(Y[80:], predicted) > 0.85
    assert fitted.score(X[80:], Y[80:]) > 0.6


def test_the_epoch_of_the_highest_ccc_is_kept(fitted):
    figures = fitted.history_["val_CCC"]
    assert len(figures) == fitted.n_iter_ == len(fitted.history_["val_loss"])
    assert figures[fitted.best_epoch_] == max(figures)
    np.testing.assert_allclose(fitted.history_["val_loss"], 1 - np.array(figures))


def test_targets_are_standardised_by_the_speakers_that_are_trained_on(fitted):
    means = [
        Y[:80][SPEAKERS[:80] != speaker].mean(axis=0)
        for speaker in ("anna", "bea", "carl", "dora")
    ]
    assert any(np.allclose(fitted.target_mean_, mean) for mean in means)
    assert not np.allclose(fitted.target_mean_, Y[:80].mean(axis=0))


def test_predictions_do_not_depend_on_batch_mates_or_order(fitted):
    together = fitted.predict(X)
    long = np.random.default_rng(1).normal(size=(300, 4))
    with_a_long_one = fitted.predict([X[0], long])[:1]
    np.testing.assert_allclose(with_a_long_one, together[:1], atol=1e-5)
    alone = np.concatenate([fitted.predict([x]) for x in X[:5]])
    np.testing.assert_allclose(alone, together[:5], atol=1e-5)
    np.testing.assert_array_equal(fitted.predict(X[::-1]), together[::-1])


def test_files_pickles_and_keras_give_the_same_predictions(fitted, tmp_path):
    expected = fitted.predict(X)
    skser.save(fitted, tmp_path / "regressor.skser")
    loaded = skser.load(tmp_path / "regressor.skser")
    np.testing.assert_array_equal(loaded.predict(X), expected)
    copied = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copied.predict(X), expected)
    outputs = fitted.to_keras()([X[0][None], np.ones((1, len(X[0])), dtype=bool)])
    scaled = np.asarray(outputs) * fitted.target_scale_ + fitted.target_mean_
    np.testing.assert_allclose(scaled, expected[:1], atol=1e-5)


def test_attention_gives_each_frame_a_weight(fitted):
    weights = fitted.attention_weights(X[:3])
    assert [len(w) for w in weights] == [len(x) for x in X[:3]]
    np.testing.assert_allclose([w.sum() for w in weights], 1, atol=1e-5)
    assert not hasattr(small(pooling="mean"), "attention_weights")


@pytest.mark.parametrize("loss", ["ccc", "squared_error"])
def test_a_network_of_ones_own_learns_and_its_file_takes_the_function(loss, tmp_path):
    regressor = dense(loss=loss, max_epochs=30).fit(X, Y[:, 0], groups=SPEAKERS)
    assert regressor.score(X, Y[:, 0]) > 0.7
    skser.save(regressor, tmp_path / "own.skser")
    with pytest.raises(ValueError, match="its NetworkRegressor was trained with your"):
        skser.load(tmp_path / "own.skser")
    loaded = skser.load(tmp_path / "own.skser", networks={"feedforward": feedforward})
    np.testing.assert_array_equal(loaded.predict(X), regressor.predict(X))


@pytest.mark.parametrize("shape", [(100,), (100, 1)])
def test_predictions_have_the_shape_of_the_targets(shape):
    regressor = dense().fit(X, Y[:, 0].reshape(shape))
    assert regressor.predict(X).shape == shape
    assert np.shape(regressor.target_mean_) == shape[1:]


def test_the_unit_of_the_targets_makes_no_difference():
    plain, scaled = (dense().fit(X, y).predict(X) for y in (Y, 1000 * Y - 5000))
    np.testing.assert_allclose(scaled, 1000 * plain - 5000, rtol=1e-4)


@pytest.mark.parametrize("loss", ["ccc", "squared_error"])
def test_an_utterance_of_weight_zero_might_as_well_not_be_there(loss):
    weights = np.r_[np.ones(90), np.zeros(10)]
    weighted = dense(loss=loss).fit(X, Y, sample_weight=weights)
    without = dense(loss=loss).fit(X[:90], Y[:90])
    np.testing.assert_allclose(weighted.predict(X), without.predict(X), atol=1e-5)
    np.testing.assert_allclose(weighted.target_mean_, Y[:90].mean(axis=0))


def test_speakers_and_weights_reach_it_in_cross_validation():
    scores = cross_val_score(
        dense(max_epochs=30),
        X,
        Y,
        groups=SPEAKERS,
        cv=LeaveOneGroupOut(),
        scoring=REGRESSION_SCORERS["CCC"],
    )
    assert scores.min() > 0.6


def test_an_interrupted_fit_ends_with_the_same_weights(wrap, tmp_path):
    whole = dense(max_epochs=4).fit(X, Y, groups=SPEAKERS)
    n_epochs = []

    def interrupt_the_third(run_epoch):
        def run(*arguments):
            n_epochs.append(1)
            if len(n_epochs) == 3:
                raise KeyboardInterrupt
            return run_epoch(*arguments)

        return run

    wrap("skser.training._loop.run_epoch", interrupt_the_third)
    resumed = dense(max_epochs=4, checkpoint=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        resumed.fit(X, Y, groups=SPEAKERS)
    assert not hasattr(resumed, "target_mean_")
    resumed.fit(X, Y, groups=SPEAKERS)
    assert len(n_epochs) == 3 + 2
    np.testing.assert_array_equal(resumed.predict(X), whole.predict(X))
    assert resumed.history_ == whole.history_


def test_partial_fit_and_a_warm_start_keep_to_the_first_scale():
    steps = dense(learning_rate_schedule="constant")
    for _ in range(3):
        steps.partial_fit(X, Y)
    at_once = clone(steps).set_params(max_epochs=3).fit(X, Y)
    np.testing.assert_array_equal(steps.predict(X), at_once.predict(X))
    before = at_once.target_mean_
    at_once.partial_fit(X[:30], Y[:30] + 1)
    np.testing.assert_array_equal(at_once.target_mean_, before)
    warm = at_once.set_params(warm_start=True).fit(X[:30], Y[:30] + 1)
    np.testing.assert_array_equal(warm.target_mean_, before)
    for method in (warm.fit, warm.partial_fit):
        with pytest.raises(ValueError, match=r"y must have the shape \(n_samples, 2\)"):
            method(X, Y[:, 0])


def test_a_progress_line_names_ccc(capsys):
    dense(max_epochs=1, verbose=2).fit(X, Y, groups=SPEAKERS)
    assert "val_CCC" in capsys.readouterr().err


def test_the_users_own_utterances_stop_training():
    regressor = dense().fit(X[:80], Y[:80], X_val=X[80:], y_val=Y[80:])
    assert len(regressor.history_["val_CCC"]) == 2
    np.testing.assert_allclose(regressor.target_mean_, Y[:80].mean(axis=0))


def changed(value):
    """Return the targets with another value at one place."""
    y = Y.copy()
    y[3, 1] = value
    return y


@pytest.mark.parametrize(
    ("y", "given", "message"),
    [
        (None, {}, "requires y to be passed"),
        (changed(np.nan), {}, "Input y contains NaN"),
        (changed(np.inf), {}, "Input y contains infinity"),
        (np.where(Y > 3, "high", "low"), {}, "could not convert string to float"),
        (Y[:, :, None], {}, "Found array with dim 3"),
        (Y[:99], {}, r"inconsistent numbers of samples: \[100, 99\]"),
        (np.c_[Y, np.ones(100)], {}, "two different values .* trained on have only"),
        (3e307 * Y, {}, "more than a float can hold"),
        (Y, {"X_val": X[:3]}, "X_val and y_val must be given together"),
        (Y, {"X_val": X[:3], "y_val": Y[:3, 0]}, r"y_val must have the shape"),
        (Y, {"X_val": X[:1], "y_val": Y[:1]}, "to stop by have only one .1 sample."),
        (Y, {"sample_weight": np.zeros(100)}, "zero for every sample|at least one"),
    ],
)
def test_bad_targets_are_refused_and_leave_nothing_behind(y, given, message):
    regressor = dense()
    with pytest.raises(ValueError, match=message):
        regressor.fit(X, y, **given)
    assert not hasattr(regressor, "weights_")
    assert not hasattr(regressor, "target_mean_")


def test_the_squared_error_learns_a_constant():
    predicted = dense(loss="squared_error", max_epochs=30).fit(X, np.full(100, 7.0))
    np.testing.assert_allclose(predicted.predict(X), 7, atol=0.5)


def test_an_unknown_loss_is_refused_by_name():
    with pytest.raises(ValueError, match="'loss' parameter of NetworkRegressor"):
        dense(loss="mae").fit(X, Y)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_ccc_needs_utterances_to_compare_with():
    unequal = [np.ones((3 + i, 4)) * y for i, y in enumerate(Y[:30, :1])]
    regressor = NetworkRegressor(by_frames_alone, max_epochs=1, random_state=0)
    with pytest.raises(ValueError, match="30 of 30 utterances are alone"):
        regressor.fit(unequal, Y[:30])
    with pytest.raises(ValueError, match="80 of 80 utterances are alone"):
        dense(batch_size=1).fit(X, Y, groups=SPEAKERS)
    with pytest.warns(UserWarning, match="29 of 31 utterances are alone"):
        regressor.fit([*unequal, unequal[0]], Y[:31])
    regressor.set_params(loss="squared_error").fit(unequal, Y[:30])
    assert np.isfinite(regressor.predict(unequal)).all()


def test_early_stopping_without_speakers_holds_out_some_utterances():
    with pytest.warns(UserWarning, match="may be of speakers"):
        regressor = dense(early_stopping=True).fit(X, Y)
    assert "val_CCC" in regressor.history_
    with (
        pytest.warns(UserWarning, match="may be of speakers"),
        pytest.raises(ValueError, match="at least four utterances, got 3"),
    ):
        dense(early_stopping=True).fit(X[:3], Y[:3])


def too_few_outputs(n_features, n_classes, *, seed):
    """Build a network of one output, whatever is asked for."""
    return by_frames_alone(n_features, 1, seed=seed)


def test_a_network_of_too_few_outputs_is_refused():
    with pytest.raises(ValueError, match=r"one output for each target.*\(None, 2\)"):
        NetworkRegressor(too_few_outputs).fit(X, Y)


def bounded(n_features, n_classes, *, seed):
    """Build a network whose outputs look like posteriors, as those of a single target
    between 0 and 1 may."""
    model = by_frames_alone(n_features, n_classes, seed=seed)
    return keras.Model(model.input, keras.layers.Softmax()(model.output))


def test_outputs_may_sum_to_1():
    regressor = NetworkRegressor(bounded, max_epochs=1, random_state=0)
    assert regressor.fit(X, Y).predict(X).shape == (100, 2)

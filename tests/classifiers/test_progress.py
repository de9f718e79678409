"""scikit-learn's callbacks, where this version has them."""

import numpy as np
import pytest

from skser import AttentionBLSTMFCNClassifier, AttentionBLSTMFCNRegressor

callback = pytest.importorskip("sklearn.callback")


def small(class_=AttentionBLSTMFCNClassifier, **parameters):
    """Return a network that is quick to compile and to train."""
    return class_(
        recurrent=None,
        filters=(6,),
        kernel_sizes=(3,),
        hidden_units=(6,),
        random_state=0,
        **{"max_epochs": 4, **parameters},
    )


class Recorder:
    """A callback that writes down its calls and stops after some epochs."""

    def __init__(self, stop_after=99):
        self.calls = []
        self.predictions = []
        self.stop_after = stop_after

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.calls.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, X, fitted_estimator):
        self.calls.append(f"end {context.task_name}")
        is_regressor = isinstance(fitted_estimator, AttentionBLSTMFCNRegressor)
        method = "predict" if is_regressor else "predict_proba"
        self.predictions.append(getattr(fitted_estimator, method)(X))
        return len(self.predictions) >= self.stop_after


def test_every_epoch_is_a_task_of_the_fit(sequences):
    recorder = Recorder()
    small(max_epochs=2).set_callbacks(recorder).fit(*sequences)
    epoch = ["begin epoch", "end epoch"]
    assert recorder.calls == [
        "setup",
        "begin fit",
        *epoch,
        *epoch,
        "end fit",
        "teardown",
    ]


def test_a_callback_sees_the_classifier_as_it_stands(sequences):
    recorder = Recorder()
    classifier = small().set_callbacks(recorder).fit(*sequences)
    final = classifier.predict_proba(sequences[0])
    np.testing.assert_array_equal(recorder.predictions[-1], final)
    assert not np.allclose(recorder.predictions[0], final)


def test_a_callback_sees_a_regressor_as_it_stands(sequences):
    X = sequences[0]
    recorder = Recorder()
    regressor = small(AttentionBLSTMFCNRegressor).set_callbacks(recorder)
    regressor.fit(X, [x.mean() for x in X], groups=np.arange(60) % 4)
    np.testing.assert_array_equal(recorder.predictions[-1], regressor.predict(X))
    assert not np.allclose(*recorder.predictions[:2])


def test_a_callback_can_stop_training(sequences):
    classifier = small().set_callbacks(Recorder(stop_after=2)).fit(*sequences)
    assert classifier.n_iter_ == 2


def test_callbacks_do_not_change_what_is_learnt(sequences):
    X = sequences[0]
    watched = small().set_callbacks(Recorder()).fit(*sequences)
    alone = small().fit(*sequences)
    np.testing.assert_array_equal(watched.predict_proba(X), alone.predict_proba(X))


def test_callbacks_are_torn_down_when_fit_fails(sequences):
    recorder = Recorder()
    with pytest.raises(ValueError, match="one class"):
        small().set_callbacks(recorder).fit(sequences[0], ["calm"] * 60)
    assert recorder.calls in ([], ["setup", "teardown"])

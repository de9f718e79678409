"""What networks are trained for: losses of a batch against formulas and gradients."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.optimize import approx_fprime
from scipy.special import log_softmax
from sklearn.metrics import mean_squared_error

from skser.metrics import concordance_correlation_coefficient
from skser.training import OBJECTIVES

GENERATOR = np.random.default_rng(0)
TARGETS = GENERATOR.normal(size=(12, 2))
PREDICTIONS = 0.5 * TARGETS + GENERATOR.normal(size=(12, 2)) + 0.3
WEIGHTS = GENERATOR.uniform(0.5, 2, 12)
WEIGHTS /= WEIGHTS.mean()


def loss_of(objective, outputs, targets, weights=None):
    """Return the loss of a batch as a number."""
    heads = [tf.constant(head) for head in outputs]
    weights = np.ones(len(targets)) if weights is None else weights
    loss = OBJECTIVES[objective].loss(
        tf, heads, tf.constant(targets), tf.constant(weights)
    )
    return float(loss)


def gradient_of(objective, predictions, targets, weights):
    """Return the gradient of the loss by the predictions."""
    predictions = tf.Variable(predictions)
    with tf.GradientTape() as tape:
        loss = OBJECTIVES[objective].loss(
            tf, [predictions], tf.constant(targets), tf.constant(weights)
        )
    return tape.gradient(loss, predictions).numpy()


@pytest.mark.parametrize("objective", ["ccc", "squared_error"])
def test_gradients_are_those_of_finite_differences(objective):
    def loss(flat):
        return loss_of(objective, [flat.reshape(12, 2)], TARGETS, WEIGHTS)

    expected = approx_fprime(PREDICTIONS.ravel(), loss, 1e-7).reshape(12, 2)
    found = gradient_of(objective, PREDICTIONS, TARGETS, WEIGHTS)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.abs(found).max() > 1e-3


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_the_loss_ccc_is_one_minus_the_metric(weights):
    expected = concordance_correlation_coefficient(
        TARGETS, PREDICTIONS, sample_weight=weights
    )
    found = loss_of("ccc", [PREDICTIONS], TARGETS, weights)
    np.testing.assert_allclose(found, 1 - expected, atol=1e-7)


def test_the_loss_ccc_of_a_shift_is_known():
    targets = np.array([[1.0], [2.0], [3.0], [4.0]])
    # Variances of 1.25, a shift of 1: 2 * 1.25 / (1.25 + 1.25 + 1).
    found = loss_of("ccc", [targets + 1], targets)
    np.testing.assert_allclose(found, 1 - 2.5 / 3.5, atol=1e-7)


def test_a_weight_of_two_is_two_utterances_in_the_loss_ccc():
    twice = [0, 0, *range(1, 12)]
    weights = np.r_[2.0, np.ones(11)]
    np.testing.assert_allclose(
        loss_of("ccc", [PREDICTIONS], TARGETS, weights),
        loss_of("ccc", [PREDICTIONS[twice]], TARGETS[twice]),
    )


@pytest.mark.parametrize(
    ("predictions", "targets"),
    [
        (np.ones((1, 1)), np.ones((1, 1))),
        (np.zeros((1, 2)), np.ones((1, 2))),
        (np.ones((4, 1)), np.ones((4, 1))),
        (np.ones((4, 1)), np.arange(4.0).reshape(4, 1)),
        (np.arange(4.0).reshape(4, 1), np.ones((4, 1))),
    ],
)
def test_batches_without_spread_have_a_loss_and_a_gradient(predictions, targets):
    weights = np.ones(len(targets))
    loss = loss_of("ccc", [predictions], targets)
    gradient = gradient_of("ccc", predictions, targets, weights)
    assert np.isfinite(loss)
    assert np.isfinite(gradient).all()
    if len(targets) == 1:
        assert loss == 1
        assert not gradient.any()


def test_the_squared_error_is_the_mean_over_utterances_and_targets():
    expected = mean_squared_error(TARGETS, PREDICTIONS, sample_weight=WEIGHTS)
    found = loss_of("squared_error", [PREDICTIONS], TARGETS, WEIGHTS)
    np.testing.assert_allclose(found, expected)


def test_posteriors_of_zero_and_one_are_classes_and_rows_of_zeros_unknown():
    scores = [GENERATOR.normal(size=(5, 4)), GENERATOR.normal(size=(5, 3))]
    classes = np.array([[0, 2], [3, -1], [1, 0], [2, -1], [0, 1]], dtype=np.int32)
    posteriors = np.hstack([np.eye(4)[classes[:, 0]], np.eye(4)[classes[:, 1]][:, :3]])
    by_class = loss_of("classes", scores, classes, WEIGHTS[:5])
    np.testing.assert_allclose(
        loss_of("posteriors", scores, posteriors, WEIGHTS[:5]), by_class
    )
    known = classes[:, 1] >= 0
    losses = -np.take_along_axis(log_softmax(scores[0], axis=1), classes[:, :1], 1)[
        :, 0
    ]
    losses[known] -= np.take_along_axis(
        log_softmax(scores[1], axis=1)[known], classes[known, 1:], 1
    )[:, 0]
    np.testing.assert_allclose(by_class, np.mean(WEIGHTS[:5] * losses))


@pytest.mark.parametrize("objective", ["ccc", "squared_error"])
def test_regressors_are_validated_by_the_metric(objective):
    loss, figure = OBJECTIVES[objective].evaluate(PREDICTIONS, TARGETS, WEIGHTS)
    expected = concordance_correlation_coefficient(
        TARGETS, PREDICTIONS, sample_weight=WEIGHTS
    )
    np.testing.assert_allclose(figure, expected)
    np.testing.assert_allclose(
        loss, loss_of(objective, [PREDICTIONS], TARGETS, WEIGHTS), atol=1e-7
    )

"""What a network is trained for: the loss of a batch, and what tells the best epoch.

A row of `OBJECTIVES` is all that differs between classes, distributions over classes
and dimensions. There is one training loop for all of them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from skser.metrics import (
    concordance_correlation_coefficient,
    unweighted_accuracy_score,
)

# Keeps the concordance of a batch without any spread from being 0 / 0; targets are
# standardised.
SMALLEST_SPREAD = 1e-8


@dataclass(frozen=True)
class Objective:
    """A row of the table of objectives.

    Parameters
    ----------
    loss : callable
        ``loss(tf, heads, targets, weights)`` returns the loss of a batch, a scalar.
        `heads` are the outputs of the network, those of the classes first.
    evaluate : callable
        ``evaluate(scores, targets, weights)`` returns the loss and the figure on the
        validation utterances; `scores` are of the first head, as arrays of NumPy.
    figure : {"UA", "CCC"}
        The epoch in which it is highest is the best; of equal ones that of the lowest
        loss.
    has_indices : bool, default=False
        Whether targets are integers, one column for each head and -1 where unknown,
        rather than numbers, one column for each output of all heads.
    smallest_batch : int, default=1
        Fewer utterances have no gradient.
    """

    loss: Callable
    evaluate: Callable
    figure: str
    has_indices: bool = False
    smallest_batch: int = 1


def mean_of(losses):
    """Return the loss of a batch that is the weighted mean over its utterances.

    Parameters
    ----------
    losses : callable
        ``losses(tf, heads, targets)`` returns the loss of each utterance.

    Returns
    -------
    loss : callable
        As of `Objective`.
    """

    def loss(tf, heads, targets, weights):
        each = losses(tf, heads, targets)
        return tf.reduce_mean(tf.cast(weights, each.dtype) * each)

    return loss


def cross_entropies(tf, heads, classes):
    """Return the cross-entropy of each utterance, 0 for unknown classes.

    `classes` has a column for each of the heads.
    """
    losses = []
    for scores, known in zip(
        heads, tf.unstack(classes, len(heads), axis=1), strict=True
    ):
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(
            tf.maximum(known, 0), scores
        )
        losses.append(loss * tf.cast(known >= 0, loss.dtype))
    return sum(losses)


def divergences(tf, heads, posteriors):
    """Return the cross-entropy of each utterance with the posteriors of all heads.

    Posteriors of zeros are unknown and cost nothing.
    """
    widths = [scores.shape[-1] for scores in heads]
    return -sum(
        tf.reduce_sum(tf.cast(target, scores.dtype) * tf.nn.log_softmax(scores), -1)
        for scores, target in zip(
            heads, tf.split(posteriors, widths, axis=1), strict=True
        )
    )


def squared_errors(tf, heads, targets):
    """Return the squared error of each utterance, the mean over the targets."""
    (predictions,) = heads
    errors = predictions - tf.cast(targets, predictions.dtype)
    return tf.reduce_mean(tf.square(errors), axis=1)


def discordance(tf, heads, targets, weights):
    """Return 1 - CCC of a batch, the mean over the targets [1]_.

    It is not a sum over utterances: means, variances and covariance are those of the
    batch, weighted. Where predictions and targets have no spread at all, as those of a
    single utterance, it is 1 and has no gradient.

    References
    ----------
    .. [1] L. I.-K. Lin, "A concordance correlation coefficient to evaluate
       reproducibility", Biometrics 45(1), 1989.
    """
    (predictions,) = heads
    targets = tf.cast(targets, predictions.dtype)
    weights = tf.cast(weights, predictions.dtype)[:, tf.newaxis]
    weights = tf.math.divide_no_nan(weights, tf.reduce_sum(weights))

    def average(values):
        return tf.reduce_sum(weights * values, axis=0)

    means = average(predictions), average(targets)
    deviations = predictions - means[0], targets - means[1]
    covariance = average(deviations[0] * deviations[1])
    spread = average(tf.square(deviations[0]) + tf.square(deviations[1]))
    spread += tf.square(means[0] - means[1])
    return 1 - tf.reduce_mean(2 * covariance / (spread + SMALLEST_SPREAD))


def evaluate_classes(scores, targets, weights):
    """Return the cross-entropy and UA of known classes."""
    classes = targets[:, :1]
    losses = -np.take_along_axis(log_softmax(scores), classes, axis=1)
    return average_loss_and_accuracy(losses[:, 0], scores, classes[:, 0], weights)


def evaluate_posteriors(scores, targets, weights):
    """Return the cross-entropy with distributions, and UA of their likeliest class."""
    posteriors = targets[:, : scores.shape[1]]
    losses = -(posteriors * log_softmax(scores)).sum(axis=1)
    return average_loss_and_accuracy(losses, scores, posteriors.argmax(axis=1), weights)


def average_loss_and_accuracy(losses, scores, classes, weights):
    """Return the mean of losses, and UA of the highest scores."""
    accuracy = unweighted_accuracy_score(
        classes, scores.argmax(axis=1), sample_weight=weights
    )
    return np.average(losses, weights=weights), accuracy


def evaluate_squared_error(scores, targets, weights):
    """Return the mean squared error and CCC."""
    losses = np.square(scores - targets).mean(axis=1)
    concordance = concordance_correlation_coefficient(
        targets, scores, sample_weight=weights
    )
    return np.average(losses, weights=weights), concordance


def evaluate_discordance(scores, targets, weights):
    """Return 1 - CCC and CCC of all utterances together."""
    _, concordance = evaluate_squared_error(scores, targets, weights)
    return 1 - concordance, concordance


def log_softmax(scores):
    """Return the logarithms of the posteriors."""
    return scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)


OBJECTIVES = {
    "classes": Objective(
        mean_of(cross_entropies), evaluate_classes, "UA", has_indices=True
    ),
    "posteriors": Objective(mean_of(divergences), evaluate_posteriors, "UA"),
    "squared_error": Objective(mean_of(squared_errors), evaluate_squared_error, "CCC"),
    "ccc": Objective(discordance, evaluate_discordance, "CCC", smallest_batch=2),
}

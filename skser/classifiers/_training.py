"""How a compiled network learns: epochs, learning rate, validation and stopping."""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from skser._lengths import round_length
from skser._sequences import pad_sequences
from skser.classifiers._batches import prediction_batches, training_batches
from skser.metrics import unweighted_accuracy_score


@dataclass(frozen=True)
class Utterances:
    """What a network is trained or validated on.

    Parameters
    ----------
    sequences : list of ndarray of shape (n_frames, n_features)
    classes : ndarray of int of shape (n_samples,)
        Indices of the classes.
    weights : ndarray of float of shape (n_samples,)
        Their mean is 1 over what is trained on.
    levels : ndarray of int of shape (n_samples, n_views)
        Targets beside the classes, -1 where unknown; most networks have none.
    """

    sequences: list
    classes: np.ndarray
    weights: np.ndarray
    levels: np.ndarray

    def take(self, indices):
        """Return the utterances of these indices."""
        return replace(
            self,
            sequences=[self.sequences[i] for i in indices],
            classes=self.classes[indices],
            weights=self.weights[indices],
            levels=self.levels[indices],
        )

    def cut(self, n_frames):
        """Return the utterances without what lies beyond a number of frames."""
        return replace(self, sequences=[s[:n_frames] for s in self.sequences])

    @property
    def targets(self):
        """The classes and the levels, (n_samples, 1 + n_views)."""
        return np.column_stack([self.classes, self.levels]).astype(np.int32)


@dataclass(frozen=True)
class TrainingPlan:
    """The parameters of training, apart from the data.

    Parameters
    ----------
    batch_size : int
    max_epochs : int
    learning_rate : float
        In the first epoch.
    schedule : callable
        One of ``skser.classifiers._schedules``.
    patience : int
        Number of epochs without improvement on the validation utterances after which
        training stops.
    n_frames : int or None
        The length that all utterances are padded to; None for one of few lengths, at
        least that of the longest of a batch.
    seed : int
        Together with the number of the epoch it determines the batches.
    first_epoch : int, default=0
        Number of epochs that the network has been trained for before.
    """

    batch_size: int
    max_epochs: int
    learning_rate: float
    schedule: callable
    patience: int
    n_frames: int | None
    seed: int
    first_epoch: int = 0


@dataclass
class BestEpoch:
    """The epoch with the highest UA, of equal ones that with the lowest loss."""

    epoch: int = -1
    quality: tuple = (-math.inf, -math.inf)
    weights: list | None = None

    def compare(self, epoch, log, network):
        """Keep an epoch's weights if it is better than all before."""
        quality = (log["val_UA"], -log["val_loss"])
        if quality > self.quality or self.weights is None:
            self.epoch, self.quality = epoch, quality
            self.weights = network.get_weights()


@dataclass
class Progress:
    """How far training is: all that decides how it goes on, but the network's state.

    Parameters
    ----------
    logs : list of dict of float
        What is logged of each epoch.
    best : BestEpoch
        Stays at its beginning where nothing is validated.
    is_stopped : bool
        Whether an observer has asked to stop.
    """

    logs: list = field(default_factory=list)
    best: BestEpoch = field(default_factory=BestEpoch)
    is_stopped: bool = False

    def is_finished(self, plan):
        """Tell whether no epoch is left to train."""
        n_epochs = len(self.logs)
        is_validated = self.best.weights is not None
        has_waited = is_validated and n_epochs - 1 - self.best.epoch >= plan.patience
        return n_epochs >= plan.max_epochs or has_waited or self.is_stopped


def train(
    network,
    plan,
    training,
    validation=None,
    observers=(),
    state=None,
    checkpoint=None,
):
    """Train a network and leave it with its final or, validated, its best weights.

    Parameters
    ----------
    network : CompiledNetwork
        In the state to start from.
    plan : TrainingPlan
    training : Utterances
    validation : Utterances, default=None
        If given, the epoch with the highest UA on them wins, of equal ones that with
        the lowest loss.
    observers : sequence, default=()
        Who is told of every epoch; see ``skser.classifiers._progress``.
    state : callable, default=None
        What observers are given to make the estimator ready to predict.
    checkpoint : TrainingCheckpoint, default=None
        Where the state is kept after each epoch, and training goes on from.

    Returns
    -------
    history : dict of list of float
        One value per epoch: "learning_rate", "loss" and, validated, "val_loss" and
        "val_UA".
    best_epoch : int
        The epoch, from 0, whose weights the network has.

    Raises
    ------
    ValueError
        If the loss or a weight is no longer finite.
    """
    progress = (checkpoint and checkpoint.resume(network)) or Progress()
    logs, best = progress.logs, progress.best
    for observer in observers:
        observer.resumes(logs)
    while not progress.is_finished(plan):
        for observer in observers:
            observer.epoch_begins()
        logs.append(_run_epoch(network, plan, training, validation, logs))
        if validation is not None:
            best.compare(len(logs) - 1, logs[-1], network)
        # A list, so that every observer hears of the epoch that one of them stops.
        stops = [observer.epoch_ends(logs[-1], state) for observer in observers]
        progress.is_stopped = any(stops)
        if checkpoint:
            checkpoint.keep(progress, network)
    if validation is not None:
        network.set_weights(best.weights)
    for observer in observers:
        observer.fit_ends(state)
    best_epoch = len(logs) - 1 if validation is None else best.epoch
    return {name: [log[name] for log in logs] for name in logs[0]}, best_epoch


def _run_epoch(network, plan, training, validation, logs):
    """Train and validate for one epoch and return what is logged of it."""
    learning_rate = _learning_rate(plan, len(logs), logs)
    network.set_learning_rate(learning_rate)
    loss = _train_epoch(network, plan, training, plan.first_epoch + len(logs))
    log = {"learning_rate": learning_rate, "loss": loss}
    if validation is not None:
        log |= validate(network, validation, plan.n_frames)
    return log


def _learning_rate(plan, epoch, logs):
    """Return the learning rate of an epoch; validation losses decide, where given."""
    losses = [log.get("val_loss", log["loss"]) for log in logs]
    return plan.learning_rate * plan.schedule(epoch, plan.max_epochs, losses)


def _train_epoch(network, plan, training, epoch):
    """Train on each utterance once and return the mean loss."""
    # The epoch seeds its own order: all orders differ, and none depends on how many
    # epochs this process has seen before.
    generator = np.random.default_rng([plan.seed, epoch])
    total = 0.0
    n_samples = len(training.sequences)
    for indices in training_batches(n_samples, plan.batch_size, generator):
        batch = training.take(indices)
        n_frames = _padded_lengths(batch.sequences, plan.n_frames).max()
        frames, mask = pad_sequences(batch.sequences, n_frames)
        loss = network.train_step(
            frames, mask, batch.targets, batch.weights.astype(np.float32)
        )
        total += float(loss) * len(indices)
    mean_loss = total / n_samples
    # The weights, too: on some processors a rectifier turns NaN into 0, so that a
    # network of lost weights has a finite loss, and answers the same for everything.
    if not (math.isfinite(mean_loss) and network.has_finite_weights()):
        raise ValueError(
            f"Training has diverged in epoch {epoch + 1}: the weights are no longer "
            f"finite (loss {mean_loss:g}). Lower learning_rate (now "
            f"{plan.learning_rate:g}), or check that the features are scaled, for "
            "instance by PCAWhitening."
        )
    return mean_loss


def validate(network, validation, n_frames=None):
    """Return the loss and the UA on the validation utterances.

    Parameters
    ----------
    network : CompiledNetwork
    validation : Utterances
    n_frames : int, default=None
        As in `TrainingPlan`.

    Returns
    -------
    logs : dict of float
        With the keys "val_loss" and "val_UA".
    """
    scores = predict_scores(network, validation.sequences, n_frames)
    scores = scores.astype(np.float64)
    log_posteriors = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    losses = -np.take_along_axis(log_posteriors, validation.classes[:, None], axis=1)
    return {
        "val_loss": float(np.average(losses[:, 0], weights=validation.weights)),
        "val_UA": float(
            unweighted_accuracy_score(
                validation.classes,
                scores.argmax(axis=1),
                sample_weight=validation.weights,
            )
        ),
    }


def predict_scores(network, sequences, n_frames=None):
    """Return the class scores of a batch of utterances, in its order.

    Parameters
    ----------
    network : CompiledNetwork
    sequences : list of ndarray of shape (n_frames, n_features)
    n_frames : int, default=None
        As in `TrainingPlan`.

    Returns
    -------
    scores : ndarray of float32 of shape (n_samples, n_classes)
    """
    rows = map_batches(network.scores, sequences, n_frames)
    return np.stack(list(rows))


def map_batches(function, sequences, n_frames=None):
    """Apply a function of padded frames and mask to all utterances.

    Parameters
    ----------
    function : callable
        ``function(frames, mask)`` returns a tensor with one row per utterance.
    sequences : list of ndarray of shape (n_frames, n_features)
    n_frames : int, default=None
        As in `TrainingPlan`.

    Returns
    -------
    rows : list of ndarray
        One per utterance, in the order of `sequences`.
    """
    lengths = _padded_lengths(sequences, n_frames)
    keys = np.array([sequence.sum() for sequence in sequences])
    rows = [None] * len(sequences)
    for indices in prediction_batches(lengths, keys):
        batch = [sequences[i] for i in indices]
        padded = pad_sequences(batch, lengths[indices].max())
        # In mixed precision attention comes in half.
        results = np.asarray(function(*padded), dtype=np.float32)
        for i, result in zip(indices, results, strict=True):
            rows[i] = result
    return rows


def _padded_lengths(sequences, n_frames):
    """Return to which length each utterance would be padded if it were alone."""
    return np.array([n_frames or round_length(len(x)) for x in sequences])

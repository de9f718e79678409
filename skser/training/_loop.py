"""Training loop: epochs, learning-rate schedules, early stopping, progress, callbacks.

Those who watch the training are observers, with four methods: ``resumes(logs)``, which
is called once before the first epoch with what is logged of those before an
interruption; ``epoch_begins()``; ``epoch_ends(logs, state)``, which returns True to
stop training; and ``fit_ends(state)``. `state` is a function that returns the
attributes that would make the estimator ready to predict.
"""

import math
import warnings
from dataclasses import dataclass, field

import numpy as np

from skser._progress import make_bar, say
from skser._sequences import pad_sequences, round_length
from skser.training._data import prediction_batches, training_batches

PLATEAU_PATIENCE = 5
PLATEAU_FACTOR = 0.5
# A loss that falls by less than this share has not improved.
PLATEAU_TOLERANCE = 1e-3
SMALLEST_FACTOR = 1e-3


def plateau(epoch, max_epochs, losses):
    """Halve the learning rate whenever the loss has not fallen for five epochs.

    Examples
    --------
    >>> plateau(5, 30, [2.0, 1.5, 1.2, 1.1, 1.05])
    1.0
    >>> plateau(8, 30, [2.0, 1.5, 1.2, 1.2, 1.2, 1.2, 1.2, 1.2])
    0.5
    """
    factor, best, epochs_since = 1.0, math.inf, 0
    for loss in losses:
        improved = loss < best * (1 - PLATEAU_TOLERANCE)
        epochs_since = 0 if improved else epochs_since + 1
        best = min(best, loss)
        if epochs_since == PLATEAU_PATIENCE:
            factor, epochs_since = factor * PLATEAU_FACTOR, 0
    return max(factor, SMALLEST_FACTOR)


# Functions (epoch, max_epochs, losses) -> factor on the initial learning rate in epoch
# 0, 1, ..., given the monitored losses of all epochs before. Having no state of their
# own, schedules need no reset between fits.
SCHEDULES = {
    "constant": lambda epoch, max_epochs, losses: 1.0,
    # Half a cosine, towards 0 at the end.
    "cosine": lambda epoch, max_epochs, losses: (
        0.5 * (1.0 + math.cos(math.pi * epoch / max_epochs))
    ),
    "plateau": plateau,
}


@dataclass(frozen=True)
class TrainingPlan:
    """The parameters of training, apart from the data.

    Parameters
    ----------
    batch_size : int
    max_epochs : int
    learning_rate : float
        In the first epoch.
    schedule : str
        One of `SCHEDULES`.
    patience : int
        Number of epochs without improvement on the validation utterances after which
        training stops.
    seed : int
        Together with the number of the epoch it determines the batches.
    first_epoch : int, default=0
        Number of epochs that the network has been trained for before.
    """

    batch_size: int
    max_epochs: int
    learning_rate: float
    schedule: str
    patience: int
    seed: int
    first_epoch: int = 0


@dataclass
class Progress:
    """How far training is: all that decides how it goes on, but the network's state.

    Parameters
    ----------
    logs : list of dict of float
        What is logged of each epoch.
    best_epoch, best_quality, best_weights : int, tuple of float, list of ndarray
        The epoch with the highest figure (UA or CCC), of equal ones that with the
        lowest loss. They stay at their beginning where nothing is validated.
    is_stopped : bool
        Whether an observer has asked to stop.
    """

    logs: list = field(default_factory=list)
    best_epoch: int = -1
    best_quality: tuple = (-math.inf, -math.inf)
    best_weights: list | None = None
    is_stopped: bool = False

    def compare(self, network):
        """Keep the weights of the last epoch if it is better than all before."""
        log = self.logs[-1]
        quality = (log[f"val_{network.objective.figure}"], -log["val_loss"])
        if quality > tuple(self.best_quality) or self.best_weights is None:
            self.best_epoch, self.best_quality = len(self.logs) - 1, quality
            self.best_weights = network.get_weights()

    def is_finished(self, plan):
        """Tell whether no epoch is left to train."""
        n_epochs = len(self.logs)
        n_waited = n_epochs - 1 - self.best_epoch
        has_waited = self.best_weights is not None and n_waited >= plan.patience
        return n_epochs >= plan.max_epochs or has_waited or self.is_stopped

    def keep(self, checkpoint, network):
        """Write all of it, and the state of the network, to a checkpoint."""
        progress = {name: getattr(self, name) for name in _IN_CHECKPOINTS}
        state = network.get_training_state()
        checkpoint.keep(progress, {"state": state, "best": self.best_weights or []})

    @classmethod
    def resume(cls, checkpoint, network):
        """Read what `keep` has written, or begin anew if there is nothing."""
        shapes = [array.shape for array in network.get_training_state()]
        stored = checkpoint.resume(shapes)
        if stored is None:
            return cls()
        progress, arrays = stored
        network.set_training_state(arrays["state"])
        return cls(**progress, best_weights=arrays["best"] or None)


_IN_CHECKPOINTS = ("logs", "best_epoch", "best_quality", "is_stopped")


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
        If given, the epoch with the highest figure on them, UA or CCC, wins, of equal
        ones that with the lowest loss.
    observers : sequence, default=()
        Who is told of every epoch; see `list_observers`.
    state : callable, default=None
        What observers are given to make the estimator ready to predict.
    checkpoint : TrainingCheckpoint, default=None
        Where the state is kept after each epoch, and training goes on from.

    Returns
    -------
    history : dict of list of float
        One value per epoch: "learning_rate", "loss" and, validated, "val_loss" and
        "val_UA" or "val_CCC". A "loss" is the mean over the batches.
    best_epoch : int
        The epoch, from 0, whose weights the network has.

    Raises
    ------
    ValueError
        If the loss or a weight is no longer finite, or if CCC is undefined: of targets
        that are all the same, of batches of one utterance.

    Warns
    -----
    UserWarning
        If some utterances are alone in their batch, where that matters.
    """
    check_targets(network, plan, training, validation)
    progress = Progress.resume(checkpoint, network) if checkpoint else Progress()
    logs = progress.logs
    for observer in observers:
        observer.resumes(logs)
    while not progress.is_finished(plan):
        for observer in observers:
            observer.epoch_begins()
        logs.append(run_epoch(network, plan, training, validation, logs))
        if validation is not None:
            progress.compare(network)
        # A list, so that every observer hears of the epoch that one of them stops.
        stops = [observer.epoch_ends(logs[-1], state) for observer in observers]
        progress.is_stopped = any(stops)
        if checkpoint:
            progress.keep(checkpoint, network)
    if validation is not None:
        network.set_weights(progress.best_weights)
    for observer in observers:
        observer.fit_ends(state)
    best_epoch = len(logs) - 1 if validation is None else progress.best_epoch
    return {name: [log[name] for log in logs] for name in logs[0]}, best_epoch


def check_targets(network, plan, training, validation):
    """Refuse targets whose CCC is undefined, and batches that teach nothing by it."""
    if network.objective.figure != "CCC":
        return
    compares = network.objective.smallest_batch > 1
    for name, part, uses_ccc in (
        ("to be trained on", training, compares),
        ("to stop by", validation, validation is not None),
    ):
        if uses_ccc and not np.ptp(part.targets, axis=0).all():
            n_samples = len(part.targets)
            raise ValueError(
                "CCC needs at least two different values of each target, but the "
                f"utterances {name} have only one ({n_samples} "
                f"sample{'s' if n_samples > 1 else ''}). Use other utterances, "
                'loss="squared_error", or early_stopping=False.'
            )
    if compares:
        count_alone(network, plan, training)


def count_alone(network, plan, training):
    """Refuse batches of one utterance each, or warn of some."""
    n_samples = len(training.sequences)
    n_alone = n_samples if plan.batch_size == 1 else 0
    if n_alone == 0 and network.n_inputs == 1:
        lengths = list_lengths(network, training.sequences)
        _, counts = np.unique(lengths, return_counts=True)
        n_alone = int((counts == 1).sum())
    if n_alone == 0:
        return
    message = (
        f"{n_alone} of {n_samples} utterances are alone in their batch. CCC compares "
        "the utterances of a batch: these teach the network nothing. Use batches of "
        "more than one utterance (batch_size), a network with a mask (without, only "
        'utterances of one length share a batch), or loss="squared_error".'
    )
    if n_alone == n_samples:
        raise ValueError(message)
    warnings.warn(message, UserWarning, stacklevel=2)


def run_epoch(network, plan, training, validation, logs):
    """Train and validate for one epoch and return what is logged of it."""
    # Validation losses decide on the learning rate, where they are given.
    losses = [log.get("val_loss", log["loss"]) for log in logs]
    factor = SCHEDULES[plan.schedule](len(logs), plan.max_epochs, losses)
    log = {"learning_rate": plan.learning_rate * factor}
    network.set_learning_rate(log["learning_rate"])
    epoch = plan.first_epoch + len(logs)
    # The epoch seeds its own order: all orders differ, and none depends on how many
    # epochs this process has seen before.
    generator = np.random.default_rng([plan.seed, epoch])
    total = 0.0
    lengths = list_lengths(network, training.sequences)
    for indices in training_batches(
        len(lengths),
        plan.batch_size,
        generator,
        lengths=lengths if network.n_inputs == 1 else None,
    ):
        batch = training.take(indices)
        frames_and_mask = pad_sequences(batch.sequences, lengths[indices].max())
        inputs = list(frames_and_mask[: network.n_inputs])
        weights = batch.weights.astype(np.float32)
        loss = network.train_step(inputs, batch.targets, weights)
        total += float(loss) * len(indices)
    log["loss"] = total / len(lengths)
    # The weights, too: on some processors a rectifier turns NaN into 0, so that a
    # network of lost weights has a finite loss, and answers the same for everything.
    is_finite = all(np.isfinite(weights).all() for weights in network.get_weights())
    if not (math.isfinite(log["loss"]) and is_finite):
        raise ValueError(
            f"Training has diverged in epoch {epoch + 1}: the weights are no longer "
            f"finite (loss {log['loss']:g}). Lower learning_rate (now "
            f"{plan.learning_rate:g}), or check that the features are scaled, for "
            "instance by PCAWhitening."
        )
    if validation is not None:
        log |= validate(network, validation)
    return log


def validate(network, validation):
    """Return the loss and the figure on the validation utterances.

    Parameters
    ----------
    network : CompiledNetwork
    validation : Utterances

    Returns
    -------
    logs : dict of float
        With the keys "val_loss" and "val_UA" or "val_CCC".
    """
    rows = map_batches(network, "scores", validation.sequences)
    scores = np.stack(rows).astype(np.float64)
    objective = network.objective
    loss, figure = objective.evaluate(scores, validation.targets, validation.weights)
    return {"val_loss": float(loss), f"val_{objective.figure}": float(figure)}


def map_batches(network, output, sequences):
    """Compute an output of a network for all utterances.

    Parameters
    ----------
    network : CompiledNetwork
    output : {"scores", "attention"}
        Name of the network's function.
    sequences : list of ndarray of shape (n_frames, n_features)

    Returns
    -------
    rows : list of ndarray of float32
        One per utterance, in the order of `sequences`.
    """
    lengths = list_lengths(network, sequences)
    keys = np.array([sequence.sum() for sequence in sequences])
    rows = [None] * len(sequences)
    for indices in prediction_batches(lengths, keys, padded=network.n_inputs == 2):
        batch = [sequences[i] for i in indices]
        inputs = list(pad_sequences(batch, lengths[indices].max())[: network.n_inputs])
        # In mixed precision attention comes in half.
        results = np.asarray(getattr(network, output)(inputs), dtype=np.float32)
        for i, result in zip(indices, results, strict=True):
            rows[i] = result
    return rows


def list_lengths(network, sequences):
    """Return how many frames each utterance has when it goes through the network.

    With a mask they are padded: to the network's own length if it has one, otherwise to
    one of few lengths.
    """
    lengths = np.array([len(sequence) for sequence in sequences])
    has_mask = network.n_inputs == 2
    if network.n_frames is None:
        return np.array([*map(round_length, lengths)]) if has_mask else lengths
    compare = np.less_equal if has_mask else np.equal
    fits = compare(lengths, network.n_frames)
    if not fits.all():
        raise ValueError(
            f"The network takes utterances of {network.n_frames} frames, but there are "
            f"some of {lengths[~fits][0]}. Build it with "
            "keras.Input((None, n_features)) to take all lengths."
        )
    return np.full(len(lengths), network.n_frames)


def list_observers(estimator, **data):
    """Return who is told of the progress of a fit: a progress bar, and callbacks.

    Parameters
    ----------
    estimator : estimator instance
        With `max_epochs`, `verbose` and, perhaps, scikit-learn's callbacks.
    **data : dict
        ``X``, ``y`` and ``metadata`` of the fit, for the callbacks.

    Returns
    -------
    observers : list
    """
    observers = []
    if estimator.verbose:
        observers.append(ProgressBar(estimator.max_epochs, estimator.verbose))
    if hasattr(estimator, "_skl_callbacks"):
        observers.append(Callbacks(estimator, **data))
    return observers


class ProgressBar:
    """Show the epochs as a bar (1) or as lines (2).

    Parameters
    ----------
    max_epochs : int
    verbose : int
    """

    def __init__(self, max_epochs, verbose):
        self._n_epochs = 0
        self._max_epochs = max_epochs
        self._has_lines = verbose > 1

    def resumes(self, logs):
        """Begin behind the epochs that were run before an interruption."""
        self._n_epochs = len(logs)
        self._bar = make_bar(
            self._max_epochs,
            "Training",
            n_done=self._n_epochs,
            verbose=int(not self._has_lines),
            unit="epoch",
            is_kept=True,
        )

    def epoch_begins(self):
        """Do nothing."""

    def epoch_ends(self, logs, state):
        """Move the bar on, or write a line."""
        self._n_epochs += 1
        if self._has_lines:
            figures = [f"{name}: {value:.4g}" for name, value in logs.items()]
            say(" - ".join([f"{self._n_epochs}/{self._max_epochs}", *figures]))
        self._bar.set_postfix(logs, refresh=False)
        self._bar.update()
        return False

    def fit_ends(self, state):
        """End the bar, of a training that was stopped as well."""
        self._bar.close()


class Callbacks:
    """Report each epoch as a task to the callbacks that are set on an estimator.

    Parameters
    ----------
    estimator : estimator instance
        With scikit-learn's callback support and `max_epochs`.
    **data : dict
        ``X``, ``y`` and ``metadata`` of the fit.
    """

    def __init__(self, estimator, **data):
        self._data = {"estimator": estimator, **data}
        self._fit = estimator._init_callback_context(max_subtasks=estimator.max_epochs)
        self._fit.call_on_fit_task_begin(**self._data)

    def resumes(self, logs):
        """Do nothing: callbacks have been told of those epochs at their time."""

    def epoch_begins(self):
        """Open the task of an epoch."""
        self._epoch = self._fit.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._data)

    def epoch_ends(self, logs, state):
        """Close the task of an epoch; a callback may ask to stop."""
        return self._epoch.call_on_fit_task_end(
            reconstruction_attributes=state, **self._data
        )

    def fit_ends(self, state):
        """Close the task of the whole fit."""
        self._fit.call_on_fit_task_end(reconstruction_attributes=state, **self._data)

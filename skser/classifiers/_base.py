"""Base of all network estimators: fit, early stopping, warm start, attention.

A fitted estimator holds its configuration and arrays. The compiled network is borrowed
for the length of a call from :mod:`skser.training`, so that estimators can be cloned,
copied and pickled like any other.
"""

import numbers
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skser._base import DeclaredTagsMixin
from skser._compat import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
)
from skser._sequences import (
    check_groups,
    validate_sequences,
)
from skser.storage import describe
from skser.training import (
    OPTIMIZERS,
    SCHEDULES,
    NetworkDesign,
    TrainingCheckpoint,
    TrainingPlan,
    Utterances,
    dtype_policy,
    examine_network,
    hold_out,
    lend_network,
    list_observers,
    map_batches,
    train,
)


def _attends(estimator):
    """Tell whether the estimator's network pools by attention, or say why not."""
    reason = estimator._why_no_attention()
    if reason is not None:
        raise AttributeError(f"attention_weights needs {reason}.")
    return True


class BaseNetworkEstimator(DeclaredTagsMixin, CallbackSupportMixin, BaseEstimator, ABC):
    """What classifiers and regressors have in common: one network, one way to train.

    A subclass says what a target is: it reads `y`, names the objective (a row of
    ``skser.training.OBJECTIVES``) and makes an answer of the network's output.
    """

    declared_tags = {"input_tags.three_d_array": True}

    # Parameters, and the values with which utterances may differ in length. With others
    # all are padded to one length, of which the network is told as ``n_frames``.
    variable_length: dict[str, Any] = {}

    # Speakers reach `fit` through Pipeline, GridSearchCV and cross_validate without
    # a request by the user, once metadata routing is on.
    __metadata_request__fit = {"groups": True}

    _parameter_constraints: dict[str, Any] = {
        "max_frames": [Interval(numbers.Integral, 1, None, closed="left"), None],
        "optimizer": [StrOptions(set(OPTIMIZERS))],
        "learning_rate": [Interval(numbers.Real, 0, None, closed="neither")],
        "learning_rate_schedule": [StrOptions(set(SCHEDULES))],
        "batch_size": [Interval(numbers.Integral, 1, None, closed="left")],
        "max_epochs": [Interval(numbers.Integral, 1, None, closed="left")],
        "early_stopping": ["boolean", StrOptions({"auto"})],
        "validation_fraction": [Interval(numbers.Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(numbers.Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "checkpoint": [str, os.PathLike, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    @property
    @abstractmethod
    def builder(self) -> str | Callable:
        """The name of a function in `skser.networks`, or a function.

        A subclass sets it: ``builder = "feedforward"``, or
        ``builder = staticmethod(function)``. See :class:`~skser.NetworkClassifier` for
        what the function returns.
        """

    def design_network(self) -> NetworkDesign:
        """Return the function that builds the network, with all its arguments.

        Those that depend on the data are there once the estimator is fitted.

        Returns
        -------
        design : skser.training.NetworkDesign
        """
        training = self._training_parameters()
        arguments = {
            name: value
            for name, value in self.get_params(deep=False).items()
            if name not in training
        }
        # Lists, tuples and arrays of equal numbers are one architecture.
        for name, constraint in self._parameter_constraints.items():
            if name in arguments and "array-like" in constraint:
                arguments[name] = tuple(arguments[name])
        return self._design(arguments)

    def _design(self, arguments):
        """Return the design of the network with its arguments, and what `fit` knows."""
        identity = getattr(self, "_network_identity", None)
        # Not `|`: a size among a user's parameters is an error, not ignored.
        arguments = dict(**arguments, **self._sizes())
        return NetworkDesign(self._find_builder(), arguments, self._objective, identity)

    def _find_builder(self):
        """Return the function that builds the network."""
        if not isinstance(self.builder, str):
            return self.builder
        from skser import networks

        return getattr(networks, self.builder)

    @classmethod
    @abstractmethod
    def _training_parameters(cls):
        """Return the names of the parameters that the network is not built with."""

    def _sizes(self):
        """Return the arguments of the builder that depend on the data."""
        sizes = {"n_features": self.n_features_in_, "n_classes": self._n_outputs()}
        if self._has_fixed_length():
            sizes["n_frames"] = self.n_frames_
        return sizes

    @abstractmethod
    def _n_outputs(self):
        """Return the number of classes or targets."""

    def _has_fixed_length(self):
        """Tell whether all utterances are padded to one length, ``n_frames_``."""
        return any(getattr(self, k) != v for k, v in self.variable_length.items())

    def _why_no_attention(self):
        """Return what would have to be otherwise, or None if there is attention."""
        return "a network that pools by attention"

    def _frames_per_step(self):
        """Return by how many frames an attention weight is behind the one before it.

        None if weights are not of moments, but of features or a whole utterance.
        """
        return 1

    def _fit(self, X, y, sample_weight, groups, X_val, y_val, **options):
        """Train the network; `options` go to `_read_targets`."""
        is_continued = self.warm_start and hasattr(self, "weights_")
        training = self._prepare(
            X, y, sample_weight, groups, is_new=not is_continued, **options
        )
        validation = None
        if X_val is not None or y_val is not None:
            validation = self._prepare_validation(X_val, y_val)
        self._examine()
        generator = check_random_state(self.random_state)
        # Of the initial state, of the order, and of what is held out.
        seeds = generator.randint(2**31 - 1, size=3).tolist()
        groups = training.groups
        wants_validation = self.early_stopping
        if wants_validation == "auto":
            wants_validation = groups is not None and len(set(groups)) > 1
        if wants_validation and validation is None:
            strata = self._strata(training.targets)
            train_indices, held_out = hold_out(
                strata, groups, self.validation_fraction, seeds[2]
            )
            validation = training.take(held_out)
            training = training.take(train_indices)
        training = self._scale_targets(training, is_new=not is_continued)
        validation = validation and self._scale_targets(validation)
        start = self.weights_ if is_continued else []
        checkpoint = None
        if self.checkpoint is not None:
            checkpoint = self._find_checkpoint(seeds, [training, validation], start)
        with lend_network(self.design_network(), self.optimizer) as network:
            network.reset(seeds[0])
            if is_continued:
                network.set_weights(self.weights_)
            fitted = {
                name: value
                for name, value in vars(self).items()
                if name.endswith("_") or name in ("_network_identity", "_objective")
            }
            metadata = {"sample_weight": sample_weight}
            self.history_, self.best_epoch_ = train(
                network,
                self._plan(seeds[1]),
                training,
                validation,
                list_observers(self, X=X, y=y, metadata=metadata),
                lambda: {**fitted, "weights_": network.get_weights()},
                checkpoint,
            )
            self.weights_ = network.get_weights()
        if checkpoint:
            checkpoint.remove()
        self.n_iter_ = len(self.history_["loss"])
        self._training_state = None
        return self

    def _partial_fit(self, X, y, sample_weight, **options):
        """Train for one more epoch; `options` go to `_read_targets`."""
        is_new = not hasattr(self, "weights_")
        training = self._prepare(X, y, sample_weight, is_new=is_new, **options)
        training = self._scale_targets(training, is_new=is_new)
        if is_new:
            self._examine()
            self.history_, self.n_iter_ = {"learning_rate": [], "loss": []}, 0
        state = getattr(self, "_training_state", None)
        with lend_network(self.design_network(), self.optimizer) as network:
            if state is None:
                generator = check_random_state(self.random_state)
                seeds = generator.randint(2**31 - 1, size=3).tolist()
                initial_seed, self._order_seed, _ = seeds
                network.reset(initial_seed)
                if not is_new:
                    network.set_weights(self.weights_)
            else:
                network.set_training_state(state)
            plan = self._plan(self._order_seed, n_epochs=1, first_epoch=self.n_iter_)
            history, _ = train(network, plan, training)
            self.weights_ = network.get_weights()
            self._training_state = network.get_training_state()
        # New lists: those of before must stay, should anything fail.
        self.history_ = {k: [*v, *history.get(k, [])] for k, v in self.history_.items()}
        self.best_epoch_ = self.n_iter_
        self.n_iter_ += 1
        return self

    @available_if(_attends)
    def attention_weights(self, X):
        """Return how much each step of each utterance counts.

        Only where the network pools by attention.

        Parameters
        ----------
        X : list of array-like, or array-like, as in `fit`

        Returns
        -------
        weights : list of ndarray of shape (n_steps,)
            Non-negative, with a sum of 1. A step is a frame, unless the class says
            otherwise.
        """
        rows, sequences = self._compute("attention", X)
        step = self._frames_per_step()
        if step is None:
            return rows
        return [
            row[: -(-len(sequence) // step)]
            for row, sequence in zip(rows, sequences, strict=True)
        ]

    def to_keras(self) -> Any:
        """Return the fitted network as a ``keras.Model``, to be used without skser.

        It is a new one each time, and shares nothing with the estimator: it can be
        trained on, taken apart or saved by ``model.save("network.keras")``.

        Returns
        -------
        network : keras.Model
            From frames, float32 of shape (batch, n_frames, n_features), and mask,
            bool of shape (batch, n_frames), to scores. The mask is True where a frame
            is real, and shorter utterances have zeros behind. Of a classifier, scores
            have the shape (batch, n_classes) in the order of ``classes_``: their
            softmax is `predict_proba`. With ratings, they are a list of the scores of
            the classes and of each rating. Of a regressor, they have the shape
            (batch, n_targets): times ``target_scale_`` and plus ``target_mean_`` they
            are `predict`. Of a network of your own, inputs are those of your function.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If your own function builds another network now.

        See Also
        --------
        skser.save : A file of the whole system, features included.

        Notes
        -----
        What the estimator does before the network is yours to do: the steps in front of
        it, and ``n_frames_``, at which utterances are cut, if it is not None. The views
        "variables" and "flat" need utterances of just that length, zeros included.

        ``keras.models.load_model`` reads the saved file after
        ``import skser.networks``, which tells Keras of the layers.

        Examples
        --------
        >>> import numpy as np
        >>> from scipy.special import softmax
        >>> from skser.classifiers import AttentiveCNNClassifier
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(8, 40, 3)).astype(np.float32)
        >>> classifier = AttentiveCNNClassifier(n_filters=4, max_epochs=1)
        >>> network = classifier.fit(X, ["calm", "angry"] * 4).to_keras()
        >>> scores = network([X, np.ones((8, 40), dtype=bool)])
        >>> np.allclose(softmax(scores, axis=1), classifier.predict_proba(X), atol=1e-6)
        True
        """
        check_is_fitted(self, "weights_")
        return self.design_network().restore(self.weights_)

    def _prepare(self, X, y, sample_weight=None, groups=None, *, is_new, **options):
        """Check what is to be learnt from; set what a new network depends on."""
        sequences = validate_sequences(self, X, reset=is_new)
        targets, weights = self._read_targets(
            y, sequences, sample_weight, is_new=is_new, **options
        )
        if is_new:
            self.n_frames_ = self.max_frames
            if self.n_frames_ is None and self._has_fixed_length():
                self.n_frames_ = max(len(sequence) for sequence in sequences)
        utterances = Utterances(
            [sequence[: self.n_frames_] for sequence in sequences],
            targets,
            weights / weights[weights > 0].mean(),
            None if groups is None else check_groups(groups, sequences),
        )
        return utterances.take(np.flatnonzero(weights > 0))

    def _prepare_validation(self, X_val, y_val):
        """Check the user's own validation utterances."""
        if X_val is None or y_val is None:
            raise ValueError("X_val and y_val must be given together.")
        sequences = validate_sequences(self, X_val, reset=False)
        targets = self._read_validation_targets(y_val, sequences)
        sequences = [sequence[: self.n_frames_] for sequence in sequences]
        return Utterances(sequences, targets, np.ones(len(sequences)))

    @abstractmethod
    def _read_targets(self, y, sequences, sample_weight, *, is_new, **options):
        """Return targets as the objective has them, and weights; learn classes."""

    @abstractmethod
    def _read_validation_targets(self, y_val, sequences):
        """Return the targets of validation utterances, with the name `y_val`."""

    def _strata(self, targets):
        """Return by what utterances are held out, as of `hold_out`."""
        return targets

    def _scale_targets(self, utterances, *, is_new=False):
        """Return utterances with targets as the network learns them."""
        return utterances

    def _describe_targets(self):
        """Return what else decides on training; the classes, for instance."""
        return {}

    def _find_checkpoint(self, seeds, batches, start):
        """Return where training is kept after each epoch."""
        if self.random_state is None:
            raise ValueError(
                f"checkpoint={str(self.checkpoint)!r} needs a random_state that is the "
                "same in the next attempt, for instance random_state=0: without one "
                "every fit is another fit, and none can be resumed."
            )
        design = self.design_network()
        settings = {
            # The seeds drawn from it are in the key: a generator has moved on by now.
            "parameters": describe(self) | {"random_state": None},
            "architecture": describe([design.builder, design.arguments]),
            "objective": design.objective,
            **self._describe_targets(),
            "n_frames": self.n_frames_,
            "seeds": seeds,
            "precision": dtype_policy(),
        }
        return TrainingCheckpoint(self.checkpoint, settings, batches, start)

    def _plan(self, order_seed, n_epochs=None, first_epoch=0):
        """Return the parameters of training; `n_epochs` is for single epochs."""
        return TrainingPlan(
            batch_size=self.batch_size,
            max_epochs=n_epochs or self.max_epochs,
            learning_rate=self.learning_rate,
            schedule=self.learning_rate_schedule if n_epochs is None else "constant",
            patience=self.n_iter_no_change,
            seed=order_seed,
            first_epoch=first_epoch,
        )

    def _examine(self):
        """Check a network that is not of this package, and note which one it is."""
        design = self.design_network()
        if not str(getattr(design.builder, "__module__", "")).startswith("skser."):
            self._network_identity = examine_network(design)

    def _compute(self, output, X):
        """Return an output of the fitted network, and the utterances as it saw them."""
        check_is_fitted(self, "weights_")
        sequences = validate_sequences(self, X, reset=False)
        sequences = [sequence[: self.n_frames_] for sequence in sequences]
        with lend_network(self.design_network(), self.optimizer) as network:
            network.set_weights(self.weights_)
            return map_batches(network, output, sequences), sequences

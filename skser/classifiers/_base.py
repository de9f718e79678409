"""Base of the network classifiers: fit, early stopping, warm start, predict, attention.

A fitted estimator holds its configuration and arrays. The compiled network is borrowed
for the length of a call from :mod:`skser.training`, so that estimators can be cloned,
copied and pickled like any other.
"""

import numbers
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from skser._base import DeclaredTagsMixin, restore_on_failure, set_parameters
from skser._compat import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    check_partial_fit_first_call,
    fit_context,
    parameter_names,
    with_callbacks,
)
from skser._sequences import (
    check_groups,
    check_labels,
    check_weights,
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


def _attends(classifier):
    """Tell whether the classifier's network pools by attention, or say why not."""
    reason = classifier._why_no_attention()
    if reason is not None:
        raise AttributeError(f"attention_weights needs {reason}.")
    return True


class BaseNetworkClassifier(
    DeclaredTagsMixin, CallbackSupportMixin, ClassifierMixin, BaseEstimator, ABC
):
    """Train a network and predict with it; subclasses say which network.

    A subclass names its function in `builder` and has a constructor with the parameters
    of that function and those of training, which are explained in
    :class:`AttentionBLSTMFCNClassifier`. The function is given all parameters that are
    not of training, and ``n_features``, ``n_classes`` and ``seed``.

    Examples
    --------
    >>> from skser.classifiers import BaseNetworkClassifier
    >>> class FeedforwardClassifier(BaseNetworkClassifier):
    ...     builder = "feedforward"
    ...     def __init__(self, hidden_units=(32,), *, max_epochs=30, random_state=None):
    ...         super().__init__(max_epochs=max_epochs, random_state=random_state)
    ...         self.hidden_units = hidden_units
    >>> X = [[[0.0, 1.0]], [[1.0, 0.0]]] * 20
    >>> y = ["calm", "angry"] * 20
    >>> FeedforwardClassifier(random_state=0).fit(X, y).predict(X[:2])
    array(['calm', 'angry'], dtype='<U5')
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
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "warm_start": ["boolean"],
        "checkpoint": [str, os.PathLike, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        *,
        max_frames: int | None = None,
        optimizer: str = "adam",
        learning_rate: float = 1e-3,
        learning_rate_schedule: str = "plateau",
        batch_size: int = 50,
        max_epochs: int = 30,
        early_stopping: bool | str = "auto",
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        class_weight: dict | str | None = None,
        warm_start: bool = False,
        checkpoint: str | os.PathLike | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        set_parameters(self, locals())

    @property
    @abstractmethod
    def builder(self) -> str | Callable:
        """The name of a function in `skser.networks`, or a function.

        A subclass sets it: ``builder = "feedforward"``, or
        ``builder = staticmethod(function)``. See :class:`NetworkClassifier` for what
        the function returns.
        """

    def design_network(self) -> NetworkDesign:
        """Return the function that builds the network, with all its arguments.

        Those that depend on the data are there once the estimator is fitted.

        Returns
        -------
        design : skser.training.NetworkDesign
        """
        builder = self.builder
        if isinstance(builder, str):
            from skser import networks

            builder = getattr(networks, builder)
        training = parameter_names(BaseNetworkClassifier)
        arguments = {
            name: value
            for name, value in self.get_params(deep=False).items()
            if name not in training
        }
        # Lists, tuples and arrays of equal numbers are one architecture.
        for name, constraint in self._parameter_constraints.items():
            if name in arguments and "array-like" in constraint:
                arguments[name] = tuple(arguments[name])
        identity = getattr(self, "_network_identity", None)
        return NetworkDesign(builder, arguments | self._sizes(), identity=identity)

    def _sizes(self):
        """Return the arguments of the builder that depend on the data."""
        sizes = {"n_features": self.n_features_in_, "n_classes": len(self.classes_)}
        if self._has_fixed_length():
            sizes["n_frames"] = self.n_frames_
        return sizes

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

    @restore_on_failure
    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Sequence | ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        X_val: Sequence | ArrayLike | None = None,
        y_val: ArrayLike | None = None,
    ) -> Self:
        """Train the network.

        If it raises an error, the estimator is as it was before.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features), or array-like of \
                shape (n_samples, n_frames, n_features) or (n_samples, n_features)
            The utterances. Rows of a two-dimensional `X` are utterances of one frame.
        y : array-like of shape (n_samples,)
            The class of each utterance: strings, integers or booleans.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each utterance counts. One of weight 0 is left out.
        groups : array-like of shape (n_samples,), default=None
            The speaker of each utterance. Early stopping then validates on speakers
            that the network is not trained on.
        X_val : like X, default=None
            Utterances to stop by, instead of some of `X`. In a Pipeline they are
            transformed with ``Pipeline(steps, transform_input=["X_val"])``.
        y_val : array-like of shape (n_validation_samples,), default=None
            The classes of `X_val`.

        Returns
        -------
        self : estimator

        Raises
        ------
        TypeError, ValueError
            If `y` has one class only or another length than `X`, if a value is not
            finite, if the loss or a weight becomes so, if a fit with `checkpoint`
            has no `random_state`, or if a network of your own is not as
            :class:`NetworkClassifier` needs it.

        Warns
        -----
        UserWarning
            If the file in `checkpoint` is damaged, or cannot be written.
        """
        return self._fit(X, y, sample_weight, groups, X_val, y_val)

    def _fit(self, X, y, sample_weight, groups, X_val, y_val, ratings=None):
        """Train the network, on ratings as well if there are any."""
        is_continued = self.warm_start and hasattr(self, "weights_")
        data = {"sample_weight": sample_weight, "groups": groups, "ratings": ratings}
        training = self._prepare(X, y, is_new=not is_continued, **data)
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
            train_indices, held_out = hold_out(
                training.classes, groups, self.validation_fraction, seeds[2]
            )
            validation = training.take(held_out)
            training = training.take(train_indices)
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
                if name.endswith("_") or name == "_network_identity"
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

    @restore_on_failure
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: Sequence | ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train for one more epoch, on utterances that need not be those before.

        The optimizer goes on from where the last call left it. The learning rate is
        constant, and nothing is held out.

        Parameters
        ----------
        X : list of array-like, or array-like, as in `fit`
        y : array-like of shape (n_samples,)
            The class of each utterance.
        classes : array-like of shape (n_classes,), default=None
            All classes that there will be. Needed in the first call, unless `fit`
            was called before.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each utterance counts.

        Returns
        -------
        self : estimator
        """
        check_partial_fit_first_call(self, classes)
        is_new = not hasattr(self, "weights_")
        training = self._prepare(
            X, y, is_new=is_new, keep_classes=True, sample_weight=sample_weight
        )
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

    def predict_proba(self, X: Sequence | ArrayLike) -> np.ndarray:
        """Return the posterior probability of each class.

        Parameters
        ----------
        X : list of array-like, or array-like, as in `fit`

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``. They do not depend on the other utterances
            of `X`.
        """
        scores = np.stack(self._compute("scores", X)[0])
        return softmax(scores.astype(np.float64), axis=1)

    def predict(self, X: Sequence | ArrayLike) -> np.ndarray:
        """Return the most probable class of each utterance.

        Parameters
        ----------
        X : list of array-like, or array-like, as in `fit`

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

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
            bool of shape (batch, n_frames), to scores of shape (batch, n_classes) in
            the order of ``classes_``: their softmax is `predict_proba`. The mask is
            True where a frame is real, and shorter utterances have zeros behind. With
            ratings, a list of the scores of the classes and of each rating; of a
            :class:`NetworkClassifier`, inputs are those of your function.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If the function of a :class:`NetworkClassifier` builds another network now.

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

    def _prepare(
        self,
        X,
        y,
        *,
        is_new,
        keep_classes=None,
        sample_weight=None,
        groups=None,
        ratings=None,
    ):
        """Check what is to be learnt from; set what a new network depends on."""
        sequences = validate_sequences(self, X, reset=is_new)
        y = check_labels(y, sequences)
        check_classification_targets(y)
        if is_new and not keep_classes:
            self.classes_ = np.unique(y)
        self._check_known(y, "y")
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs utterances of at least 2 classes, but y "
                f"has one class only: {self.classes_.tolist()[0]!r}."
            )
        if is_new:
            self.n_frames_ = self.max_frames
            if self.n_frames_ is None and self._has_fixed_length():
                self.n_frames_ = max(len(sequence) for sequence in sequences)
        weights = check_weights(
            sample_weight, sequences, self.class_weight, y, self.classes_
        )
        if ratings is None:
            ratings = np.full((len(sequences), self._sizes().get("n_ratings", 0)), -1)
        check_consistent_length(sequences, ratings)
        utterances = Utterances(
            [sequence[: self.n_frames_] for sequence in sequences],
            np.searchsorted(self.classes_, y),
            weights / weights[weights > 0].mean(),
            ratings,
            None if groups is None else check_groups(groups, sequences),
        )
        return utterances.take(np.flatnonzero(weights > 0))

    def _prepare_validation(self, X_val, y_val):
        """Check the user's own validation utterances."""
        if X_val is None or y_val is None:
            raise ValueError("X_val and y_val must be given together.")
        sequences = validate_sequences(self, X_val, reset=False)
        y_val = check_labels(y_val, sequences, "y_val")
        self._check_known(y_val, "y_val")
        unrated = np.full((len(sequences), self._sizes().get("n_ratings", 0)), -1)
        classes, weights = np.searchsorted(self.classes_, y_val), np.ones(len(y_val))
        sequences = [sequence[: self.n_frames_] for sequence in sequences]
        return Utterances(sequences, classes, weights, unrated)

    def _check_known(self, labels, name):
        """Refuse labels that are not among ``classes_``."""
        unknown = set(labels.tolist()) - set(self.classes_.tolist())
        if unknown:
            raise ValueError(
                f"{name} contains {min(unknown, key=str)!r}, which is not among the "
                f"classes {', '.join(map(repr, self.classes_.tolist()))}."
            )

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
            "classes": self.classes_.tolist(),
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

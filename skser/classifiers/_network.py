"""The scikit-learn side of a network: the only place that fits and predicts with one.

A fitted estimator holds its configuration and arrays. The compiled network is borrowed
for the length of a call (see ``_compiled.py``), so that estimators can be cloned,
copied and pickled like any other.
"""

import functools
import inspect
import numbers
import os
from abc import ABC, abstractmethod
from contextlib import contextmanager

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from skser._compat import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    check_partial_fit_first_call,
    check_sample_weight,
    fit_context,
    with_callbacks,
)
from skser._sequences import check_groups, check_labels, validate_sequences
from skser.classifiers._checkpoint import TrainingCheckpoint
from skser.classifiers._compiled import dtype_policy, lend_network, weight_shapes
from skser.classifiers._progress import (
    Callbacks,
    ProgressBar,
)
from skser.classifiers._schedules import SCHEDULES
from skser.classifiers._training import (
    TrainingPlan,
    Utterances,
    predict_scores,
    train,
)
from skser.classifiers._validation import hold_out
from skser.storage import describe


def _adam():
    """Return the optimizer of Kingma & Ba, ICLR 2015."""
    import keras

    return keras.optimizers.Adam()


def _sgd():
    """Return stochastic gradient descent with Nesterov's momentum of 0.9."""
    import keras

    return keras.optimizers.SGD(momentum=0.9, nesterov=True)


OPTIMIZERS = {"adam": _adam, "sgd": _sgd}


class BaseNetworkClassifier(CallbackSupportMixin, ClassifierMixin, BaseEstimator, ABC):
    """Train a network and predict with it; subclasses say which network.

    The parameters are those of training and are explained in
    :class:`AttentionBLSTMFCNClassifier`. A subclass adds the parameters of its
    architecture and defines ``_architecture``.
    """

    # Speakers reach `fit` through Pipeline, GridSearchCV and cross_validate without
    # a request by the user, once metadata routing is on.
    __metadata_request__fit = {"groups": True}

    _parameter_constraints = {
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
        max_frames=None,
        optimizer="adam",
        learning_rate=1e-3,
        learning_rate_schedule="plateau",
        batch_size=50,
        max_epochs=30,
        early_stopping="auto",
        validation_fraction=0.1,
        n_iter_no_change=10,
        class_weight=None,
        warm_start=False,
        checkpoint=None,
        random_state=None,
        verbose=0,
    ):
        self.max_frames = max_frames
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.random_state = random_state
        self.verbose = verbose

    @abstractmethod
    def _architecture(self):
        """Return the function that builds the network, and its parameters.

        Returns
        -------
        network : callable
            ``network(n_features, n_classes, *, seed, **network_params)``.
        network_params : dict
        """

    def _has_fixed_length(self):
        """Tell whether the network needs all utterances to have one length."""
        return False

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, groups=None, X_val=None, y_val=None):
        """Train the network.

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
        ValueError
            If `y` has one class only or another length than `X`, if a value is not
            finite, if the loss or a weight becomes so, or if a fit with `checkpoint`
            has no `random_state`.

        Warns
        -----
        UserWarning
            If the file in `checkpoint` is damaged, or cannot be written.
        """
        return self._fit(X, y, sample_weight, groups, X_val, y_val)

    def _fit(self, X, y, sample_weight, groups, X_val, y_val, levels=None):
        """Train the network, on further targets as well if there are any."""
        is_continued = self.warm_start and hasattr(self, "weights_")
        sequences = validate_sequences(self, X, reset=not is_continued)
        y = self._check_labels(sequences, y, keep_classes=is_continued)
        training = self._weigh(sequences, y, sample_weight, levels)
        if groups is not None:
            groups = check_groups(groups, sequences)
        if not is_continued:
            self._set_length(sequences)
        seeds = initial_seed, order_seed, validation_seed = self._draw_seeds()
        keep = np.flatnonzero(training.weights > 0)
        training, validation = self._hold_out(
            training.take(keep),
            None if groups is None else groups[keep],
            self._check_validation(X_val, y_val),
            validation_seed,
        )
        start = self.weights_ if is_continued else []
        checkpoint = self._find_checkpoint(seeds, [training, validation], start)
        with self._lend_network() as network:
            network.reset(initial_seed)
            if is_continued:
                network.set_weights(self.weights_)
            self.history_, self.best_epoch_ = train(
                network,
                self._plan(order_seed),
                training,
                validation,
                self._observers(X, y, sample_weight),
                lambda: self._fitted_state(network),
                checkpoint,
            )
            self.weights_ = network.get_weights()
        if checkpoint:
            checkpoint.remove()
        self.n_iter_ = len(self.history_["loss"])
        self._training_state = None
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train for one more epoch, on utterances that need not be those before.

        The optimizer goes on from where the last call left it. The learning rate is
        constant, and nothing is held out.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features), or array-like
            The utterances, as in `fit`.
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
        # Not "the first call": one that has failed must leave nothing behind.
        is_first = not hasattr(self, "weights_")
        sequences = validate_sequences(self, X, reset=is_first)
        y = self._check_labels(sequences, y, keep_classes=True)
        training = self._weigh(sequences, y, sample_weight)
        if is_first:
            self._set_length(sequences)
            self.history_, self.n_iter_ = {}, 0
        keep = np.flatnonzero(training.weights > 0)
        training = training.take(keep).cut(self.n_frames_)
        with self._lend_network() as network:
            self._resume(network)
            plan = self._plan(self._order_seed, max_epochs=1, first_epoch=self.n_iter_)
            history, _ = train(network, plan, training)
            self.weights_ = network.get_weights()
            self._training_state = network.get_training_state()
        for name in ("learning_rate", "loss"):
            self.history_.setdefault(name, []).extend(history[name])
        self.best_epoch_ = self.n_iter_
        self.n_iter_ += 1
        return self

    def predict_proba(self, X):
        """Return the posterior probability of each class.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features), or array-like
            The utterances, as in `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``. They do not depend on the other utterances
            of `X`.
        """
        check_is_fitted(self, "weights_")
        sequences = self._cut(validate_sequences(self, X, reset=False))
        with self._lend_fitted_network() as network:
            scores = predict_scores(network, sequences, self._padded_length())
        return softmax(scores.astype(np.float64), axis=1)

    def predict(self, X):
        """Return the most probable class of each utterance.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features), or array-like
            The utterances, as in `fit`.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def _draw_seeds(self):
        """Return the seeds of the initial state, the order and the held-out part."""
        random_state = check_random_state(self.random_state)
        return [int(seed) for seed in random_state.randint(2**31 - 1, size=3)]

    def _find_checkpoint(self, seeds, batches, start):
        """Return where training is kept after each epoch, or None."""
        if self.checkpoint is None:
            return None
        if self.random_state is None:
            raise ValueError(
                f"checkpoint={str(self.checkpoint)!r} needs a random_state that is the "
                "same in the next attempt, for instance random_state=0: without one "
                "every fit is another fit, and none can be resumed."
            )
        # The seeds drawn from it are in the key: a generator has moved on by now.
        parameters = describe(self) | {"random_state": None}
        settings = {
            "parameters": parameters,
            "architecture": describe(self._architecture()),
            "classes": self.classes_.tolist(),
            "n_frames": self.n_frames_,
            "seeds": seeds,
            "precision": dtype_policy(),
        }
        return TrainingCheckpoint(self.checkpoint, settings, batches, start)

    def _plan(self, order_seed, max_epochs=None, first_epoch=0):
        """Return the parameters of training; `max_epochs` is for single epochs."""
        schedule = self.learning_rate_schedule if max_epochs is None else "constant"
        return TrainingPlan(
            batch_size=self.batch_size,
            max_epochs=max_epochs or self.max_epochs,
            learning_rate=self.learning_rate,
            schedule=SCHEDULES[schedule],
            patience=self.n_iter_no_change,
            n_frames=self._padded_length(),
            seed=order_seed,
            first_epoch=first_epoch,
        )

    def _resume(self, network):
        """Give a network the state in which the last call has left its own."""
        if getattr(self, "_training_state", None) is not None:
            network.set_training_state(self._training_state)
            return
        initial_seed, self._order_seed, _ = self._draw_seeds()
        network.reset(initial_seed)
        if hasattr(self, "weights_"):
            network.set_weights(self.weights_)

    def _fitted_state(self, network):
        """Return the attributes that `predict` needs, as training stands."""
        names = ("classes_", "n_features_in_", "n_frames_")
        state = {name: getattr(self, name) for name in names}
        return {**state, "weights_": network.get_weights()}

    def _observers(self, X, y, sample_weight):
        """Return who is told of the progress of `fit`."""
        observers = []
        if self.verbose:
            observers.append(ProgressBar(self.max_epochs, self.verbose))
        if hasattr(self, "_skl_callbacks"):
            metadata = {"sample_weight": sample_weight}
            observers.append(
                Callbacks(self, self.max_epochs, X=X, y=y, metadata=metadata)
            )
        return observers

    def _check_labels(self, sequences, y, *, keep_classes):
        """Return the labels; set ``classes_``, or compare with those that are set."""
        y = check_labels(y, sequences)
        check_classification_targets(y)
        if keep_classes:
            self._check_known(y, "y")
        else:
            self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs utterances of at least 2 classes, but y "
                f"has one class only: {self.classes_.tolist()[0]!r}."
            )
        return y

    def _check_known(self, labels, name):
        """Refuse labels that are not among ``classes_``."""
        unknown = set(labels.tolist()) - set(self.classes_.tolist())
        if unknown:
            raise ValueError(
                f"{name} contains {min(unknown, key=str)!r}, which is not among the "
                f"classes {', '.join(map(repr, self.classes_.tolist()))}."
            )

    def _weigh(self, sequences, y, sample_weight, levels=None):
        """Put utterances, indices of classes, weights and further targets together."""
        weights = check_sample_weight(
            sample_weight, sequences, dtype=np.float64, ensure_non_negative=True
        )
        weights = weights * compute_sample_weight(self.class_weight, y)
        if not weights.sum() > 0:
            raise ValueError("sample_weight is zero for every utterance.")
        weights = weights / weights[weights > 0].mean()
        classes = np.searchsorted(self.classes_, y)
        if levels is None:
            levels = self._unknown_levels(sequences)
        check_consistent_length(sequences, levels)
        return Utterances(sequences, classes, weights, levels)

    def _n_views(self):
        """Return the number of targets that the network has beside the classes."""
        return 0

    def _unknown_levels(self, sequences):
        """Return further targets of which nothing is known."""
        return np.full((len(sequences), self._n_views()), -1)

    def _set_length(self, sequences):
        """Set ``n_frames_``, the number of frames at which utterances are cut."""
        self.n_frames_ = self.max_frames
        if self.n_frames_ is None and self._has_fixed_length():
            self.n_frames_ = max(len(sequence) for sequence in sequences)

    def _padded_length(self):
        """Return the number of frames that every utterance is padded to, if fixed."""
        return self.n_frames_ if self._has_fixed_length() else None

    def _cut(self, sequences):
        """Cut off what lies beyond the number of frames that the network reads."""
        return [sequence[: self.n_frames_] for sequence in sequences]

    def _check_validation(self, X_val, y_val):
        """Return the user's own validation utterances, if there are any."""
        if X_val is None and y_val is None:
            return None
        if X_val is None or y_val is None:
            raise ValueError("X_val and y_val must be given together.")
        sequences = validate_sequences(self, X_val, reset=False)
        y_val = check_labels(y_val, sequences, "y_val")
        self._check_known(y_val, "y_val")
        classes = np.searchsorted(self.classes_, y_val)
        weights = np.ones(len(sequences))
        return Utterances(sequences, classes, weights, self._unknown_levels(sequences))

    def _hold_out(self, training, groups, validation, seed):
        """Return what to train on and what to stop by (None: nothing)."""
        has_speakers = groups is not None and len(set(groups)) > 1
        wanted = has_speakers if self.early_stopping == "auto" else self.early_stopping
        if wanted and validation is None:
            train_indices, held_out = hold_out(
                training.classes, groups, self.validation_fraction, seed
            )
            validation = training.take(held_out)
            training = training.take(train_indices)
        if validation is not None:
            validation = validation.cut(self.n_frames_)
        return training.cut(self.n_frames_), validation

    def _lend_network(self):
        """Borrow a compiled network of the estimator's architecture and sizes."""
        network, network_params = self._architecture()
        return lend_network(
            network, network_params, self._sizes(), self.optimizer, OPTIMIZERS
        )

    def _weight_shapes(self):
        """Return the shapes that ``weights_`` must have; no network is made."""
        network, network_params = self._architecture()
        return weight_shapes(network, network_params, self._sizes())

    def _sizes(self):
        """Return the sizes of the network that depend on what it is trained on."""
        sizes = {"n_features": self.n_features_in_, "n_classes": len(self.classes_)}
        if self._has_fixed_length():
            sizes["n_frames"] = self.n_frames_
        return sizes

    @contextmanager
    def _lend_fitted_network(self):
        """Borrow a compiled network and give it the estimator's weights."""
        with self._lend_network() as network:
            network.set_weights(self.weights_)
            yield network

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def with_training_parameters(init):
    """Add the parameters of training to the constructor of a subclass.

    scikit-learn reads the parameters of an estimator from the signature of its own
    constructor, and takes neither those of its base class nor ``**kwargs``. Without
    this every network would have to repeat all of them.

    Parameters
    ----------
    init : callable
        ``__init__`` with the parameters of the architecture.

    Returns
    -------
    init : callable
        With those of ``BaseNetworkClassifier`` behind them, in its signature as well.
    """
    own = inspect.signature(init)
    _, *training = inspect.signature(BaseNetworkClassifier.__init__).parameters.values()
    names = {parameter.name for parameter in training}

    @functools.wraps(init)
    def init_all(self, *args, **params):
        given = {name: params.pop(name) for name in names & set(params)}
        BaseNetworkClassifier.__init__(self, **given)
        init(self, *args, **params)

    parameters = [*own.parameters.values(), *training]
    init_all.__signature__ = own.replace(parameters=parameters)
    return init_all


class NetworkClassifier(BaseNetworkClassifier):
    """Train any network of your own as a scikit-learn classifier.

    Parameters
    ----------
    network : callable
        ``network(n_features, n_classes, *, seed, **network_params)`` returns a
        ``keras.Model`` from ``[frames, mask]``, of shapes (batch, n_frames, n_features)
        and (batch, n_frames), to one *score* (logit) per class. The mask is True where
        a frame is real. Derive the seeds of all layers from `seed`, or fits
        cannot be repeated. For pickling, define it in a module.
    network_params : dict, default=None
        Further arguments of `network`.
    max_frames : int, default=None
        Longer utterances are cut at this many frames; None keeps them whole.
    optimizer, learning_rate, learning_rate_schedule, batch_size, max_epochs, \
            early_stopping, validation_fraction, n_iter_no_change, class_weight, \
            warm_start, checkpoint, random_state, verbose
        As in :class:`AttentionBLSTMFCNClassifier`, with its fitted attributes.

    See Also
    --------
    AttentionBLSTMFCNClassifier : The network of the paper.

    Examples
    --------
    >>> import keras, numpy as np
    >>> from skser import NetworkClassifier
    >>> def average_then_dense(n_features, n_classes, *, seed, n_units=8):
    ...     frames = keras.Input((None, n_features))
    ...     mask = keras.Input((None,), dtype="bool")
    ...     average = keras.layers.GlobalAveragePooling1D()(frames, mask=mask)
    ...     start = keras.initializers.GlorotUniform(seed)
    ...     scores = keras.layers.Dense(n_classes, kernel_initializer=start)(average)
    ...     return keras.Model([frames, mask], scores)
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(i % 2, 1, (20, 3)) for i in range(40)]
    >>> y = np.arange(40) % 2
    >>> classifier = NetworkClassifier(
    ...     average_then_dense, learning_rate=0.1, random_state=0)
    >>> float(classifier.fit(X, y).score(X, y))
    1.0
    """

    _parameter_constraints = {
        **BaseNetworkClassifier._parameter_constraints,
        "network": [callable],
        "network_params": [dict, None],
    }

    @with_training_parameters
    def __init__(
        self,
        network,
        *,
        network_params=None,
    ):
        self.network = network
        self.network_params = network_params

    def _architecture(self):
        return self.network, self.network_params or {}

"""Networks for dimensions: arousal, valence and other targets that are numbers."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.utils import check_array, check_consistent_length

from skser._base import restore_on_failure, set_parameters
from skser._compat import StrOptions, fit_context, parameter_names, with_callbacks
from skser._sequences import ROUNDING, check_weights
from skser.classifiers._base import BaseNetworkEstimator
from skser.classifiers._builders import AttentionBLSTMFCNMixin, OwnNetworkMixin

__all__ = [
    "AttentionBLSTMFCNRegressor",
    "BaseNetworkRegressor",
    "NetworkRegressor",
]


class BaseNetworkRegressor(RegressorMixin, BaseNetworkEstimator):
    """Train a network to predict numbers; subclasses say which network.

    As of :class:`~skser.classifiers.BaseNetworkClassifier`, a subclass names its
    function in `builder` and has a constructor with the parameters of that function and
    those of training, which are explained in :class:`AttentionBLSTMFCNRegressor`. The
    function's ``n_classes`` is the number of targets.

    Examples
    --------
    >>> from skser.regressors import BaseNetworkRegressor
    >>> class FeedforwardRegressor(BaseNetworkRegressor):
    ...     builder = "feedforward"
    ...     def __init__(self, hidden_units=(32,), *, max_epochs=30, random_state=None):
    ...         super().__init__(max_epochs=max_epochs, random_state=random_state)
    ...         self.hidden_units = hidden_units
    >>> X = [[[0.0, 1.0]], [[1.0, 0.0]]] * 20
    >>> arousal = [1.5, 4.5] * 20
    >>> regressor = FeedforwardRegressor(max_epochs=100, random_state=0)
    >>> calm, excited = regressor.fit(X, arousal).predict(X[:2])
    >>> bool(calm < 2.5 < 3.5 < excited)
    True
    """

    declared_tags = {"target_tags.multi_output": True}

    _parameter_constraints: dict[str, Any] = {
        **BaseNetworkEstimator._parameter_constraints,
        "loss": [StrOptions({"ccc", "squared_error"})],
    }

    def __init__(
        self,
        *,
        max_frames: int | None = None,
        loss: str = "ccc",
        optimizer: str = "adam",
        learning_rate: float = 1e-3,
        learning_rate_schedule: str = "plateau",
        batch_size: int = 50,
        max_epochs: int = 30,
        early_stopping: bool | str = "auto",
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        warm_start: bool = False,
        checkpoint: str | os.PathLike | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        set_parameters(self, locals())

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

        Targets are standardised by mean and standard deviation of the utterances that
        the network is trained on. If it raises an error, the estimator is as it was
        before.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features), or array-like of \
                shape (n_samples, n_frames, n_features) or (n_samples, n_features)
            The utterances. Rows of a two-dimensional `X` are utterances of one frame.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            One or several numbers for each utterance, such as arousal and valence, in
            any unit.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each utterance counts. One of weight 0 is left out.
        groups : array-like of shape (n_samples,), default=None
            The speaker of each utterance. Early stopping then validates on speakers
            that the network is not trained on.
        X_val : like X, default=None
            Utterances to stop by, instead of some of `X`. In a Pipeline they are
            transformed with ``Pipeline(steps, transform_input=["X_val"])``.
        y_val : like y, default=None
            The targets of `X_val`.

        Returns
        -------
        self : estimator

        Raises
        ------
        TypeError, ValueError
            If `y` has another length than `X` or, with `warm_start`, another number of
            columns than before; if a value is not finite, if the loss or a weight
            becomes so; if, with ``loss="ccc"``, a target is the same number for all
            utterances, or each utterance is alone in its batch; if those to stop by
            all have the same target; if a fit with `checkpoint` has no `random_state`,
            or if a network of your own is not as :class:`~skser.NetworkRegressor` needs
            it.

        Warns
        -----
        UserWarning
            If the file in `checkpoint` is damaged, or cannot be written; or if, with
            ``loss="ccc"``, some utterances are alone in their batch.
        """
        return self._fit(X, y, sample_weight, groups, X_val, y_val)

    @restore_on_failure
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: Sequence | ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train for one more epoch, on utterances that need not be those before.

        The optimizer goes on from where the last call left it. The learning rate is
        constant, and nothing is held out. Targets are standardised by those of the
        first call, or of `fit` before it.

        Parameters
        ----------
        X : list of array-like, or array-like, as in `fit`
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            The targets.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each utterance counts.

        Returns
        -------
        self : estimator
        """
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X: Sequence | ArrayLike) -> np.ndarray:
        """Return the targets of each utterance.

        Parameters
        ----------
        X : list of array-like, or array-like, as in `fit`

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
            In the unit and the shape of `y` in `fit`. They do not depend on the other
            utterances of `X`, and may lie beyond the ends of a scale.
        """
        outputs = np.stack(self._compute("scores", X)[0]).astype(np.float64)
        if np.ndim(self.target_mean_) == 0:
            outputs = outputs[:, 0]
        return outputs * self.target_scale_ + self.target_mean_

    @property
    def _objective(self):
        return self.loss

    @classmethod
    def _training_parameters(cls):
        return parameter_names(BaseNetworkRegressor)

    def _n_outputs(self):
        return np.size(self.target_mean_)

    def _read_targets(self, y, sequences, sample_weight, *, is_new):
        targets = self._check_numbers(y, sequences, "y")
        weights = check_weights(sample_weight, sequences)
        if is_new:
            # What they are follows when some utterances have been held out.
            self.target_mean_ = np.zeros(targets.shape[1:])
        self._check_width(targets, "y")
        return targets.reshape(len(targets), -1), weights

    def _read_validation_targets(self, y_val, sequences):
        targets = self._check_numbers(y_val, sequences, "y_val")
        self._check_width(targets, "y_val")
        return targets.reshape(len(targets), -1)

    def _scale_targets(self, utterances, *, is_new=False):
        targets, weights = utterances.targets, utterances.weights
        if is_new:
            # What overflows is reported below.
            with np.errstate(over="ignore", invalid="ignore"):
                mean = np.average(targets, axis=0, weights=weights)
                squares = np.square(targets - mean)
                scale = np.sqrt(np.average(squares, axis=0, weights=weights))
            # What varies is rounding, as of features.
            is_constant = scale <= ROUNDING * np.abs(targets).max(axis=0)
            scale = np.where(is_constant, 1.0, scale)
            if not np.isfinite(scale).all():
                raise ValueError(
                    "y has values whose variance is more than a float can hold: divide "
                    "them by the largest."
                )
            if np.ndim(self.target_mean_) == 0:
                mean, scale = float(mean[0]), float(scale[0])
            self.target_mean_, self.target_scale_ = mean, scale
        standardised = (targets - self.target_mean_) / self.target_scale_
        return replace(utterances, targets=standardised.astype(np.float32))

    def _check_numbers(self, y, sequences, name):
        """Return targets as an array of floats of one or two dimensions."""
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is "
                "None. Pass one or several numbers for each utterance."
            )
        y = check_array(
            y, dtype=np.float64, ensure_2d=False, input_name=name, estimator=self
        )
        check_consistent_length(sequences, y)
        return y

    def _check_width(self, targets, name):
        """Refuse another number of targets than the network has."""
        expected = np.shape(self.target_mean_)
        if targets.shape[1:] != expected:
            shapes = [("n_samples", *shape) for shape in (expected, targets.shape[1:])]
            shown = [f"({', '.join(map(str, shape))})" for shape in shapes]
            raise ValueError(
                f"{name} must have the shape {shown[0]}, as y in the first fit, but "
                f"has {shown[1]}."
            )


class AttentionBLSTMFCNRegressor(AttentionBLSTMFCNMixin, BaseNetworkRegressor):
    """The Attention-BLSTM-FCN of Zhao et al. [1]_ for arousal, valence and the like.

    It is the network of :class:`~skser.AttentionBLSTMFCNClassifier` with one output for
    each target in place of the scores of the classes, and is trained by the same loop.

    Parameters
    ----------
    recurrent, convolutional, pooling, view, recurrent_units, filters, kernel_sizes, \
            squeeze_excite, hidden_units, dropout, max_frames
        As in :class:`~skser.AttentionBLSTMFCNClassifier`.
    loss : {"ccc", "squared_error"}, default="ccc"
        What is made small: 1 - CCC of the utterances of a batch, the mean over the
        targets [2]_, or the mean squared error of the standardised targets. CCC is what
        the field reports; trained on it, networks reach more of it, and a larger RMSE,
        than with the squared error (Notes).
    optimizer, learning_rate, learning_rate_schedule, batch_size, max_epochs
        As in :class:`~skser.AttentionBLSTMFCNClassifier`.
    early_stopping : bool or "auto", default="auto"
        As in :class:`~skser.AttentionBLSTMFCNClassifier`, with the mean CCC of the
        targets in place of UA: training stops when it no longer rises on the validation
        utterances (nor, at the highest CCC, the loss falls).
    validation_fraction, n_iter_no_change, warm_start, checkpoint, random_state, verbose
        As in :class:`~skser.AttentionBLSTMFCNClassifier`.

    Attributes
    ----------
    target_mean_ : float or ndarray of shape (n_targets,)
        Mean of the targets that the network was trained on, without those held out; a
        number for `y` of shape (n_samples,).
    target_scale_ : float or ndarray of shape (n_targets,)
        Their standard deviation, 1 if that is 0.
    n_features_in_ : int
        Number of features of a frame.
    feature_names_in_ : ndarray of str
        Only if `X` in `fit` was a DataFrame.
    weights_ : list of ndarray
        The weights of the network, in its order.
    history_ : dict of list of float
        Per epoch: "learning_rate", "loss" and, if something was held out, "val_loss"
        and "val_CCC". Losses are those of standardised targets; with ``loss="ccc"``
        the "loss" is the mean over the batches.
    n_iter_ : int
        Number of epochs that were run.
    best_epoch_ : int
        The epoch, counted from 0, whose weights were kept.
    n_frames_ : int or None
        Number of frames at which utterances are cut.

    See Also
    --------
    NetworkRegressor : The same training for a network of your own.
    skser.metrics.concordance_correlation_coefficient : CCC.

    Notes
    -----
    For arousal and valence of synthetic speech, unseen speakers and noisy ratings, CCC
    was 0.401 with ``loss="ccc"`` and 0.390 with the squared error, RMSE 0.599 and 0.537
    (without noise 0.489 and 0.480, 0.487 and 0.462), the mean of six speakers and two
    seeds; CCC was higher in 16 of 24 fits
    (``python tests/benchmarks/bench_regression_losses.py``).

    References
    ----------
    .. [1] Zhao et al. 2018, as of :class:`~skser.AttentionBLSTMFCNClassifier`.
    .. [2] L. I.-K. Lin, "A concordance correlation coefficient to evaluate
       reproducibility", Biometrics 45(1), 1989.

    Examples
    --------
    >>> import numpy as np
    >>> from skser import AttentionBLSTMFCNRegressor
    >>> rng = np.random.default_rng(0)
    >>> arousal = rng.uniform(1, 5, 40)
    >>> X = [rng.normal(a, 1, (10 + i % 7, 3)) for i, a in enumerate(arousal)]
    >>> regressor = AttentionBLSTMFCNRegressor(
    ...     recurrent_units=4, filters=(8,), kernel_sizes=(3,), learning_rate=0.01,
    ...     random_state=0)
    >>> bool(regressor.fit(X, arousal).score(X, arousal) > 0.8)
    True
    >>> both = np.column_stack([arousal, -arousal])
    >>> regressor.fit(X, both).predict(X[:2]).shape
    (2, 2)
    """

    _parameter_constraints = {
        **BaseNetworkRegressor._parameter_constraints,
        **AttentionBLSTMFCNMixin.network_constraints,
    }

    def __init__(
        self,
        *,
        recurrent: str | None = "blstm",
        convolutional: bool = True,
        pooling: str = "attention",
        view: str = "frames",
        recurrent_units: int = 64,
        filters: Sequence[int] = (128, 64),
        kernel_sizes: Sequence[int] = (8, 5),
        squeeze_excite: bool = False,
        hidden_units: Sequence[int] = (128,),
        dropout: float = 0.5,
        max_frames: int | None = None,
        loss: str = "ccc",
        optimizer: str = "adam",
        learning_rate: float = 1e-3,
        learning_rate_schedule: str = "plateau",
        batch_size: int = 50,
        max_epochs: int = 30,
        early_stopping: bool | str = "auto",
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        warm_start: bool = False,
        checkpoint: str | os.PathLike | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        set_parameters(self, locals())


class NetworkRegressor(OwnNetworkMixin, BaseNetworkRegressor):
    """Train any network of your own as a scikit-learn regressor.

    Parameters
    ----------
    network : callable
        ``network(n_features, n_classes, *, seed, **network_params)`` returns a
        ``keras.Model`` as for :class:`~skser.NetworkClassifier`, but of one output for
        each target: ``n_classes`` is the number of targets. For pickling, define it in
        a module.
    network_params : dict, default=None
        Further arguments of `network`.
    max_frames : int, default=None
        Longer utterances are cut at this many frames; None keeps them whole.
    loss, optimizer, learning_rate, learning_rate_schedule, batch_size, max_epochs, \
            early_stopping, validation_fraction, n_iter_no_change, warm_start, \
            checkpoint, random_state, verbose
        As in :class:`AttentionBLSTMFCNRegressor`, with its fitted attributes.

    See Also
    --------
    AttentionBLSTMFCNRegressor : The network of the paper.
    skser.NetworkClassifier : What `fit` expects of inputs, padding, seeds, attention.
    skser.networks : Networks and layers that know the mask.

    Notes
    -----
    The outputs, (batch, n_targets), are those of standardised targets: a last layer
    without an activation can reach all of them.

    A network that takes frames alone is trained on batches of utterances of one length.
    With ``loss="ccc"``, those that have a length to themselves teach it nothing.

    Examples
    --------
    >>> import numpy as np
    >>> from skser import NetworkRegressor
    >>> from skser.networks import feedforward
    >>> rng = np.random.default_rng(0)
    >>> arousal = rng.uniform(1, 5, 40)
    >>> X = [rng.normal(a, 1, (20, 3)) for a in arousal]
    >>> regressor = NetworkRegressor(
    ...     feedforward, network_params={"hidden_units": (8,)}, learning_rate=0.02,
    ...     random_state=0)
    >>> bool(regressor.fit(X, arousal).score(X, arousal) > 0.8)
    True
    """

    _parameter_constraints = {
        **BaseNetworkRegressor._parameter_constraints,
        **OwnNetworkMixin.network_constraints,
    }

    def __init__(
        self,
        network: Callable,
        *,
        network_params: dict | None = None,
        max_frames: int | None = None,
        loss: str = "ccc",
        optimizer: str = "adam",
        learning_rate: float = 1e-3,
        learning_rate_schedule: str = "plateau",
        batch_size: int = 50,
        max_epochs: int = 30,
        early_stopping: bool | str = "auto",
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        warm_start: bool = False,
        checkpoint: str | os.PathLike | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        set_parameters(self, locals())

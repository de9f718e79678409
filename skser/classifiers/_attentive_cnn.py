"""The Attentive CNN as a classifier, which may learn of ratings beside emotions."""

import numbers

import numpy as np
from sklearn.utils import check_array

from skser._compat import Interval, fit_context, with_callbacks
from skser.classifiers._attention import AttentionMixin
from skser.classifiers._network import (
    BaseNetworkClassifier,
    with_training_parameters,
)

# Ratings from 1 to 5: low is up to the first, high from the second on.
LOW, HIGH = 2.0, 4.0


def rating_levels(ratings):
    """Return ratings from 1 to 5 as low (0), medium (1) or high (2).

    Low is up to 2, high from 4 on: the thirds of [1]_.

    Parameters
    ----------
    ratings : array-like of shape (n_samples, n_views)
        NaN where nobody has rated.

    Returns
    -------
    levels : ndarray of int of shape (n_samples, n_views)
        -1 for NaN.

    References
    ----------
    .. [1] M. Neumann and N. T. Vu, "Attentive convolutional neural network based speech
       emotion recognition: A study on the impact of input features, signal length, and
       acted speech", Interspeech 2017.

    Examples
    --------
    >>> rating_levels([[1.0, 2.5], [4.0, float("nan")]]).tolist()
    [[0, 1], [2, -1]]
    """
    ratings = check_array(
        ratings, dtype=np.float64, ensure_all_finite="allow-nan", input_name="ratings"
    )
    levels = (ratings > LOW).astype(int) + (ratings >= HIGH)
    return np.where(np.isnan(ratings), -1, levels)


class AttentiveCNNClassifier(AttentionMixin, BaseNetworkClassifier):
    """The Attentive CNN of Neumann and Vu [1]_, for one view or several.

    One layer of convolution over time, maxima over groups of frames, and their average
    by attention. If `fit` is given ratings, of activation and valence for instance, the
    network also learns their levels, each of which weighs as much as the emotion: the
    source's multi-view learning. `predict` needs no ratings.

    Parameters
    ----------
    n_filters : int, default=200
        Number of filters, each of which spans all features.
    kernel_size : int, default=10
        Width of the filters in frames.
    pool_size : int, default=30
        Number of frames of which the maximum is kept.
    pool_stride : int, default=None
        Number of frames from one maximum to the next; None is `pool_size`.
    dropout : float, default=0.5
        Share of the pooled vector that is dropped in training.
    max_frames, optimizer, learning_rate, learning_rate_schedule, batch_size, \
            max_epochs, early_stopping, validation_fraction, n_iter_no_change, \
            class_weight, warm_start, checkpoint, random_state, verbose
        As in :class:`AttentionBLSTMFCNClassifier`, with its fitted attributes and:

    Attributes
    ----------
    n_views_ : int
        Number of ratings that were learnt beside the emotions.

    See Also
    --------
    skser.networks.attentive_cnn : The network.
    skser.systems.attentive_cnn : The whole system, from recordings to labels.

    References
    ----------
    .. [1] M. Neumann and N. T. Vu, "Attentive convolutional neural network based speech
       emotion recognition: A study on the impact of input features, signal length, and
       acted speech", Interspeech 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.classifiers import AttentiveCNNClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(i % 2, 1, (40 + i, 3)) for i in range(20)]
    >>> y = ["calm", "angry"] * 10
    >>> activation = [[1.5], [4.5]] * 10
    >>> classifier = AttentiveCNNClassifier(
    ...     n_filters=8, learning_rate=0.01, random_state=0)
    >>> classifier.fit(X, y, ratings=activation).predict(X[:2])
    array(['calm', 'angry'], dtype='<U5')
    >>> [weights.shape for weights in classifier.attention_weights(X[:2])]
    [(2,), (2,)]
    """

    # As for the speakers: ratings reach `fit` through a Pipeline without a request.
    __metadata_request__fit = {"ratings": True}

    _parameter_constraints = {
        **BaseNetworkClassifier._parameter_constraints,
        "n_filters": [Interval(numbers.Integral, 1, None, closed="left")],
        "kernel_size": [Interval(numbers.Integral, 1, None, closed="left")],
        "pool_size": [Interval(numbers.Integral, 1, None, closed="left")],
        "pool_stride": [Interval(numbers.Integral, 1, None, closed="left"), None],
        "dropout": [Interval(numbers.Real, 0, 1, closed="left")],
    }

    @with_training_parameters
    def __init__(
        self,
        *,
        n_filters=200,
        kernel_size=10,
        pool_size=30,
        pool_stride=None,
        dropout=0.5,
    ):
        self.n_filters = n_filters
        self.kernel_size = kernel_size
        self.pool_size = pool_size
        self.pool_stride = pool_stride
        self.dropout = dropout

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X,
        y,
        sample_weight=None,
        groups=None,
        X_val=None,
        y_val=None,
        ratings=None,
    ):
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
            Utterances to stop by, instead of some of `X`.
        y_val : array-like of shape (n_validation_samples,), default=None
            The classes of `X_val`.
        ratings : array-like of shape (n_samples, n_views), default=None
            Ratings from 1 to 5 to learn beside the classes, NaN where unknown. Low is
            up to 2, high from 4 on.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If `ratings` has another length than `X`, or, with `warm_start`, another
            number of columns than before; and as `AttentionBLSTMFCNClassifier` does.
        """
        levels = None if ratings is None else rating_levels(ratings)
        n_views = 0 if levels is None else levels.shape[1]
        if self.warm_start and getattr(self, "n_views_", n_views) != n_views:
            raise ValueError(
                f"ratings has {n_views} columns, but the weights to go on from were "
                f"trained with {self.n_views_}. Set warm_start=False to start anew."
            )
        self.n_views_ = n_views
        return self._fit(X, y, sample_weight, groups, X_val, y_val, levels)

    def _n_views(self):
        return getattr(self, "n_views_", 0)

    def _architecture(self):
        from skser.networks import attentive_cnn

        return attentive_cnn, {
            "n_filters": self.n_filters,
            "kernel_size": self.kernel_size,
            "pool_size": self.pool_size,
            "pool_stride": self.pool_stride,
            "dropout": self.dropout,
            "n_views": self._n_views(),
        }

    def _frames_per_step(self):
        return self.pool_stride or self.pool_size

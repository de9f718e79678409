"""How feature columns come to zero mean and unit variance, and by whose statistics."""

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, _fit_context
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from skser._sequences import (
    Batch,
    SequenceTransformerMixin,
    is_table,
    iterate_blocks,
    validate_frames,
)

# Frames taken at a time: bounds the memory beside the features.
_BLOCK_SIZE = 8192


class FrameScaler(OneToOneFeatureMixin, SequenceTransformerMixin, BaseEstimator):
    r"""Standardise every feature by the frames of all training utterances.

    .. math:: x' = (x - \mu) / \sigma

    with the mean and the standard deviation of the feature over all frames seen in
    `fit`. It is scikit-learn's ``StandardScaler`` for utterances of many frames, and is
    computed by it. A feature that is constant in training is only centred.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,)
        Mean of each feature over the training frames.
    scale_ : ndarray of shape (n_features,)
        Standard deviation of each feature, 1 where that is 0.
    n_frames_seen_ : int
        Number of training frames.
    n_features_in_ : int
        Number of features of a frame.

    See Also
    --------
    UtteranceNormalizer : By each utterance's own statistics.
    skser.PCAWhitening : Clips and decorrelates, too.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.normalization import FrameScaler
    >>> utterances = [np.array([[0.0], [2.0]]), np.array([[4.0]])]
    >>> [frames.ravel().round(2).tolist()
    ...  for frames in FrameScaler().fit_transform(utterances)]
    [[-1.22, 0.0], [1.22]]
    """

    _parameter_constraints = {}  # noqa: RUF012

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn mean and standard deviation over all frames.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features), or array-like of \
                shape (n_samples, n_frames, n_features) or (n_frames, n_features)
            The training utterances; a two-dimensional `X` is one utterance.
        y : Ignored
            Present for scikit-learn's conventions.

        Returns
        -------
        self : FrameScaler
        """
        scaler = StandardScaler()
        for block in iterate_blocks(validate_frames(self, X, reset=True), _BLOCK_SIZE):
            scaler.partial_fit(block.astype(np.float64))
        self.mean_, self.scale_ = scaler.mean_, scaler.scale_
        self.n_frames_seen_ = int(scaler.n_samples_seen_)
        return self

    def transform(self, X):
        """Standardise each frame.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features), or array-like
            As in `fit`.

        Returns
        -------
        X_new : list of ndarray of shape (n_frames, n_features), or ndarray
            Of the dtype of `X`, float32 or float64; an array for a two-dimensional
            `X`.
        """
        check_is_fitted(self, "mean_")
        sequences = validate_frames(self, X, reset=False)
        return _like(X, (_scale(s, self.mean_, self.scale_) for s in sequences))

    def __sklearn_tags__(self):
        return _sequence_tags(super().__sklearn_tags__())


class UtteranceNormalizer(
    OneToOneFeatureMixin, SequenceTransformerMixin, BaseEstimator
):
    r"""Standardise every feature by the utterance's own frames.

    .. math:: x'_t = (x_t - \mu) / \sigma

    with the mean and the standard deviation over the frames of the same utterance. In
    speech and speaker recognition this is cepstral mean and variance normalisation: it
    takes out the channel and much of the voice, and with them whatever the level
    of an utterance says about emotion. It learns nothing and sees one utterance at a
    time, so no other recording has a part in the result.

    Parameters
    ----------
    with_std : bool, default=True
        Whether to divide by the standard deviation.

    Attributes
    ----------
    n_features_in_ : int
        Number of features of a frame.

    See Also
    --------
    FrameScaler : By the statistics of all training utterances.

    Notes
    -----
    A feature that is constant over an utterance, as every feature of an utterance of
    one frame, becomes 0.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.normalization import UtteranceNormalizer
    >>> utterances = [np.array([[1.0], [3.0]]), np.array([[10.0], [30.0]])]
    >>> [frames.ravel().tolist()
    ...  for frames in UtteranceNormalizer().fit_transform(utterances)]
    [[-1.0, 1.0], [-1.0, 1.0]]
    """

    _parameter_constraints = {"with_std": ["boolean"]}  # noqa: RUF012

    def __init__(self, *, with_std=True):
        self.with_std = with_std

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check the utterances; there is nothing to learn.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features), or array-like of \
                shape (n_samples, n_frames, n_features) or (n_frames, n_features)
            The utterances; a two-dimensional `X` is one utterance.
        y : Ignored
            Present for scikit-learn's conventions.

        Returns
        -------
        self : UtteranceNormalizer
        """
        validate_frames(self, X, reset=True)
        return self

    def transform(self, X):
        """Standardise each utterance by itself.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features), or array-like
            As in `fit`.

        Returns
        -------
        X_new : list of ndarray of shape (n_frames, n_features), or ndarray
            Of the dtype of `X`, float32 or float64; an array for a two-dimensional
            `X`.
        """
        check_is_fitted(self, "n_features_in_")
        sequences = validate_frames(self, X, reset=False)
        return _like(X, (self._normalize(sequence) for sequence in sequences))

    def _normalize(self, sequence):
        """Standardise one utterance by its own statistics."""
        scaler = StandardScaler(with_std=self.with_std)
        scaler.fit(sequence.astype(np.float64))
        scale = 1.0 if scaler.scale_ is None else scaler.scale_
        return _scale(sequence, scaler.mean_, scale)

    def __sklearn_tags__(self):
        return _sequence_tags(super().__sklearn_tags__())


def _scale(sequence, mean, scale):
    """Return (sequence - mean) / scale, computed in double precision."""
    return ((sequence - mean) / scale).astype(sequence.dtype)


def _like(X, sequences):
    """Return a table for a table, and a batch for a batch."""
    return next(iter(sequences)) if is_table(X) else Batch(sequences)


def _sequence_tags(tags):
    """Say that batches are taken and dtypes are kept."""
    tags.input_tags.three_d_array = True
    tags.transformer_tags.preserves_dtype = ["float64", "float32"]
    return tags

"""Normalisation of features (z-score): over the corpus, per utterance, per speaker."""

import numbers
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from skser._base import FrameTransformer, StatelessTransformer, restore_on_failure
from skser._compat import Interval, StrOptions, fit_context
from skser._sequences import (
    ROUNDING,
    Batch,
    check_finite,
    check_groups,
    is_table,
    iterate_blocks,
    validate_sequences,
)

# Frames taken at a time: bounds the memory beside the features.
_BLOCK_SIZE = 8192


class FrameScaler(FrameTransformer):
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

    _parameter_constraints: dict[str, Any] = {}

    @restore_on_failure
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Sequence | ArrayLike, y: object = None) -> Self:
        """Learn mean and standard deviation over all frames.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features), or array-like of \
                shape (n_samples, n_frames, n_features) or (n_frames, n_features)
            The training utterances; a two-dimensional `X` is one utterance.
        y : Ignored

        Returns
        -------
        self : FrameScaler
        """
        scaler = _fit_scaler(self._check_input(X, reset=True))
        self.mean_, self.scale_ = scaler.mean_, scaler.scale_
        self.n_frames_seen_ = int(scaler.n_samples_seen_)
        return self

    def _transform_frames(self, sequence):
        """Standardise the frames of one utterance."""
        return _scale(sequence, self.mean_, self.scale_)


class UtteranceNormalizer(FrameTransformer):
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
    keep : bool, default=False
        Whether to put the normalised features beside the original ones, so that a
        classifier sees both the level and the course within the utterance.

    Attributes
    ----------
    n_features_in_ : int
        Number of features of a frame.

    See Also
    --------
    FrameScaler : By the statistics of all training utterances.
    SpeakerNormalizer : By the statistics of a speaker's recordings.

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

    _parameter_constraints = {
        "with_std": ["boolean"],
        "keep": ["boolean"],
    }

    def __init__(self, *, with_std: bool = True, keep: bool = False):
        self.with_std = with_std
        self.keep = keep

    fit = StatelessTransformer.fit

    def get_feature_names_out(
        self, input_features: list[str] | None = None
    ) -> np.ndarray:
        """Give the names of the columns.

        Parameters
        ----------
        input_features : list of str, default=None
            The names of the features that go in; None is those seen in `fit`, or
            x0, x1, ...

        Returns
        -------
        names : ndarray of str objects
            With `keep`, the names again behind ``normalized_``.
        """
        names = super().get_feature_names_out(input_features)
        if not self.keep:
            return names
        return np.concatenate([names, "normalized_" + names.astype(object)])

    def _transform_frames(self, sequence):
        """Standardise one utterance by its own statistics."""
        scaler = StandardScaler(with_std=self.with_std)
        scaler.fit(sequence.astype(np.float64))
        scale = 1.0 if scaler.scale_ is None else scaler.scale_
        normalized = _scale(sequence, scaler.mean_, scale)
        return np.hstack([sequence, normalized]) if self.keep else normalized


class SpeakerNormalizer(FrameTransformer):
    r"""Move every speaker's features to the mean and deviation of all speakers.

    .. math:: x' = \mu + \sigma \, \frac{x - \mu_s}{\sigma_s}

    for the recordings of speaker :math:`s`, with :math:`\mu` the mean over training
    speakers, and :math:`\sigma^2` the mean over them of the variance within a speaker.
    Voices differ more than emotions do, and this takes the differences out.

    **It is transductive**: to recognise a recording, it needs others of the same
    speaker, though not their emotions. With the paper's protocol, and with systems that
    hear a caller for the first time, its results cannot be compared. Say so where you
    report them.

    A speaker's statistics are drawn towards those of training, the more so the fewer
    recordings there are:

    .. math:: \mu_s = \frac{n_s m_s + k \mu}{n_s + k}, \qquad
              \sigma_s^2 = \frac{n_s v_s + k \sigma^2}{n_s + k}

    with the speaker's own mean and variance :math:`m_s` and :math:`v_s`, number of
    recordings :math:`n_s`, and `prior_strength` :math:`k`. Without it, the one
    recording of a speaker would be moved onto the mean of everybody, and whatever told
    its emotion would be gone; two recordings would become each other's opposites.

    Parameters
    ----------
    prior_strength : float, default=3.0
        :math:`k`, how many recordings the statistics of training are worth. 0 trusts
        each speaker's own, however few they are from.
    without_groups : {"raise", "one_speaker"}, default="raise"
        What `fit` and `transform` do if they are not told who speaks: raise an
        error, or take all recordings of the call for those of one speaker. The latter
        is right for a batch of one caller, and in leave-one-speaker-out, but silently
        wrong for any other batch.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,)
        :math:`\mu`, each training speaker counting alike.
    scale_ : ndarray of shape (n_features,)
        :math:`\sigma`; 1 for features that are constant within every speaker.
    n_speakers_seen_ : int
        Number of training speakers.
    n_features_in_ : int
        Number of features.

    See Also
    --------
    UtteranceNormalizer : By each utterance alone; needs no other recording.

    Notes
    -----
    On corpora where a speaker was recorded in few emotions, the speaker's mean is that
    of these emotions, and is taken out with the voice: a speaker who is always
    angry becomes neutral. No statistics can tell the two apart.

    In a Pipeline, the speakers reach both methods through scikit-learn's metadata
    routing; as a splitter does, this class requests `groups` without being told to::

        sklearn.set_config(enable_metadata_routing=True)
        pipeline.fit(X, y, groups=speakers).predict(X_new, groups=new_speakers)

    :func:`skser.model_selection.evaluate` passes them by itself. So do
    ``skser.metrics.SCORERS`` within ``cross_validate``, given ``params={"groups":
    speakers}``; scikit-learn's own scorers do not.

    Examples
    --------
    >>> from skser.normalization import SpeakerNormalizer
    >>> rows = [[1.0], [3.0], [11.0], [13.0]]
    >>> normalizer = SpeakerNormalizer(prior_strength=0)
    >>> normalizer.fit_transform(rows, groups=["a", "a", "b", "b"]).ravel().tolist()
    [6.0, 8.0, 6.0, 8.0]
    >>> normalizer.transform([[100.0], [104.0]], groups=["c", "c"]).ravel().tolist()
    [6.0, 8.0]
    """

    # What scikit-learn takes for set_fit_request(groups=True) and the like.
    __metadata_request__fit = {"groups": True}
    __metadata_request__transform = {"groups": True}

    _parameter_constraints = {
        "prior_strength": [Interval(numbers.Real, 0, None, closed="left")],
        "without_groups": [StrOptions({"raise", "one_speaker"})],
    }

    def __init__(self, *, prior_strength: float = 3.0, without_groups: str = "raise"):
        self.prior_strength = prior_strength
        self.without_groups = without_groups

    @restore_on_failure
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: Sequence | ArrayLike, y: object = None, groups: ArrayLike | None = None
    ) -> Self:
        """Learn what a speaker is like on average.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features), or array-like of \
                shape (n_samples, n_frames, n_features) or (n_samples, n_features)
            The utterances; rows of a two-dimensional `X` are utterances of one frame,
            or statistics of utterances.
        y : Ignored
        groups : array-like of shape (n_samples,), default=None
            The speaker of each utterance.

        Returns
        -------
        self : SpeakerNormalizer

        Raises
        ------
        ValueError
            If `groups` are missing; see `without_groups`.
        """
        sequences = self._check_input(X, reset=True)
        scalers = [
            _fit_scaler([sequences[i] for i in own])
            for own in self._by_speaker(groups, sequences)
        ]
        self.mean_ = np.mean([scaler.mean_ for scaler in scalers], axis=0)
        scale = np.sqrt(np.mean([scaler.var_ for scaler in scalers], axis=0))
        self.scale_ = np.where(scale > ROUNDING * np.abs(self.mean_), scale, 1.0)
        self.n_speakers_seen_ = len(scalers)
        return self

    def transform(
        self, X: Sequence | ArrayLike, groups: ArrayLike | None = None
    ) -> Any:
        """Move each speaker's features to where training speakers have theirs.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features), or array-like
            As in `fit`. A speaker's statistics are those of the utterances given here.
        groups : array-like of shape (n_samples,), default=None
            The speaker of each utterance; need not have been seen in `fit`.

        Returns
        -------
        X_new : list of ndarray of shape (n_frames, n_features), or ndarray
            Of the dtype of `X`; an array for a two-dimensional `X`.
        """
        self._validate_params()
        check_is_fitted(self)
        sequences = self._check_input(X, reset=False)
        moved = list(sequences)
        for own in self._by_speaker(groups, sequences):
            mean, scale = self._posterior([sequences[i] for i in own])
            for i in own:
                centred = (sequences[i] - mean) * (self.scale_ / scale) + self.mean_
                moved[i] = centred.astype(sequences[i].dtype)
                check_finite(moved[i], f"What SpeakerNormalizer makes of X[{i}]")
        return np.concatenate(moved) if is_table(X) else Batch(moved)

    def fit_transform(
        self, X: Sequence | ArrayLike, y: object = None, groups: ArrayLike | None = None
    ) -> Any:
        """Fit to utterances, then transform them.

        Parameters
        ----------
        X : list of array-like, or array-like
            As in `fit`.
        y : Ignored
        groups : array-like of shape (n_samples,), default=None
            The speaker of each utterance.

        Returns
        -------
        X_new : list of ndarray, or ndarray
            As of `transform`.
        """
        return self.fit(X, y, groups=groups).transform(X, groups=groups)

    def _check_input(self, X, reset):
        """Return the utterances; rows of a two-dimensional `X` are utterances."""
        return validate_sequences(self, X, reset=reset, dtype=[np.float64, np.float32])

    def _by_speaker(self, groups, sequences):
        """Return the positions of each speaker's utterances."""
        if groups is not None:
            speakers = check_groups(groups, sequences)
            return [np.flatnonzero(speakers == s) for s in np.unique(speakers)]
        if self.without_groups == "one_speaker":
            return [np.arange(len(sequences))]
        raise ValueError(
            "SpeakerNormalizer must be told who speaks: pass groups, the speaker of "
            "each utterance; to a Pipeline with sklearn.set_config("
            "enable_metadata_routing=True). If all recordings of each call are of one "
            "speaker, set without_groups='one_speaker'."
        )

    def _posterior(self, sequences):
        """Return mean and standard deviation of one speaker, drawn to training's."""
        scaler = _fit_scaler(sequences)
        weight = len(sequences) / (len(sequences) + self.prior_strength)
        mean = weight * scaler.mean_ + (1 - weight) * self.mean_
        variance = weight * scaler.var_ + (1 - weight) * self.scale_**2
        scale = np.sqrt(variance)
        is_constant = scale <= ROUNDING * np.abs(mean)
        return mean, np.where(is_constant, self.scale_, scale)


def _fit_scaler(sequences):
    """Return a StandardScaler that has seen all frames of some utterances."""
    scaler = StandardScaler()
    for block in iterate_blocks(sequences, _BLOCK_SIZE):
        scaler.partial_fit(block.astype(np.float64))
    return scaler


def _scale(sequence, mean, scale):
    """Return (sequence - mean) / scale, computed in double precision."""
    return ((sequence - mean) / scale).astype(sequence.dtype)

"""PCA whitening of frames: percentile clipping, log compression, scaling, rotation."""

import numbers
import os
import warnings
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin
from sklearn.utils.validation import check_is_fitted

from skser._base import DeclaredTagsMixin, restore_on_failure, set_parameters
from skser._compat import Interval, fit_context
from skser._parallel import map_utterances, one_blas_thread
from skser._sequences import (
    ROUNDING,
    Batch,
    SequenceTransformerMixin,
    is_table,
    iterate_blocks,
    validate_frames,
)

# Frames that are in double precision at once: 4096 frames of 743 features are 24 MB.
BLOCK_SIZE = 4096
# Percentiles are those of a sample of so many frames, if there are more.
N_SAMPLED_FRAMES = 1_000_000
# Features are sorted in so many groups, one after the other, to save memory.
_N_GROUPS = 16
# What `compress` takes for heavy-tailed: non-negative, with one value in a thousand
# above this many medians. Energies and spectra have 6 to 130, bounded shapes 1 to 4.
HEAVY_TAIL = 5.0
# The percentile that is added before the logarithm: what lies below it hardly counts.
SOFT_FLOOR = 10
# What `compress` looks at: smallest value, soft floor, median and top.
_COMPRESSION_PERCENTILES = (0, SOFT_FLOOR, 50, 99.9)


class PCAWhitening(
    DeclaredTagsMixin,
    ClassNamePrefixFeaturesOutMixin,
    SequenceTransformerMixin,
    BaseEstimator,
):
    r"""Clip, standardise, rotate and whiten the frames of all utterances.

    Each feature is clipped at two percentiles of its values, since a single click can
    be :math:`10^9` standard deviations out. It is then standardised, since otherwise
    98 % of the variance of the 743 acoustic features is one of them. With
    :math:`\tilde x` for such a frame, and the eigenvectors :math:`v_i` and
    eigenvalues :math:`\lambda_i` of the covariance of all :math:`\tilde x`, the
    components are

    .. math:: z_i = \frac{v_i^\top \tilde x}{\sqrt{\lambda_i}},
              \qquad \lambda_1 \ge \lambda_2 \ge \ldots,

    uncorrelated and of variance 1. Directions whose eigenvalue is next to nothing,
    because features depend linearly on one another, are never divided by it but
    left out.

    All is learnt from the frames seen in `fit`, each frame counting alike. These are
    never copied into one array: memory beside the input is bounded.

    Parameters
    ----------
    n_components : int, float or None, default=None
        Number of components to keep. A float between 0 and 1 keeps as many as explain
        that share of the variance; None keeps all above `eigenvalue_floor`.
    clip : tuple of (float, float) or None, default=(0.1, 99.9)
        Percentiles at which each feature is clipped; None does not clip.
    compress : bool, default=False
        Whether to take the logarithm of heavy-tailed features first: of those that are
        never negative and whose 99.9th percentile is more than 5 times the median. It
        is :math:`\log(x + p)` with the feature's 10th percentile :math:`p`, so that
        near-silence does not stretch the scale.
    blocks : array-like of int of shape (n_blocks,), default=None
        Widths of groups of neighbouring features that are to count alike: the
        standardised features of a group of `n` are divided by :math:`\sqrt n`. Else
        the 513 bins of a spectrum own most of the variance. None counts every feature
        alike.
    whiten : bool or float, default=True
        Whether to scale the components to variance 1. False only rotates. A number
        between is an exponent: component `i` is divided by
        :math:`\lambda_i^{w / 2}`.
    eigenvalue_floor : float, default=1e-6
        Directions whose eigenvalue is less than this share of the largest one
        are left out.
    temp_folder : str or os.PathLike, default=None
        Folder in which `transform` keeps components that do not fit into memory; None
        keeps them in memory. They are read-only memory maps of a temporary file, which
        is removed with the last of them, or at the end of the process. If this is
        killed, the file stays: ``skser-*.arrays``. `fit` copies the frames that
        percentiles are taken of there, if it takes a sample, so that a corpus larger
        than memory is read a few times only.

    Attributes
    ----------
    offset_ : ndarray of shape (n_features,)
        What is added before the logarithm; NaN for features of which none is taken.
    lower_, upper_ : ndarray of shape (n_features,)
        The bounds, of the logarithms where these are taken; infinite without clipping.
    mean_, scale_ : ndarray of shape (n_features,)
        Mean and standard deviation of the clipped features. The scale of a constant
        feature is 1, and that of a feature in a block of `n` is :math:`\sqrt n` times
        as large.
    components_ : ndarray of shape (n_components, n_features)
        The eigenvectors, each with its largest entry positive.
    explained_variance_ : ndarray of shape (n_components,)
        The eigenvalues, largest first.
    explained_variance_ratio_ : ndarray of shape (n_components,)
        Their shares of the sum of all eigenvalues.
    n_components_ : int
        Number of components.
    n_frames_seen_ : int
        Number of frames that all this was learnt from.
    n_features_in_ : int
        Number of features of a frame.
    feature_names_in_ : ndarray of str
        Only if `X` in `fit` was a DataFrame.

    See Also
    --------
    sklearn.decomposition.PCA : Without clipping and scaling, for one array in memory.

    Notes
    -----
    The covariance is divided by the number of frames, not by one less.

    Percentiles are exact, those of :func:`numpy.percentile`, for up to a million frames
    (nine hours of speech at 31.25 frames per second). Of more, they are those of a
    sample of a million frames, spread evenly and the same in each fit. Its 0.1th
    percentile lies between the 0.09th and the 0.11th of all frames (for 99.7 % of
    features, by the binomial distribution). Means, scales and components always follow
    from all frames.

    A `fit` that fails leaves the estimator as it was.

    Examples
    --------
    >>> import numpy as np
    >>> from skser import PCAWhitening
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(n, 5)) * [1, 10, 100, 1e3, 1e4] for n in (30, 80, 50)]
    >>> whitening = PCAWhitening(n_components=3).fit(X)
    >>> Z = whitening.transform(X)
    >>> [z.shape for z in Z]
    [(30, 3), (80, 3), (50, 3)]
    >>> bool(np.allclose(np.cov(np.concatenate(Z).T, bias=True), np.eye(3)))
    True
    """

    declared_tags = {
        "input_tags.three_d_array": True,
        "transformer_tags.preserves_dtype": ["float64", "float32"],
    }
    _parameter_constraints = {
        "n_components": [
            Interval(numbers.Integral, 1, None, closed="left"),
            Interval(numbers.Real, 0, 1, closed="neither"),
            None,
        ],
        "clip": [tuple, list, None],
        "compress": ["boolean"],
        "blocks": ["array-like", None],
        "whiten": ["boolean", Interval(numbers.Real, 0, 1, closed="both")],
        "eigenvalue_floor": [Interval(numbers.Real, 0, 1, closed="left")],
        "temp_folder": [str, os.PathLike, None],
    }

    def __init__(
        self,
        n_components: int | float | None = None,
        *,
        clip: tuple[float, float] | None = (0.1, 99.9),
        compress: bool = False,
        blocks: ArrayLike | None = None,
        whiten: bool | float = True,
        eigenvalue_floor: float = 1e-6,
        temp_folder: str | os.PathLike | None = None,
    ):
        set_parameters(self, locals())

    @restore_on_failure
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Sequence | ArrayLike, y: object = None) -> Self:
        """Learn bounds, scales and components from all frames.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features), or array-like of \
                shape (n_samples, n_frames, n_features) or (n_frames, n_features)
            The utterances. Rows of a two-dimensional `X` are frames.
        y : Ignored

        Returns
        -------
        self : PCAWhitening

        Raises
        ------
        ValueError
            If there is only one frame, a value is not finite, or `n_components` is
            larger than the number of features.
        """
        sequences = validate_frames(self, X, reset=True)
        self.n_frames_seen_ = sum(len(sequence) for sequence in sequences)
        self._check_sizes()
        self._learn_bounds(sequences)
        self._learn_scale(sequences)
        self._learn_components(sequences)
        return self

    def transform(self, X: Sequence | ArrayLike) -> Any:
        """Turn frames into components.

        Parameters
        ----------
        X : list of array-like, or array-like, as in `fit`

        Returns
        -------
        Z : list of ndarray of shape (n_frames, n_components)
            In the precision of `X`; one array if `X` is two-dimensional.
        """
        check_is_fitted(self)
        sequences = validate_frames(self, X, reset=False)
        rotation = self.components_.T / self._component_scale()

        def rotate(sequence):
            frames = self._clip(sequence)
            frames -= self.mean_
            frames /= self.scale_
            return (frames @ rotation).astype(sequence.dtype, copy=False)

        with one_blas_thread():
            results = map_utterances(rotate, sequences, temp_folder=self.temp_folder)
        return results[0] if is_table(X) else results

    def inverse_transform(self, X: Sequence | ArrayLike) -> Any:
        """Turn components back into features.

        Exact for frames that were inside the bounds, if all components were kept; else
        the nearest frame that the components can express.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_components), or array-like
            Components of one or more utterances.

        Returns
        -------
        frames : list of ndarray of shape (n_frames, n_features)
            One array if `X` is two-dimensional.
        """
        check_is_fitted(self)
        back = self.components_ * self._component_scale()[:, np.newaxis]
        chosen = np.flatnonzero(~np.isnan(self.offset_))

        def restore(components):
            frames = np.asarray(components) @ back * self.scale_ + self.mean_
            frames[:, chosen] = np.exp(frames[:, chosen]) - self.offset_[chosen]
            return frames

        sequences: Any = X
        return restore(X) if is_table(X) else Batch(map(restore, sequences))

    def _check_sizes(self):
        """Refuse parameters that do not fit to the number of frames and features."""
        n_features = self.n_features_in_
        if self.n_frames_seen_ < 2:
            raise ValueError(
                "PCAWhitening needs at least 2 frames to learn from, got 1 frame "
                "(n_samples = 1)."
            )
        is_number = isinstance(self.n_components, numbers.Integral)
        if is_number and self.n_components > n_features:
            raise ValueError(
                f"n_components={self.n_components} must be at most the number of "
                f"features, which is {n_features}."
            )
        widths = np.asarray([n_features] if self.blocks is None else self.blocks)
        if widths.ndim != 1 or widths.dtype.kind not in "iu" or (widths < 1).any():
            raise ValueError(
                f"blocks must be a list of positive integers, got {self.blocks!r}."
            )
        if widths.sum() != n_features:
            raise ValueError(
                f"blocks must add up to the number of features, {n_features}, "
                f"but add up to {widths.sum()}."
            )
        clip = (0, 100) if self.clip is None else self.clip
        if len(clip) != 2 or not 0 <= clip[0] < clip[1] <= 100:
            raise ValueError(
                "clip must be None or a pair of percentiles with 0 <= lower < upper <= "
                f"100, got {clip!r}."
            )

    def _learn_bounds(self, sequences):
        """Set offsets and bounds by the percentiles of each feature over all frames."""
        self.offset_ = np.full(self.n_features_in_, np.nan)
        self.lower_ = np.full(self.n_features_in_, -np.inf)
        self.upper_ = np.full(self.n_features_in_, np.inf)
        clip = () if self.clip is None else tuple(self.clip)
        shape = _COMPRESSION_PERCENTILES if self.compress else ()
        if not (clip or shape):
            return
        values = _percentiles(sequences, (*shape, *clip), self.temp_folder)
        if shape:
            smallest, floor, median, top = values[: len(shape)]
            # The floor of a feature that is mostly 0 is 0, and has no logarithm.
            is_heavy = (smallest >= 0) & (top > HEAVY_TAIL * median) & (floor > 0)
            self.offset_ = np.where(is_heavy, floor, np.nan)
        if clip:
            # Percentiles and logarithms can be exchanged, but for the interpolation
            # between two neighbouring values.
            self.lower_, self.upper_ = self._compress(values[len(shape) :])

    def _learn_scale(self, sequences):
        """Set mean and standard deviation of the clipped features."""
        total = np.zeros(self.n_features_in_)
        smallest = np.full(self.n_features_in_, np.inf)
        largest = np.full(self.n_features_in_, -np.inf)
        for block in map(self._clip, iterate_blocks(sequences, BLOCK_SIZE)):
            total += block.sum(axis=0)
            np.minimum(smallest, block.min(axis=0), out=smallest)
            np.maximum(largest, block.max(axis=0), out=largest)
        # The sum of many equal numbers is rounded; their mean must not be.
        is_equal = smallest == largest
        self.mean_ = np.where(is_equal, smallest, total / self.n_frames_seen_)
        # A second pass, around the mean: the sum of squares alone would lose all
        # digits of features that are large and vary little.
        squares = np.zeros(self.n_features_in_)
        for block in map(self._clip, iterate_blocks(sequences, BLOCK_SIZE)):
            block -= self.mean_
            squares += np.einsum("ij,ij->j", block, block)
        self.scale_ = np.sqrt(squares / self.n_frames_seen_)
        magnitude = np.maximum(np.abs(smallest), np.abs(largest))
        self.scale_[self.scale_ <= ROUNDING * magnitude] = 1.0
        if self.blocks is not None:
            self.scale_ *= np.sqrt(np.repeat(self.blocks, self.blocks))

    def _learn_components(self, sequences):
        """Set the eigenvectors and eigenvalues of the covariance."""
        covariance = np.zeros((self.n_features_in_, self.n_features_in_))
        for block in map(self._clip, iterate_blocks(sequences, BLOCK_SIZE)):
            block -= self.mean_
            block /= self.scale_
            covariance += block.T @ block
        covariance /= self.n_frames_seen_
        eigenvalues, eigenvectors = linalg.eigh(covariance, overwrite_a=True)
        eigenvalues = np.maximum(eigenvalues[::-1], 0.0)
        ratios = eigenvalues / (eigenvalues.sum() or 1.0)
        floor = self.eigenvalue_floor * eigenvalues[0]
        rank = max(int(np.count_nonzero(eigenvalues > floor)), 1)
        wanted = rank if self.n_components is None else self.n_components
        if not isinstance(wanted, numbers.Integral):
            wanted = int(np.searchsorted(np.cumsum(ratios), wanted)) + 1
        elif wanted > rank:
            warnings.warn(
                f"n_components={wanted}, but only {rank} directions have a variance "
                "above eigenvalue_floor; these are kept.",
                UserWarning,
                stacklevel=4,
            )
        self.n_components_ = min(int(wanted), rank)
        kept = slice(self.n_components_)
        components = eigenvectors.T[::-1][kept]
        # An eigenvector's sign means nothing, and linear-algebra libraries choose it
        # freely. The largest entry shall be positive.
        largest = np.abs(components).argmax(axis=1, keepdims=True)
        self.components_ = components * np.sign(
            np.take_along_axis(components, largest, axis=1)
        )
        self.explained_variance_ = eigenvalues[kept]
        self.explained_variance_ratio_ = ratios[kept]

    def _compress(self, frames):
        """Take the logarithm of the features that have an offset, in place."""
        chosen = np.flatnonzero(~np.isnan(self.offset_))
        if chosen.size:
            # A feature that was never negative in training may be so afterwards.
            shifted = np.maximum(frames[:, chosen], 0.0) + self.offset_[chosen]
            frames[:, chosen] = np.log(shifted)
        return frames

    def _clip(self, frames):
        """Return frames compressed and clipped, in double precision."""
        frames = self._compress(frames.astype(np.float64))
        return np.clip(frames, self.lower_, self.upper_, out=frames)

    def _component_scale(self):
        """Return what each component is divided by."""
        variance = self.explained_variance_
        return np.where(variance > 0, variance, 1.0) ** (float(self.whiten) / 2)

    @property
    def _n_features_out(self):
        """Number of output features, for ``get_feature_names_out``."""
        return self.n_components_


def _percentiles(sequences, percentiles, temp_folder):
    """Return percentiles of each feature over all frames, or over a million of them.

    Of shape (n_percentiles, n_features), interpolated between the two nearest frames.
    """
    sample = _sample(sequences, temp_folder)
    n_features = sequences[0].shape[1]
    values = []
    width = -(-n_features // _N_GROUPS)
    for first in range(0, n_features, width):
        columns = [
            sequence[frames, first : first + width] for sequence, frames in sample
        ]
        values.append(
            np.percentile(
                np.concatenate(columns), percentiles, axis=0, overwrite_input=True
            )
        )
    return np.concatenate(values, axis=1, dtype=np.float64)


def _sample(sequences, temp_folder):
    """Return pairs of sequences and the places of at most a million frames in them.

    With a folder, those frames are copied there in one pass: to read them group by
    group where they are would be to read all of a large corpus again for each group.
    """
    lengths = [len(sequence) for sequence in sequences]
    everything = slice(None)
    if sum(lengths) <= N_SAMPLED_FRAMES:
        return [(sequence, everything) for sequence in sequences]
    # One of each stretch, so that no recording is left out by chance.
    stretch = sum(lengths) / N_SAMPLED_FRAMES
    jitter = np.random.default_rng(0).random(N_SAMPLED_FRAMES)
    frames = ((np.arange(N_SAMPLED_FRAMES) + jitter) * stretch).astype(np.int64)
    stops = np.cumsum(lengths)
    parts = np.split(frames, np.searchsorted(frames, stops[:-1]))
    starts = stops - lengths
    chosen = [part - start for part, start in zip(parts, starts, strict=True)]
    sample = [pair for pair in zip(sequences, chosen, strict=True) if len(pair[1])]
    if temp_folder is None:
        return sample
    copies = map_utterances(lambda pair: pair[0][pair[1]], sample, None, temp_folder)
    return [(copy, everything) for copy in copies]

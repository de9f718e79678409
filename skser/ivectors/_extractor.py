"""i-vectors: one vector per utterance (`IVectors`), and normalisation by `WCCN`."""

import numbers
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    OneToOneFeatureMixin,
    TransformerMixin,
)
from sklearn.covariance import empirical_covariance, shrunk_covariance
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from skser._base import DeclaredTagsMixin, restore_on_failure, set_parameters
from skser._compat import HasMethods, Interval, fit_context
from skser._sequences import check_finite, check_labels, validate_sequences
from skser.ivectors._mixture import MixtureAlignment, clone_with_seeds
from skser.ivectors._total_variability import TotalVariability, collect_statistics

# Variances are raised to this share of the largest, so that none divides by 0.
_SMALLEST_SHARE = 1e-10


class IVectors(
    DeclaredTagsMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Describe each utterance by its i-vector.

    Three steps [1]_: every frame is aligned to the mixtures of a background model; the
    frames of each mixture are counted and summed (:class:`Statistics`); and factor
    analysis of these sums, :class:`TotalVariability`, gives one vector an utterance,
    however long.

    Parameters
    ----------
    n_components : int, default=100
        Length of an i-vector.
    alignment : transformer, default=None
        Turns utterances into posteriors of mixtures. It is cloned. None is
        ``MixtureAlignment()``; with a :class:`DeepBeliefAlignment` these are the
        i-vectors of [2]_.
    n_iterations : int, default=10
        Number of iterations of the factor analysis.
    random_state : int, RandomState instance or None, default=None
        Determines the factor analysis, and whatever part of the `alignment` has no
        `random_state` of its own.
    verbose : int, default=0
        1 prints a line per iteration of the factor analysis.

    Attributes
    ----------
    alignment_ : transformer
        The fitted alignment.
    total_variability_ : TotalVariability
        The fitted factor analysis.
    n_features_in_ : int
        Number of features of a frame.
    feature_names_in_ : ndarray of str
        Only if `X` in `fit` was a DataFrame.

    See Also
    --------
    sklearn.preprocessing.Normalizer : Gives i-vectors unit length, as is usual.
    WCCN : Takes out what varies within an emotion.
    skser.systems.ivector : A whole system.

    References
    ----------
    .. [1] N. Dehak, P. Kenny, R. Dehak, P. Dumouchel and P. Ouellet, "Front-end factor
       analysis for speaker verification", IEEE Transactions on Audio, Speech, and
       Language Processing 19(4), 2011.
    .. [2] R. Xia and Y. Liu, "DBN-ivector framework for acoustic emotion recognition",
       Interspeech 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.ivectors import IVectors, MixtureAlignment
    >>> rng = np.random.default_rng(0)
    >>> utterances = [rng.normal(i % 2, 1, size=(30 + i, 3)) for i in range(10)]
    >>> extractor = IVectors(2, alignment=MixtureAlignment(4), random_state=0)
    >>> extractor.fit_transform(utterances).shape
    (10, 2)
    """

    declared_tags = {"input_tags.three_d_array": True}

    _parameter_constraints = {
        "n_components": [Interval(numbers.Integral, 1, None, closed="left")],
        "alignment": [HasMethods(["fit", "transform"]), None],
        "n_iterations": [Interval(numbers.Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "verbose": [Interval(numbers.Integral, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_components: int = 100,
        *,
        alignment: BaseEstimator | None = None,
        n_iterations: int = 10,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        set_parameters(self, locals())

    @restore_on_failure
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Sequence | ArrayLike, y: ArrayLike | None = None) -> Self:
        """Fit the alignment, then the factor analysis.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features), or array-like of \
                shape (n_samples, n_frames, n_features) or (n_samples, n_features)
            The utterances. Rows of a two-dimensional `X` are utterances of one frame.
        y : array-like of shape (n_samples,), default=None
            The emotions, if the alignment needs them.

        Returns
        -------
        self : IVectors
        """
        sequences = self._validate(X, reset=True)
        generator = check_random_state(self.random_state)
        self.alignment_ = clone_with_seeds(self._alignment(), generator)
        self.alignment_.fit(sequences, y)
        self.total_variability_ = TotalVariability(
            self.n_components,
            n_iterations=self.n_iterations,
            random_state=generator.randint(2**31 - 1),
            verbose=self.verbose,
        ).fit(self._collect(sequences))
        return self

    def transform(self, X: Sequence | ArrayLike) -> np.ndarray:
        """Return the i-vector of each utterance.

        Parameters
        ----------
        X : list of array-like, or array-like, as in `fit`

        Returns
        -------
        ivectors : ndarray of float64 of shape (n_samples, n_components)
            Each depends on its own utterance only.
        """
        check_is_fitted(self)
        sequences = self._validate(X, reset=False)
        return self.total_variability_.transform(self._collect(sequences))

    def _alignment(self):
        """Return the alignment, not yet cloned."""
        return MixtureAlignment() if self.alignment is None else self.alignment

    def _validate(self, X, *, reset):
        """Return the utterances in their own precision."""
        dtypes = [np.float64, np.float32]
        return validate_sequences(self, X, reset=reset, dtype=dtypes)

    def _collect(self, sequences):
        """Return the statistics, of the posteriors of one utterance at a time."""
        align = self.alignment_.transform
        return collect_statistics(sequences, (align([s])[0] for s in sequences))

    @property
    def _n_features_out(self):
        """Number of output features, for ``get_feature_names_out``."""
        return self.n_components

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = get_tags(self._alignment()).target_tags.required
        return tags


class WCCN(DeclaredTagsMixin, OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    r"""Within-class covariance normalisation.

    Directions in which the vectors of one class differ much from one another count
    less: with the covariance :math:`W` within classes, averaged over the training
    vectors,

    .. math:: x' = W^{-1/2} x,

    so that :math:`W` of the transformed vectors is the identity, and their scalar
    product is :math:`x_1^\top W^{-1} x_2` [1]_. Nothing is centred.

    Parameters
    ----------
    shrinkage : float, default=0.1
        :math:`W` is mixed with this share of a multiple of the identity of the same
        trace, as vectors may be hardly more than dimensions.

    Attributes
    ----------
    projection_ : ndarray of shape (n_features, n_features)
        :math:`W^{-1/2}`, symmetric.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Only if `X` in `fit` was a DataFrame.

    See Also
    --------
    sklearn.discriminant_analysis.LinearDiscriminantAnalysis : Chooses directions, too.

    References
    ----------
    .. [1] A. O. Hatch, S. Kajarekar and A. Stolcke, "Within-class covariance
       normalization for SVM-based speaker recognition", Interspeech 2006.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.ivectors import WCCN
    >>> X = np.array([[0.0, 1], [0, -1], [5, 1], [5, -1], [-0.1, 0], [0.1, 0]])
    >>> y = ["calm", "calm", "angry", "angry", "calm", "calm"]
    >>> WCCN(shrinkage=0).fit(X, y).transform([[0.1, 1]]).round(2)
    array([[1.73, 1.22]])
    """

    declared_tags = {
        "target_tags.required": True,
        "transformer_tags.preserves_dtype": ["float64", "float32"],
    }

    _parameter_constraints = {
        "shrinkage": [Interval(numbers.Real, 0, 1, closed="both")],
    }

    def __init__(self, shrinkage: float = 0.1):
        self.shrinkage = shrinkage

    @restore_on_failure
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Learn the covariance within classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            The classes.

        Returns
        -------
        self : WCCN

        Raises
        ------
        ValueError
            If there is only one vector.
        """
        X, y = validate_data(
            self, X, y, dtype=[np.float64, np.float32], ensure_min_samples=2
        )
        y = check_labels(y, X)
        deviations = X.astype(np.float64)
        for label in np.unique(y):
            deviations[y == label] -= deviations[y == label].mean(axis=0)
        covariance = empirical_covariance(deviations, assume_centered=True)
        covariance = shrunk_covariance(covariance, self.shrinkage)
        # The symmetric inverse square root; the identity where nothing varies.
        eigenvalues, eigenvectors = linalg.eigh(covariance)
        if eigenvalues[-1] <= 0:
            eigenvalues, eigenvectors = linalg.eigh(np.eye(len(covariance)))
        eigenvalues = np.maximum(eigenvalues, _SMALLEST_SHARE * eigenvalues[-1])
        self.projection_ = (eigenvectors / np.sqrt(eigenvalues)) @ eigenvectors.T
        return self

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Normalise vectors.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        X_new = (X @ self.projection_).astype(X.dtype, copy=False)
        check_finite(X_new, "What WCCN makes of X")
        return X_new

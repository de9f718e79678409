"""How i-vectors lose what varies within an emotion: `WCCN`."""

import numbers

import numpy as np
from scipy import linalg
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.covariance import empirical_covariance, shrunk_covariance
from sklearn.utils.validation import check_is_fitted, validate_data

from skser._compat import Interval, fit_context
from skser._sequences import check_labels

# Variances are raised to this share of the largest, so that none divides by 0.
_SMALLEST_SHARE = 1e-10


class WCCN(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
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

    _parameter_constraints = {
        "shrinkage": [Interval(numbers.Real, 0, 1, closed="both")],
    }

    def __init__(self, shrinkage=0.1):
        self.shrinkage = shrinkage

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
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
        self.projection_ = _inverse_square_root(covariance)
        return self

    def transform(self, X):
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
        return (X @ self.projection_).astype(X.dtype, copy=False)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _inverse_square_root(covariance):
    """Return the symmetric inverse square root; the identity where nothing varies."""
    eigenvalues, eigenvectors = linalg.eigh(covariance)
    if eigenvalues[-1] <= 0:
        return np.eye(len(covariance))
    eigenvalues = np.maximum(eigenvalues, _SMALLEST_SHARE * eigenvalues[-1])
    return (eigenvectors / np.sqrt(eigenvalues)) @ eigenvectors.T

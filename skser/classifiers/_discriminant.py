"""Shrinkage LDA: linear discriminant analysis with balanced classes, for wide rows."""

from numbers import Real
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import gen_batches
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from skser._base import ScoringClassifierMixin, restore_on_failure
from skser._compat import Interval, fit_context

# Rows that are centred at once: of 1536 features, 50 MB.
_BLOCK_SIZE = 4096


class ShrunkenDiscriminantAnalysis(ScoringClassifierMixin, BaseEstimator):
    r"""Linear discriminant analysis with a fixed shrinkage, all classes counting alike.

    The Gaussians of all classes share one covariance matrix,

    .. math:: S_\alpha = (1 - \alpha) S + \alpha \frac{\operatorname{tr} S}{d} I,
              \qquad S = \frac{1}{K} \sum_k S_k

    with the covariance matrices :math:`S_k` of the :math:`K` classes in :math:`d`
    features. It is ``LinearDiscriminantAnalysis(solver="lsqr", shrinkage=...)`` of
    scikit-learn with equal priors for any number of classes, and takes a fraction of a
    second where there are thousands of features and hundreds of rows: then a system of
    as many equations as rows is solved.

    Parameters
    ----------
    shrinkage : float, default=0.7
        :math:`\alpha`, above 0 and at most 1. Standardise the features before: what is
        shrunk towards is a sphere.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    coef_ : ndarray of shape (n_classes, n_features)
        Weights of the features for each class.
    intercept_ : ndarray of shape (n_classes,)
        Intercept of each class.
    n_features_in_ : int
        Number of features.

    See Also
    --------
    sklearn.discriminant_analysis.LinearDiscriminantAnalysis : Priors as in training.

    Examples
    --------
    >>> from skser.classifiers import ShrunkenDiscriminantAnalysis
    >>> rows = [[0.0, 1.0], [1.0, 0.0], [4.0, 5.0], [5.0, 4.0]]
    >>> analysis = ShrunkenDiscriminantAnalysis()
    >>> analysis.fit(rows, ["sad", "sad", "glad", "glad"]).predict([[1.0, 1.0]])
    array(['sad'], dtype='<U4')
    """

    _parameter_constraints = {"shrinkage": [Interval(Real, 0, 1, closed="right")]}

    def __init__(self, shrinkage: float = 0.7):
        self.shrinkage = shrinkage

    @restore_on_failure
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Learn the means of the classes and what varies within them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The training rows.
        y : array-like of shape (n_samples,)
            Their labels, of at least two classes.

        Returns
        -------
        self : ShrunkenDiscriminantAnalysis

        Raises
        ------
        ValueError
            If there is only one class.
        """
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        n_classes = len(self.classes_)
        if n_classes < 2:
            raise ValueError(
                f"y must hold at least two classes, got one class: {self.classes_[0]}."
            )
        # Small numbers, so that the products below keep their digits.
        centre = X.mean(axis=0)
        means = np.array([X[codes == k].mean(axis=0) for k in range(n_classes)])
        blocks = _centre_blocks(X, codes, means)
        if X.shape[1] <= len(X):
            self.coef_ = self._whiten(blocks, means - centre)
        else:
            self.coef_ = self._whiten_wide(np.concatenate([*blocks]), means - centre)
        self.intercept_ = -np.sum((means + centre) * self.coef_, axis=1) / 2
        return self

    def _whiten(self, blocks, means):
        """Return the means times the inverse of the shrunken covariance matrix."""
        covariance = sum(rows.T @ rows for rows in blocks)
        ridge = self._shrink_towards(np.trace(covariance), len(covariance))
        covariance *= 1 - self.shrinkage
        covariance.flat[:: len(covariance) + 1] += ridge
        return np.linalg.solve(covariance, means.T).T

    def _whiten_wide(self, within, means):
        """Do the same with fewer rows than features, by Woodbury's identity."""
        ridge = self._shrink_towards(np.sum(within**2), within.shape[1])
        weight = 1 - self.shrinkage
        products = weight * within @ within.T + ridge * np.eye(len(within))
        seen = np.linalg.solve(products, within @ means.T)
        return (means - weight * seen.T @ within) / ridge

    def _shrink_towards(self, trace, n_features):
        """Return the share of the sphere in the diagonal of the covariance matrix."""
        return self.shrinkage * (trace / n_features or 1.0)

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Compute the logarithms of the posteriors, up to a constant of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_classes) or (n_samples,)
            Of two classes, the second one's less the first one's.
        """
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def _scores(self, X):
        """Return a score for each row and class."""
        check_is_fitted(self, "coef_")
        X = validate_data(self, X, reset=False, dtype=np.float64)
        return X @ self.coef_.T + self.intercept_


def _centre_blocks(X, codes, means):
    """Yield blocks of rows around the means of their classes, few in memory at a time.

    They are scaled such that the sum of their products is the mean of the classes'
    covariance matrices.
    """
    scales = np.sqrt(len(means) * np.bincount(codes))
    for block in gen_batches(len(X), _BLOCK_SIZE):
        rows = X[block] - means[codes[block]]
        rows /= scales[codes[block], np.newaxis]
        yield rows

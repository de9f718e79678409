"""Extreme learning machine (ELM): a random or kernel layer, and a ridge solution."""

from numbers import Integral, Real
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg
from scipy.special import expit
from sklearn.base import BaseEstimator
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from skser._base import ScoringClassifierMixin, restore_on_failure, set_parameters
from skser._compat import Interval, StrOptions, fit_context
from skser._sequences import check_labels, check_weights


class ELMClassifier(ScoringClassifierMixin, BaseEstimator):
    r"""Classify by an extreme learning machine, ordinary or with a kernel.

    Ordinary [1]_: rows go through a hidden layer whose weights are drawn and stay as
    they are; only the output weights are learnt, in closed form,

    .. math:: H = \sigma(X W + b), \qquad
              \beta = (H^\top S H + I / C)^{-1} H^\top S T .

    With a kernel [2]_ nothing is random:

    .. math:: f(x) = k(x, X)\,\alpha, \qquad \alpha = (K + S^{-1} / C)^{-1} T .

    :math:`T` is 1 at the class of a row and -1 elsewhere; :math:`S` has the weights of
    the rows.

    Parameters
    ----------
    n_hidden : int, default=120
        Number of hidden units; not used with a kernel.
    kernel : {"rbf"} or None, default=None
        None is the ordinary machine.
    gamma : "scale" or float, default="scale"
        Of the kernel :math:`\exp(-\gamma |x - x'|^2)`; "scale" is one over the number
        of features times the variance of `X`, as in scikit-learn's ``SVC``.
    C : float, default=1000.0
        Inverse strength of the ridge.
    random_state : int, RandomState instance or None, default=None
        Determines the hidden weights.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    hidden_weights_ : ndarray of shape (n_features, n_hidden)
        :math:`W`, uniform in [-1, 1]. Not with a kernel.
    hidden_bias_ : ndarray of shape (n_hidden,)
        :math:`b`, uniform in [-1, 1]. Not with a kernel.
    X_fit_ : ndarray of shape (n_samples, n_features)
        The training rows. Only with a kernel.
    gamma_ : float
        Only with a kernel.
    coef_ : ndarray of shape (n_hidden or n_samples, n_classes)
        :math:`\beta` or :math:`\alpha`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Only if `X` in `fit` was a DataFrame.

    Notes
    -----
    ``predict_proba`` is the softmax of the scores. It ranks, but is not calibrated; use
    scikit-learn's ``CalibratedClassifierCV`` for probabilities to rely on.

    References
    ----------
    .. [1] G.-B. Huang, Q.-Y. Zhu and C.-K. Siew, "Extreme learning machine: theory and
       applications", Neurocomputing 70, 2006.
    .. [2] G.-B. Huang, H. Zhou, X. Ding and R. Zhang, "Extreme learning machine for
       regression and multiclass classification", IEEE Transactions on Systems, Man, and
       Cybernetics B 42(2), 2012.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skser.classifiers import ELMClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> float(ELMClassifier(kernel="rbf").fit(X, y).score(X, y)) > 0.95
    True
    """

    _parameter_constraints = {
        "n_hidden": [Interval(Integral, 1, None, closed="left")],
        "kernel": [StrOptions({"rbf"}), None],
        "gamma": [StrOptions({"scale"}), Interval(Real, 0, None, closed="neither")],
        "C": [Interval(Real, 0, None, closed="neither")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_hidden: int = 120,
        *,
        kernel: str | None = None,
        gamma: str | float = "scale",
        C: float = 1000.0,
        random_state: int | np.random.RandomState | None = None,
    ):
        set_parameters(self, locals())

    @restore_on_failure
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Solve for the output weights.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            One row per sample.
        y : array-like of shape (n_samples,)
            The labels.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each row counts. One of weight 0 is left out.

        Returns
        -------
        self : ELMClassifier

        Raises
        ------
        ValueError
            If there is one class only, or all weights are zero.
        """
        X, y = validate_data(self, X, y, dtype=np.float64)
        y = check_labels(y, X)
        check_classification_targets(y)
        weights = check_weights(sample_weight, X)
        kept = weights > 0
        X, y, weights = X[kept], y[kept], weights[kept]
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError(
                "ELMClassifier needs samples of at least 2 classes, but y has one "
                f"class only: {self.classes_.tolist()[0]!r}."
            )
        targets = np.where(y[:, np.newaxis] == self.classes_, 1.0, -1.0)
        if self.kernel is None:
            random_state = check_random_state(self.random_state)
            shape = (X.shape[1], self.n_hidden)
            self.hidden_weights_ = random_state.uniform(-1, 1, shape)
            self.hidden_bias_ = random_state.uniform(-1, 1, self.n_hidden)
            hidden = self._hide(X)
            weighted = hidden.T * weights
            system = weighted @ hidden + np.eye(self.n_hidden) / self.C
            targets = weighted @ targets
        else:
            self.X_fit_ = X
            variance = X.var()
            scale = 1.0 / (X.shape[1] * variance) if variance > 0 else 1.0
            self.gamma_ = scale if self.gamma == "scale" else float(self.gamma)
            system = rbf_kernel(X, gamma=self.gamma_) + np.diag(1 / (self.C * weights))
        self.coef_ = linalg.solve(system, targets, assume_a="pos")
        return self

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Return the scores.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        scores : ndarray of shape (n_samples, n_classes) or (n_samples,)
            For two classes, one number: half the second's score less the first's.
        """
        scores = self._scores(X)
        return (scores[:, 1] - scores[:, 0]) / 2 if scores.shape[1] == 2 else scores

    def _hide(self, X):
        """Return what the hidden units make of rows."""
        return expit(X @ self.hidden_weights_ + self.hidden_bias_)

    def _scores(self, X):
        """Return one score per class, also for two classes."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        if self.kernel is None:
            return self._hide(X) @ self.coef_
        return rbf_kernel(X, self.X_fit_, gamma=self.gamma_) @ self.coef_

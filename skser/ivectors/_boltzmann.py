"""How real-valued features become binary units: `GaussianBernoulliRBM`."""

import numbers

import numpy as np
from scipy.special import expit
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils import check_random_state, gen_batches
from sklearn.utils.validation import check_is_fitted, validate_data

from skser._compat import Interval, fit_context


class GaussianBernoulliRBM(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    r"""Restricted Boltzmann machine of Gaussian visible and binary hidden units.

    What scikit-learn's ``BernoulliRBM`` is for values between 0 and 1, this is for
    real ones. The visible units :math:`v` have a variance of 1, so that features should
    be standardised. With weights :math:`W` and biases :math:`b` and :math:`c`,

    .. math:: E(v, h) = \tfrac12 \lVert v - b \rVert^2 - c^\top h - h^\top W v,

    .. math:: P(h_j = 1 \mid v) = \sigma(c_j + W_j v), \qquad
              v \mid h \sim \mathcal N(b + W^\top h, I).

    The weights follow the contrastive divergence of one step (CD-1) [1]_: hidden units
    are drawn given the data, the visible units take their mean given these, and

    .. math:: \Delta W \propto \langle P(h \mid v) v^\top \rangle_{\text{data}}
              - \langle P(h \mid v) v^\top \rangle_{\text{reconstruction}}.

    Parameters
    ----------
    n_components : int, default=512
        Number of hidden units.
    learning_rate : float, default=1e-3
        Must be a tenth or less of what binary units bear [2]_.
    momentum : float, default=0.9
        Share of the last step that the next one keeps.
    batch_size : int, default=256
        Number of samples of a step.
    n_iter : int, default=10
        Number of times that each sample is seen.
    random_state : int, RandomState instance or None, default=None
        Determines the initial weights, the order of the samples and the hidden units
        drawn.
    verbose : int, default=0
        1 prints a line per epoch.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        :math:`W`.
    intercept_hidden_ : ndarray of shape (n_components,)
        :math:`c`.
    intercept_visible_ : ndarray of shape (n_features,)
        :math:`b`.
    reconstruction_errors_ : list of float
        Mean squared error of the reconstructions, per epoch.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Only if `X` in `fit` was a DataFrame.

    See Also
    --------
    sklearn.neural_network.BernoulliRBM : For values between 0 and 1.
    DeepBeliefNetwork : Both, one on top of the other.

    References
    ----------
    .. [1] G. E. Hinton, "Training products of experts by minimizing contrastive
       divergence", Neural Computation 14(8), 2002.
    .. [2] G. E. Hinton, "A practical guide to training restricted Boltzmann machines",
       technical report UTML TR 2010-003, University of Toronto, 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.ivectors import GaussianBernoulliRBM
    >>> X = np.random.default_rng(0).normal(size=(200, 5))
    >>> rbm = GaussianBernoulliRBM(n_components=3, random_state=0).fit(X)
    >>> rbm.transform(X).shape
    (200, 3)
    """

    _parameter_constraints = {
        "n_components": [Interval(numbers.Integral, 1, None, closed="left")],
        "learning_rate": [Interval(numbers.Real, 0, None, closed="neither")],
        "momentum": [Interval(numbers.Real, 0, 1, closed="left")],
        "batch_size": [Interval(numbers.Integral, 1, None, closed="left")],
        "n_iter": [Interval(numbers.Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "verbose": [Interval(numbers.Integral, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_components=512,
        *,
        learning_rate=1e-3,
        momentum=0.9,
        batch_size=256,
        n_iter=10,
        random_state=None,
        verbose=0,
    ):
        self.n_components = n_components
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.batch_size = batch_size
        self.n_iter = n_iter
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn weights and biases.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Standardised features.
        y : Ignored
            Present for scikit-learn's conventions.

        Returns
        -------
        self : GaussianBernoulliRBM

        Raises
        ------
        ValueError
            If the weights grow beyond all bounds.
        """
        X = validate_data(self, X, dtype=[np.float64, np.float32])
        generator = check_random_state(self.random_state)
        self._initialize(X, generator)
        velocities = [np.zeros_like(parameter) for parameter in self._parameters()]
        self.reconstruction_errors_ = []
        for epoch in range(self.n_iter):
            error = self._run_epoch(X, velocities, generator)
            self.reconstruction_errors_.append(error)
            self._check_convergence(error)
            if self.verbose:
                print(
                    f"GaussianBernoulliRBM: epoch {epoch + 1} of {self.n_iter}, "
                    f"reconstruction error {error:.4f}"
                )
        return self

    def transform(self, X):
        """Return the probabilities that hidden units are 1.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        hidden : ndarray of shape (n_samples, n_components)
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        return self._hidden(X)

    def inverse_transform(self, X):
        """Return the mean of the visible units given hidden ones.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            States or probabilities of the hidden units.

        Returns
        -------
        visible : ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        return self._visible(np.asarray(X))

    def _initialize(self, X, generator):
        """Set small random weights, and the biases that suit weights of 0."""
        shape = (self.n_components, X.shape[1])
        self.components_ = generator.normal(0, 0.01, shape).astype(X.dtype)
        self.intercept_hidden_ = np.zeros(self.n_components, dtype=X.dtype)
        self.intercept_visible_ = X.mean(axis=0)

    def _parameters(self):
        """Return the arrays that are learnt."""
        return [self.components_, self.intercept_hidden_, self.intercept_visible_]

    def _run_epoch(self, X, velocities, generator):
        """Let every sample be seen once; return the reconstruction error."""
        order = generator.permutation(len(X))
        squares = 0.0
        for batch in gen_batches(len(X), self.batch_size):
            visible = X[order[batch]]
            gradients, reconstruction = self._diverge(visible, generator)
            squares += np.square(visible - reconstruction, dtype=np.float64).sum()
            updates = zip(self._parameters(), velocities, gradients, strict=True)
            for parameter, velocity, gradient in updates:
                velocity *= self.momentum
                velocity += self.learning_rate * gradient
                parameter += velocity
        return float(squares / X.size)

    def _diverge(self, visible, generator):
        """Return the contrastive divergence of a batch, and its reconstruction."""
        hidden = self._hidden(visible)
        drawn = (generator.uniform(size=hidden.shape) < hidden).astype(hidden.dtype)
        reconstruction = self._visible(drawn)
        hidden_after = self._hidden(reconstruction)
        n_samples = len(visible)
        gradients = [
            (hidden.T @ visible - hidden_after.T @ reconstruction) / n_samples,
            (hidden - hidden_after).mean(axis=0),
            (visible - reconstruction).mean(axis=0),
        ]
        return gradients, reconstruction

    def _hidden(self, visible):
        """Return the probabilities of the hidden units given the visible ones."""
        return expit(visible @ self.components_.T + self.intercept_hidden_)

    def _visible(self, hidden):
        """Return the means of the visible units given the hidden ones."""
        return hidden @ self.components_ + self.intercept_visible_

    def _check_convergence(self, error):
        """Raise a ValueError if the weights have run away."""
        if not np.isfinite(error):
            raise ValueError(
                "The weights of GaussianBernoulliRBM grew beyond all bounds. "
                "Standardise X or lower learning_rate, which is "
                f"{self.learning_rate}."
            )

    @property
    def _n_features_out(self):
        """Number of output features, for ``get_feature_names_out``."""
        return self.components_.shape[0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

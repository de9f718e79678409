"""Deep belief network: Boltzmann machines (RBM) below, fine-tuning by Keras' Adam."""

import numbers
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import entr, expit, softmax
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.neural_network import BernoulliRBM
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_consistent_length, check_random_state, gen_batches
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from skser._base import DeclaredTagsMixin, restore_on_failure, set_parameters
from skser._compat import Interval, fit_context
from skser._progress import say
from skser._sequences import check_labels
from skser.training import NetworkDesign, lend_network


class GaussianBernoulliRBM(
    DeclaredTagsMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    BaseEstimator,
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

    declared_tags = {"transformer_tags.preserves_dtype": ["float64", "float32"]}

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
        n_components: int = 512,
        *,
        learning_rate: float = 1e-3,
        momentum: float = 0.9,
        batch_size: int = 256,
        n_iter: int = 10,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        set_parameters(self, locals())

    @restore_on_failure
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Learn weights and biases.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Standardised features.
        y : Ignored

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
        # Small random weights, and the biases that suit weights of 0.
        shape = (self.n_components, X.shape[1])
        self.components_ = generator.normal(0, 0.01, shape).astype(X.dtype)
        self.intercept_hidden_ = np.zeros(self.n_components, dtype=X.dtype)
        self.intercept_visible_ = X.mean(axis=0)
        learnt = [self.components_, self.intercept_hidden_, self.intercept_visible_]
        velocities = [np.zeros_like(parameter) for parameter in learnt]
        self.reconstruction_errors_ = []
        for epoch in range(self.n_iter):
            order = generator.permutation(len(X))
            squares = 0.0
            for batch in gen_batches(len(X), self.batch_size):
                visible = X[order[batch]]
                gradients, reconstruction = self._diverge(visible, generator)
                squares += np.square(visible - reconstruction, dtype=np.float64).sum()
                updates = zip(learnt, velocities, gradients, strict=True)
                for parameter, velocity, gradient in updates:
                    velocity *= self.momentum
                    velocity += self.learning_rate * gradient
                    parameter += velocity
            error = float(squares / X.size)
            self.reconstruction_errors_.append(error)
            if not np.isfinite(error):
                raise ValueError(
                    "The weights of GaussianBernoulliRBM grew beyond all bounds. "
                    "Standardise X or lower learning_rate, which is "
                    f"{self.learning_rate}."
                )
            if self.verbose:
                say(
                    f"GaussianBernoulliRBM: epoch {epoch + 1} of {self.n_iter}, "
                    f"reconstruction error {error:.4f}"
                )
        return self

    def transform(self, X: ArrayLike) -> np.ndarray:
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

    def inverse_transform(self, X: ArrayLike) -> np.ndarray:
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
        return np.asarray(X) @ self.components_ + self.intercept_visible_

    def _diverge(self, visible, generator):
        """Return the contrastive divergence of a batch, and its reconstruction."""
        hidden = self._hidden(visible)
        drawn = (generator.uniform(size=hidden.shape) < hidden).astype(hidden.dtype)
        reconstruction = drawn @ self.components_ + self.intercept_visible_
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

    @property
    def _n_features_out(self):
        """Number of output features, for ``get_feature_names_out``."""
        return self.components_.shape[0]


class DeepBeliefNetwork(
    DeclaredTagsMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    BaseEstimator,
):
    r"""Sigmoid layers, pretrained as Boltzmann machines, tuned to one or two targets.

    Each layer is first learnt by itself, without targets, as a restricted Boltzmann
    machine over the activations of the layer below [1]_: of Gaussian visible units for
    the standardised features, by :class:`GaussianBernoulliRBM`, then of binary ones, by
    scikit-learn's ``BernoulliRBM``. All layers are then trained together with a softmax
    head for each target,

    .. math:: \lambda \, \mathrm{KL}(\gamma \,\|\, q^{(1)})
              - (1 - \lambda) \log q^{(2)}_y,

    where :math:`\gamma` are given posteriors, :math:`y` is a given label and
    :math:`\lambda` is `posterior_weight`. Without targets there are no heads, and
    without one of them the other counts alone.

    Parameters
    ----------
    hidden_units : sequence of int, default=(512, 512, 512)
        Number of units of each layer.
    gaussian_learning_rate : float, default=1e-3
        Of the first layer's pretraining.
    bernoulli_learning_rate : float, default=1e-2
        Of the other layers' pretraining.
    pretraining_epochs : int, default=10
        Number of times that each sample is seen by each layer alone.
    learning_rate : float, default=2e-3
        Of the common training, by Adam.
    fine_tuning_epochs : int, default=15
        Number of times that each sample is seen by all layers together.
    posterior_weight : float, default=0.5
        :math:`\lambda`, between 0 and 1.
    batch_size : int, default=256
        Number of samples of a step.
    random_state : int, RandomState instance or None, default=None
        Determines initial weights, hidden units drawn and the order of the samples.
    verbose : int, default=0
        1 prints a line per layer and per epoch of the common training.

    Attributes
    ----------
    scaler_ : sklearn.preprocessing.StandardScaler
        Standardises the features.
    layers_ : list of (ndarray, ndarray)
        Weights of shape (n_inputs, n_units) and biases of each hidden layer.
    heads_ : dict of (ndarray, ndarray)
        Weights and biases of the heads: "mixtures" for the posteriors and "labels",
        as far as `fit` had these.
    losses_ : list of float
        Mean loss of each epoch of the common training.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted, if there were any.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Only if `X` in `fit` was a DataFrame.

    See Also
    --------
    DeepBeliefAlignment : Trains such a network on the frames of utterances.

    References
    ----------
    .. [1] G. E. Hinton, S. Osindero and Y.-W. Teh, "A fast learning algorithm for deep
       belief nets", Neural Computation 18(7), 2006.
    .. [2] R. Xia and Y. Liu, "DBN-ivector framework for acoustic emotion recognition",
       Interspeech 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.ivectors import DeepBeliefNetwork
    >>> X = np.random.default_rng(0).normal(size=(300, 5))
    >>> labels = np.where(X[:, 0] > 0, "high", "low")
    >>> network = DeepBeliefNetwork(
    ...     (8, 8), learning_rate=0.05, fine_tuning_epochs=100, random_state=0)
    >>> posteriors = network.fit(X, labels).predict_posteriors(X, head="labels")
    >>> bool((network.classes_[posteriors.argmax(axis=1)] == labels).mean() > 0.9)
    True
    >>> network.transform(X).shape
    (300, 8)
    """

    declared_tags = {"transformer_tags.preserves_dtype": ["float64", "float32"]}

    _parameter_constraints = {
        "hidden_units": ["array-like"],
        "gaussian_learning_rate": [Interval(numbers.Real, 0, None, closed="neither")],
        "bernoulli_learning_rate": [Interval(numbers.Real, 0, None, closed="neither")],
        "pretraining_epochs": [Interval(numbers.Integral, 1, None, closed="left")],
        "learning_rate": [Interval(numbers.Real, 0, None, closed="neither")],
        "fine_tuning_epochs": [Interval(numbers.Integral, 0, None, closed="left")],
        "posterior_weight": [Interval(numbers.Real, 0, 1, closed="both")],
        "batch_size": [Interval(numbers.Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "verbose": [Interval(numbers.Integral, 0, None, closed="left")],
    }

    def __init__(
        self,
        hidden_units: Sequence[int] = (512, 512, 512),
        *,
        gaussian_learning_rate: float = 1e-3,
        bernoulli_learning_rate: float = 1e-2,
        pretraining_epochs: int = 10,
        learning_rate: float = 2e-3,
        fine_tuning_epochs: int = 15,
        posterior_weight: float = 0.5,
        batch_size: int = 256,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        set_parameters(self, locals())

    @restore_on_failure
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        posteriors: ArrayLike | None = None,
    ) -> Self:
        """Pretrain the layers, then train them with the heads of the targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Frames, with their context.
        y : array-like of shape (n_samples,), default=None
            Labels of the frames.
        posteriors : array-like of shape (n_samples, n_mixtures), default=None
            Posteriors of the frames; each row has a sum of 1.

        Returns
        -------
        self : DeepBeliefNetwork
        """
        units = list(self.hidden_units)
        if not units or not all(
            isinstance(n, (int, np.integer)) and n > 0 for n in units
        ):
            raise ValueError(
                "hidden_units must be one or more positive integers, got "
                f"{self.hidden_units!r}."
            )
        X = validate_data(self, X, dtype=[np.float64, np.float32])
        targets = self._targets(y, posteriors, X)
        generator = check_random_state(self.random_state)
        self.scaler_ = StandardScaler().fit(X)
        X = self.scaler_.transform(X)
        self._pretrain(X, generator)
        self._fine_tune(X, targets, generator)
        return self

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Return the activations of the last hidden layer.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        hidden : ndarray of shape (n_samples, n_units)
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        hidden = self.scaler_.transform(X)
        for weights, biases in self.layers_:
            hidden = expit(hidden @ weights + biases)
        return hidden

    def predict_posteriors(self, X: ArrayLike, head: str = "mixtures") -> np.ndarray:
        """Return the posteriors that a head gives.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        head : {"mixtures", "labels"}, default="mixtures"
            Which target's.

        Returns
        -------
        posteriors : ndarray of shape (n_samples, n_outputs)
            Rows have a sum of 1; in the order of `classes_` for "labels".

        Raises
        ------
        ValueError
            If `fit` was not given that target.
        """
        check_is_fitted(self)
        if head not in self.heads_:
            raise ValueError(
                f"DeepBeliefNetwork has the heads {sorted(self.heads_)}, not {head!r}: "
                'fit needs posteriors for "mixtures" and y for "labels".'
            )
        weights, biases = self.heads_[head]
        return softmax(self.transform(X) @ weights + biases, axis=1)

    def _targets(self, y, posteriors, X):
        """Return the tables of targets that there are, by the names of their heads."""
        targets = {}
        if posteriors is not None:
            check_consistent_length(X, posteriors)
            targets["mixtures"] = check_array(posteriors, dtype=X.dtype)
        if y is not None:
            y = check_labels(y, X)
            self.classes_, labels = np.unique(y, return_inverse=True)
            targets["labels"] = np.eye(len(self.classes_), dtype=X.dtype)[labels]
        return targets

    def _pretrain(self, X, generator):
        """Set the hidden layers, each a Boltzmann machine on the one below."""
        self.layers_ = []
        for i, n_units in enumerate(self.hidden_units):
            machine, learning_rate = (
                (GaussianBernoulliRBM, self.gaussian_learning_rate)
                if i == 0
                else (BernoulliRBM, self.bernoulli_learning_rate)
            )
            rbm = machine(
                int(n_units),
                learning_rate=learning_rate,
                batch_size=self.batch_size,
                n_iter=self.pretraining_epochs,
                random_state=generator,
            )
            X = rbm.fit(X).transform(X)
            weights = np.ascontiguousarray(rbm.components_.T)
            self.layers_.append((weights, rbm.intercept_hidden_.astype(X.dtype)))
            if self.verbose:
                say(f"DeepBeliefNetwork: pretrained layer {i + 1}")

    def _fine_tune(self, X, targets, generator):
        """Add a head of zeros for each target and train everything."""
        self.heads_, self.losses_ = {}, []
        if not targets:
            return
        shares = {
            "mixtures": self.posterior_weight,
            "labels": 1 - self.posterior_weight,
        }
        if len(targets) == 1:
            shares = dict.fromkeys(targets, 1.0)
        shared = [shares[name] * table for name, table in targets.items()]
        # What the cross-entropy, which is trained, is more than the divergence.
        entropies = [shares[name] * entr(t).sum() for name, t in targets.items()]
        entropy = sum(entropies) / len(X)
        sizes = [table.shape[1] for table in targets.values()]
        arguments = {
            "n_features": X.shape[1],
            "hidden_units": tuple(len(biases) for _, biases in self.layers_),
            "head_units": tuple(sizes),
            "dtype": X.dtype.name,
        }
        start = [array for layer in self.layers_ for array in layer]
        n_hidden = len(start[-1])
        for n_units in sizes:
            start += [np.zeros((n_hidden, n_units)), np.zeros(n_units)]
        design = NetworkDesign(sigmoid_layers, arguments, objective="posteriors")
        with lend_network(design, "adam") as network:
            network.reset(0)
            network.set_weights(start)
            network.set_learning_rate(self.learning_rate)
            self._run_epochs(network, X, np.hstack(shared), entropy, generator)
            arrays = network.get_weights()
        pairs = list(zip(arrays[::2], arrays[1::2], strict=True))
        self.layers_ = pairs[: len(self.layers_)]
        self.heads_ = dict(zip(targets, pairs[len(self.layers_) :], strict=True))

    def _run_epochs(self, network, X, targets, entropy, generator):
        """Train for all epochs; keep the loss of each."""
        for epoch in range(self.fine_tuning_epochs):
            order = generator.permutation(len(X))
            total = 0.0
            for batch in gen_batches(len(X), self.batch_size):
                rows = order[batch]
                weights = np.ones(len(rows), dtype=np.float32)
                loss = network.train_step([X[rows]], targets[rows], weights)
                total += float(loss) * len(rows)
            self.losses_.append(total / len(X) - entropy)
            if self.verbose:
                say(
                    f"DeepBeliefNetwork: epoch {epoch + 1} of "
                    f"{self.fine_tuning_epochs}, loss {self.losses_[-1]:.4f}"
                )

    @property
    def _n_features_out(self):
        """Number of output features, for ``get_feature_names_out``."""
        return self.layers_[-1][0].shape[1]


def sigmoid_layers(n_features, hidden_units, head_units, dtype, seed):
    """Build a network of sigmoid layers and one layer of scores for each head."""
    import keras

    features = hidden = keras.Input((n_features,), dtype=dtype)
    options = {"kernel_initializer": "zeros", "dtype": dtype}
    for n_units in hidden_units:
        hidden = keras.layers.Dense(n_units, "sigmoid", **options)(hidden)
    heads = [keras.layers.Dense(n, **options)(hidden) for n in head_units]
    return keras.Model(features, heads)

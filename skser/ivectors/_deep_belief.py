"""How a network learns frames first and targets afterwards: `DeepBeliefNetwork`."""

import numbers

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.neural_network import BernoulliRBM
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.validation import (
    check_array,
    check_is_fitted,
    validate_data,
)

from skser._compat import Interval, fit_context
from skser._sequences import check_labels
from skser.ivectors._boltzmann import GaussianBernoulliRBM
from skser.ivectors._fine_tuning import fine_tune, head_posteriors, hidden_activations


class DeepBeliefNetwork(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
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
        Loss after each epoch of the common training, over the samples seen last.
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
        hidden_units=(512, 512, 512),
        *,
        gaussian_learning_rate=1e-3,
        bernoulli_learning_rate=1e-2,
        pretraining_epochs=10,
        learning_rate=2e-3,
        fine_tuning_epochs=15,
        posterior_weight=0.5,
        batch_size=256,
        random_state=None,
        verbose=0,
    ):
        self.hidden_units = hidden_units
        self.gaussian_learning_rate = gaussian_learning_rate
        self.bernoulli_learning_rate = bernoulli_learning_rate
        self.pretraining_epochs = pretraining_epochs
        self.learning_rate = learning_rate
        self.fine_tuning_epochs = fine_tuning_epochs
        self.posterior_weight = posterior_weight
        self.batch_size = batch_size
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, *, posteriors=None):
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
        self._check_hidden_units()
        X = validate_data(self, X, dtype=[np.float64, np.float32])
        targets = self._targets(y, posteriors, X)
        generator = check_random_state(self.random_state)
        self.scaler_ = StandardScaler().fit(X)
        X = self.scaler_.transform(X)
        self._pretrain(X, generator)
        self._fine_tune(X, targets, generator)
        return self

    def transform(self, X):
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
        return hidden_activations(self.layers_, self.scaler_.transform(X))[-1]

    def predict_posteriors(self, X, head="mixtures"):
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
        return head_posteriors(self.heads_[head], self.transform(X))

    def _check_hidden_units(self):
        """Refuse layers without units."""
        units = list(self.hidden_units)
        if not units or not all(
            isinstance(n, numbers.Integral) and n > 0 for n in units
        ):
            raise ValueError(
                "hidden_units must be one or more positive integers, got "
                f"{self.hidden_units!r}."
            )

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
            rbm = self._boltzmann_machine(i, int(n_units), generator)
            X = rbm.fit(X).transform(X)
            weights = np.ascontiguousarray(rbm.components_.T)
            self.layers_.append((weights, rbm.intercept_hidden_.astype(X.dtype)))
            if self.verbose:
                print(f"DeepBeliefNetwork: pretrained layer {i + 1}")

    def _boltzmann_machine(self, i, n_units, generator):
        """Return the machine of the i-th layer, not yet fitted."""
        machine, learning_rate = (
            (GaussianBernoulliRBM, self.gaussian_learning_rate)
            if i == 0
            else (BernoulliRBM, self.bernoulli_learning_rate)
        )
        return machine(
            n_units,
            learning_rate=learning_rate,
            batch_size=self.batch_size,
            n_iter=self.pretraining_epochs,
            random_state=generator,
        )

    def _fine_tune(self, X, targets, generator):
        """Add a head of zeros for each target and train everything."""
        n_units = self.layers_[-1][0].shape[1]
        self.heads_ = {
            name: (
                np.zeros((n_units, table.shape[1]), dtype=X.dtype),
                np.zeros(table.shape[1], dtype=X.dtype),
            )
            for name, table in targets.items()
        }
        self.losses_ = []
        if not targets:
            return
        losses = fine_tune(
            self.layers_,
            list(self.heads_.values()),
            X,
            list(targets.values()),
            self._shares(targets),
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            n_epochs=self.fine_tuning_epochs,
            generator=generator,
        )
        for epoch, loss in enumerate(losses):
            self.losses_.append(loss)
            if self.verbose:
                print(
                    f"DeepBeliefNetwork: epoch {epoch + 1} of "
                    f"{self.fine_tuning_epochs}, loss {loss:.4f}"
                )

    def _shares(self, targets):
        """Return what each target counts in the loss."""
        if len(targets) == 1:
            return [1.0]
        shares = {
            "mixtures": self.posterior_weight,
            "labels": 1 - self.posterior_weight,
        }
        return [shares[name] for name in targets]

    @property
    def _n_features_out(self):
        """Number of output features, for ``get_feature_names_out``."""
        return self.layers_[-1][0].shape[1]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

"""scikeras adapter: the networks inside KerasClassifier, for code that is built on it.

scikeras 0.13, its last release, is not a classifier for scikit-learn, and takes no
utterances of unequal length. `KerasSequenceClassifier` makes up for both. New code is
better served by :class:`skser.AttentionBLSTMFCNClassifier`, which needs no scikeras,
stops early by speaker and shares compiled networks between fits.

It needs scikeras, the extra ``scikeras``; the rest of the package does not use this
module.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import ArrayLike

from skser.training import import_tensorflow

# Before Keras: without the log, and with the threads that all networks here have.
import_tensorflow()

# ruff: noqa: E402
import keras
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import ClassifierTags, check_consistent_length

from skser._compat import is_op_determinism_enabled
from skser._extras import how_to_install
from skser._sequences import pad_sequences, validate_sequences
from skser.networks import attention_blstm_fcn

try:
    from scikeras.wrappers import KerasClassifier
except ImportError as error:
    raise ImportError(
        f"skser.scikeras needs scikeras, which cannot be imported ({error}). "
        f"Install it: {how_to_install('scikeras')}"
    ) from error

# TensorFlow reads an environment variable when it is first asked. scikeras sets it and
# then asks, and would take determinism for the user's wish and never switch it off:
# any later fit without a random_state, even of other models, would raise.
is_op_determinism_enabled()

__all__ = ["KerasSequenceClassifier", "network_with_softmax"]


def network_with_softmax(
    meta: dict,
    *,
    network: Callable = attention_blstm_fcn,
    compile_kwargs: object = None,
    params: object = None,
    **options: Any,
) -> keras.Model:
    """Build one of the package's networks as scikeras wants it: with posteriors.

    It is what `KerasSequenceClassifier` calls to build its model. scikeras passes all
    parameters of the classifier that begin with ``model__``.

    Parameters
    ----------
    meta : dict
        What scikeras knows of the data; of it, ``"n_features_in_"`` and
        ``"n_classes_"`` count.
    network : callable, default=skser.networks.attention_blstm_fcn
        ``network(n_features, n_classes, *, seed, **options)`` returns a ``keras.Model``
        from ``[frames, mask]`` to class scores, as for
        :class:`skser.classifiers.NetworkClassifier`.
    compile_kwargs, params : object
        Ignored; scikeras passes them to every function with keyword arguments.
    **options : dict
        Passed to `network`, for instance ``recurrent_units=32``.

    Returns
    -------
    model : keras.Model
        From ``[frames, mask]`` to posteriors; not compiled.
    """
    # scikeras has seeded this generator if the classifier has a random_state. Keras
    # itself draws the seeds of layers without one from it.
    seed = random.randrange(2**31 - 1)
    built = network(meta["n_features_in_"], meta["n_classes_"], seed=seed, **options)
    # Always single precision: posteriors must sum to 1 as exactly as scorers demand.
    posteriors = keras.layers.Softmax(dtype="float32")(built.output)
    model = keras.Model(built.inputs, posteriors, name=built.name)
    # Keras would compile the model anew for each number of frames.
    model.supports_jit = False
    return model


class _Padding(BaseEstimator):
    """What scikeras calls a feature encoder: utterances to padded frames and mask."""

    def fit(self, X):
        """Learn nothing."""
        return self

    def transform(self, X):
        """Return the two inputs of a network."""
        return list(pad_sequences(X))


class KerasSequenceClassifier(KerasClassifier):
    """scikeras' KerasClassifier for utterances, and a classifier to scikit-learn.

    It differs from ``scikeras.wrappers.KerasClassifier`` in that

    - scikit-learn takes it for a classifier: folds are stratified,
      scorers of probabilities and VotingClassifier work;
    - `X` is a list of arrays of any length, as everywhere in this package, or an array;
      the model is given ``[frames, mask]``, padded to the longest utterance of `X`;
    - `predict_proba` is a table for a single utterance, too;
    - a fitted one can be pickled and copied whatever layers its model has: with its
      weights, without the state of the optimizer and of callbacks;
    - model, loss and optimizer have defaults, and it is silent.

    Parameters
    ----------
    model : callable, default=network_with_softmax
        ``model(meta, ...)`` returns a ``keras.Model`` from ``[frames, mask]`` to
        posteriors.
    loss : str or keras.losses.Loss, default="sparse_categorical_crossentropy"
        Must take posteriors, not scores.
    optimizer : str, keras.optimizers.Optimizer or class, default="adam"
        Pass a name or a class, and its parameters as ``optimizer__learning_rate``.
    verbose : int, default=0
        As in Keras.
    **kwargs : dict
        The other parameters of ``scikeras.wrappers.KerasClassifier``: ``epochs``,
        ``batch_size``, ``random_state``, ``class_weight``, ``callbacks`` ... and those
        with a prefix, as ``model__recurrent_units=32`` (any parameter of
        :func:`skser.networks.attention_blstm_fcn` but `seed`).

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        Number of features of a frame. There are no ``X_shape_`` and ``X_dtype_``.
    model_ : keras.Model
        The trained model.
    history_ : dict of list of float
        What Keras reports for each epoch.

    See Also
    --------
    skser.AttentionBLSTMFCNClassifier : The same network without scikeras.

    Notes
    -----
    With a `random_state`, scikeras seeds the global generators of Python, NumPy and
    TensorFlow while it builds and trains. It restores those of Python and NumPy,
    restarts TensorFlow's, and makes TensorFlow's operations deterministic for that
    time; other threads of the process see all of that, so use processes
    (``n_jobs`` with joblib's default backend). Without a `random_state` it draws from
    these generators, which ``keras.utils.set_random_seed`` makes repeatable.

    Importing scikeras changes how all Keras models of the process are pickled.

    The views "variables" and "flat" need utterances of one length, in `fit` and in
    `predict`, and ``model__n_frames``.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.scikeras import KerasSequenceClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(i % 2, 0.1, (10 + i, 3)) for i in range(20)]
    >>> y = ["calm", "angry"] * 10
    >>> classifier = KerasSequenceClassifier(
    ...     model__recurrent=None, model__filters=(8,), model__kernel_sizes=(3,),
    ...     optimizer__learning_rate=0.05, epochs=10, random_state=0)
    >>> [str(label) for label in classifier.fit(X, y).predict(X[:2])]
    ['calm', 'angry']
    """

    def __init__(
        self,
        model: Callable = network_with_softmax,
        *,
        loss: str | keras.losses.Loss = "sparse_categorical_crossentropy",
        optimizer: str | keras.optimizers.Optimizer | type = "adam",
        verbose: int = 0,
        **kwargs: Any,
    ):
        super().__init__(
            model=model, loss=loss, optimizer=optimizer, verbose=verbose, **kwargs
        )

    # scikeras' own would index a list of utterances with an array.
    score = ClassifierMixin.score

    @property
    def feature_encoder(self) -> Any:
        """The transformer that scikeras applies to checked utterances."""
        return _Padding()

    def predict_proba(self, X: Sequence | ArrayLike, **kwargs: Any) -> np.ndarray:
        """Return the posterior probability of each class.

        Parameters
        ----------
        X : list of array-like, or array-like, as in `fit`
        **kwargs : dict
            Passed to ``keras.Model.predict``.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        return super().predict_proba(X, **kwargs).reshape(-1, self.n_classes_)

    def _validate_data(self, X=None, y=None, reset=False, y_numeric=False):
        """Check utterances as this package does, and labels as scikeras does."""
        if reset and y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is "
                "None. Pass the class of each utterance."
            )
        if X is not None:
            sequences = validate_sequences(self, X, reset=reset)
            # scikeras drops utterances of weight 0 by indexing with an array.
            X = np.empty(len(sequences), dtype=object)
            X[:] = sequences
        if y is not None:
            # A pandas column of strings becomes an array of them.
            _, y = super()._validate_data(None, np.asarray(y), reset, y_numeric)
            if X is not None:
                check_consistent_length(X, y)
        return X, y

    def __getstate__(self):
        """Return the state with arrays in place of the Keras model."""
        state = dict(super().__getstate__())
        for name in ("_fit_callbacks", "_predict_callbacks"):
            state.pop(name, None)
        if "model_" in state:
            state["model_"] = self.model_.get_weights()
        return state

    def __setstate__(self, state):
        """Build the Keras model and the callbacks again."""
        super().__setstate__(state)
        if "model_" in state:
            weights = self.__dict__.pop("model_")
            self.model_ = self._build_keras_model()
            self.model_.set_weights(weights)
            self._initialize_callbacks()

    def __sklearn_tags__(self):
        # In scikeras ClassifierMixin comes last, too late to set the tags itself.
        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier"
        tags.classifier_tags = ClassifierTags()
        tags.target_tags.required = True
        tags.input_tags.three_d_array = True
        return tags

"""Alignment of frames by a deep belief network that also learns emotions."""

import numbers
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin
from sklearn.utils import check_random_state, gen_batches
from sklearn.utils.validation import check_is_fitted

from skser._base import DeclaredTagsMixin, restore_on_failure, set_parameters
from skser._compat import HasMethods, Interval, fit_context
from skser._sequences import (
    Batch,
    SequenceTransformerMixin,
    check_labels,
    is_table,
    validate_sequences,
)
from skser.features._context import context_windows
from skser.ivectors._deep_belief import DeepBeliefNetwork
from skser.ivectors._mixture import clone_with_seeds, fit_mixture, sample_frames

# Frames whose contexts are stacked at once in `transform`: 4096 of 429 numbers are
# 7 MB in single precision.
_BLOCK_SIZE = 4096
DTYPES = [np.float64, np.float32]


class DeepBeliefAlignment(
    DeclaredTagsMixin,
    ClassNamePrefixFeaturesOutMixin,
    SequenceTransformerMixin,
    BaseEstimator,
):
    r"""Align frames to mixtures by a network trained on mixtures and emotions.

    A deep belief network takes a frame with its neighbours and learns two things
    about it at once [1]_:

    * the posteriors of the Gaussians of a background model, as
      :class:`MixtureAlignment` gives them, and
    * the emotion that the frame sounds like: that of the Gaussian mixture, one fitted
      to the frames of each emotion, which gives it the highest likelihood.

    Its own posteriors of the Gaussians then take the place of the background model's.

    Parameters
    ----------
    n_mixtures : int, default=128
        Number of Gaussians of the background model.
    n_class_mixtures : int, default=32
        Number of Gaussians for each emotion.
    n_context : int, default=5
        Number of neighbours on each side that the network sees with a frame. At the
        ends of an utterance the outermost frame is repeated.
    network : DeepBeliefNetwork, default=None
        The network, which is cloned; None is one of the default parameters.
    max_frames : int, default=300000
        The mixtures are fitted to this many frames, drawn at random, where there are
        more.
    max_network_frames : int, default=15000
        The network is trained on this many frames, likewise. Time is proportional
        to it: about a minute with the default network on one free core.
    max_iter : int, default=20
        Number of iterations of expectation-maximisation of the mixtures, at most.
    random_state : int, RandomState instance or None, default=None
        Determines the frames drawn and the mixtures, and the training of a `network`
        without a `random_state` of its own.

    Attributes
    ----------
    network_ : DeepBeliefNetwork
        The trained network.
    mixture_ : sklearn.mixture.GaussianMixture
        The background model.
    class_mixtures_ : list of sklearn.mixture.GaussianMixture
        The mixture of each emotion.
    classes_ : ndarray of shape (n_classes,)
        The emotions, sorted.
    n_iter_ : int
        Number of iterations that were run for the background model.
    n_features_in_ : int
        Number of features of a frame.
    feature_names_in_ : ndarray of str
        Only if `X` in `fit` was a DataFrame.

    Notes
    -----
    The two targets are what [1]_ is known for; that paper's sizes, context and weights
    are not known to us, and all of them are parameters here.

    References
    ----------
    .. [1] R. Xia and Y. Liu, "DBN-ivector framework for acoustic emotion recognition",
       Interspeech 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.ivectors import DeepBeliefAlignment, DeepBeliefNetwork
    >>> rng = np.random.default_rng(0)
    >>> utterances = [rng.normal(i % 2, 1, size=(20, 3)) for i in range(6)]
    >>> alignment = DeepBeliefAlignment(
    ...     n_mixtures=4, n_class_mixtures=2, random_state=0,
    ...     network=DeepBeliefNetwork((8,)))
    >>> posteriors = alignment.fit(utterances, ["calm", "angry"] * 3).transform(
    ...     utterances)
    >>> posteriors[0].shape
    (20, 4)
    """

    declared_tags = {
        "input_tags.three_d_array": True,
        "target_tags.required": True,
        "transformer_tags.preserves_dtype": ["float64", "float32"],
    }

    _parameter_constraints = {
        "n_mixtures": [Interval(numbers.Integral, 1, None, closed="left")],
        "n_class_mixtures": [Interval(numbers.Integral, 1, None, closed="left")],
        "n_context": [Interval(numbers.Integral, 0, None, closed="left")],
        "network": [HasMethods(["fit", "predict_posteriors"]), None],
        "max_frames": [Interval(numbers.Integral, 1, None, closed="left")],
        "max_network_frames": [Interval(numbers.Integral, 1, None, closed="left")],
        "max_iter": [Interval(numbers.Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_mixtures: int = 128,
        *,
        n_class_mixtures: int = 32,
        n_context: int = 5,
        network: DeepBeliefNetwork | None = None,
        max_frames: int = 300_000,
        max_network_frames: int = 15_000,
        max_iter: int = 20,
        random_state: int | np.random.RandomState | None = None,
    ):
        set_parameters(self, locals())

    @restore_on_failure
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Sequence | ArrayLike, y: ArrayLike) -> Self:
        """Fit the mixtures, then the network to what they say of frames.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features), or array-like of \
                shape (n_samples, n_frames, n_features) or (n_samples, n_features)
            The utterances. Rows of a two-dimensional `X` are utterances of one frame.
        y : array-like of shape (n_samples,)
            The emotion of each utterance.

        Returns
        -------
        self : DeepBeliefAlignment

        Raises
        ------
        ValueError
            If there are fewer frames than mixtures, or no `y`.
        """
        sequences = validate_sequences(self, X, reset=True, dtype=DTYPES)
        if y is None:
            raise ValueError(
                "DeepBeliefAlignment requires y to be passed, but the target y is "
                "None: the network learns emotions."
            )
        y = check_labels(y, sequences)
        self.classes_, y = np.unique(y, return_inverse=True)
        generator = check_random_state(self.random_state)
        self._fit_mixtures(sequences, y, generator)
        self._fit_network(sequences, generator)
        return self

    def transform(self, X: Sequence | ArrayLike) -> Any:
        """Return the network's posteriors of the mixtures at every frame.

        Parameters
        ----------
        X : list of array-like, or array-like, as in `fit`

        Returns
        -------
        posteriors : list of ndarray of shape (n_frames, n_mixtures)
            Rows have a sum of 1; one array if `X` is two-dimensional.
        """
        check_is_fitted(self)
        sequences = validate_sequences(self, X, reset=False, dtype=DTYPES)
        posteriors = Batch()
        for sequence in sequences:
            blocks = gen_batches(len(sequence), _BLOCK_SIZE)
            rows = (np.arange(block.start, block.stop) for block in blocks)
            windows = (context_windows(sequence, row, self.n_context) for row in rows)
            parts = [self.network_.predict_posteriors(window) for window in windows]
            posteriors.append(np.concatenate(parts))
        return np.concatenate(posteriors) if is_table(X) else posteriors

    def _fit_mixtures(self, sequences, y, generator):
        """Fit the background model and the mixture of each emotion."""
        rows = sample_frames(sequences, self.max_frames, generator)
        samples = [s[r] for s, r in zip(sequences, rows, strict=True)]
        options = {"max_iter": self.max_iter, "generator": generator}
        self.mixture_ = fit_mixture(np.concatenate(samples), self.n_mixtures, **options)
        self.n_iter_ = self.mixture_.n_iter_
        self.class_mixtures_ = []
        for label in range(len(self.classes_)):
            chosen = [s for s, of in zip(samples, y, strict=True) if of == label]
            frames = np.concatenate(chosen)
            if len(frames) == 0:
                raise ValueError(
                    f"None of the frames drawn is of '{self.classes_[label]}'. "
                    f"Raise max_frames, which is {self.max_frames}."
                )
            n_mixtures = min(self.n_class_mixtures, len(frames))
            self.class_mixtures_.append(fit_mixture(frames, n_mixtures, **options))

    def _fit_network(self, sequences, generator):
        """Train the network on what the mixtures say of some of the frames."""
        rows = sample_frames(sequences, self.max_network_frames, generator)
        chosen = list(zip(sequences, rows, strict=True))
        frames = np.concatenate([sequence[row] for sequence, row in chosen])
        windows = np.concatenate(
            [context_windows(sequence, row, self.n_context) for sequence, row in chosen]
        )
        likelihoods = [
            mixture.score_samples(frames) for mixture in self.class_mixtures_
        ]
        network = DeepBeliefNetwork() if self.network is None else self.network
        self.network_ = clone_with_seeds(network, generator).fit(
            windows,
            self.classes_[np.argmax(likelihoods, axis=0)],
            posteriors=self.mixture_.predict_proba(frames),
        )

    @property
    def _n_features_out(self):
        """Number of output features, for ``get_feature_names_out``."""
        return self.mixture_.n_components

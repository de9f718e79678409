"""How an utterance becomes one vector of fixed length: `IVectors`."""

import numbers

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.validation import check_is_fitted

from skser._compat import HasMethods, Interval, fit_context
from skser._sequences import validate_sequences
from skser.ivectors._mixture import MixtureAlignment
from skser.ivectors._seeds import clone_with_seeds
from skser.ivectors._statistics import collect_statistics
from skser.ivectors._total_variability import TotalVariability


class IVectors(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
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

    _parameter_constraints = {
        "n_components": [Interval(numbers.Integral, 1, None, closed="left")],
        "alignment": [HasMethods(["fit", "transform"]), None],
        "n_iterations": [Interval(numbers.Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "verbose": [Interval(numbers.Integral, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_components=100,
        *,
        alignment=None,
        n_iterations=10,
        random_state=None,
        verbose=0,
    ):
        self.n_components = n_components
        self.alignment = alignment
        self.n_iterations = n_iterations
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
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

    def transform(self, X):
        """Return the i-vector of each utterance.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features), or array-like
            The utterances, as in `fit`.

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
        tags.input_tags.three_d_array = True
        tags.target_tags.required = get_tags(self._alignment()).target_tags.required
        return tags

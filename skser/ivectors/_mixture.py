"""Alignment of frames to a background model (UBM), a Gaussian mixture; its parts."""

import numbers
import warnings
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn import config_context
from sklearn.base import ClassNamePrefixFeaturesOutMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.utils import check_random_state

from skser._base import FrameTransformer, restore_on_failure, set_parameters
from skser._compat import Interval, fit_context


def clone_with_seeds(estimator, generator):
    """Return an unfitted copy in which every unset `random_state` is set.

    Parameters
    ----------
    estimator : estimator instance
    generator : RandomState
        Gives a seed for each `random_state` that is None, nested ones included.

    Returns
    -------
    copy : estimator instance
    """
    copy = clone(estimator)
    unset = [
        name
        for name, value in sorted(copy.get_params(deep=True).items())
        if name.split("__")[-1] == "random_state" and value is None
    ]
    seeds = generator.randint(2**31 - 1, size=len(unset)).tolist()
    return copy.set_params(**dict(zip(unset, seeds, strict=True)))


def sample_frames(sequences, n_frames, generator):
    """Draw frames without replacement from all utterances.

    Parameters
    ----------
    sequences : list of ndarray of shape (n_frames, n_features)
    n_frames : int
        The number to draw; all are taken where there are fewer.
    generator : RandomState

    Returns
    -------
    rows : list of ndarray of int
        Which frames of each utterance were drawn, ascending.
    """
    lengths = [len(sequence) for sequence in sequences]
    total = sum(lengths)
    if total <= n_frames:
        return [np.arange(length) for length in lengths]
    chosen = np.zeros(total, dtype=bool)
    chosen[generator.choice(total, n_frames, replace=False)] = True
    parts = np.split(chosen, np.cumsum(lengths)[:-1])
    return [np.flatnonzero(part) for part in parts]


def fit_mixture(frames, n_mixtures, *, max_iter, generator):
    """Fit a Gaussian mixture of diagonal covariances by scikit-learn.

    Parameters
    ----------
    frames : ndarray of shape (n_frames, n_features)
    n_mixtures : int
    max_iter : int
        Number of iterations of expectation-maximisation, at most. That they do not
        suffice is no reason to warn: a background model need not converge.
    generator : RandomState

    Returns
    -------
    mixture : sklearn.mixture.GaussianMixture

    Raises
    ------
    ValueError
        If there are fewer frames than mixtures.
    """
    if len(frames) < n_mixtures:
        raise ValueError(
            f"A mixture of {n_mixtures} Gaussians needs at least as many frames, got "
            f"{len(frames)} (n_samples = {len(frames)}). Lower n_mixtures."
        )
    mixture = GaussianMixture(
        n_mixtures,
        covariance_type="diag",
        # A tenth of the time of complete k-means, whose work the iterations do anyway.
        init_params="k-means++",
        max_iter=max_iter,
        random_state=generator,
    )
    # scikit-learn refuses "k-means++" where arrays other than NumPy's might come.
    with config_context(array_api_dispatch=False), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(frames)
    # The generator is the caller's, who goes on drawing from it.
    return mixture.set_params(random_state=None)


class MixtureAlignment(ClassNamePrefixFeaturesOutMixin, FrameTransformer):
    r"""Align frames to the Gaussians of a universal background model.

    The model is a mixture of Gaussians with diagonal covariances, fitted by
    scikit-learn to frames of all utterances. A frame becomes the posteriors of the
    mixtures,

    .. math:: \gamma_{tc} = \frac{\pi_c \mathcal N(x_t; m_c, \Sigma_c)}
              {\sum_d \pi_d \mathcal N(x_t; m_d, \Sigma_d)}.

    Features should have similar scales; see `skser.normalization`.

    Parameters
    ----------
    n_mixtures : int, default=128
        Number of Gaussians.
    max_frames : int, default=300000
        The model is fitted to this many frames, drawn at random, where there are more.
    max_iter : int, default=20
        Number of iterations of expectation-maximisation, at most.
    random_state : int, RandomState instance or None, default=None
        Determines the frames drawn and the initial means.

    Attributes
    ----------
    mixture_ : sklearn.mixture.GaussianMixture
        The background model.
    n_iter_ : int
        Number of iterations that were run.
    n_features_in_ : int
        Number of features of a frame.
    feature_names_in_ : ndarray of str
        Only if `X` in `fit` was a DataFrame.

    See Also
    --------
    DeepBeliefAlignment : By a network that is trained to give the same posteriors.
    IVectors : What the posteriors are for.

    References
    ----------
    .. [1] D. A. Reynolds, T. F. Quatieri and R. B. Dunn, "Speaker verification using
       adapted Gaussian mixture models", Digital Signal Processing 10, 2000.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.ivectors import MixtureAlignment
    >>> rng = np.random.default_rng(0)
    >>> utterances = [rng.normal(size=(n, 3)) for n in (20, 50)]
    >>> alignment = MixtureAlignment(n_mixtures=4, random_state=0)
    >>> posteriors = alignment.fit_transform(utterances)
    >>> [p.shape for p in posteriors]
    [(20, 4), (50, 4)]
    >>> bool(np.allclose(posteriors[0].sum(axis=1), 1))
    True
    """

    _parameter_constraints = {
        "n_mixtures": [Interval(numbers.Integral, 1, None, closed="left")],
        "max_frames": [Interval(numbers.Integral, 1, None, closed="left")],
        "max_iter": [Interval(numbers.Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_mixtures: int = 128,
        *,
        max_frames: int = 300_000,
        max_iter: int = 20,
        random_state: int | np.random.RandomState | None = None,
    ):
        set_parameters(self, locals())

    @restore_on_failure
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Sequence | ArrayLike, y: object = None) -> Self:
        """Fit the background model.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features), or array-like of \
                shape (n_samples, n_frames, n_features) or (n_frames, n_features)
            The utterances. Rows of a two-dimensional `X` are frames.
        y : Ignored

        Returns
        -------
        self : MixtureAlignment

        Raises
        ------
        ValueError
            If there are fewer frames than mixtures.
        """
        sequences = self._check_input(X, reset=True)
        generator = check_random_state(self.random_state)
        rows = sample_frames(sequences, self.max_frames, generator)
        frames = np.concatenate([s[r] for s, r in zip(sequences, rows, strict=True)])
        self.mixture_ = fit_mixture(
            frames, self.n_mixtures, max_iter=self.max_iter, generator=generator
        )
        self.n_iter_ = self.mixture_.n_iter_
        return self

    def _transform_frames(self, sequence):
        """Return the posteriors of the mixtures, whose sum is 1 at every frame."""
        posteriors = self.mixture_.predict_proba(sequence)
        return posteriors.astype(sequence.dtype, copy=False)

    @property
    def _n_features_out(self):
        """Number of output features, for ``get_feature_names_out``."""
        return self.mixture_.n_components

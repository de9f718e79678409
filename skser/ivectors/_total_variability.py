"""Total variability, the factor analysis of i-vectors, and Baum-Welch statistics."""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from typing import NamedTuple, Self

import numpy as np
from scipy import linalg
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skser._base import restore_on_failure, set_parameters
from skser._compat import Interval, fit_context
from skser._parallel import one_blas_thread
from skser._progress import say

# Utterances whose posterior covariances are in memory at once: 128 of 100 x 100 are
# 10 MB.
_BATCH_SIZE = 128
# A mixture that no frame belongs to has a count of 0, by which nothing may be divided.
_SMALLEST_COUNT = 1e-10


class Statistics(NamedTuple):
    r"""The Baum-Welch statistics of a batch of utterances.

    With the posterior :math:`\gamma_{tc}` of mixture :math:`c` at frame :math:`x_t`,

    .. math:: N_c = \sum_t \gamma_{tc}, \qquad
              F_c = \sum_t \gamma_{tc} x_t, \qquad
              Q_c = \sum_t \gamma_{tc} x_t^2.

    Attributes
    ----------
    counts : ndarray of shape (n_utterances, n_mixtures)
        :math:`N_c` of each utterance.
    sums : ndarray of shape (n_utterances, n_mixtures, n_features)
        :math:`F_c` of each utterance.
    squares : ndarray of shape (n_mixtures, n_features)
        :math:`Q_c`, summed over the utterances, as only that sum is ever needed.
    """

    counts: np.ndarray
    sums: np.ndarray
    squares: np.ndarray

    def means(self) -> np.ndarray:
        """Return the mean of each mixture over all utterances.

        Returns
        -------
        means : ndarray of shape (n_mixtures, n_features)
            0 for a mixture that no frame belongs to.
        """
        return self.sums.sum(axis=0) / _positive(self.counts.sum(axis=0))[:, np.newaxis]

    def centre(self, means: np.ndarray) -> Statistics:
        r"""Return the statistics of the deviations from given means.

        .. math:: \tilde F_c = F_c - N_c m_c, \qquad
                  \tilde Q_c = Q_c - 2 F_c m_c + N_c m_c^2

        Parameters
        ----------
        means : ndarray of shape (n_mixtures, n_features)

        Returns
        -------
        centred : Statistics
        """
        totals = self.counts.sum(axis=0)[:, np.newaxis]
        sums = self.sums - self.counts[:, :, np.newaxis] * means
        squares = self.squares - 2 * self.sums.sum(axis=0) * means + totals * means**2
        # What is left of a mixture of equal frames is rounding.
        return Statistics(self.counts, sums, np.maximum(squares, 0))

    def covariances(self, floor: float = 0.0) -> np.ndarray:
        """Return the variances of each mixture, of centred statistics.

        Parameters
        ----------
        floor : float, default=0.0
            No variance is less than this share of the feature's variance within
            mixtures, averaged over all frames.

        Returns
        -------
        covariances : ndarray of shape (n_mixtures, n_features)
        """
        totals = self.counts.sum(axis=0)
        return floor_variances(self.squares, totals, floor)


def floor_variances(squares, totals, floor):
    """Return sums of squared deviations as variances that are not too small.

    Parameters
    ----------
    squares : ndarray of shape (n_mixtures, n_features)
        Sums over the frames of each mixture.
    totals : ndarray of shape (n_mixtures,)
        Number of frames of each mixture.
    floor : float
        Smallest share of the feature's average variance.

    Returns
    -------
    variances : ndarray of shape (n_mixtures, n_features)
        Positive; 1 where a feature does not vary within any mixture.
    """
    average = squares.sum(axis=0) / _positive(totals.sum())
    average = np.where(average > 0, average, 1.0)
    variances = squares / _positive(totals)[:, np.newaxis]
    # The smallest positive number keeps a floor of 0 from dividing by 0.
    return np.maximum(variances, np.maximum(floor, 1e-12) * average)


def collect_statistics(
    sequences: list[np.ndarray], posteriors: Iterable[np.ndarray]
) -> Statistics:
    """Return the statistics of utterances under given posteriors.

    Parameters
    ----------
    sequences : list of ndarray of shape (n_frames, n_features)
    posteriors : iterable of ndarray of shape (n_frames, n_mixtures)
        One array per utterance, in order; an iterator saves memory.

    Returns
    -------
    statistics : Statistics
        In double precision.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.ivectors import collect_statistics
    >>> frames = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> statistics = collect_statistics([frames], [np.array([[1, 0], [0.5, 0.5]])])
    >>> statistics.counts.tolist()
    [[1.5, 0.5]]
    >>> statistics.sums.tolist()
    [[[2.5, 4.0], [1.5, 2.0]]]
    """
    counts, sums, squares = [], [], np.zeros(())
    for frames, weights in zip(sequences, posteriors, strict=True):
        frames = frames.astype(np.float64, copy=False)
        weights = weights.astype(np.float64, copy=False)
        counts.append(weights.sum(axis=0))
        sums.append(weights.T @ frames)
        squares = squares + weights.T @ frames**2
    return Statistics(np.array(counts), np.array(sums), squares)


def _positive(counts):
    """Return counts by which may be divided."""
    return np.maximum(counts, _SMALLEST_COUNT)


class TotalVariability(BaseEstimator):
    r"""Factor analysis of the mixtures' means, one low-dimensional factor an utterance.

    The frames of an utterance that belong to mixture :math:`c` are Gaussian around a
    mean that is shifted by the utterance's factor :math:`w`, with a standard normal
    prior [1]_:

    .. math:: x_t \sim \mathcal N(m_c + T_c w, \Sigma_c), \qquad
              w \sim \mathcal N(0, I).

    The i-vector is the posterior mean of :math:`w`. With the statistics :math:`N_c` and
    :math:`\tilde F_c = F_c - N_c m_c` of the utterance,

    .. math:: L = I + \sum_c N_c T_c^\top \Sigma_c^{-1} T_c, \qquad
              E[w] = L^{-1} \sum_c T_c^\top \Sigma_c^{-1} \tilde F_c, \qquad
              E[w w^\top] = L^{-1} + E[w] E[w]^\top.

    :math:`m_c` is the mean of the frames under the alignment. :math:`T` and
    :math:`\Sigma` are learnt by expectation-maximisation over the utterances
    :math:`u` [2]_,

    .. math:: T_c = \Big(\sum_u \tilde F_{uc} E[w_u]^\top\Big)
              \Big(\sum_u N_{uc} E[w_u w_u^\top]\Big)^{-1}, \qquad
              \Sigma_c = \frac{\sum_u \tilde Q_{uc}
              - \mathrm{diag}(\sum_u \tilde F_{uc} E[w_u]^\top T_c^\top)}
              {\sum_u N_{uc}}.

    Parameters
    ----------
    n_components : int, default=100
        Length of an i-vector, the rank of :math:`T`.
    n_iterations : int, default=10
        Number of iterations of expectation-maximisation.
    covariance_floor : float, default=1e-3
        No variance is less than this share of the feature's variance within mixtures,
        averaged over all frames.
    random_state : int, RandomState instance or None, default=None
        Determines the initial :math:`T`, which is normal with a variance of
        :math:`\Sigma_c` / `n_components`.
    verbose : int, default=0
        1 prints a line per iteration.

    Attributes
    ----------
    means_ : ndarray of shape (n_mixtures, n_features)
        :math:`m_c`.
    covariances_ : ndarray of shape (n_mixtures, n_features)
        The diagonals of :math:`\Sigma_c`.
    loadings_ : ndarray of shape (n_mixtures, n_features, n_components)
        :math:`T_c`.
    log_likelihoods_ : list of float
        Marginal log-likelihood of a frame, on average, before each iteration; it never
        falls, unless by the floor.

    See Also
    --------
    IVectors : Alignment and factor analysis in one transformer.

    Notes
    -----
    In [1]_ the means are those of the background model. The mean under the alignment
    equals it where the model has converged on the same frames, and is right for
    any other alignment, too.

    References
    ----------
    .. [1] N. Dehak, P. Kenny, R. Dehak, P. Dumouchel and P. Ouellet, "Front-end factor
       analysis for speaker verification", IEEE Transactions on Audio, Speech, and
       Language Processing 19(4), 2011.
    .. [2] P. Kenny, G. Boulianne and P. Dumouchel, "Eigenvoice modeling with sparse
       training data", IEEE Transactions on Speech and Audio Processing 13(3), 2005.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.ivectors import TotalVariability, collect_statistics
    >>> rng = np.random.default_rng(0)
    >>> shifts = rng.normal(size=40)
    >>> utterances = [rng.normal(shift, 0.1, size=(30, 1)) for shift in shifts]
    >>> statistics = collect_statistics(utterances, [np.ones((30, 1))] * 40)
    >>> w = TotalVariability(n_components=1, random_state=0).fit_transform(statistics)
    >>> bool(abs(np.corrcoef(w.ravel(), shifts)[0, 1]) > 0.99)
    True
    """

    _parameter_constraints = {
        "n_components": [Interval(numbers.Integral, 1, None, closed="left")],
        "n_iterations": [Interval(numbers.Integral, 1, None, closed="left")],
        "covariance_floor": [Interval(numbers.Real, 0, 1, closed="left")],
        "random_state": ["random_state"],
        "verbose": [Interval(numbers.Integral, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_components: int = 100,
        *,
        n_iterations: int = 10,
        covariance_floor: float = 1e-3,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        set_parameters(self, locals())

    @restore_on_failure
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Statistics, y: object = None) -> Self:
        """Learn the means, the loadings and the covariances.

        Parameters
        ----------
        X : Statistics
            Of the training utterances, not centred.
        y : Ignored

        Returns
        -------
        self : TotalVariability
        """
        _check_statistics(X)
        self.means_ = X.means()
        centred = X.centre(self.means_)
        self.covariances_ = centred.covariances(self.covariance_floor)
        self.loadings_ = self._initial_loadings()
        self.log_likelihoods_: list[float] = []
        for iteration in range(self.n_iterations):
            with one_blas_thread():
                self._iterate(centred)
            if self.verbose:
                say(
                    f"Total variability: iteration {iteration + 1} of "
                    f"{self.n_iterations}, log-likelihood of a frame "
                    f"{self.log_likelihoods_[-1]:.4f}"
                )
        return self

    def transform(self, X: Statistics) -> np.ndarray:
        """Return the i-vector of each utterance.

        Parameters
        ----------
        X : Statistics
            Of any utterances, not centred.

        Returns
        -------
        ivectors : ndarray of shape (n_utterances, n_components)
        """
        check_is_fitted(self)
        _check_statistics(X, self.means_.shape)
        with one_blas_thread():
            batches = self._posteriors(X.centre(self.means_))
            return np.concatenate([means for _, means, _, _ in batches])

    def fit_transform(self, X: Statistics, y: object = None) -> np.ndarray:
        """Fit to statistics, then return their i-vectors.

        Parameters
        ----------
        X : Statistics
            As in `fit`.
        y : Ignored

        Returns
        -------
        ivectors : ndarray of shape (n_utterances, n_components)
        """
        return self.fit(X, y).transform(X)

    def _initial_loadings(self):
        """Return random loadings that vary as much as the frames around the means."""
        generator = check_random_state(self.random_state)
        shape = (*self.covariances_.shape, self.n_components)
        scale = np.sqrt(self.covariances_ / self.n_components)
        return generator.normal(size=shape) * scale[..., np.newaxis]

    def _posteriors(self, centred):
        r"""Yield the posteriors of the factors, some utterances at a time.

        Parameters
        ----------
        centred : Statistics

        Yields
        ------
        batch : slice
            Which utterances.
        means : ndarray of shape (n_batch, n_components)
            :math:`E[w]`.
        covariances : ndarray of shape (n_batch, n_components, n_components)
            :math:`L^{-1}`.
        gains : ndarray of shape (n_batch,)
            :math:`\frac12 E[w]^\top L E[w] - \frac12 \log |L|`, what the factors add
            to the log-likelihood of each utterance.
        """
        R = self.n_components
        weighted = self.loadings_ / self.covariances_[..., np.newaxis]
        information = np.matmul(weighted.transpose(0, 2, 1), self.loadings_)
        for start in range(0, len(centred.counts), _BATCH_SIZE):
            batch = slice(start, start + _BATCH_SIZE)
            counts, sums = centred.counts[batch], centred.sums[batch]
            precisions = counts @ information.reshape(-1, R * R)
            precisions = precisions.reshape(-1, R, R) + np.eye(R)
            projected = sums.reshape(len(sums), -1) @ weighted.reshape(-1, R)
            covariances = np.linalg.inv(precisions)
            means = np.matmul(covariances, projected[..., np.newaxis])[..., 0]
            log_determinants = np.linalg.slogdet(precisions).logabsdet
            gains = 0.5 * ((projected * means).sum(axis=1) - log_determinants)
            yield batch, means, covariances, gains

    def _iterate(self, centred):
        """Run one iteration of expectation-maximisation."""
        n_mixtures, n_features = self.means_.shape
        R = self.n_components
        A = np.zeros((n_mixtures, R * R))
        B = np.zeros((n_mixtures * n_features, R))
        gain = 0.0
        for batch, means, covariances, gains in self._posteriors(centred):
            seconds = covariances + means[:, :, np.newaxis] * means[:, np.newaxis, :]
            sums = centred.sums[batch].reshape(len(means), -1)
            A += centred.counts[batch].T @ seconds.reshape(len(means), -1)
            B += sums.T @ means
            gain += gains.sum()
        self.log_likelihoods_.append(self._log_likelihood(centred, gain))
        self._maximize(
            centred, A.reshape(-1, R, R), B.reshape(n_mixtures, n_features, R)
        )

    def _log_likelihood(self, centred, gain):
        """Return the average marginal log-likelihood of a frame."""
        totals = centred.counts.sum(axis=0)
        variances = self.covariances_
        constant = totals @ np.log(2 * np.pi * variances).sum(axis=1)
        squares = (centred.squares / variances).sum()
        return float((gain - 0.5 * (constant + squares)) / totals.sum())

    def _maximize(self, centred, A, B):
        """Set loadings and covariances from the expectations A and B."""
        totals = centred.counts.sum(axis=0)
        for c in np.flatnonzero(totals > 1e-6):  # without frames nothing is learnt
            self.loadings_[c] = linalg.solve(A[c], B[c].T, assume_a="pos").T
        squares = centred.squares - (B * self.loadings_).sum(axis=2)
        self.covariances_ = floor_variances(
            np.maximum(squares, 0), totals, self.covariance_floor
        )


def _check_statistics(X, shape=None):
    """Refuse what are not the statistics of at least one utterance, of that shape."""
    if not isinstance(X, Statistics):
        raise TypeError(
            "TotalVariability needs the Statistics that collect_statistics returns, "
            f"got {type(X).__name__}. IVectors takes utterances."
        )
    if shape is not None and X.sums.shape[1:] != shape:
        raise ValueError(
            f"X has (mixtures, features) of {X.sums.shape[1:]}, but TotalVariability "
            f"was fitted with {shape}."
        )

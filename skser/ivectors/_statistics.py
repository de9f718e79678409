"""What an utterance is reduced to: statistics of its frames under an alignment."""

from typing import NamedTuple

import numpy as np

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

    def means(self):
        """Return the mean of each mixture over all utterances.

        Returns
        -------
        means : ndarray of shape (n_mixtures, n_features)
            0 for a mixture that no frame belongs to.
        """
        return self.sums.sum(axis=0) / _positive(self.counts.sum(axis=0))[:, np.newaxis]

    def centre(self, means):
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

    def covariances(self, floor=0.0):
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


def collect_statistics(sequences, posteriors):
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
    counts, sums, squares = [], [], 0.0
    for frames, weights in zip(sequences, posteriors, strict=True):
        frames = frames.astype(np.float64, copy=False)
        weights = weights.astype(np.float64, copy=False)
        counts.append(weights.sum(axis=0))
        sums.append(weights.T @ frames)
        squares = squares + weights.T @ frames**2
    return Statistics(np.array(counts), np.array(sums), squares)


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


def _positive(counts):
    """Return counts by which may be divided."""
    return np.maximum(counts, _SMALLEST_COUNT)

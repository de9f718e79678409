"""The shape of a sequence: its centroid, spread, skewness and kurtosis."""

from functools import cache

import numpy as np

EPS = np.finfo(np.float64).eps


# A variance that is smaller than this share of the second moment may be rounding.
_DOUBTFUL_VARIANCE = 1e-9


def inner_products(x, y):
    """Return the inner product of each row of `x` with that row of `y`.

    Parameters
    ----------
    x, y : ndarray of shape (n_frames, length)

    Returns
    -------
    products : ndarray of shape (n_frames,)

    Examples
    --------
    >>> import numpy as np
    >>> inner_products(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]))
    array([11.])
    """
    # As products of matrices of one row: BLAS takes a third of the time of einsum.
    return (x[:, np.newaxis, :] @ y[:, :, np.newaxis])[:, 0, 0]


@cache
def index_powers(length):
    """Return the powers 0 to 4 of the indices, shape (length, 5)."""
    powers = np.vander(np.arange(length, dtype=np.float64), 5, increasing=True)
    powers.flags.writeable = False
    return powers


def shape_statistics(values):
    r"""Describe non-negative sequences as if they were densities over the index.

    With :math:`V = \sum_i v_i` and the moments :math:`m_j = \sum_i i^j v_i / V`:

    * centroid :math:`m_1`;
    * spread :math:`s = \sqrt{m_2 - m_1^2}`, the machine epsilon if that is 0;
    * skewness :math:`(2 m_1^3 - 3 m_1 m_2 + m_3) / s^3`;
    * kurtosis :math:`(-3 m_1^4 + 6 m_1 m_2 - 4 m_1 m_3 + m_4) / s^4 - 3`.

    The statistics are those of [1]_, with one deviation. The textbook's kurtosis has
    :math:`6 m_1^2 m_2` where YAAFE has :math:`6 m_1 m_2`; we follow YAAFE, since its
    values are what the literature has used. The result is therefore large and negative
    where a kurtosis would be around 0: about -70 for a frame of noise.

    Parameters
    ----------
    values : ndarray of shape (n_frames, length)
        Not negative. A sequence of zeros has the statistics 0, epsilon, 0 and -3.

    Returns
    -------
    statistics : ndarray of shape (n_frames, 4)
        Centroid and spread in units of the index, which starts at 0.

    References
    ----------
    .. [1] O. Gillet and G. Richard, "Automatic transcription of drum loops", ICASSP
       2004.

    Examples
    --------
    >>> import numpy as np
    >>> shape_statistics(np.array([[1.0, 1.0, 1.0]])).round(3)
    array([[ 1.   ,  0.816,  0.   ,  -1.5  ]])
    """
    return statistics_of_moments(
        moments(values, values @ index_powers(values.shape[1]))
    )


def moments(values, sums):
    r"""Moments of non-negative sequences, as densities over the index.

    :math:`m_j = \sum_i i^j v_i / V`, where :math:`V = \sum_i v_i`.

    Parameters
    ----------
    values : ndarray of shape (n_frames, length)
    sums : ndarray of shape (n_frames, 5)
        The sums with the weights :math:`i^0` to :math:`i^4`, see `index_powers`.

    Returns
    -------
    moments : ndarray of shape (n_frames, 4)
        :math:`m_1` to :math:`m_4`; all 0 for a sequence of zeros.

    Examples
    --------
    >>> import numpy as np
    >>> values = np.array([[1.0, 1.0, 2.0]])
    >>> moments(values, values @ index_powers(3))
    array([[1.25, 2.25, 4.25, 8.25]])
    """
    total = np.where(sums[:, :1] == 0, EPS, sums[:, :1])
    result = sums[:, 1:] / total
    # Dividing first makes the moments of a single impulse exact: then its spread is
    # exactly 0 and replaced by epsilon, as in YAAFE. Elsewhere it takes time only.
    variance = result[:, 1] - result[:, 0] ** 2
    doubtful = ~(variance > _DOUBTFUL_VARIANCE * result[:, 1])
    if doubtful.any():
        powers = index_powers(values.shape[1])[:, 1:]
        result[doubtful] = (values[doubtful] / total[doubtful]) @ powers
    return result


def statistics_of_moments(moments):
    """Compute what `shape_statistics` does, from `moments`.

    Parameters
    ----------
    moments : ndarray of shape (n_frames, 4)

    Returns
    -------
    statistics : ndarray of shape (n_frames, 4)

    Examples
    --------
    >>> import numpy as np
    >>> statistics_of_moments(np.array([[1.0, 5 / 3, 3.0, 17 / 3]])).round(3)
    array([[ 1.   ,  0.816,  0.   , -1.5  ]])
    """
    m1, m2, m3, m4 = moments.T.copy()
    spread = np.sqrt(np.maximum(m2 - m1**2, 0))
    spread[spread == 0] = EPS
    skewness = (2 * m1**3 - 3 * m1 * m2 + m3) / spread**3
    kurtosis = (-3 * m1**4 + 6 * m1 * m2 - 4 * m1 * m3 + m4) / spread**4 - 3
    return np.stack([m1, spread, skewness, kurtosis], axis=1)

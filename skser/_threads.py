"""How many threads BLAS may use for products of a few frames: one."""

from functools import cache

from threadpoolctl import ThreadpoolController


@cache
def _controller():
    """Find the loaded BLAS libraries, which takes milliseconds, once."""
    return ThreadpoolController()


def one_blas_thread():
    """Let BLAS use one thread for the length of a ``with`` block.

    The products of one utterance are too small to be shared among threads. Worse, the
    threads of BLAS go on looking for work for a tenth of a second afterwards, on the
    processors that TensorFlow's threads, or those of `n_jobs`, would use: a prediction
    that needs 24 ms of a processor took 118 ms.

    Returns
    -------
    context : context manager

    Examples
    --------
    >>> import numpy as np
    >>> with one_blas_thread():
    ...     np.ones((2, 2)) @ np.ones((2, 2))
    array([[2., 2.],
           [2., 2.]])
    """
    return _controller().limit(limits=1, user_api="blas")

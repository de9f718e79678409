"""What the paper's Tables 2 and 3 compare its system with: parts of itself."""

from skser.systems._attention_blstm_fcn import attention_blstm_fcn


def fcn(**params):
    """Return the convolutional branch alone ("FCNs" of Table 2), not yet fitted.

    Parameters
    ----------
    **params
        Those of :func:`attention_blstm_fcn`.

    Returns
    -------
    system : sklearn.pipeline.Pipeline

    Examples
    --------
    >>> from skser.systems import fcn
    >>> fcn()["classify"].recurrent is None
    True
    """
    return _ablate(params, recurrent=None)


def attention_lstm(**params):
    """Return the recurrent branch alone, forwards only ("Attention-LSTM" of Table 2).

    Parameters
    ----------
    **params
        Those of :func:`attention_blstm_fcn`.

    Returns
    -------
    system : sklearn.pipeline.Pipeline

    Examples
    --------
    >>> from skser.systems import attention_lstm
    >>> attention_lstm()["classify"].recurrent
    'lstm'
    """
    return _ablate(params, recurrent="lstm", convolutional=False)


def attention_blstm(**params):
    """Return the recurrent branch alone ("Attention-BLSTM" of Table 2).

    Not the Attention-BLSTM of Table 4, which is `attention_blstm_huang2016`.

    Parameters
    ----------
    **params
        Those of :func:`attention_blstm_fcn`.

    Returns
    -------
    system : sklearn.pipeline.Pipeline

    Examples
    --------
    >>> from skser.systems import attention_blstm
    >>> attention_blstm()["classify"].convolutional
    False
    """
    return _ablate(params, convolutional=False)


def attention_lstm_fcn(**params):
    """Return the paper's system with an LSTM that reads forwards only.

    The paper's text names it beside those of Table 2, without figures.

    Parameters
    ----------
    **params
        Those of :func:`attention_blstm_fcn`.

    Returns
    -------
    system : sklearn.pipeline.Pipeline

    Examples
    --------
    >>> from skser.systems import attention_lstm_fcn
    >>> attention_lstm_fcn()["classify"].convolutional
    True
    """
    return _ablate(params, recurrent="lstm")


def attention_blstm_fcn_mean(**params):
    """Return the paper's system with the mean in place of attention (Table 3).

    Parameters
    ----------
    **params
        Those of :func:`attention_blstm_fcn`.

    Returns
    -------
    system : sklearn.pipeline.Pipeline

    Examples
    --------
    >>> from skser.systems import attention_blstm_fcn_mean
    >>> attention_blstm_fcn_mean()["classify"].pooling
    'mean'
    """
    return _ablate(params, pooling="mean")


def attention_blstm_fcn_max(**params):
    """Return the paper's system with the maximum in place of attention (Table 3).

    Parameters
    ----------
    **params
        Those of :func:`attention_blstm_fcn`.

    Returns
    -------
    system : sklearn.pipeline.Pipeline

    Examples
    --------
    >>> from skser.systems import attention_blstm_fcn_max
    >>> attention_blstm_fcn_max()["classify"].pooling
    'max'
    """
    return _ablate(params, pooling="max")


def _ablate(params, **changes):
    """Return the paper's system with other parameters of its classifier."""
    system = attention_blstm_fcn(**params)
    system["classify"].set_params(**changes)
    return system

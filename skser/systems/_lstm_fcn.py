"""The ancestors of the paper's network: LSTM-FCN and MLSTM-FCN."""

from skser.systems._attention_blstm_fcn import attention_blstm_fcn

# Both networks need utterances of one length. 128 frames every 32 ms are 4.1 s: most
# utterances of acted corpora are shorter, and longer ones are cut.
N_FRAMES = 128


def lstm_fcn(**params):
    """Return LSTM-FCN [1]_ on the paper's whitened features, not yet fitted.

    An LSTM that takes one feature with all its values over time for a step, and of
    which the last output counts, beside three blocks of convolution; no dense layer.

    Parameters
    ----------
    **params
        Those of :func:`attention_blstm_fcn`.

    Returns
    -------
    system : sklearn.pipeline.Pipeline

    Notes
    -----
    From the source: the layers, kernels of 8, 5 and 3, dropout of 0.8, balanced class
    weights. The source's LSTM has 8, 64 or 128 cells, chosen for each data set; here it
    has 128. Its inputs are univariate; of several variables it says nothing, so that
    the step is MLSTM-FCN's. Adam, batches and epochs are those of the paper's system,
    not the source's 2000 epochs.

    References
    ----------
    .. [1] F. Karim, S. Majumdar, H. Darabi and S. Chen, "LSTM fully convolutional
       networks for time series classification", IEEE Access 6, 2018.

    Examples
    --------
    >>> from skser.systems import lstm_fcn
    >>> lstm_fcn()["classify"].filters
    (128, 256, 128)
    """
    return _lstm_fcn(params, recurrent_units=128)


def mlstm_fcn(**params):
    """Return MLSTM-FCN [1]_ on the paper's whitened features, not yet fitted.

    As :func:`lstm_fcn`, with squeeze-and-excitation behind the first two blocks, and an
    LSTM of 8 cells.

    Parameters
    ----------
    **params
        Those of :func:`attention_blstm_fcn`.

    Returns
    -------
    system : sklearn.pipeline.Pipeline

    References
    ----------
    .. [1] F. Karim, S. Majumdar, H. Darabi and S. Harford, "Multivariate LSTM-FCNs for
       time series classification", Neural Networks 116, 2019.

    Examples
    --------
    >>> from skser.systems import mlstm_fcn
    >>> mlstm_fcn()["classify"].squeeze_excite
    True
    """
    return _lstm_fcn(params, recurrent_units=8, squeeze_excite=True)


def _lstm_fcn(params, **changes):
    """Return the paper's front end with the network of Karim et al."""
    system = attention_blstm_fcn(**params)
    system["classify"].set_params(
        recurrent="lstm",
        view="variables",
        pooling="last",
        filters=(128, 256, 128),
        kernel_sizes=(8, 5, 3),
        hidden_units=(),
        dropout=0.8,
        class_weight="balanced",
        max_frames=N_FRAMES,
        **changes,
    )
    return system

"""The system of the paper: Zhao et al., Interspeech 2018."""

from sklearn.pipeline import Pipeline

from skser.audio import AudioLoader
from skser.classifiers import AttentionBLSTMFCNClassifier
from skser.features import AcousticFeatures
from skser.framing import Framer
from skser.whitening import PCAWhitening

# 90 % of the variance of the standardised features of ten minutes of speech. The paper
# does not say how many components it keeps.
N_COMPONENTS = 114


def attention_blstm_fcn(
    *, input_sample_rate=None, n_jobs=None, random_state=None, verbose=0, memory=None
):
    """Return the system of the paper, not yet fitted.

    Recordings at 16 kHz are cut into frames of 1024 samples, each frame gives the 743
    features of YAAFE [2]_, these are whitened with PCA, and the Attention-BLSTM-FCN
    [1]_ classifies the sequence of whitened frames. Whatever is learnt, from the bounds
    of the features on, is learnt in `fit`.

    Parameters
    ----------
    input_sample_rate : int, default=None
        Sample rate of the waveforms, if the system is given waveforms rather than
        paths.
    n_jobs : int, default=None
        Number of threads for decoding and features.
    random_state : int, RandomState instance or None, default=None
        Determines the training of the network.
    verbose : int, default=0
        1 shows a progress bar while the network is trained.
    memory : str or joblib.Memory, default=None
        Where the Pipeline keeps the results of its transformers.

    Returns
    -------
    system : sklearn.pipeline.Pipeline
        With the steps "load", "frame", "features", "whiten" and "classify". It takes a
        list of paths, or of waveforms.

    See Also
    --------
    attention_blstm_fcn_robust : What we recommend in its place.

    Notes
    -----
    The paper fixes the features, frames of 1024 samples, whitening, the two branches
    (64 LSTM cells, attention, dropout of 0.5; 128 and 64 filters) and batches of 50.
    Everything else is our choice and a parameter of a step: the hop of 512 samples
    (YAAFE's default), clipping and the 114 components ("whiten"), the widths of the
    filters, the dense layer, the optimizer and the 30 epochs ("classify").

    References
    ----------
    .. [1] Z. Zhao, Y. Zheng, Z. Zhang, H. Wang, Y. Zhao and C. Li, "Exploring
       spatio-temporal representations by integrating attention-based bidirectional-
       LSTM-RNNs and FCNs for speech emotion recognition", Interspeech 2018.
    .. [2] B. Mathieu, S. Essid, T. Fillon, J. Prado and G. Richard, "YAAFE, an easy to
       use and efficient audio feature extraction software", ISMIR 2010.

    Examples
    --------
    >>> from skser.systems import attention_blstm_fcn
    >>> list(attention_blstm_fcn().named_steps)
    ['load', 'frame', 'features', 'whiten', 'classify']
    """
    steps = [
        ("load", AudioLoader(input_sample_rate=input_sample_rate, n_jobs=n_jobs)),
        ("frame", Framer()),
        ("features", AcousticFeatures(n_jobs=n_jobs)),
        ("whiten", PCAWhitening(n_components=N_COMPONENTS)),
        (
            "classify",
            AttentionBLSTMFCNClassifier(random_state=random_state, verbose=verbose),
        ),
    ]
    return Pipeline(steps, memory=memory)

"""Whole systems, from recordings to labels: each a function that returns a Pipeline."""

from typing import NamedTuple

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


SYSTEMS = {"attention_blstm_fcn": attention_blstm_fcn}


class Published(NamedTuple):
    """Figures that the paper prints, in percent, and where they are from."""

    table: int
    data: str
    row: str
    ua: float
    wa: float
    provenance: str


# The rows of the paper's Table 4 that it quotes come from other data or protocols: they
# are no marks for a reproduction.
OWN = "the authors' own run"
PUBLISHED = [
    Published(2, "CHEAVD", "MEC 2017 baseline", 27.2, 39.9, "quoted: organisers' SVM"),
    Published(2, "CHEAVD", "FCNs", 25.1, 41.5, OWN),
    Published(2, "CHEAVD", "Attention-LSTM", 25.2, 41.7, OWN),
    Published(2, "CHEAVD", "Attention-BLSTM", 29.4, 45.3, OWN),
    Published(2, "CHEAVD", "Attention-BLSTM-FCN", 31.8, 46.3, OWN),
    Published(3, "IEMOCAP dataset1", "max pooling", 54.1, 62.8, OWN),
    Published(3, "IEMOCAP dataset1", "mean pooling", 53.7, 62.5, OWN),
    Published(3, "IEMOCAP dataset1", "attention pooling", 56.0, 64.0, OWN),
    Published(3, "IEMOCAP dataset2", "max pooling", 58.8, 56.8, OWN),
    Published(3, "IEMOCAP dataset2", "mean pooling", 58.4, 57.4, OWN),
    Published(3, "IEMOCAP dataset2", "attention pooling", 60.1, 59.7, OWN),
    Published(
        4,
        "IEMOCAP dataset1",
        "DNN-ELM",
        52.1,
        57.9,
        "quoted: Lee & Tashev 2015, improvised turns only",
    ),
    Published(
        4,
        "IEMOCAP dataset1",
        "Attention-BLSTM",
        49.9,
        59.3,
        "quoted: Huang & Narayanan 2016, own protocol",
    ),
    Published(4, "IEMOCAP dataset1", "Attention-BLSTM-FCN", 56.0, 64.0, OWN),
    Published(
        4,
        "IEMOCAP dataset2",
        "Attentive CNN",
        55.1,
        56.1,
        "quoted: Neumann & Vu 2017, own protocol",
    ),
    Published(
        4,
        "IEMOCAP dataset2",
        "DBN-ivector",
        59.6,
        58.1,
        "quoted: Xia & Liu 2016, own protocol (not checked)",
    ),
    Published(4, "IEMOCAP dataset2", "Attention-BLSTM-FCN", 60.1, 59.7, OWN),
]

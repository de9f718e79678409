"""Baselines of Table 4: networks on a few descriptors every 10 ms."""

from sklearn.pipeline import Pipeline

from skser.audio import AudioLoader
from skser.classifiers import AttentionBLSTMClassifier, AttentiveCNNClassifier
from skser.features import Deltas, SpeechDescriptors
from skser.framing import Framer
from skser.normalization import FrameScaler

# 7.5 s: the source's mean length plus a standard deviation, every 10 ms.
ATTENTIVE_CNN_FRAMES = 750
# An epoch of large LSTMs at 100 frames a second takes more than ten times as long as
# one of the paper's network. Smaller batches make up for fewer epochs.
RECURRENT_TRAINING = {"batch_size": 25, "max_epochs": 10}


def attention_blstm_huang2016(
    *, input_sample_rate=None, n_jobs=None, random_state=None, verbose=0, memory=None
):
    """Return the Attention-BLSTM of Huang and Narayanan [1]_, reconstructed.

    Two layers of bidirectional LSTMs on 40 mel bands, averaged by additive attention.
    ``set_params(classify__attention="uniform")`` is the source's control, which has the
    mean in place of attention.

    Parameters
    ----------
    input_sample_rate : int, default=None
        Sample rate of the waveforms, if the system is given waveforms rather than
        paths.
    n_jobs : int, default=None
        Number of threads for decoding and descriptors.
    random_state : int, RandomState instance or None, default=None
        Determines the training of the network.
    verbose : int, default=0
        1 shows a progress bar while the network is trained.
    memory : str or joblib.Memory, default=None
        Where the Pipeline keeps the results of its transformers.

    Returns
    -------
    system : sklearn.pipeline.Pipeline
        With the steps "load", "frame", "features", "scale" and "classify".

    Notes
    -----
    Of the source only the abstract could be read: an LSTM with attention to parts of an
    utterance, and a control without. Descriptors, layers and training (10 epochs of
    batches of 25) are our choice.

    References
    ----------
    .. [1] C.-W. Huang and S. Narayanan, "Attention assisted discovery of sub-utterance
       structure in speech emotion recognition", Interspeech 2016.

    Examples
    --------
    >>> from skser.systems import attention_blstm_huang2016
    >>> attention_blstm_huang2016()["classify"].attention
    'additive'
    """
    return _short_time(
        SpeechDescriptors(["log_mel"], n_mels=40, n_jobs=n_jobs),
        AttentionBLSTMClassifier(
            **RECURRENT_TRAINING, random_state=random_state, verbose=verbose
        ),
        input_sample_rate,
        n_jobs,
        memory,
    )


def attention_blstm_mirsamadi2017(
    *, input_sample_rate=None, n_jobs=None, random_state=None, verbose=0, memory=None
):
    """Return the BLSTM with local attention of Mirsamadi et al. [1]_, reconstructed.

    Two dense layers a frame, a bidirectional LSTM and linear attention, on 32
    descriptors: log energy, pitch, voicing, zero-crossing rate, 12 cepstral
    coefficients and their slopes.

    Parameters
    ----------
    input_sample_rate : int, default=None
        Sample rate of the waveforms, if the system is given waveforms rather than
        paths.
    n_jobs : int, default=None
        Number of threads for decoding and descriptors.
    random_state : int, RandomState instance or None, default=None
        Determines the training of the network.
    verbose : int, default=0
        1 shows a progress bar while the network is trained.
    memory : str or joblib.Memory, default=None
        Where the Pipeline keeps the results of its transformers.

    Returns
    -------
    system : sklearn.pipeline.Pipeline
        With the steps "load", "frame", "features", "deltas", "scale" and "classify".

    Notes
    -----
    The source could not be read; descriptors and layers are as later work describes
    them. There, features are standardised by the neutral speech of the training set;
    here by all of it, since not every corpus has neutral speech. The training (10
    epochs of batches of 25) is our choice.

    References
    ----------
    .. [1] S. Mirsamadi, E. Barsoum and C. Zhang, "Automatic speech emotion recognition
       using recurrent neural networks with local attention", ICASSP 2017.

    Examples
    --------
    >>> from skser.systems import attention_blstm_mirsamadi2017
    >>> attention_blstm_mirsamadi2017()["classify"].frame_units
    (512, 512)
    """
    names = ["log_energy", "pitch", "voicing", "zero_crossing_rate", "mfcc"]
    return _short_time(
        SpeechDescriptors(names, n_mfcc=12, n_jobs=n_jobs),
        AttentionBLSTMClassifier(
            frame_units=(512, 512),
            recurrent_units=(128,),
            attention="linear",
            **RECURRENT_TRAINING,
            random_state=random_state,
            verbose=verbose,
        ),
        input_sample_rate,
        n_jobs,
        memory,
        deltas=Deltas(),
    )


def attentive_cnn(
    *, input_sample_rate=None, n_jobs=None, random_state=None, verbose=0, memory=None
):
    """Return the Attentive CNN of Neumann and Vu [1]_, reconstructed.

    200 filters over 10 frames of 26 mel bands, maxima over 30 frames, attention. Of an
    utterance the first 7.5 s count. With ratings, ``fit(X, y, classify__ratings=...)``,
    it learns several views; activation and valence are the source's.

    Parameters
    ----------
    input_sample_rate : int, default=None
        Sample rate of the waveforms, if the system is given waveforms rather than
        paths.
    n_jobs : int, default=None
        Number of threads for decoding and descriptors.
    random_state : int, RandomState instance or None, default=None
        Determines the training of the network.
    verbose : int, default=0
        1 shows a progress bar while the network is trained.
    memory : str or joblib.Memory, default=None
        Where the Pipeline keeps the results of its transformers.

    Returns
    -------
    system : sklearn.pipeline.Pipeline
        With the steps "load", "frame", "features", "scale" and "classify".

    Notes
    -----
    Of the source only the abstract and scattered quotations could be read. From these:
    the inputs, the length, one layer of convolution, maxima, attention, and the levels
    of ratings; from memory, and not checked, the number and the sizes of the filters.
    The training is our choice.

    References
    ----------
    .. [1] M. Neumann and N. T. Vu, "Attentive convolutional neural network based speech
       emotion recognition: A study on the impact of input features, signal length, and
       acted speech", Interspeech 2017.

    Examples
    --------
    >>> from skser.systems import attentive_cnn
    >>> attentive_cnn()["classify"].n_filters
    200
    """
    return _short_time(
        SpeechDescriptors(["log_mel"], n_mels=26, n_jobs=n_jobs),
        AttentiveCNNClassifier(
            max_frames=ATTENTIVE_CNN_FRAMES, random_state=random_state, verbose=verbose
        ),
        input_sample_rate,
        n_jobs,
        memory,
    )


def _short_time(
    descriptors, classifier, input_sample_rate, n_jobs, memory, *, deltas=None
):
    """Return the Pipeline of a classifier of frames of 25 ms every 10 ms."""
    steps = [
        ("load", AudioLoader(input_sample_rate=input_sample_rate, n_jobs=n_jobs)),
        ("frame", Framer(frame_length=400, hop_length=160)),
        ("features", descriptors),
        ("deltas", deltas),
        ("scale", FrameScaler()),
        ("classify", classifier),
    ]
    return Pipeline([step for step in steps if step[1] is not None], memory=memory)

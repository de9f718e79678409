"""DNN-ELM: a network for segments and an extreme learning machine for utterances."""

from sklearn.pipeline import Pipeline

from skser.audio import AudioLoader
from skser.classifiers import ELMClassifier, SegmentPosteriors, SegmentStatistics
from skser.features import Deltas, SpeechDescriptors
from skser.framing import Framer
from skser.normalization import FrameScaler


def dnn_elm(
    *, input_sample_rate=None, n_jobs=None, random_state=None, verbose=0, memory=None
):
    """Return the DNN-ELM of Han et al. [1]_, not yet fitted.

    Frames of 25 ms every 10 ms give 13 cepstral coefficients, pitch,
    harmonics-to-noise ratio and their slopes, 30 numbers. 25 frames make a segment; the
    10 % of highest energy are classified by three layers of 256 units. Maxima, minima,
    means and shares above 0.2 of the posteriors go to an extreme learning machine with
    120 hidden units.

    Parameters
    ----------
    input_sample_rate : int, default=None
        Sample rate of the waveforms, if the system is given waveforms rather than
        paths.
    n_jobs : int, default=None
        Number of threads for decoding and descriptors.
    random_state : int, RandomState instance or None, default=None
        Determines the training of the network and the hidden units.
    verbose : int, default=0
        1 shows a progress bar while the network is trained.
    memory : str or joblib.Memory, default=None
        Where the Pipeline keeps the results of its transformers.

    Returns
    -------
    system : sklearn.pipeline.Pipeline
        With the steps "load", "frame", "features", "deltas", "scale", "segments",
        "statistics" and "classify".

    See Also
    --------
    dnn_elm_lee2015 : The variant whose figure the paper's Table 4 quotes.

    Notes
    -----
    From the source: frames, descriptors, segments, the share of 10 %, statistics,
    threshold, layers, and the number of hidden units. Ours: the 0th cepstral
    coefficient as energy, Adam with cosine decay for 20 epochs in place of the
    validation speaker, and the machine's ridge (``C = 1000``). The machine learns from
    posteriors of the segments that the network was trained on, as in the source.

    References
    ----------
    .. [1] K. Han, D. Yu and I. Tashev, "Speech emotion recognition using deep neural
       network and extreme learning machine", Interspeech 2014.

    Examples
    --------
    >>> from skser.systems import dnn_elm
    >>> list(dnn_elm().named_steps)[4:]
    ['scale', 'segments', 'statistics', 'classify']
    """
    descriptors = SpeechDescriptors(
        ["mfcc", "pitch", "harmonics_to_noise"], n_jobs=n_jobs
    )
    segments = SegmentPosteriors(random_state=random_state, verbose=verbose)
    machine = ELMClassifier(n_hidden=120, random_state=random_state)
    return _dnn_elm(descriptors, segments, machine, input_sample_rate, n_jobs, memory)


def dnn_elm_lee2015(
    *, input_sample_rate=None, n_jobs=None, random_state=None, verbose=0, memory=None
):
    """Return the DNN-ELM of Lee and Tashev [1]_, not yet fitted.

    As :func:`dnn_elm`, whose parameters it takes, with 32 descriptors (log energy,
    pitch, voicing, zero-crossing rate, 12 cepstral coefficients and their slopes), the
    30 % of highest energy, and a machine with a kernel. It is this variant whose figure
    the paper's Table 4 quotes, measured on improvised turns only.

    References
    ----------
    .. [1] J. Lee and I. Tashev, "High-level feature representation using recurrent
       neural network for speech emotion recognition", Interspeech 2015.

    Examples
    --------
    >>> from skser.systems import dnn_elm_lee2015
    >>> dnn_elm_lee2015()["segments"].energy_ratio
    0.3
    """
    names = ["log_energy", "pitch", "voicing", "zero_crossing_rate", "mfcc"]
    descriptors = SpeechDescriptors(names, n_mfcc=12, n_jobs=n_jobs)
    segments = SegmentPosteriors(
        energy_ratio=0.3, random_state=random_state, verbose=verbose
    )
    machine = ELMClassifier(kernel="rbf", random_state=random_state)
    return _dnn_elm(descriptors, segments, machine, input_sample_rate, n_jobs, memory)


def _dnn_elm(descriptors, segments, machine, input_sample_rate, n_jobs, memory):
    """Return the Pipeline of both variants; their first descriptor is an energy."""
    steps = [
        ("load", AudioLoader(input_sample_rate=input_sample_rate, n_jobs=n_jobs)),
        ("frame", Framer(frame_length=400, hop_length=160)),
        ("features", descriptors),
        ("deltas", Deltas()),
        ("scale", FrameScaler()),
        ("segments", segments),
        ("statistics", SegmentStatistics()),
        ("classify", machine),
    ]
    return Pipeline(steps, memory=memory)

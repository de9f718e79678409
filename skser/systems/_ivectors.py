"""Two baselines: i-vectors of a background model, and of a deep belief network."""

from sklearn.pipeline import Pipeline
from sklearn.preprocessing import Normalizer
from sklearn.svm import SVC

from skser.audio import AudioLoader
from skser.features import Deltas, SpeechDescriptors
from skser.framing import Framer
from skser.ivectors import (
    DeepBeliefAlignment,
    DeepBeliefNetwork,
    IVectors,
    MixtureAlignment,
)
from skser.normalization import UtteranceNormalizer

# 25 ms and 10 ms at 16 kHz, as is usual for cepstra.
_FRAME_LENGTH, _HOP_LENGTH = 400, 160


def ivector(
    *, input_sample_rate=None, n_jobs=None, random_state=None, verbose=0, memory=None
):
    """Return a system of i-vectors and a support vector machine, not yet fitted.

    Recordings at 16 kHz are cut into frames of 25 ms every 10 ms. 13 cepstral
    coefficients with first and second derivatives, 39 numbers a frame, are standardised
    within each utterance, aligned to 128 Gaussians, and reduced to one i-vector of 100
    numbers [1]_, which is scaled to unit length [2]_ and classified.

    Parameters
    ----------
    input_sample_rate : int, default=None
        Sample rate of the waveforms, if the system is given waveforms rather than
        paths.
    n_jobs : int, default=None
        Number of threads for decoding and features.
    random_state : int, RandomState instance or None, default=None
        Determines the background model and the factor analysis.
    verbose : int, default=0
        1 prints a line per iteration of the factor analysis.
    memory : str or joblib.Memory, default=None
        Where the Pipeline keeps the results of its transformers.

    Returns
    -------
    system : sklearn.pipeline.Pipeline
        With the steps "load", "frame", "features", "deltas", "normalize", "ivectors",
        "length", "compensate" and "classify". It takes a list of paths, or of
        waveforms.

    See Also
    --------
    dbn_ivector : The same with the alignment of Xia and Liu.

    Notes
    -----
    All sizes are our choice, common for i-vectors of corpora of a few hours.

    The step "compensate" is empty: ``set_params(compensate=WCCN())``, or
    ``LinearDiscriminantAnalysis()``, takes out what varies within an emotion, as is
    usual for speakers, of whom there are many more than emotions.

    The classes weigh alike in the support vector machine, as they do in the UA. It has
    a `decision_function` but no probabilities, which need a calibration:
    ``set_params(classify=CalibratedClassifierCV(SVC(class_weight="balanced"),
    ensemble=False))``.

    References
    ----------
    .. [1] N. Dehak, P. Kenny, R. Dehak, P. Dumouchel and P. Ouellet, "Front-end factor
       analysis for speaker verification", IEEE Transactions on Audio, Speech, and
       Language Processing 19(4), 2011.
    .. [2] D. Garcia-Romero and C. Y. Espy-Wilson, "Analysis of i-vector length
       normalization in speaker recognition systems", Interspeech 2011.

    Examples
    --------
    >>> from skser.systems import ivector
    >>> list(ivector().named_steps)[4:]
    ['normalize', 'ivectors', 'length', 'compensate', 'classify']
    """
    return _system(
        MixtureAlignment(), input_sample_rate, n_jobs, random_state, verbose, memory
    )


def dbn_ivector(
    *, input_sample_rate=None, n_jobs=None, random_state=None, verbose=0, memory=None
):
    """Return the DBN-ivector system of Xia and Liu, reconstructed, not yet fitted.

    As :func:`ivector`, except that frames are aligned by a deep belief network. It is
    trained on the posteriors of the background model and, at the same time, on the
    emotion that a frame sounds like to Gaussian mixtures of the emotions [1]_.

    Parameters
    ----------
    input_sample_rate : int, default=None
        Sample rate of the waveforms, if the system is given waveforms rather than
        paths.
    n_jobs : int, default=None
        Number of threads for decoding and features.
    random_state : int, RandomState instance or None, default=None
        Determines the mixtures, the network and the factor analysis.
    verbose : int, default=0
        1 prints a line per layer and epoch of the network, and per iteration of the
        factor analysis.
    memory : str or joblib.Memory, default=None
        Where the Pipeline keeps the results of its transformers.

    Returns
    -------
    system : sklearn.pipeline.Pipeline
        With the steps of :func:`ivector`.

    Notes
    -----
    The paper [1]_ could not be read. What we know of it is that a deep belief network
    learns the two targets above, that its posteriors replace those of the background
    model in the extraction of i-vectors, and that several classifiers stand behind
    these. The features, the 128 Gaussians and 100 dimensions, the network (contexts of
    11 frames, 3 layers of 512 units, equal weights of both targets), its training on
    at most 15,000 frames, and the support vector machine are our choice. The paper's
    best result combines several systems; this is a single one.

    What :func:`ivector` says of "compensate" and of probabilities holds here, too.

    References
    ----------
    .. [1] R. Xia and Y. Liu, "DBN-ivector framework for acoustic emotion recognition",
       Interspeech 2016.

    Examples
    --------
    >>> from skser.systems import dbn_ivector
    >>> dbn_ivector().named_steps["ivectors"].alignment.n_context
    5
    """
    alignment = DeepBeliefAlignment(network=DeepBeliefNetwork(verbose=verbose))
    return _system(alignment, input_sample_rate, n_jobs, random_state, verbose, memory)


def _system(alignment, input_sample_rate, n_jobs, random_state, verbose, memory):
    """Return the system with the given alignment of frames."""
    extractor = IVectors(
        alignment=alignment, random_state=random_state, verbose=verbose
    )
    steps = [
        ("load", AudioLoader(input_sample_rate=input_sample_rate, n_jobs=n_jobs)),
        ("frame", Framer(frame_length=_FRAME_LENGTH, hop_length=_HOP_LENGTH)),
        (
            "features",
            SpeechDescriptors(descriptors=("mfcc",), n_mfcc=13, n_jobs=n_jobs),
        ),
        ("deltas", Deltas(order=2)),
        ("normalize", UtteranceNormalizer()),
        ("ivectors", extractor),
        ("length", Normalizer()),
        ("compensate", "passthrough"),
        ("classify", SVC(class_weight="balanced")),
    ]
    return Pipeline(steps, memory=memory)

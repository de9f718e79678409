"""What this package recommends: the paper's network beside statistics of utterances."""

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import StandardScaler

from skser.audio import AudioLoader
from skser.classifiers import AttentionBLSTMFCNClassifier
from skser.ensembles import SoftVotingClassifier
from skser.features import (
    CATALOGUE,
    AcousticFeatures,
    FrameAveraging,
    FrameStatistics,
    OpenSmileFunctionals,
    SpeechDescriptors,
)
from skser.framing import Framer
from skser.normalization import SpeakerNormalizer, UtteranceNormalizer
from skser.whitening import PCAWhitening

# How many of the 743 columns each of the 27 features has.
_BLOCKS = tuple(feature.width for feature in CATALOGUE.values())
# 40 mel bands and 20 cepstra, and all that concerns the voice, every 10 ms.
_DESCRIPTORS = {
    "descriptors": (
        "log_mel",
        "mfcc",
        "log_energy",
        "zero_crossing_rate",
        "pitch",
        "voicing",
        "harmonics_to_noise",
    ),
    "n_mels": 40,
    "n_mfcc": 20,
}
# Of the acoustic features' components, which are many, only the most usual statistics.
_FEW_STATISTICS = {
    "statistics": ("mean", "std", "percentile_10", "percentile_50", "percentile_90"),
    "delta_statistics": ("std", "magnitude"),
}
# 40 x 65 of the descriptors and 7 x 128 of the components; openSMILE's.
_N_STATISTICS = 3496
_N_OPENSMILE = 6373


def attention_blstm_fcn_robust(
    *, input_sample_rate=None, n_jobs=None, random_state=None, verbose=0, memory=None
):
    """Return the system that we recommend, not yet fitted.

    Two classifiers vote. The first is the paper's [1]_, with other preprocessing: its
    743 acoustic features are compressed, balanced and rotated, but not whitened, and
    stand beside themselves as normalised within the utterance. The second is a logistic
    regression on statistics of whole utterances, as the field calls functionals.

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
        With the steps "load" and "classify". It takes a list of paths, or of waveforms.

    See Also
    --------
    attention_blstm_fcn : The paper's system as it is.
    attention_blstm_fcn_robust_transductive : With the test speakers' other recordings.

    Notes
    -----
    What differs from :func:`attention_blstm_fcn`, each a parameter:

    - ``compress=True``: the logarithm of heavy-tailed features. Energies and spectra
      vary by orders of magnitude, and a few loud frames own their variance.
    - ``blocks``: the 513 bins of the spectrum count as much as one loudness.
    - ``whiten=False``: whitening raises the components that vary least, which are the
      least reliable, to the size of the first.
    - ``n_components=32``: less to overfit on a few hundred utterances.
    - ``UtteranceNormalizer(keep=True)``: the course of each component within
      the utterance, free from level and voice, beside the component itself.
    - ``FrameAveraging(4)``: a quarter of the frames, in a third of the time, no worse.
    - ``learning_rate_schedule="cosine"``: the network ends where its loss is flat
      and is less sure of what it gets wrong.
    - The statistics, with two thirds of the vote: a few hundred utterances are little
      for a network and enough for a linear model.

    All this was chosen on five speakers of EmoDB; ``docs/accuracy.md`` tells how, what
    else was tried, and what came out on the other five.

    References
    ----------
    .. [1] Z. Zhao, Y. Zheng, Z. Zhang, H. Wang, Y. Zhao and C. Li, "Exploring
       spatio-temporal representations by integrating attention-based bidirectional-
       LSTM-RNNs and FCNs for speech emotion recognition", Interspeech 2018.

    Examples
    --------
    >>> from skser.systems import attention_blstm_fcn_robust
    >>> system = attention_blstm_fcn_robust(random_state=0)
    >>> list(system["classify"].named_estimators)
    ['network', 'statistics']
    """
    return _vote(
        "passthrough", input_sample_rate, n_jobs, random_state, verbose, memory
    )


def attention_blstm_fcn_robust_transductive(
    *, input_sample_rate=None, n_jobs=None, random_state=None, verbose=0, memory=None
):
    """Return the recommended system with normalisation by speaker, not yet fitted.

    As :func:`attention_blstm_fcn_robust`, whose parameters it takes, except that the
    features of each speaker are moved to the mean and deviation of the training
    speakers, by :class:`~skser.normalization.SpeakerNormalizer`.

    **Transductive**: it needs other recordings of the speaker that it is tested on,
    without their emotions. Never compare its figures with those of systems that do
    not.

    Notes
    -----
    It must be told who speaks, in `fit` and at prediction::

        sklearn.set_config(enable_metadata_routing=True)
        system.fit(paths, emotions, groups=speakers)
        system.predict(new_paths, groups=new_speakers)

    :func:`skser.model_selection.evaluate` does so by itself.

    Examples
    --------
    >>> from skser.systems import attention_blstm_fcn_robust_transductive
    >>> system = attention_blstm_fcn_robust_transductive()
    >>> system.get_params()["classify__network__speakers__prior_strength"]
    3.0
    """
    return _vote(
        SpeakerNormalizer(), input_sample_rate, n_jobs, random_state, verbose, memory
    )


def attention_blstm_fcn_robust_opensmile(
    *, input_sample_rate=None, n_jobs=None, random_state=None, verbose=0, memory=None
):
    """Return the recommended system with openSMILE's functionals, not yet fitted.

    As :func:`attention_blstm_fcn_robust`, whose parameters it takes, except that the
    6373 functionals of ComParE 2016 stand beside the statistics. Needs ``pip install
    skser[opensmile]``, whose licence forbids commercial use.

    Examples
    --------
    >>> from skser.systems import attention_blstm_fcn_robust_opensmile
    >>> system = attention_blstm_fcn_robust_opensmile()
    >>> union = system["classify"].named_estimators["statistics"]["describe"]
    >>> [name for name, _ in union.transformer_list]
    ['components', 'descriptors', 'opensmile']
    """
    return _vote(
        "passthrough",
        input_sample_rate,
        n_jobs,
        random_state,
        verbose,
        memory,
        has_opensmile=True,
    )


def attention_blstm_fcn_robust_opensmile_transductive(
    *, input_sample_rate=None, n_jobs=None, random_state=None, verbose=0, memory=None
):
    """Return the system with openSMILE and normalisation by speaker, not yet fitted.

    :func:`attention_blstm_fcn_robust_opensmile` with what
    :func:`attention_blstm_fcn_robust_transductive` adds; what these say holds here,
    too. **Transductive**: it needs other recordings of the speaker that it is tested
    on.

    Examples
    --------
    >>> from skser.systems import attention_blstm_fcn_robust_opensmile_transductive
    >>> system = attention_blstm_fcn_robust_opensmile_transductive()
    >>> system.get_params()["classify__statistics__speakers__prior_strength"]
    3.0
    """
    return _vote(
        SpeakerNormalizer(),
        input_sample_rate,
        n_jobs,
        random_state,
        verbose,
        memory,
        has_opensmile=True,
    )


def _vote(
    speakers,
    input_sample_rate,
    n_jobs,
    random_state,
    verbose,
    memory,
    *,
    has_opensmile=False,
):
    """Return the system with a step that normalises by speaker, or none."""
    network = Pipeline(
        [
            ("frame", Framer()),
            ("features", AcousticFeatures(n_jobs=n_jobs)),
            ("rotate", _rotation(n_components=32)),
            ("speakers", speakers),
            ("normalize", UtteranceNormalizer(keep=True)),
            ("average", FrameAveraging(4)),
            (
                "classify",
                AttentionBLSTMFCNClassifier(
                    learning_rate_schedule="cosine",
                    random_state=random_state,
                    verbose=verbose,
                ),
            ),
        ],
        memory=memory,
    )
    n_statistics = _N_STATISTICS + (_N_OPENSMILE if has_opensmile else 0)
    statistics = Pipeline(
        [
            ("describe", _describe(n_jobs, has_opensmile)),
            ("speakers", speakers),
            ("scale", StandardScaler()),
            (
                "classify",
                # Rows have a squared norm of about the number of statistics.
                LogisticRegression(
                    C=30 / n_statistics, class_weight="balanced", max_iter=2000
                ),
            ),
        ],
        memory=memory,
    )
    vote = SoftVotingClassifier(
        [("network", network), ("statistics", statistics)], weights=[1, 2]
    )
    loader = AudioLoader(input_sample_rate=input_sample_rate, n_jobs=n_jobs)
    return Pipeline([("load", loader), ("classify", vote)], memory=memory)


def _describe(n_jobs, has_opensmile):
    """Return the union of the statistics of two kinds of features, or of three."""
    components = [
        ("frame", Framer()),
        ("features", AcousticFeatures(n_jobs=n_jobs)),
        ("rotate", _rotation(n_components=128)),
        ("statistics", FrameStatistics(**_FEW_STATISTICS)),
    ]
    descriptors = [
        ("frame", Framer(frame_length=400, hop_length=160)),
        ("features", SpeechDescriptors(**_DESCRIPTORS, n_jobs=n_jobs)),
        ("statistics", FrameStatistics()),
    ]
    parts = [
        ("components", Pipeline(components)),
        ("descriptors", Pipeline(descriptors)),
    ]
    if has_opensmile:
        parts.append(("opensmile", OpenSmileFunctionals("ComParE", n_jobs=n_jobs)))
    return FeatureUnion(parts)


def _rotation(n_components):
    """Return a PCA of compressed and balanced features that does not whiten."""
    return PCAWhitening(
        n_components=n_components, compress=True, blocks=_BLOCKS, whiten=False
    )

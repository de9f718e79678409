"""How a system is built: functions from common arguments to the steps of a Pipeline.

Each function serves several rows of the table in ``_rows.py``. What it returns stands
behind the step that loads recordings.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import SVC, SVR

from skser.classifiers import (
    AttentionBLSTMClassifier,
    AttentionBLSTMFCNClassifier,
    AttentiveCNNClassifier,
    ELMClassifier,
    SegmentPosteriors,
    SegmentStatistics,
    ShrunkenDiscriminantAnalysis,
)
from skser.ensembles import (
    AugmentedTraining,
    ScaledTargetRegressor,
    SoftVotingClassifier,
)
from skser.features import (
    CATALOGUE,
    AcousticFeatures,
    Deltas,
    FrameAveraging,
    FrameStatistics,
    OpenSmileFunctionals,
    PretrainedFeatures,
    SpeechDescriptors,
)
from skser.framing import Framer
from skser.ivectors import (
    DeepBeliefAlignment,
    DeepBeliefNetwork,
    IVectors,
    MixtureAlignment,
)
from skser.metrics import SCORERS
from skser.normalization import FrameScaler, SpeakerNormalizer, UtteranceNormalizer
from skser.regressors import AttentionBLSTMFCNRegressor
from skser.whitening import PCAWhitening

# 90 % of the variance of the standardised features of ten minutes of speech. The paper
# does not say how many components it keeps.
N_COMPONENTS = 114
# LSTM-FCN and MLSTM-FCN need utterances of one length. 128 frames every 32 ms are
# 4.1 s: most utterances of acted corpora are shorter, and longer ones are cut.
LSTM_FCN_FRAMES = 128
# 7.5 s every 10 ms: the source's mean length plus a standard deviation.
ATTENTIVE_CNN_FRAMES = 750
# An epoch of large LSTMs at 100 frames per second takes more than ten times as long as
# one of the paper's network. Smaller batches make up for fewer epochs.
RECURRENT_TRAINING: dict[str, Any] = {"batch_size": 25, "max_epochs": 10}
# Of all signals (-26 dB), so that levels of microphones do not matter.
RMS = 0.05
# Numbers per recording of openSMILE's sets.
N_FUNCTIONALS = {"eGeMAPS": 88, "ComParE": 6373}
# 40 mel bands and 20 cepstral coefficients, and all that concerns the voice.
VOICE_DESCRIPTORS = {
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
# Only the most usual statistics of the acoustic features' many components.
FEW_STATISTICS: dict[str, Any] = {
    "statistics": ("mean", "std", "percentile_10", "percentile_50", "percentile_90"),
    "delta_statistics": ("std", "magnitude"),
}
# 40 x 65 of the descriptors and 7 x 128 of the components.
N_STATISTICS = 3496


# Prosody first, then the spectrum.
PROSODY_DESCRIPTORS = (
    "log_energy",
    "zero_crossing_rate",
    "log_pitch",
    "voicing",
    "harmonics_to_noise",
    "voiced",
    "flux",
)
CONTOUR_DESCRIPTORS = {
    "descriptors": (*PROSODY_DESCRIPTORS, "mfcc", "log_mel"),
    "n_mels": 40,
    "n_mfcc": 20,
}
# The columns of prosody, and of the cepstral coefficients 1 to 4 behind it.
PROSODY_COLUMNS = tuple(range(10))
CEPSTRUM_COLUMNS = (11, 12, 13, 14)
CONTOUR_STATISTICS: dict[str, Any] = {
    "statistics": (
        "mean",
        "std",
        *(f"percentile_{percentage}" for percentage in (1, 10, 25, 50, 75, 90, 99)),
        "quartile_range",
        "range",
        "skewness",
        "kurtosis",
        "slope",
        "curvature",
    ),
    "delta_statistics": (
        "std",
        "magnitude",
        *(f"percentile_{percentage}" for percentage in (1, 10, 90, 99)),
    ),
}
# Of a ridge of the means of an encoder's frames, some 1500 columns.
RIDGE = 300.0
# 21 statistics of 70 contours.
N_CONTOUR_STATISTICS = 1470


class Arguments(NamedTuple):
    """What every system can be told; see :func:`skser.systems.make_system`."""

    model: Any = None
    input_sample_rate: Any = None
    n_jobs: Any = None
    random_state: Any = None
    verbose: Any = 0
    memory: Any = None

    @property
    def training(self) -> dict:
        """What every step takes that trains a network."""
        return {"random_state": self.random_state, "verbose": self.verbose}


def paper(arguments: Arguments, **changes: Any) -> list:
    """Return the paper's steps, with changes to the classifier's parameters."""
    return [
        *acoustic_features(arguments),
        ("whiten", PCAWhitening(n_components=N_COMPONENTS)),
        ("classify", AttentionBLSTMFCNClassifier(**arguments.training, **changes)),
    ]


def paper_regressor(arguments: Arguments) -> list:
    """Return the paper's steps, with a network that predicts numbers."""
    *steps, _ = paper(arguments)
    return [*steps, ("regress", AttentionBLSTMFCNRegressor(**arguments.training))]


def lstm_fcn(arguments: Arguments, **changes: Any) -> list:
    """Return the paper's features with the network of Karim et al."""
    return paper(
        arguments,
        recurrent="lstm",
        view="variables",
        pooling="last",
        filters=(128, 256, 128),
        kernel_sizes=(8, 5, 3),
        hidden_units=(),
        dropout=0.8,
        class_weight="balanced",
        max_frames=LSTM_FCN_FRAMES,
        **changes,
    )


def dnn_elm(
    arguments: Arguments, *, machine: dict, energy_ratio: float, **descriptors: Any
) -> list:
    """Return the steps of DNN-ELM; the first descriptor has to be an energy."""
    return [
        *short_frames(arguments, **descriptors),
        ("deltas", Deltas()),
        ("scale", FrameScaler()),
        (
            "segments",
            SegmentPosteriors(energy_ratio=energy_ratio, **arguments.training),
        ),
        ("statistics", SegmentStatistics()),
        ("classify", ELMClassifier(**machine, random_state=arguments.random_state)),
    ]


def attention_blstm(
    arguments: Arguments,
    *,
    network: dict,
    has_deltas: bool = False,
    **descriptors: Any,
) -> list:
    """Return descriptors every 10 ms and a recurrent network with attention."""
    return [
        *short_frames(arguments, **descriptors),
        *([("deltas", Deltas())] if has_deltas else []),
        ("scale", FrameScaler()),
        (
            "classify",
            AttentionBLSTMClassifier(
                **network, **RECURRENT_TRAINING, **arguments.training
            ),
        ),
    ]


def attentive_cnn(arguments: Arguments) -> list:
    """Return mel bands every 10 ms and a convolution with attention."""
    network = AttentiveCNNClassifier(
        max_frames=ATTENTIVE_CNN_FRAMES, **arguments.training
    )
    return [
        *short_frames(arguments, descriptors=["log_mel"], n_mels=26),
        ("scale", FrameScaler()),
        ("classify", network),
    ]


def ivector(arguments: Arguments, *, is_deep: bool = False) -> list:
    """Return cepstra, i-vectors of an alignment of frames, and a linear machine."""
    alignment = MixtureAlignment()
    if is_deep:
        network = DeepBeliefNetwork(verbose=arguments.verbose)
        alignment = DeepBeliefAlignment(network=network)
    return [
        *short_frames(arguments, descriptors=("mfcc",), n_mfcc=13),
        ("deltas", Deltas(order=2)),
        ("normalize", UtteranceNormalizer()),
        ("ivectors", IVectors(alignment=alignment, **arguments.training)),
        ("length", Normalizer()),
        ("compensate", "passthrough"),
        ("classify", SVC(class_weight="balanced")),
    ]


def functionals(
    arguments: Arguments, feature_set: str, *, by_speaker: bool = False
) -> list:
    """Return openSMILE's functionals and a linear support vector machine."""
    C = 1 / N_FUNCTIONALS[feature_set]
    return [
        ("features", OpenSmileFunctionals(feature_set, n_jobs=arguments.n_jobs)),
        *([("speakers", SpeakerNormalizer())] if by_speaker else []),
        ("scale", StandardScaler()),
        ("classify", linear_machine(C, verbose=bool(arguments.verbose))),
    ]


def searched_functionals(arguments: Arguments) -> list:
    """Return eGeMAPS functionals and a machine whose penalty is searched for."""
    search = GridSearchCV(
        linear_machine(C=1.0),
        {"C": [10.0**exponent for exponent in range(-5, 1)]},
        scoring=SCORERS["UA"],
        cv=3,
        verbose=arguments.verbose,
    )
    return [*functionals(arguments, "eGeMAPS")[:-1], ("classify", search)]


def robust(
    arguments: Arguments, *, by_speaker: bool = False, has_opensmile: bool = False
) -> list:
    """Return the vote of the paper's network and of statistics of utterances."""

    def speakers():
        return SpeakerNormalizer() if by_speaker else "passthrough"

    network = [
        *acoustic_features(arguments),
        ("rotate", rotation(n_components=32)),
        ("speakers", speakers()),
        ("normalize", UtteranceNormalizer(keep=True)),
        ("average", FrameAveraging(4)),
        (
            "classify",
            AttentionBLSTMFCNClassifier(
                learning_rate_schedule="cosine", **arguments.training
            ),
        ),
    ]
    n_statistics = N_STATISTICS + has_opensmile * N_FUNCTIONALS["ComParE"]
    statistics = [
        ("describe", utterance_statistics(arguments, has_opensmile=has_opensmile)),
        ("speakers", speakers()),
        ("scale", StandardScaler()),
        (
            "classify",
            # Rows have a squared norm of about the number of statistics.
            logistic_regression(30 / n_statistics),
        ),
    ]
    members = [
        ("network", Pipeline(network, memory=arguments.memory)),
        ("statistics", Pipeline(statistics, memory=arguments.memory)),
    ]
    return [("classify", SoftVotingClassifier(members, weights=[1, 2]))]


def statistics_ivector_vote(arguments: Arguments, *, by_speaker: bool = False) -> list:
    """Return the vote of two linear models of contours, and of one of i-vectors."""

    def classify(name, steps, classifier):
        """Return a member of the vote."""
        speakers = SpeakerNormalizer() if by_speaker else "passthrough"
        scaled = [("speakers", speakers), ("scale", StandardScaler())]
        steps = [*steps, *scaled, ("classify", classifier)]
        return name, Pipeline(steps, memory=arguments.memory)

    # The voice's timbre helps where it is known what it is usually like.
    columns = PROSODY_COLUMNS + CEPSTRUM_COLUMNS * by_speaker
    discriminant = ShrunkenDiscriminantAnalysis(shrinkage=0.4 if by_speaker else 0.1)
    prosody = FrameStatistics(**CONTOUR_STATISTICS, columns=columns)
    everything = FrameStatistics(**CONTOUR_STATISTICS)
    contours = [
        *short_frames(arguments, **CONTOUR_DESCRIPTORS),
        (
            "classify",
            SoftVotingClassifier(
                [
                    classify("prosody", [("statistics", prosody)], discriminant),
                    classify(
                        "spectrum",
                        [("statistics", everything)],
                        # Rows have a squared norm of about their length.
                        logistic_regression(30 / N_CONTOUR_STATISTICS),
                    ),
                ]
            ),
        ),
    ]
    augmented = AugmentedTraining(
        Pipeline(contours, memory=arguments.memory),
        ["telephone band"],
        random_state=arguments.random_state,
    )
    *ivectors, _, _ = ivector(arguments)
    members = [
        ("contours", augmented),
        classify("ivectors", ivectors, logistic_regression(0.03)),
    ]
    return [("classify", SoftVotingClassifier(members, weights=[2, 1]))]


def pretrained_statistics(arguments: Arguments, *, by_speaker: bool = False) -> list:
    """Return three layers of an encoder, their mean over time, and a linear model."""
    classify = ShrunkenDiscriminantAnalysis(shrinkage=0.7)
    if by_speaker:
        classify = logistic_regression(0.1)
    return [
        ("features", pretrained_features(arguments, output=3)),
        ("statistics", FrameStatistics(["mean"], [])),
        *([("speakers", SpeakerNormalizer())] if by_speaker else []),
        ("scale", StandardScaler()),
        ("classify", classify),
    ]


def pretrained_network(arguments: Arguments) -> list:
    """Return the middle layer of an encoder and the paper's classifier."""
    network = AttentionBLSTMFCNClassifier(
        learning_rate_schedule="cosine", **arguments.training
    )
    return [
        ("features", pretrained_features(arguments)),
        ("scale", FrameScaler()),
        ("average", FrameAveraging(4)),
        ("classify", network),
    ]


def pretrained_ridge(arguments: Arguments) -> list:
    """Return three layers of an encoder, their mean over time, and a ridge."""
    *steps, _ = pretrained_statistics(arguments)
    return [*steps, ("regress", Ridge(alpha=RIDGE))]


def statistics_svr(arguments: Arguments) -> list:
    """Return statistics of contours and a linear support vector regression."""
    return [
        *short_frames(arguments, **CONTOUR_DESCRIPTORS),
        ("statistics", FrameStatistics(**CONTOUR_STATISTICS)),
        ("scale", StandardScaler()),
        ("regress", linear_regressor(N_CONTOUR_STATISTICS)),
    ]


def functionals_svr(arguments: Arguments, feature_set: str) -> list:
    """Return openSMILE's functionals and a linear support vector regression."""
    *steps, _ = functionals(arguments, feature_set)
    return [*steps, ("regress", linear_regressor(N_FUNCTIONALS[feature_set]))]


def recommended_regressor(arguments: Arguments) -> list:
    """Return what predicts numbers with an encoder, or without one."""
    has_model = arguments.model is not None
    return (pretrained_ridge if has_model else statistics_svr)(arguments)


def recommended(arguments: Arguments, *, by_speaker: bool = False) -> list:
    """Return what is best with an encoder, or without one."""
    has_model = arguments.model is not None
    build = pretrained_statistics if has_model else statistics_ivector_vote
    return build(arguments, by_speaker=by_speaker)


def pretrained_features(arguments: Arguments, output: Any = None) -> PretrainedFeatures:
    """Return an encoder that hears all recordings at one level."""
    return PretrainedFeatures(arguments.model, output, rms=RMS, n_jobs=arguments.n_jobs)


def acoustic_features(arguments: Arguments) -> list:
    """Return the steps from signals to the 743 features of frames of 64 ms."""
    features = AcousticFeatures(n_jobs=arguments.n_jobs)
    return [("frame", Framer()), ("features", features)]


def short_frames(arguments: Arguments, **descriptors: Any) -> list:
    """Return the steps from signals to descriptors of 25 ms every 10 ms."""
    return [
        ("frame", Framer(frame_length=400, hop_length=160)),
        ("features", SpeechDescriptors(**descriptors, n_jobs=arguments.n_jobs)),
    ]


def linear_machine(C: float, *, verbose: bool = False) -> SVC:
    """Return a linear support vector machine that counts all classes alike."""
    return SVC(kernel="linear", C=C, class_weight="balanced", verbose=verbose)


def linear_regressor(n_features: int) -> ScaledTargetRegressor:
    """Return a linear support vector regression of each target, standardised."""
    # Rows have a squared norm of about their length.
    machine = SVR(kernel="linear", C=1 / n_features)
    return ScaledTargetRegressor(machine)


def logistic_regression(C: float) -> LogisticRegression:
    """Return a logistic regression that counts all classes alike."""
    return LogisticRegression(C=C, class_weight="balanced", max_iter=2000)


def rotation(n_components: int) -> PCAWhitening:
    """Return a PCA of compressed and balanced features that does not whiten."""
    widths = tuple(feature.width for feature in CATALOGUE.values())
    return PCAWhitening(
        n_components=n_components, compress=True, blocks=widths, whiten=False
    )


def utterance_statistics(arguments: Arguments, *, has_opensmile: bool) -> FeatureUnion:
    """Return the union of the statistics of two kinds of features, or of three."""
    components = [
        *acoustic_features(arguments),
        ("rotate", rotation(n_components=128)),
        ("statistics", FrameStatistics(**FEW_STATISTICS)),
    ]
    descriptors = [
        *short_frames(arguments, **VOICE_DESCRIPTORS),
        ("statistics", FrameStatistics()),
    ]
    parts = [
        ("components", Pipeline(components)),
        ("descriptors", Pipeline(descriptors)),
    ]
    if has_opensmile:
        opensmile = OpenSmileFunctionals("ComParE", n_jobs=arguments.n_jobs)
        parts.append(("opensmile", opensmile))
    return FeatureUnion(parts)

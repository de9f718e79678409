"""How fast is this package beside openSMILE, librosa, sktime and aeon?

``python tests/benchmarks features functionals processors sktime aeon`` prints a table.
Hardly two libraries do the same work. So the names below say what each of them
computes, and the table how many numbers have come out.

Sound is synthetic speech, 200 signals of 10 minutes together at 16 kHz, and each task
begins with the signals in memory, unless it is said to begin with files. Utterances for
classifiers have lengths as in EmoDB (2.8 s on average, 9 s at most) and 64 features a
frame. sktime and aeon need equal lengths, so that theirs are padded to the longest,
beforehand; ours are not, and padding is a part of what is timed.
"""

import functools
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from comparisons import Comparison, compare_pairs, take_turns
from joblib.externals.loky import get_reusable_executor
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from skser import AcousticFeatures, AudioLoader, Framer, datasets
from skser.classifiers import AttentionBLSTMFCNClassifier
from skser.features import FrameStatistics, OpenSmileFunctionals, SpeechDescriptors
from skser.out_of_core import ByUtterance
from skser.systems import attention_blstm_fcn_robust
from skser.training import pad_sequences

SAMPLE_RATE = 16000
N_RUNS = 3
N_UTTERANCES = 250
BATCH_SIZE = 50
N_EPOCHS = 6
# Below any band that is not silent.
EPS = np.finfo(np.float32).eps

# What librosa has as well, or something of the same kind: onset strength is the
# spectral flux of mel bands, contrast the crest factor with valleys for means.
SHARED = [
    "MelSpectrum",
    "MFCC",
    "Energy",
    "ZCR",
    "SpectralShapeStatistics",
    "SpectralRolloff",
    "SpectralFlatness",
    "SpectralFlux",
    "SpectralCrestFactorPerBand",
]


# Sound


def make_speech(quick):
    """Return a corpus of 200 signals of 10 minutes together, or of fewer."""
    return datasets.make_emotional_speech(
        n_speakers=10, n_utterances=1 if quick else 5, duration=3.0, random_state=0
    )


def transformation(*steps):
    """Return a maker of a task: signals or paths through transformers."""

    def make(signals):
        pipeline = make_pipeline(*map(clone, steps))
        return lambda: pipeline.transform(signals)

    return make


def smile(feature_set, level, **parameters):
    """Return openSMILE for a feature set, or for the text of a configuration."""
    # Imports openSMILE so that it can stand beside TensorFlow.
    OpenSmileFunctionals().transform([np.zeros(SAMPLE_RATE)])
    import opensmile

    return opensmile.Smile(str(feature_set), level, **parameters)


def opensmile_signals(feature_set, level):
    """Return a maker of a task: signals through openSMILE, one after the other."""

    def make(signals):
        extractor = smile(feature_set, level)
        return lambda: [extractor.process_signal(s, SAMPLE_RATE) for s in signals]

    return make


def opensmile_files(feature_set, level):
    """Return a maker of a task: files through two workers of openSMILE."""

    def make(paths):
        extractor = smile(feature_set, level, num_workers=2)
        return lambda: extractor.process_files(paths)

    return make


def librosa_cepstra(signals):
    """Make the task of 13 cepstra."""
    import librosa

    settings = {
        "sr": SAMPLE_RATE,
        "n_mfcc": 13,
        "n_mels": 26,
        "n_fft": 512,
        "win_length": 400,
        "hop_length": 160,
        "window": "hamming",
    }
    return lambda: [librosa.feature.mfcc(y=signal, **settings) for signal in signals]


def audioflux_bands(signals):
    """Make the task of 26 log mel bands; the windows have 512 samples, not 400."""
    bands = make_audioflux_bands()
    return lambda: [np.log(bands(signal) + EPS) for signal in signals]


def audioflux_cepstra(signals):
    """Make the task of 13 cepstra of the same bands."""
    bands = make_audioflux_bands()
    return lambda: [audioflux_transform(bands(signal)) for signal in signals]


def make_audioflux_bands():
    """Return audioFlux's mel bands, (26, n_frames), as a function of a signal."""
    import audioflux
    from audioflux.type import (
        SpectralDataType,
        SpectralFilterBankNormalType,
        SpectralFilterBankScaleType,
        WindowType,
    )

    transform = audioflux.BFT(
        num=26,
        radix2_exp=9,
        samplate=SAMPLE_RATE,
        low_fre=0.0,
        high_fre=SAMPLE_RATE / 2,
        window_type=WindowType.HAMM,
        slide_length=160,
        scale_type=SpectralFilterBankScaleType.MEL,
        normal_type=SpectralFilterBankNormalType.AREA,
        data_type=SpectralDataType.POWER,
    )
    return lambda signal: transform.bft(signal, result_type=1)


def audioflux_transform(bands):
    """Return 13 cepstra of mel bands."""
    from audioflux import XXCC

    cepstra = XXCC(num=len(bands))
    cepstra.set_time_length(time_length=bands.shape[-1])
    return cepstra.xxcc(bands, cc_num=13)


def kaldi(kind):
    """Return a maker of a task: kaldi-native-fbank's "Mfcc" or "Fbank"."""

    def make(signals):
        import kaldi_native_fbank

        options = getattr(kaldi_native_fbank, f"{kind}Options")()
        options.frame_opts.dither = 0
        options.frame_opts.window_type = "hamming"
        options.mel_opts.num_bins = 26
        extractor = getattr(kaldi_native_fbank, f"Online{kind}")
        return lambda: [kaldi_frames(extractor(options), signal) for signal in signals]

    return make


def kaldi_frames(extractor, signal):
    """Return the frames of a signal, (n_frames, width)."""
    # As a list, which its methods take faster than an array.
    extractor.accept_waveform(SAMPLE_RATE, signal.tolist())
    extractor.input_finished()
    n_frames = extractor.num_frames_ready
    return np.stack([extractor.get_frame(i) for i in range(n_frames)])


def librosa_features(signals):
    """Make the task of what librosa computes of `SHARED`, with one spectrum for all."""
    return lambda: [describe_by_librosa(signal) for signal in signals]


def describe_by_librosa(signal):
    """Return the features of a signal, (n_features, n_frames)."""
    import librosa
    from librosa import feature

    spectrum = np.abs(librosa.stft(signal, n_fft=1024, hop_length=512))
    given = {"S": spectrum, "sr": SAMPLE_RATE}
    mel = feature.melspectrogram(S=spectrum**2, sr=SAMPLE_RATE, n_mels=40)
    log_mel = librosa.power_to_db(mel)
    return np.vstack(
        [
            mel,
            feature.mfcc(S=log_mel, n_mfcc=13),
            feature.rms(S=spectrum, frame_length=1024),
            feature.zero_crossing_rate(signal, frame_length=1024, hop_length=512),
            feature.spectral_centroid(**given),
            feature.spectral_bandwidth(**given),
            feature.spectral_rolloff(**given),
            feature.spectral_flatness(S=spectrum),
            librosa.onset.onset_strength(S=log_mel, sr=SAMPLE_RATE),
            feature.spectral_contrast(**given),
        ]
    )


def joined(make):
    """Return the maker of the same task for all signals as one."""
    return lambda signals: make([np.concatenate(signals)])


def recommended_statistics(n_jobs=None):
    """Return the steps from signals to 2,600 statistics of our recommended system."""
    system = attention_blstm_fcn_robust(n_jobs=n_jobs)
    union = system["classify"].named_estimators["statistics"]["describe"]
    return [step for _, step in dict(union.transformer_list)["descriptors"].steps]


SIGNAL_TASKS = {
    "743 features every 32 ms": transformation(Framer(), AcousticFeatures()),
    "743 features, exact": transformation(Framer(), AcousticFeatures(exact=True)),
    "9 of the 27 features every 32 ms": transformation(
        Framer(), AcousticFeatures(SHARED)
    ),
    "13 cepstra every 10 ms": transformation(Framer(400, 160), SpeechDescriptors()),
    "openSMILE, ComParE's 65 descriptors every 10 ms": opensmile_signals(
        "ComParE_2016", "lld"
    ),
    "openSMILE, eGeMAPS' 25 descriptors every 10 ms": opensmile_signals(
        "eGeMAPSv02", "lld"
    ),
    "openSMILE, 13 cepstra every 10 ms": opensmile_signals(
        Path(__file__).with_name("cepstra.conf"), "lld"
    ),
    "librosa, 13 cepstra every 10 ms": librosa_cepstra,
    "audioFlux, 13 cepstra every 10 ms": audioflux_cepstra,
    "kaldi-native-fbank, 13 cepstra every 10 ms": kaldi("Mfcc"),
    "26 log mel bands every 10 ms": transformation(
        Framer(400, 160), SpeechDescriptors(["log_mel"])
    ),
    "audioFlux, 26 log mel bands every 10 ms": audioflux_bands,
    "kaldi-native-fbank, 26 log mel bands every 10 ms": kaldi("Fbank"),
    "librosa, 10 features every 32 ms": librosa_features,
    "2,600 statistics of 65 descriptors": transformation(*recommended_statistics()),
    "29,720 statistics of the 743 features": transformation(
        Framer(), AcousticFeatures(), FrameStatistics()
    ),
    "openSMILE, ComParE's 6,373 functionals": opensmile_signals("ComParE_2016", "func"),
    "openSMILE, eGeMAPS' 88 functionals": opensmile_signals("eGeMAPSv02", "func"),
}
SIGNAL_TASKS |= {
    f"{name}, as one signal": joined(SIGNAL_TASKS[name])
    for name in (
        "743 features every 32 ms",
        "openSMILE, ComParE's 65 descriptors every 10 ms",
        "13 cepstra every 10 ms",
        "openSMILE, 13 cepstra every 10 ms",
        "librosa, 13 cepstra every 10 ms",
        "audioFlux, 13 cepstra every 10 ms",
        "kaldi-native-fbank, 13 cepstra every 10 ms",
    )
}
FILE_STEPS = {
    "743 features": lambda n_jobs: (
        AudioLoader(n_jobs=n_jobs),
        Framer(),
        AcousticFeatures(n_jobs=n_jobs),
    ),
    "2,600 statistics": lambda n_jobs: (
        AudioLoader(n_jobs=n_jobs),
        *recommended_statistics(n_jobs),
    ),
}
FILE_TASKS = {
    "openSMILE, files to ComParE's 65 descriptors, 2 workers": opensmile_files(
        "ComParE_2016", "lld"
    ),
    "openSMILE, files to ComParE's 6,373 functionals, 2 workers": opensmile_files(
        "ComParE_2016", "func"
    ),
}
for result, make_steps in FILE_STEPS.items():
    steps = make_steps(None)
    FILE_TASKS |= {
        f"files to {result}": transformation(*steps),
        f"files to {result}, 2 threads": transformation(*make_steps(2)),
        f"files to {result}, 2 processes": transformation(
            ByUtterance(make_pipeline(*steps), n_jobs=2)
        ),
    }


FEATURE_PAIRS = [
    (
        "743 features every 32 ms",
        "openSMILE, ComParE's 65 descriptors every 10 ms",
    ),
    ("743 features every 32 ms", "openSMILE, eGeMAPS' 25 descriptors every 10 ms"),
    ("743 features, exact", "openSMILE, ComParE's 65 descriptors every 10 ms"),
    ("743 features, exact", "openSMILE, eGeMAPS' 25 descriptors every 10 ms"),
    (
        "743 features every 32 ms, as one signal",
        "openSMILE, ComParE's 65 descriptors every 10 ms, as one signal",
    ),
    *(
        (f"13 cepstra every 10 ms{how}", f"{rival}, 13 cepstra every 10 ms{how}")
        for rival in ("openSMILE", "librosa", "audioFlux", "kaldi-native-fbank")
        for how in ("", ", as one signal")
    ),
    *(
        ("26 log mel bands every 10 ms", f"{rival}, 26 log mel bands every 10 ms")
        for rival in ("audioFlux", "kaldi-native-fbank")
    ),
    ("9 of the 27 features every 32 ms", "librosa, 10 features every 32 ms"),
    ("743 features every 32 ms", "librosa, 10 features every 32 ms"),
]
FUNCTIONAL_PAIRS = [
    (ours, rival)
    for ours in (
        "2,600 statistics of 65 descriptors",
        "29,720 statistics of the 743 features",
    )
    for rival in (
        "openSMILE, ComParE's 6,373 functionals",
        "openSMILE, eGeMAPS' 88 functionals",
    )
]
FILE_PAIRS = [
    (
        "files to 743 features, 2 processes",
        "openSMILE, files to ComParE's 65 descriptors, 2 workers",
    ),
    (
        "files to 2,600 statistics, 2 processes",
        "openSMILE, files to ComParE's 6,373 functionals, 2 workers",
    ),
] + [
    (f"files to {result}, 2 {workers}", f"files to {result}")
    for result in FILE_STEPS
    for workers in ("processes", "threads")
]


def compare_features(quick=False):
    """Compare features of frames, from signals, on one thread."""
    yield from compare_signals(FEATURE_PAIRS, quick)


def compare_functionals(quick=False):
    """Compare rows of statistics, from signals, on one thread."""
    yield from compare_signals(FUNCTIONAL_PAIRS, quick)


def compare_signals(pairs, quick):
    """Time tasks on signals, each on one thread."""
    signals = make_speech(quick).data
    with threadpool_limits(1):
        yield from compare_pairs(
            pairs, SIGNAL_TASKS, signals, signals[:20], 1 if quick else N_RUNS
        )


def compare_processors(quick=False):
    """Compare two processors with openSMILE's two workers, and with one, from files."""
    with tempfile.TemporaryDirectory() as folder:
        paths = datasets.write_corpus(make_speech(quick), folder)
        yield from compare_pairs(
            FILE_PAIRS, FILE_TASKS, paths, paths[:20], 1 if quick else N_RUNS
        )
    # joblib keeps its processes, and would leave them when this one ends.
    get_reusable_executor().shutdown()


# Classifiers


class Utterances(NamedTuple):
    """What networks learn from.

    Parameters
    ----------
    sequences : list of ndarray of shape (n_frames, n_features)
    padded : ndarray of shape (n_utterances, n_features, n_frames)
        The same, as sktime and aeon want it.
    labels : ndarray of shape (n_utterances,)
    """

    sequences: list
    padded: np.ndarray
    labels: np.ndarray


def make_utterances(n_utterances, n_features=64, n_classes=7):
    """Return noise with the lengths of EmoDB: 2.8 s on average, 9 s at most."""
    generator = np.random.default_rng(0)
    seconds = generator.lognormal(np.log(2.8) - 0.36**2 / 2, 0.36, n_utterances)
    seconds[0] = 9.0
    lengths = np.ceil(np.minimum(seconds, 9.0) * SAMPLE_RATE / 512).astype(int)
    sequences = [
        generator.normal(size=(length, n_features)).astype(np.float32)
        for length in lengths
    ]
    padded = np.ascontiguousarray(pad_sequences(sequences)[0].transpose(0, 2, 1))
    return Utterances(sequences, padded, np.arange(n_utterances) % n_classes)


def fit_ours(recurrent):
    """Return our fit of an LSTM-FCN, or of an FCN, with the rivals' sizes."""

    def fit(utterances, n_epochs):
        classifier = AttentionBLSTMFCNClassifier(
            recurrent=recurrent,
            pooling="last" if recurrent else "attention",
            recurrent_units=8,
            filters=(128, 256, 128),
            kernel_sizes=(8, 5, 3),
            hidden_units=(),
            dropout=0.8,
            batch_size=BATCH_SIZE,
            max_epochs=n_epochs,
            random_state=0,
        )
        classifier.fit(utterances.sequences, utterances.labels)

    return fit


def fit_sktime(utterances, n_epochs):
    """Fit sktime's LSTM-FCN, by its default sizes."""
    from sktime.classification.deep_learning import LSTMFCNClassifier

    classifier = LSTMFCNClassifier(
        n_epochs=n_epochs, batch_size=BATCH_SIZE, random_state=0
    )
    classifier.fit(utterances.padded, utterances.labels)


def fit_sktime_torch(utterances, n_epochs):
    """Fit sktime's LSTM-FCN in PyTorch, by its default sizes."""
    from sktime.classification.deep_learning.lstmfcn import LSTMFCNClassifierTorch

    classifier = LSTMFCNClassifierTorch(
        num_epochs=n_epochs, batch_size=BATCH_SIZE, random_state=0
    )
    classifier.fit(utterances.padded, utterances.labels)


def fit_aeon(utterances, n_epochs):
    """Fit aeon's FCN, by its default sizes; it writes its best epochs to a file."""
    from aeon.classification.deep_learning import FCNClassifier

    with tempfile.TemporaryDirectory() as folder:
        classifier = FCNClassifier(
            n_epochs=n_epochs,
            batch_size=BATCH_SIZE,
            random_state=0,
            file_path=f"{folder}/",
        )
        classifier.fit(utterances.padded, utterances.labels)


def compare_sktime(quick=False):
    """Compare fits of the LSTM-FCN of Karim et al., 2018, whose steps are frames."""
    rival = "sktime's LSTMFCNClassifier"
    yield from compare_fits("LSTM-FCN", fit_ours("lstm"), rival, fit_sktime, quick)


def compare_sktime_torch(quick=False):
    """Compare fits of the same with sktime's in PyTorch."""
    rival = "sktime's LSTMFCNClassifierTorch"
    yield from compare_fits(
        "LSTM-FCN", fit_ours("lstm"), rival, fit_sktime_torch, quick
    )


def compare_aeon(quick=False):
    """Compare fits of the FCN of Wang et al., 2017."""
    yield from compare_fits(
        "FCN", fit_ours(None), "aeon's FCNClassifier", fit_aeon, quick
    )


def compare_fits(network, fit_ours, rival, fit_rival, quick):
    """Time the first fits, later ones, and an epoch without what is around it."""
    utterances = make_utterances(60 if quick else N_UTTERANCES)
    start_tensorflow()
    fits = {"rival": fit_rival, "ours": fit_ours}
    tasks = {
        (name, n_epochs): functools.partial(fit, utterances, n_epochs)
        for name, fit in fits.items()
        for n_epochs in (1, 1 + N_EPOCHS)
    }
    first, _ = take_turns({name: tasks[name, 1] for name in fits}, 1)
    seconds, _ = take_turns(tasks, 1 if quick else N_RUNS)
    epochs = [
        (seconds[name, 1 + N_EPOCHS] - seconds[name, 1]) / N_EPOCHS for name in fits
    ]
    later = [seconds[name, 1] for name in fits]
    yield Comparison(f"{network}, an epoch", rival, *epochs)
    yield Comparison(f"{network}, first fit of the process", rival, *first.values())
    yield Comparison(f"{network}, later fit of one epoch", rival, *later)


def start_tensorflow():
    """Train a small network, so that nobody's first fit starts TensorFlow itself."""
    import keras

    model = keras.Sequential([keras.layers.LSTM(2), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(np.zeros((2, 3, 4)), np.zeros((2, 1)), verbose=0)

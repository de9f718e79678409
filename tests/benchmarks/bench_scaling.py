"""How do time and disk grow with the hours of speech?

Run from the repository with

    python tests/benchmarks/bench_scaling.py [minutes ...]

For each number of minutes (5, 10 and 20 without any) that much noise in the lengths of
EmoDB's recordings goes as WAV files through the steps of the paper's system: read and
framed, described by 743 features, whitened to 64 components, trained on for two epochs
of which the second counts, and predicted. If the figures for an hour do not depend on
the number of minutes, the step is linear, and the figures hold for thousands of hours.
Wall-clock seconds, with as many threads as the machine has processors.
"""

import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import soundfile

from skser import (
    AcousticFeatures,
    AttentionBLSTMFCNClassifier,
    AudioLoader,
    Framer,
    PCAWhitening,
)

MINUTES = (5, 10, 20)
SAMPLE_RATE = 16000
N_CLASSES = 7
N_JOBS = os.cpu_count()


def write_recordings(folder, minutes, generator):
    """Write noise of 1.2 to 9 s, 2.8 s on average, and return the paths."""
    paths, seconds = [], 60 * minutes
    while seconds > 0:
        duration = np.clip(generator.gamma(5, 0.56), 1.2, 9)
        signal = 0.1 * generator.standard_normal(int(duration * SAMPLE_RATE))
        paths.append(Path(folder, f"{len(paths)}.wav"))
        soundfile.write(paths[-1], np.clip(signal, -1, 1), SAMPLE_RATE)
        seconds -= duration
    return paths


def timed(function, *arguments):
    """Return a function's result and the seconds that it took."""
    start = time.perf_counter()
    result = function(*arguments)
    return result, time.perf_counter() - start


def measure(minutes):
    """Return the seconds of each step and the gigabytes of its result."""
    generator = np.random.default_rng(0)
    seconds, gigabytes = {}, {}

    def run(name, function, *arguments):
        result, seconds[name] = timed(function, *arguments)
        if isinstance(result, list):
            gigabytes[name] = sum(x.nbytes for x in result) / 1e9
        return result

    with tempfile.TemporaryDirectory() as folder:
        paths = write_recordings(folder, minutes, generator)
        loader = AudioLoader(n_jobs=N_JOBS)
        signals = run("read", loader.fit_transform, paths)
    frames = Framer().fit_transform(signals)
    extractor = AcousticFeatures(n_jobs=N_JOBS)
    features = run("features", extractor.fit_transform, frames)
    whitening = PCAWhitening(n_components=64)
    run("whitening, fit", whitening.fit, features)
    components = run("whitening, transform", whitening.transform, features)
    y = np.arange(len(paths)) % N_CLASSES
    network = AttentionBLSTMFCNClassifier(max_epochs=1, random_state=0)
    network.partial_fit(components, y, classes=np.arange(N_CLASSES))
    run("an epoch of training", network.partial_fit, components, y)
    network.predict(components[:100])
    run("prediction", network.predict, components)
    return seconds, gigabytes


def main(*arguments):
    """Print seconds and gigabytes for an hour of speech, by number of minutes."""
    warnings.simplefilter("ignore")
    sizes = [float(argument) for argument in arguments] or MINUTES
    measured = [measure(minutes) for minutes in sizes]
    print(f"for an hour of speech, {N_JOBS} processors; minutes measured:")
    print(f"{'':24}" + "".join(f"{minutes:>9.0f}" for minutes in sizes))
    for kind, unit in enumerate(("s", "GB")):
        for name in measured[0][kind]:
            values = [
                figures[kind][name] * 60 / minutes
                for figures, minutes in zip(measured, sizes, strict=True)
            ]
            row = "".join(f"{value:9.2f}" for value in values)
            print(f"{name:20} {unit:3}{row}")


if __name__ == "__main__":
    main(*sys.argv[1:])

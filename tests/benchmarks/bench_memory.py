"""How much memory do extraction, whitening and training need, for how many hours?

Run from the repository, on Linux, with

    python tests/benchmarks/bench_memory.py [--folder FOLDER] [hours ...]

First a front end describes recordings of 10 s, many and few. Then a corpus is simulated
for each number of hours (features only, 743 numbers a frame, 330 MB an hour in FOLDER),
whitened to 64 components, and an Attention-BLSTM-FCN is trained on these for an epoch
and predicts. Every line is a process of its own.

Memory is what belongs to the process and its workers alone ("anonymous", the peak of
samples 50 times a second), and all that is resident, which includes those parts of the
files that the system keeps because nobody else needs the room. The processes of the
second table *cannot* have more than 4 GB of the first kind: RLIMIT_DATA refuses it. To
limit the second kind, too, run the whole benchmark in a control group, for instance by
``systemd-run --scope -p MemoryMax=4G``.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skser import (
    AcousticFeatures,
    AttentionBLSTMFCNClassifier,
    AudioLoader,
    Framer,
    PCAWhitening,
)
from skser.out_of_core import ByUtterance

LIMIT = 4 * 2**30
HOURS = (1, 3, 10)
FRAMES_PER_HOUR = 3600 * 16000 // 512
N_FEATURES = 743
N_LATENT = 32
N_COMPONENTS = 64
N_CLASSES = 4
SECONDS = 10
# Number of recordings, whether each goes through all steps alone, and `n_jobs`.
EXTRACTIONS = [(10, False, 1), (100, False, 1)] + [
    (n, True, n_jobs) for n_jobs in (1, 2) for n in (10, 100, 1000)
]


class Memory:
    """The peak of the own memory of a process and its workers, sampled in a thread."""

    def __init__(self):
        self.peak = 0
        threading.Thread(target=self._sample, daemon=True).start()

    def _sample(self):
        while True:
            self.peak = max(self.peak, own_memory())
            time.sleep(0.02)


def own_memory():
    """Return what belongs to the process and to those that it has started, in MB."""
    workers = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return sum(status("RssAnon", process) for process in ("self", *workers))


def status(name, process="self"):
    """Return a figure of a process' status in MB; 0 if it has ended meanwhile."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def simulate(hours):
    """Return the lengths and classes of a corpus, and a function that makes features.

    A few causes, which differ among the classes, are behind all features; these have
    scales from 1e-4 to 1e4, and a third of them is heavy-tailed.
    """
    generator = np.random.default_rng(0)
    n_utterances = int(hours * FRAMES_PER_HOUR / 172)
    lengths = generator.integers(32, 313, n_utterances)  # 1 to 10 s
    classes = generator.integers(0, N_CLASSES, n_utterances)
    means = generator.normal(0, 0.5, (N_CLASSES, N_LATENT)).astype(np.float32)
    mixing = generator.normal(size=(N_LATENT, N_FEATURES)).astype(np.float32) / 4
    scales = np.exp(generator.normal(0, 3, N_FEATURES)).astype(np.float32)

    def make(numbers):
        (i,) = numbers
        own = np.random.default_rng([1, i])
        latent = own.standard_normal((lengths[i], N_LATENT), dtype=np.float32)
        frames = own.standard_normal((lengths[i], N_FEATURES), dtype=np.float32)
        frames += (latent + means[classes[i]]) @ mixing
        np.exp(frames[:, ::3], out=frames[:, ::3])
        frames *= scales
        return [frames]

    return lengths, classes, make


class Stages:
    """The line of a run: of each stage the peak of its memory, and its seconds."""

    def __init__(self):
        self._memory = Memory()
        self._start = time.perf_counter()

    def ends(self):
        """Print what the stage that ends has taken."""
        seconds = time.perf_counter() - self._start
        print(f"{self._memory.peak:7.0f} {seconds:7.1f}", end=" ", flush=True)
        self._memory.peak, self._start = 0, time.perf_counter()


def train(hours, folder):
    """Whiten and train in 4 GB, and print the memory and seconds of each stage."""
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, LIMIT))
    lengths, classes, make = simulate(hours)
    print(f"{hours:6g} {lengths.sum():9}", end=" ", flush=True)
    stages = Stages()
    simulated = ByUtterance(FunctionTransformer(make), temp_folder=folder)
    features = simulated.transform(list(range(len(lengths))))
    stages.ends()
    whitening = PCAWhitening(N_COMPONENTS, temp_folder=folder).fit(features)
    stages.ends()
    components = whitening.transform(features)
    stages.ends()
    del features
    classifier = AttentionBLSTMFCNClassifier(max_epochs=1, random_state=0)
    classifier.fit(components, classes)
    stages.ends()
    classifier.predict(components)
    stages.ends()
    print(f"{status('VmHWM'):8.0f}", flush=True)


def extract(n_recordings, is_alone, n_jobs, folder):
    """Describe recordings and print the memory that it took."""
    import soundfile

    noise = np.random.default_rng(0).normal(0, 0.1, SECONDS * 16000)
    path = Path(folder, "noise.wav")
    soundfile.write(path, noise, 16000)
    steps = [AudioLoader(), Framer(), AcousticFeatures()]
    front_end = make_pipeline(*steps)
    if is_alone:
        front_end = ByUtterance(front_end, temp_folder=folder, n_jobs=n_jobs)
    front_end.transform([path] * 50)  # starts the workers, and fills their pools
    before, start = own_memory(), time.perf_counter()
    memory = Memory()
    features = front_end.transform([path] * n_recordings)
    seconds = time.perf_counter() - start
    time.sleep(0.05)
    name = "ByUtterance" if is_alone else "Pipeline"
    size = sum(array.nbytes for array in features) / 1e6
    print(
        f"{name:12} {n_recordings:6} {n_jobs:6} {size:9.0f} "
        f"{memory.peak - before:9.1f} {seconds:9.1f}",
        flush=True,
    )


def run(*arguments):
    """Measure in a new process."""
    command = [sys.executable, __file__, "--measure", *map(str, arguments)]
    subprocess.run(command, check=True)


def main():
    """Print the two tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", default=tempfile.gettempdir())
    parser.add_argument("--measure", nargs="+")
    parser.add_argument("hours", nargs="*", type=float, default=HOURS)
    options = parser.parse_args()
    if options.measure:
        task, *arguments = options.measure
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            {"extract": extract, "train": train}[task](
                *(float(a) if task == "train" else int(a) for a in arguments), folder
            )
        return
    os.environ["TMPDIR"] = options.folder
    print("Front end, recordings of 10 s. Memory in MB, beside that before the call.")
    print(f"{'':12} {'number':>6} {'n_jobs':>6} {'features':>9} {'own':>9} {'s':>9}")
    for extraction in EXTRACTIONS:
        run("extract", *map(int, extraction))
    print(
        "\nWhitening and training. Of each stage the process' own memory in MB and the"
    )
    print("seconds; at last all that was resident, in MB.")
    stages = ("simulate", "whiten: fit", "transform", "train: epoch", "predict")
    print(f"{'hours':>6} {'frames':>9} {' '.join(f'{s:>15}' for s in stages)} resident")
    for hours in options.hours:
        run("train", hours)


if __name__ == "__main__":
    main()

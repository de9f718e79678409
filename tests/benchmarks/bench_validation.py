"""How long does validate take, for 10,000 headers and for 1,000 decoded recordings?

Run with ``python tests/benchmarks/bench_validation.py``. The recordings are noise at
16 kHz, written to a temporary folder: 0.25 s each for the headers, 3 s for the samples.
"""

import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from skser import datasets

SAMPLE_RATE = 16000
EMOTIONS = np.array(["anger", "fear", "joy", "neutral", "sadness"])
WORKS = {"headers": (10_000, 0.25, False), "samples": (1_000, 3.0, True)}


def main():
    """Print the seconds that each work takes, and by how much memory grows."""
    for name, (n_files, seconds, decode) in WORKS.items():
        with tempfile.TemporaryDirectory() as folder:
            corpus = make_corpus(Path(folder), n_files, seconds)
            memory, start = measure_memory(), (time.perf_counter(), time.process_time())
            report = datasets.validate(corpus, decode=decode)
            wall = time.perf_counter() - start[0]
            processor = time.process_time() - start[1]
            grown = measure_memory() - memory
        print(
            f"{name} of {n_files}: {wall:.1f} s, {processor:.1f} s of processor, "
            f"+{grown:.0f} MB, {len(report.findings)} finding(s)"
        )


def make_corpus(folder, n_files, seconds):
    """Write recordings whose lengths differ by a few samples."""
    n_samples = round(SAMPLE_RATE * seconds)
    noise = np.random.default_rng(0).normal(0, 0.05, n_samples + n_files)
    paths = [folder / f"{i}.wav" for i in range(n_files)]
    for i, path in enumerate(paths):
        soundfile.write(path, noise[i : i + n_samples + i % 100], SAMPLE_RATE)
    rows = np.arange(n_files)
    return datasets.Corpus(
        paths=paths, target=EMOTIONS[rows % 5], groups=rows % 23, name="noise"
    )


def measure_memory():
    """Return the most memory the process has had, in MB (Linux)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()

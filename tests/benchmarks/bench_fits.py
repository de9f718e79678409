"""What do many fits in one process cost: start-up time and memory that stays?

Run with ``python tests/benchmarks/bench_fits.py``. A fit of one epoch on four short
utterances is nearly all start-up. TensorFlow's own import is timed apart. Memory is the
resident set of the process after each fit.
"""

import gc
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from skser import AttentionBLSTMFCNClassifier

N_FITS = 40


def resident_megabytes():
    """Return the process' resident memory, on Linux."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def fit(seed):
    """Fit the default network for one epoch and return the seconds that it took."""
    generator = np.random.default_rng(seed)
    X = [generator.normal(size=(n, 114)) for n in (20, 25, 30, 35)]
    start = time.perf_counter()
    AttentionBLSTMFCNClassifier(max_epochs=1, random_state=seed).fit(X, list("abab"))
    return time.perf_counter() - start


def main():
    """Fit 41 times and print what stays."""
    start = time.perf_counter()
    import tensorflow  # noqa: F401

    print(f"import of TensorFlow   {time.perf_counter() - start:6.2f} s")
    first = fit(0)
    gc.collect()
    memory = [resident_megabytes()]
    seconds = []
    for seed in range(1, N_FITS + 1):
        seconds.append(fit(seed))
        memory.append(resident_megabytes())
    print(f"first fit              {first:6.2f} s")
    print(
        f"later fits             {np.median(seconds):6.2f} s (median), "
        f"{max(seconds):.2f} s (longest): {max(seconds) / first:.3f} of the first"
    )
    print(f"memory after the first {memory[0]:6.0f} MB")
    print(f"grown after {N_FITS} more    {memory[-1] - memory[0]:6.1f} MB")
    print(f"grown in the last 20   {memory[-1] - memory[-21]:6.1f} MB")


if __name__ == "__main__":
    main()

"""How much memory does an hour of 48 kHz need on its way to 16 kHz?

Run with ``python tests/benchmarks/bench_loading.py``, on Linux or macOS. The recording
is noise, 346 MB in a temporary folder; it is read in a process of its own.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

RATE, SECONDS = 48000, 3600


def main():
    """Write the recording, and have another process read it."""
    if len(sys.argv) == 2:
        read(sys.argv[1])
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hour.wav"
        generator = np.random.default_rng(0)
        with soundfile.SoundFile(path, "w", RATE, 1) as file:
            for _ in range(SECONDS):
                noise = 3000 * generator.standard_normal(RATE)
                file.write(noise.astype(np.int16))
        subprocess.run([sys.executable, __file__, str(path)], check=True)


def read(path):
    """Load a recording; print the seconds of processor and the megabytes."""
    import skser.audio

    before, start = measure_memory(), time.process_time()
    signal = skser.audio.load_audio(path, max_duration=None)
    seconds = time.process_time() - start
    print(
        f"{seconds:.1f} s of processor, {measure_memory():.0f} MB at most, "
        f"{before:.0f} of them before; the signal has {signal.nbytes / 1e6:.0f} MB"
    )


def measure_memory():
    """Return the peak of the process' resident memory so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


if __name__ == "__main__":
    main()

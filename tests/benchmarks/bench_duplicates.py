"""How many copies of recordings are found, and how many others are taken for copies.

Copies are made of every recording: at another level and sampling rate, in MP3, Ogg and
with 8 bits, cut at both ends, with noise. A miss is a copy that is not found among the
recordings of the corpus; a false alarm is a pair of different recordings of the corpus.
Run from the repository with

    python tests/benchmarks/bench_duplicates.py EmoDB path/to/emodb/metadata.csv \
        nEMO path/to/nemo/metadata.csv

whose tables have a column "file". It takes some minutes, and fails if more than 2 % of
the copies without noise are missed, or if there is any false alarm.
"""

import csv
import io
import sys
import time
from pathlib import Path

import numpy as np
import soundfile
import soxr

from skser._fingerprints import SAMPLE_RATE, find_similar, fingerprint
from skser.audio import load_audio

RATE = 16000
# Every copy has noise of its own: the same noise would be what copies share.
GENERATOR = np.random.default_rng(0)


def encode(signal, container, subtype, **options):
    """Return a signal as it comes back from a file of another kind."""
    file = io.BytesIO()
    soundfile.write(file, signal, RATE, subtype, format=container, **options)
    file.seek(0)
    return soundfile.read(file, dtype="float32")[0]


def add_noise(signal, snr):
    """Return a signal with white noise, `snr` dB below it."""
    noise = GENERATOR.normal(size=len(signal))
    return signal + noise * signal.std() * 10 ** (-snr / 20)


COPIES = {
    "gain -20 dB": lambda x: x * 0.1,
    "11025 Hz": lambda x: soxr.resample(soxr.resample(x, RATE, 11025), 11025, RATE),
    "8 bits": lambda x: encode(x, "WAV", "PCM_U8"),
    "mu-law": lambda x: encode(x, "WAV", "ULAW"),
    "MP3, high compression": lambda x: encode(
        x, "MP3", "MPEG_LAYER_III", compression_level=0.9
    ),
    "Ogg Vorbis": lambda x: encode(x, "OGG", "VORBIS"),
    "0.3 s less at both ends": lambda x: x[4800:-4800],
    "noise 20 dB": lambda x: add_noise(x, 20),
    "noise 10 dB": lambda x: add_noise(x, 10),
}


def compute(signals):
    """Return the fingerprints of signals at 16 kHz."""
    low = (soxr.resample(signal, RATE, SAMPLE_RATE) for signal in signals)
    return [fingerprint(signal.astype(np.float32)) for signal in low]


def measure(name, table):
    """Print the rates of one corpus; return whether they are as promised."""
    folder = Path(table).parent
    with open(table, newline="", encoding="utf-8-sig") as file:
        paths = [folder / row["file"] for row in csv.DictReader(file)]
    signals = [load_audio(path, RATE) for path in paths]
    start = time.perf_counter()
    originals = compute(signals)
    alarms = find_similar(originals)
    seconds = time.perf_counter() - start
    n = len(paths)
    n_pairs = n * (n - 1) // 2
    print(f"{name}: {n} recordings, {seconds:.1f} s for their fingerprints and search")
    print(f"  false alarms: {len(alarms)} of {n_pairs} pairs", flush=True)
    is_good = not alarms
    for kind, change in COPIES.items():
        copies = compute(map(change, signals))
        pairs = find_similar([*originals, *copies])
        missed = sum((i, n + i) not in pairs for i in range(n))
        wrong = sum(second % n != first % n for first, second in pairs)
        print(
            f"  {kind}: {missed} missed ({missed / n:.1%}), {wrong} wrong", flush=True
        )
        is_good &= wrong == 0 and (missed <= n / 50 or kind.startswith("noise"))
    return is_good


if __name__ == "__main__":
    pairs = zip(sys.argv[1::2], sys.argv[2::2], strict=True)
    outcomes = [measure(*pair) for pair in pairs]
    sys.exit(0 if all(outcomes) else 1)

"""Do damaged recordings ever do harm? Thousands of mutated files, in a child process.

    python tests/fuzz_audio.py --files 10000

Each file is a small recording of one of eight formats of which some bytes were changed,
cut out, repeated or exchanged. The reader may give a finite signal or one of the errors
that it documents; anything else that leaves it, a crash, a hang, or memory beyond the
limit is a fault, and the seed of the file is printed. A seed gives the same file again:
``--first SEED --files 1``.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import soundfile

RATE = 16000
FORMATS = {
    "wav": {"format": "WAV"},
    "flac": {"format": "FLAC"},
    "ogg": {"format": "OGG", "subtype": "VORBIS"},
    "mp3": {"format": "MP3"},
    "aiff": {"format": "AIFF"},
    "caf": {"format": "CAF"},
    "au": {"format": "AU"},
    "w64": {"format": "W64"},
}
# Damage to headers does more than damage to samples.
HEADER = 256
# What TensorFlow-free reading needs is below 0.3 GB; a header can ask for any size.
ADDRESS_SPACE = 4 * 2**30
BATCH = 250
SECONDS_PER_BATCH = 120


@dataclass
class Tally:
    """What came of some files."""

    n_files: int = 0
    n_accepted: int = 0
    refused: dict = field(default_factory=dict)  # name of the error -> files
    faults: list = field(default_factory=list)  # of (seed, what happened)
    n_crashes: int = 0
    n_hangs: int = 0
    peak_megabytes: float = 0.0

    def add(self, other):
        """Add what came of other files."""
        self.n_files += other.n_files
        self.n_accepted += other.n_accepted
        self.refused = dict(Counter(self.refused) + Counter(other.refused))
        self.faults += [tuple(fault) for fault in other.faults]
        self.n_crashes += other.n_crashes
        self.n_hangs += other.n_hangs
        self.peak_megabytes = max(self.peak_megabytes, other.peak_megabytes)


def make_originals(folder):
    """Return the bytes of one good recording of each format."""
    generator = np.random.default_rng(0)
    signal = 0.1 * generator.standard_normal(3000)
    contents = []
    for name, options in FORMATS.items():
        path = Path(folder, f"original.{name}")
        soundfile.write(path, signal, RATE, **options)
        contents.append(path.read_bytes())
    return contents


def mutate(originals, seed):
    """Return the mutated file of a seed."""
    generator = np.random.default_rng(seed)
    content = bytearray(originals[seed % len(originals)])
    for _ in range(generator.integers(1, 4)):
        mutation = MUTATIONS[generator.integers(len(MUTATIONS))]
        content = bytearray(mutation(content, generator))
    return bytes(content)


def _position(content, generator):
    """Draw a position, every second time from the header."""
    end = len(content)
    if generator.integers(2):
        end = min(end, HEADER)
    return int(generator.integers(max(1, end)))


def change_bytes(content, generator):
    """Put random bytes in some places."""
    for _ in range(generator.integers(1, 9)):
        if content:
            content[_position(content, generator)] = int(generator.integers(256))
    return content


def put_extreme_number(content, generator):
    """Put a number that sizes should not have where there may be one."""
    extremes = [0, 1, 0x7F, 0x80, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1]
    number = extremes[generator.integers(len(extremes))]
    width = [2, 4, 8][generator.integers(3)]
    order = ["little", "big"][generator.integers(2)]
    start = _position(content, generator)
    number %= 2 ** (8 * width)
    content[start : start + width] = number.to_bytes(width, order)
    return content


def cut(content, generator):
    """Cut the file somewhere."""
    return content[: _position(content, generator)]


def cut_out(content, generator):
    """Leave a piece out."""
    start = _position(content, generator)
    return content[:start] + content[start + int(generator.integers(1, 200)) :]


def repeat(content, generator):
    """Repeat a piece."""
    start = _position(content, generator)
    return content[: start + int(generator.integers(1, 200))] + content[start:]


def fill(content, generator):
    """Fill a piece with zeros or ones."""
    start = _position(content, generator)
    length = min(int(generator.integers(1, 500)), len(content) - start)
    content[start : start + length] = bytes([[0, 255][generator.integers(2)]]) * length
    return content


MUTATIONS = [change_bytes, put_extreme_number, cut, cut_out, repeat, fill]


def read_all(seeds, report=lambda seed: None):
    """Read the files of some seeds, in this process.

    Parameters
    ----------
    seeds : iterable of int
    report : callable, default=does nothing
        Called with each seed before its file is read.

    Returns
    -------
    tally : Tally
    """
    from skser.audio import load_audio
    from skser.exceptions import (
        AudioError,
        ImplausibleAudioWarning,
        ShortAudioWarning,
    )

    tally, refused = Tally(), Counter()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", ShortAudioWarning)
        warnings.simplefilter("ignore", ImplausibleAudioWarning)
        originals, path = make_originals(folder), Path(folder, "mutated")
        for seed in seeds:
            report(seed)
            path.write_bytes(mutate(originals, seed))
            tally.n_files += 1
            try:
                signal = load_audio(path, max_duration=60.0)
                _check_signal(signal)
                tally.n_accepted += 1
            except AudioError as error:
                refused[type(error).__name__] += 1
                if path.name not in str(error):
                    tally.faults.append((seed, f"the file is not named: {error}"))
            except Exception as error:
                tally.faults.append((seed, f"{type(error).__name__}: {error}"))
    tally.refused = dict(refused)
    tally.peak_megabytes = peak_megabytes()
    return tally


def peak_megabytes():
    """Return the largest resident memory that this process has had."""
    status = Path("/proc/self/status")
    if status.exists():
        # Of this program alone: getrusage also counts its parent before the start.
        (line,) = (x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) / 1e3
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def _check_signal(signal):
    """Refuse a signal that the reader should not have given."""
    if signal.dtype != np.float32 or signal.ndim != 1 or not len(signal):
        raise AssertionError(f"a signal of {signal.dtype} and shape {signal.shape}")
    if not np.isfinite(signal).all():
        raise AssertionError("a signal that is not finite")
    if len(signal) > 60.0 * RATE + 1:
        raise AssertionError(f"a signal of {len(signal)} samples")


def read_in_child(seeds, seconds=SECONDS_PER_BATCH):
    """Read the files of some seeds in a child process of bounded time and memory.

    A file that crashes or hangs the child is counted, and the rest is read by another.

    Parameters
    ----------
    seeds : range
    seconds : float, default=120

    Returns
    -------
    tally : Tally
    """
    total, seeds = Tally(), list(seeds)
    while seeds:
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder, "log")
            command = [sys.executable, __file__, "--child", folder, *map(str, seeds)]
            # The decoders of MP3 complain there.
            child = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            try:
                code = child.wait(seconds)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
                code = None
            if code == 0:
                total.add(Tally(**json.loads(Path(folder, "tally").read_text())))
                return total
            last = int(log.read_text().split()[-1]) if log.exists() else seeds[0]
        what = "hang" if code is None else f"crash (exit code {code})"
        total.faults.append((last, what))
        total.n_hangs += code is None
        total.n_crashes += code is not None
        # Those before it are read again, with it left out.
        seeds.remove(last)
        total.n_files += 1
    return total


def run_child(folder, seeds):
    """Read files under a limit of memory, and leave the tally in a folder."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    with open(Path(folder, "log"), "w", buffering=1) as log:
        tally = read_all(seeds, report=lambda seed: print(seed, file=log))
    Path(folder, "tally").write_text(json.dumps(asdict(tally)))


def main():
    """Read the command line and print what came of the files."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="seed of the first file")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        folder, *seeds = options.child
        run_child(folder, map(int, seeds))
        return 0
    start, total = time.perf_counter(), Tally()
    end = options.first + options.files
    for first in range(options.first, end, BATCH):
        total.add(read_in_child(range(first, min(first + BATCH, end))))
    print(f"files tried    {total.n_files}, in {time.perf_counter() - start:.0f} s")
    print(f"accepted       {total.n_accepted}")
    for name, n_files in sorted(total.refused.items()):
        print(f"refused        {n_files:6d}  {name}")
    print(f"crashes        {total.n_crashes}")
    print(f"hangs          {total.n_hangs}")
    print(f"other faults   {len(total.faults) - total.n_crashes - total.n_hangs}")
    print(f"peak memory    {total.peak_megabytes:.0f} MB")
    for seed, what in total.faults[:20]:
        print(f"  seed {seed}: {what:.200}")
    return 1 if total.faults else 0


if __name__ == "__main__":
    sys.exit(main())

"""How much faster do two processes describe a corpus than one?

Run from the repository with

    python tests/benchmarks/bench_parallel.py [path/to/emodb]

The first 200 recordings of EmoDB, or as many of synthetic speech, 10 minutes together,
go from file to 743 features a frame by `ByUtterance`: with one process, with two, and
each with a `temp_folder` as well. The ceiling are two processes that take half of the
files each, and keep what comes of them: they share nothing but the machine. All is
timed in turns, in processes that have been started before, and the ratios are those
within a turn.
"""

import os
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import soundfile
from comparisons import take_turns
from joblib import Parallel, delayed
from sklearn.pipeline import make_pipeline

from skser import AcousticFeatures, AudioLoader, Framer, datasets
from skser.out_of_core import ByUtterance

N_FILES = 200
N_TURNS = 9
FRONT_END = make_pipeline(AudioLoader(), Framer(), AcousticFeatures())


def find_recordings(folder):
    """Return paths of EmoDB, if it is given, or of speech that is made in a folder."""
    if len(sys.argv) > 1:
        return list(datasets.load_emodb(sys.argv[1]).paths[:N_FILES])
    speech = datasets.make_emotional_speech(
        n_speakers=10, n_utterances=5, duration=3.0, random_state=0
    )
    return datasets.write_corpus(speech, folder)


def describe(paths, **options):
    """Return the features of recordings."""
    return ByUtterance(FRONT_END, **options).transform(paths)


def describe_alone(paths):
    """Describe recordings, and return nothing but how many numbers have come out."""
    return sum(features.size for features in describe(paths))


def describe_halves(paths):
    """Let two processes describe half of the recordings each."""
    halves = (paths[::2], paths[1::2])
    return Parallel(n_jobs=2)(delayed(describe_alone)(half) for half in halves)


def main():
    """Print the seconds of each way, and how much faster it is than one process."""
    with tempfile.TemporaryDirectory() as folder:
        paths = find_recordings(folder)
        ways = {
            "one process": lambda: describe(paths),
            "two processes": lambda: describe(paths, n_jobs=2),
            "ceiling: half each": lambda: describe_halves(paths),
            "one process, temp_folder": lambda: describe(paths, temp_folder=folder),
            "two processes, temp_folder": lambda: describe(
                paths, temp_folder=folder, n_jobs=2
            ),
        }
        take_turns(ways, 1)
        seconds, _ = take_turns(ways, N_TURNS)
        minutes = sum(soundfile.info(path).duration for path in paths) / 60
    print(f"{len(paths)} files, {minutes:.1f} minutes, {N_TURNS} turns")
    print(f"{'':28}{'s':>6}  one process by it: median, smallest, largest")
    for way in ways:
        alone = "one process" + ", temp_folder" * way.endswith("temp_folder")
        ratios = seconds[alone] / seconds[way]
        print(
            f"{way:28}{np.median(seconds[way]):6.3f}  "
            f"{np.median(ratios):.2f}, {ratios.min():.2f}, {ratios.max():.2f}"
        )


if __name__ == "__main__":
    main()

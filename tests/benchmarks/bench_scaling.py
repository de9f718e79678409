"""What do hours of speech take, from WAV files to answers: time, memory, disk?

Run from the repository, on Linux, with

    python tests/benchmarks/bench_scaling.py [hours ...] [--folder FOLDER]
        [--encoder encoder.onnx] [--encoder-hours n] [--dask [n]]

For each number of hours (1 without any) the paper's system goes from WAV files to
answers: features by two processes of `ByUtterance`, whitening, one epoch of training,
prediction of the same recordings; with its own sizes, features and components in
FOLDER: 0.4 GB an hour. With an encoder, `recommended` hears `--encoder-hours` (1
without), and its linear model learns from the rows that come of it, repeated until they
are as many as those of the most hours. With --dask, two worker
processes of a LocalCluster describe one hour, or so many, by the encoder; then once
more, while one of them is killed half-way.

The recordings are some 500 of synthetic speech, 24 minutes, with lengths like EmoDB's.
Of more hours they are hard links to these: the disk need not have room for 115 MB an
hour, and recordings are read from the system's cache, not from the disk.

Every table is a process of its own. Neither it nor any of its workers can have more
than 4 GB of memory of their own: RLIMIT_DATA refuses it. Printed is the peak of the sum
of all of them ("anonymous" memory, samples 50 times a second). Beside it the system
caches as much of the files as nobody else needs room for; to limit that, too, run all
in a control group, for instance by ``systemd-run --scope -p MemoryMax=4G``. Seconds are
those of the clock, and those of the processors, which other programs disturb less.
"""

import argparse
import functools
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from itertools import cycle
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import joblib
import numpy as np
import soundfile
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from usage import Memory, describe_company, family_seconds, machine_seconds

from skser.datasets import make_emotional_speech, write_corpus
from skser.out_of_core import ByUtterance
from skser.systems import attention_blstm_fcn, recommended, split_front_end

LIMIT = 4 * 2**30
N_JOBS = 2
HEADINGS = (
    "stage",
    "hours",
    "recordings",
    "s",
    "processor s",
    "processor s an hour",
    "own memory, MB",
    "on disk, GB",
)
# Of the synthetic speech, in seconds, each within a fifth; 2.9 s on average.
DURATIONS = (1.4, 1.8, 2.2, 2.5, 2.9, 3.3, 3.9, 4.9)


def write_recordings(hours, folder):
    """Return the paths and emotions of recordings of so many hours."""
    paths, emotions = [], []
    for i, duration in enumerate(DURATIONS):
        speech = make_emotional_speech(
            n_utterances=4, duration=duration, random_state=i
        )
        paths += write_corpus(speech, Path(folder, f"speech_{i}")).tolist()
        emotions += speech.target.tolist()
    # No class and no duration behind the others.
    order = np.random.default_rng(0).permutation(len(paths))
    recordings, labels, seconds_left = [], [], 3600 * hours
    for i, k in enumerate(cycle(order)):
        if seconds_left <= 0:
            return recordings, np.array(labels)
        recordings.append(str(Path(folder, f"{i:06}.wav")))
        os.link(paths[k], recordings[-1])
        labels.append(emotions[k])
        seconds_left -= soundfile.info(paths[k]).duration


class Stages:
    """The lines of a table: of each stage the time, memory at most, and the disk."""

    def __init__(self, hours, n_recordings, folder):
        self._hours, self._n_recordings, self._folder = hours, n_recordings, folder
        self._memory = Memory()
        self.begin()

    def begin(self):
        """Forget what has been since the last stage."""
        self._start, self._seconds = time.perf_counter(), self._work()
        self._memory.peak = 0

    def _work(self):
        """Return the processor time so far, without that of the measurement."""
        return family_seconds() - self._memory.seconds

    def end(self, name):
        """Print what the stage that ends has taken, and begin the next one."""
        time.sleep(0.05)
        duration = time.perf_counter() - self._start - 0.05
        seconds = self._work() - self._seconds
        files = Path(self._folder).glob("*.arrays")
        gigabytes = sum(path.stat().st_size for path in files) / 1e9
        print(
            f"| {name} | {self._hours:g} | {self._n_recordings:,} | {duration:.1f} "
            f"| {seconds:.1f} | {seconds / self._hours:.2f} | {self._memory.peak:.0f} "
            f"| {gigabytes:.2f} |",
            flush=True,
        )
        self.begin()


def run_paper(hours, folder):
    """Take recordings through the paper's system, out of core."""
    paths, emotions = write_recordings(hours, folder)
    front_end, rest = split_front_end(attention_blstm_fcn(random_state=0))
    rest.set_params(whiten__temp_folder=folder, classify__max_epochs=1)
    front_end = ByUtterance(front_end, temp_folder=folder, n_jobs=N_JOBS)
    stages = Stages(hours, len(paths), folder)
    features = front_end.transform(paths)
    stages.end("features")
    whitening = rest["whiten"].fit(features)
    stages.end("whitening, fit")
    components = whitening.transform(features)
    stages.end("whitening, transform")
    del features
    classifier = rest["classify"].fit(components, emotions)
    stages.end("an epoch of training")
    classifier.predict(components)
    stages.end("prediction")


def run_recommended(hours, most_hours, encoder, folder):
    """Take recordings through the recommended system with an encoder."""
    paths, emotions = write_recordings(hours, folder)
    front_end, rest = split_front_end(recommended(model=encoder))
    front_end = ByUtterance(front_end, temp_folder=folder, n_jobs=N_JOBS)
    stages = Stages(hours, len(paths), folder)
    rows = front_end.transform(paths)
    stages.end("encoder")
    for n_hours in sorted({hours, max(hours, most_hours)}):
        n_recordings = round(len(rows) * n_hours / hours)
        many = np.resize(rows, (n_recordings, rows.shape[1]))
        labels = np.resize(emotions, n_recordings)
        stages = Stages(n_hours, n_recordings, folder)
        rest.fit(many, labels)
        stages.end("linear model, fit")
        rest.predict(many)
        stages.end("prediction")


def count(folder, rows):
    """Leave a byte for each recording in a file of this process, and pass rows on."""
    with open(Path(folder, f"{os.getpid()}.count"), "ab") as file:
        file.write(bytes(len(rows)))
    return rows


def run_dask(hours, encoder, folder):
    """Let workers of Dask describe recordings, and kill one of them."""
    from distributed import Client, LocalCluster

    paths, _ = write_recordings(hours, folder)
    front_end, _ = split_front_end(recommended(model=encoder))
    counted = FunctionTransformer(functools.partial(count, folder))
    by_utterance = ByUtterance(
        Pipeline([*front_end.steps, ("count", counted)]), n_jobs=N_JOBS
    )

    def count_all():
        return sum(path.stat().st_size for path in Path(folder).glob("*.count"))

    def kill_half_way(process, goal):
        while count_all() < goal:
            time.sleep(0.01)
        os.kill(process, signal.SIGKILL)

    stages = Stages(hours, len(paths), folder)
    expected = by_utterance.transform(paths)
    stages.end("two processes")
    options = {"threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(N_JOBS, **options) as cluster, Client(cluster) as client:
        for name in ("two workers of Dask", "the same, one killed half-way"):
            is_killed, before = "killed" in name, count_all()
            if is_killed:
                victim = next(iter(client.run(os.getpid).values()))
                arguments = (victim, before + len(paths) // 2)
                threading.Thread(target=kill_half_way, args=arguments).start()
            stages.begin()
            with joblib.parallel_config(backend="dask"):
                rows = by_utterance.transform(paths)
            stages.end(name)
            again = count_all() - before - len(paths)
            pairs = zip(rows, expected, strict=True)
            n_equal = sum(mine.tobytes() == other.tobytes() for mine, other in pairs)
            print(f"({n_equal:,} rows equal bit for bit, {again:,} computed again)")


def run(task, *arguments):
    """Measure in a new process, below a new heading."""
    print("|", " | ".join(HEADINGS), "|\n|---|" + "---:|" * (len(HEADINGS) - 1))
    sys.stdout.flush()
    command = [sys.executable, __file__, "--task", task, *map(str, arguments)]
    subprocess.run(command, check=True)
    print(flush=True)


def measure(task, *arguments):
    """Do a task in 4 GB."""
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, LIMIT))
    tasks = {"paper": run_paper, "recommended": run_recommended, "dask": run_dask}
    tasks[task](*arguments)


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("hours", nargs="*", type=float, default=[1.0])
    parser.add_argument("--folder", default=tempfile.gettempdir())
    parser.add_argument("--encoder", help="an ONNX file, for 'recommended'")
    parser.add_argument("--encoder-hours", type=float, default=1.0)
    parser.add_argument("--dask", nargs="?", type=float, const=1.0, metavar="HOURS")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.dask and not options.encoder:
        parser.error("--dask needs an --encoder")
    if options.task:
        most = max(options.hours)
        arguments = {
            "paper": (most,),
            "recommended": (options.encoder_hours, most, options.encoder),
            "dask": (options.dask, options.encoder),
        }
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            measure(options.task, *arguments[options.task], folder)
        return
    before = machine_seconds()
    common = ("--folder", options.folder)
    for hours in options.hours:
        run("paper", hours, *common)
    if options.encoder:
        common += ("--encoder", options.encoder)
        many = ("--encoder-hours", options.encoder_hours)
        run("recommended", max(options.hours), *common, *many)
    if options.dask:
        run("dask", *common, "--dask", options.dask)
    print(describe_company(before, machine_seconds()))


if __name__ == "__main__":
    main()

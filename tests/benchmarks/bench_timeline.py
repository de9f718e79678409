"""What do hours of conversation take in memory and time, and how late is live audio?

Run from the repository, on Linux, with

    python tests/benchmarks/bench_timeline.py --encoder encoder.onnx [hours ...]

A synthetic conversation is written in blocks. Each line is from a process of its own,
which loads a system that was trained on the synthetic corpus.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import joblib
import numpy as np
import soundfile
from usage import Memory, status

import skser
from skser import AcousticFeatures, Framer
from skser.datasets import make_emotional_speech
from skser.systems import attention_blstm_fcn, recommended
from skser.timeline import LiveTimeline, predict_timeline

RATE = 16000
# Name -> what is computed in parallel, as joblib calls it, and the system.
SYSTEMS = {
    "recommended, with encoder": ("threading", recommended),
    "recommended": ("loky", recommended),
    "attention_blstm_fcn": ("loky", attention_blstm_fcn),
}
CHUNK = 0.1  # s
LIVE_SECONDS = 120
SHARED_SECONDS = 300


def make_corpus(random_state):
    """Return synthetic speech of six speakers."""
    return make_emotional_speech(
        n_speakers=6, n_utterances=4, random_state=random_state
    )


def write_conversation(path, hours):
    """Write utterances with pauses between them, one after the other."""
    generator = np.random.default_rng(0)
    utterances = make_corpus(1).data
    n_left = round(hours * 3600 * RATE)
    with soundfile.SoundFile(path, "w", RATE, 1) as file:
        while n_left > 0:
            signal = utterances[generator.integers(len(utterances))]
            pause = round(generator.exponential(1.0) * RATE)
            block = np.concatenate([signal, np.zeros(pause)])[:n_left]
            file.write(block + generator.normal(0, 1e-4, len(block)))
            n_left -= len(block)


def train(name, encoder, path):
    """Fit a system and save it."""
    corpus = make_corpus(0)
    options = {"model": encoder} if "encoder" in name else {}
    system = SYSTEMS[name][1](input_sample_rate=RATE, random_state=0, **options)
    skser.save(system.fit(corpus.data, corpus.target), path)


def predict(name, model, recording, n_jobs):
    """Predict a recording along time and print what it has taken."""
    system = skser.load(model)
    backend, hours = SYSTEMS[name][0], soundfile.info(recording).duration / 3600
    with joblib.parallel_config(backend):
        # Starts workers, and compiles what has to be compiled.
        start = skser.Segment(recording, 0, min(120, hours * 3600))
        predict_timeline(system, start, n_jobs=n_jobs)
        memory, begin = Memory(), time.perf_counter()
        timeline = predict_timeline(system, recording, n_jobs=n_jobs)
        seconds = time.perf_counter() - begin
    time.sleep(0.05)
    kind = {"threading": "threads", "loky": "processes"}[backend]
    n_answers = sum(label is not None for label in timeline.label)
    print(
        f"| {name} | {hours:g} | {n_jobs} {kind} | {len(timeline)} | {n_answers} "
        f"| {memory.peak:.0f} | {status('VmHWM'):.0f} | {seconds:.1f} "
        f"| {hours * 3600 / seconds:.0f} |",
        flush=True,
    )


def listen(name, model, recording):
    """Give live audio in chunks, and print how long each took."""
    system = skser.load(model)
    signal, rate = soundfile.read(
        recording, frames=LIVE_SECONDS * RATE, dtype="float32"
    )
    live = LiveTimeline(system, rate)
    chunk, seconds = round(CHUNK * rate), {True: [], False: []}
    for start in range(0, len(signal), chunk):
        begin = time.perf_counter()
        answers = live.push(signal[start : start + chunk])
        is_answer = any(answer.label is not None for answer in answers)
        seconds[is_answer].append(1000 * (time.perf_counter() - begin))
    # The first compiles.
    times = np.array(seconds[True][1:])
    print(
        f"| {name} | {np.median(times):.1f} | {np.quantile(times, 0.95):.1f} "
        f"| {times.max():.1f} | {np.median(seconds[False]):.3f} |",
        flush=True,
    )


def share(name, model, recording):
    """Print what could be saved if frames of overlapping windows were shared."""
    system = skser.load(model)
    signal, rate = soundfile.read(
        recording, frames=SHARED_SECONDS * RATE, dtype="float32"
    )
    steps = [Framer(), AcousticFeatures()]

    def describe(signals):
        for step in steps:
            signals = step.transform(signals)

    def measure(function, *arguments, **options):
        begin = time.perf_counter()
        result = function(*arguments, **options)
        return time.perf_counter() - begin, result

    predict_timeline(system, signal[: 60 * rate], activity=None)
    total, timeline = measure(predict_timeline, system, signal, activity=None)
    edges = (np.c_[timeline.start, timeline.end] * rate).round().astype(int)
    windows = [signal[first:last] for first, last in edges]
    batches = [windows[i : i + 64] for i in range(0, len(windows), 64)]
    each = sum(measure(describe, batch)[0] for batch in batches)
    once, _ = measure(describe, [signal])
    print(
        f"| {name} | {total:.2f} | {each:.2f} | {once:.2f} "
        f"| {total / (total - each + once):.2f} |",
        flush=True,
    )


TASKS = {"train": train, "predict": predict, "listen": listen, "share": share}


def run(*arguments):
    """Measure in a new process."""
    command = [sys.executable, __file__, "--task", *map(str, arguments)]
    subprocess.run(command, check=True)


def main():
    """Print the three tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("hours", nargs="*", type=float, default=[10.0])
    parser.add_argument("--encoder", help="an ONNX file, for 'recommended'")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--task", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        task, *arguments = options.task
        TASKS[task](*(int(a) if a.isdecimal() else a for a in arguments))
        return
    names = [n for n in SYSTEMS if options.encoder or "encoder" not in n]
    with tempfile.TemporaryDirectory() as folder:
        models = {name: Path(folder, f"{i}.skser") for i, name in enumerate(names)}
        for name, model in models.items():
            run("train", name, options.encoder, model)
        print(
            "| system | hours | at a time | windows | answers | peak of own memory, MB "
            "| of this process, all, MB | s | times real time |"
        )
        for hours in options.hours:
            recording = Path(folder, f"{hours:g}.wav")
            write_conversation(recording, hours)
            for name in names:
                run("predict", name, models[name], recording, options.jobs)
        print(f"\n| system | chunks of {CHUNK} s with an answer: median, ms | 95 % "
              "| longest | without: median, ms |")  # fmt: skip
        for name in names:
            run("listen", name, models[name], recording)
        print("\n| system | windows, s | their features | features once | at best |")
        run("share", names[-1], models[names[-1]], recording)


if __name__ == "__main__":
    main()

"""Train and judge the paper's system, speaker by speaker, then save and use it.

Without arguments this runs on a small *synthetic* corpus and takes less than two
minutes; its figures say nothing about real speech. With a corpus on disk, by the name
of its loader in skser.datasets::

    python examples/quickstart.py --corpus emodb path/to/emodb
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# TensorFlow reports at length which processors it has not found.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import joblib
import numpy as np
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import LeaveOneGroupOut, cross_validate

from skser import datasets
from skser.metrics import (
    SCORERS,
    unweighted_accuracy_score,
    weighted_accuracy_score,
)
from skser.systems import attention_blstm_fcn


def main():
    """Run the whole chain and print what it finds."""
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        corpus = load_corpus(*arguments.corpus, folder=Path(folder))
        system = attention_blstm_fcn(
            n_jobs=arguments.n_jobs, random_state=arguments.seed
        )
        system.set_params(classify__max_epochs=arguments.epochs)
        predictions = cross_validate_speakers(system, corpus)
        print_per_speaker(corpus, predictions)
        print_pooled(corpus, predictions)
        save_and_use(system, corpus, Path(folder) / "system.joblib")


def parse_arguments():
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--corpus",
        nargs="+",
        default=["synthetic"],
        metavar=("NAME", "PATH"),
        help="'synthetic' (the default), or a corpus such as 'emodb' and its folder",
    )
    parser.add_argument("--epochs", type=int, default=30, help="default: 30")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    parser.add_argument("--n-jobs", type=int, default=2, help="threads; default: 2")
    arguments = parser.parse_args()
    name = arguments.corpus[0]
    is_known = name == "synthetic" or hasattr(datasets, f"load_{name}")
    if not is_known or len(arguments.corpus) != (1 if name == "synthetic" else 2):
        parser.error(
            "--corpus takes 'synthetic', or a corpus such as 'emodb' and its folder"
        )
    return arguments


def load_corpus(name, path=None, *, folder):
    """Return a corpus with paths, target and groups (the speakers)."""
    if name != "synthetic":
        return getattr(datasets, f"load_{name}")(path)
    print("This is synthetic speech: the figures say nothing about real voices.")
    corpus = datasets.make_emotional_speech(
        n_speakers=4, n_utterances=8, random_state=0
    )
    corpus.paths = datasets.write_corpus(corpus, folder)
    return corpus


def cross_validate_speakers(system, corpus):
    """Predict each recording with a system that has never heard its speaker."""
    n_speakers = len(set(corpus.groups))
    print(f"{len(corpus.paths)} recordings of {n_speakers} speakers.")
    print("Leave-one-speaker-out cross-validation, one line per speaker:")
    start = time.perf_counter()
    results = cross_validate(
        system,
        corpus.paths,
        corpus.target,
        groups=corpus.groups,
        cv=LeaveOneGroupOut(),
        scoring=SCORERS,
        return_estimator=True,
        return_indices=True,
        verbose=3,
        error_score="raise",
    )
    print(f"It took {(time.perf_counter() - start) / 60:.1f} minutes.\n")
    predictions = np.empty_like(corpus.target)
    for fitted, test in zip(
        results["estimator"], results["indices"]["test"], strict=True
    ):
        predictions[test] = fitted.predict([corpus.paths[i] for i in test])
    return predictions


def print_per_speaker(corpus, predictions):
    """Print UA and WA for each speaker."""
    print("speaker   n     UA     WA")
    for speaker in sorted(set(corpus.groups)):
        own = corpus.groups == speaker
        scores = _scores(corpus.target[own], predictions[own])
        print(f"{speaker:>7} {own.sum():>3}  {scores}")


def print_pooled(corpus, predictions):
    """Print UA, WA and the confusion matrix over the recordings of all speakers."""
    n_recordings = len(predictions)
    print(f" pooled {n_recordings:>3}  {_scores(corpus.target, predictions)}\n")
    names = list(corpus.target_names)
    counts = confusion_matrix(corpus.target, predictions, labels=names)
    print("Confusion matrix (rows: true, columns: predicted):")
    print(" " * 10 + "".join(f"{name:>10}" for name in names))
    for name, row in zip(names, counts, strict=True):
        print(f"{name:>10}" + "".join(f"{count:>10}" for count in row))


def _scores(target, predictions):
    """Return UA and WA as text."""
    ua = unweighted_accuracy_score(target, predictions)
    wa = weighted_accuracy_score(target, predictions)
    return f"{ua:.3f}  {wa:.3f}"


def save_and_use(system, corpus, model):
    """Fit on everything, save, and predict one recording in a new process."""
    print("\nFitting on all recordings ...")
    joblib.dump(system.fit(corpus.paths, corpus.target), model)
    recording = str(corpus.paths[0])
    code = "import joblib, sys; print(*joblib.load(sys.argv[1]).predict(sys.argv[2:]))"
    answer = subprocess.run(
        [sys.executable, "-c", code, str(model), recording],
        check=True,
        capture_output=True,
        text=True,
    )
    print(f"Saved {model.name} ({model.stat().st_size / 1e6:.1f} MB).")
    print(
        f"Loaded in a new process: {Path(recording).name} sounds like "
        f"{answer.stdout.strip()} (it is {corpus.target[0]})."
    )


if __name__ == "__main__":
    main()

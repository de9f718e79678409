"""Evaluate the recommended system on unseen speakers, then save and use it.

Without arguments this runs on a small *synthetic* corpus and takes less than two
minutes; its figures say nothing about real speech. With your own table of recordings,
or a corpus on disk by the name of its loader in skser.datasets::

    python examples/quickstart.py --corpus table recordings.csv
    python examples/quickstart.py --corpus emodb path/to/emodb --encoder encoder.onnx
    python examples/quickstart.py --system attention_blstm_fcn  # the reproduction
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import skser
from skser import datasets
from skser.model_selection import LeaveOneSpeakerOut, evaluate
from skser.systems import SYSTEMS, list_systems, make_system


def main():
    """Run the whole chain and print what it finds."""
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        corpus = load_corpus(*arguments.corpus, folder=Path(folder))
        system = make_system(
            arguments.system,
            model=arguments.encoder,
            n_jobs=arguments.n_jobs,
            random_state=arguments.seed,
        )
        set_epochs(system, arguments.epochs)
        evaluate_speakers(system, corpus)
        save_and_use(system, corpus, Path(folder) / "system.skser")


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
    parser.add_argument(
        "--system",
        choices=[
            name
            for name in list_systems("classification")
            if not name.endswith("_transductive")
        ],
        default="recommended",
        metavar="NAME",
        help="a name in skser.systems.SYSTEMS; default: recommended",
    )
    parser.add_argument(
        "--encoder",
        metavar="FILE",
        help="a pretrained speech model, an ONNX file, for systems that take one",
    )
    parser.add_argument(
        "--epochs", type=int, help="of a network; default: those of the system"
    )
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    parser.add_argument("--n-jobs", type=int, default=2, help="threads; default: 2")
    arguments = parser.parse_args()
    name = arguments.corpus[0]
    is_known = name == "synthetic" or hasattr(datasets, f"load_{name}")
    if not is_known or len(arguments.corpus) != (1 if name == "synthetic" else 2):
        parser.error(
            "--corpus takes 'synthetic', or a corpus such as 'emodb' and its folder"
        )
    if arguments.encoder and not SYSTEMS[arguments.system].row.takes_model:
        parser.error(f"{arguments.system} takes no --encoder")
    return arguments


def load_corpus(name, path=None, *, folder):
    """Return a corpus with paths, target and groups (the speakers)."""
    if name != "synthetic":
        return getattr(datasets, f"load_{name}")(path)
    print("This is synthetic speech: the figures say nothing about real voices.")
    corpus = datasets.make_emotional_speech(
        n_speakers=3, n_utterances=4, random_state=0
    )
    corpus.paths = datasets.write_corpus(corpus, folder)
    return corpus


def set_epochs(system, n_epochs):
    """Set how long networks are trained, wherever in the system they are."""
    if n_epochs is not None:
        names = [name for name in system.get_params() if name.endswith("__max_epochs")]
        system.set_params(**dict.fromkeys(names, n_epochs))


def evaluate_speakers(system, corpus):
    """Predict each recording with a system that has never heard its speaker."""
    n_speakers = len(set(corpus.groups))
    print(f"{len(corpus.target)} recordings of {n_speakers} speakers.")
    print("One speaker at a time is left out of training and then predicted:")
    start = time.perf_counter()
    result = evaluate(system, corpus, LeaveOneSpeakerOut(), verbose=1)
    print(f"It took {(time.perf_counter() - start) / 60:.1f} minutes.\n")
    print("speaker   n     UA     WA")
    for row in result.scores_by("speaker"):
        print(f"{row['speaker']:>7} {row['n']:>3}  {row['UA']:.3f}  {row['WA']:.3f}")
    print(f" pooled {len(result.predicted):>3}  {result.ua:.3f}  {result.wa:.3f}\n")
    print("Confusion matrix (rows: true, columns: predicted):")
    print(result.to_frame("confusion").to_string())


def save_and_use(system, corpus, model):
    """Fit on everything, save, and predict one recording in a new process."""
    print("\nFitting on all recordings ...")
    skser.save(system.fit(corpus.paths, corpus.target), model)
    recording = str(corpus.paths[0])
    code = "import skser, sys; print(*skser.load(sys.argv[1]).predict(sys.argv[2:]))"
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

"""Run every system on the same recordings and folds, and print one table.

Each system is fitted and tested leaving one speaker out at a time, in a process of its
own, so that its time and peak memory can be told from the others'. A system that is
finished is not run again, and one that was interrupted goes on at its next fold::

    python examples/compare_systems.py --corpus emodb path/to/emodb
    python examples/compare_systems.py --corpus synthetic --rows fcn ivector --epochs 2
    python examples/compare_systems.py --corpus table path/to/nemo/metadata.csv \
        --encoder path/to/encoder.onnx --rows pretrained_statistics compare_svm \
        --perturbations "telephone band" "white noise 10 dB" --reference compare_svm

Systems in which nothing is random run once, whatever ``--seeds`` says.
Processor time counts both cores; what else the machine does hardly changes it.
Published figures are of other corpora and stand there for orientation only.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

# TensorFlow reports at length which processors it has not found.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.utils import Bunch

from skser import datasets
from skser.metrics import unweighted_accuracy_score
from skser.model_selection import compare, evaluate, evaluate_under, load_result
from skser.model_selection.perturbations import PERTURBATIONS
from skser.systems import PUBLISHED, SYSTEMS, list_systems, split_front_end

TITLES = [
    "system",
    "UA",
    "sd of seeds",
    "95 %",
    "UA of speakers",
    "WA",
    "minutes",
    "processor minutes",
    "GB",
    "published (UA/WA, data)",
]


def main():
    """Run the rows that are not finished, then print and write the table."""
    options = parse_arguments()
    folder = Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    if options.worker:
        run_row(options.worker, options)
        return
    for name in options.rows:
        if not is_finished(name, options):
            run_in_a_process(name, options)
    report = "\n".join(write_report(options))
    path = folder / f"{options.name}.md"
    write_text(path, report + "\n")
    print(f"\n{report}\n\nWritten: {path}; every prediction is in the .npz files.")


def parse_arguments():
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--corpus",
        nargs="+",
        default=["synthetic"],
        metavar=("NAME", "PATH"),
        help="'synthetic', a corpus such as 'emodb' and its folder, or 'table' and a "
        "CSV file with the columns file, label and speaker",
    )
    parser.add_argument(
        "--rows",
        nargs="+",
        choices=list_systems("classification"),
        help="default: all, of those with an encoder only if there is one",
    )
    parser.add_argument("--encoder", help="ONNX file, for systems that take a model")
    parser.add_argument(
        "--perturbations",
        nargs="+",
        default=[],
        choices=PERTURBATIONS,
        help="what test recordings are put through, too: the loss of UA is shown",
    )
    parser.add_argument("--epochs", type=int, help="default: each system's own")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="default: 0")
    parser.add_argument("--speakers", nargs="+", help="only these, default: all")
    parser.add_argument(
        "--reference",
        default="attention_blstm_fcn",
        choices=list_systems("classification"),
        help="what the others are compared with, default: attention_blstm_fcn",
    )
    parser.add_argument(
        "--development-speakers",
        nargs="+",
        metavar="SPEAKER",
        help="whom choices were made on: their UA is shown apart from the others'",
    )
    parser.add_argument("--output", default="comparison", help="folder of the results")
    parser.add_argument("--n-jobs", type=int, default=2, help="threads for features")
    parser.add_argument("--n-speakers", type=int, default=3, help="synthetic corpus")
    parser.add_argument(
        "--worker", choices=list_systems("classification"), help=argparse.SUPPRESS
    )
    options = parser.parse_args()
    name = options.corpus[0]
    is_known = name == "synthetic" or hasattr(datasets, f"load_{name}")
    if not is_known or len(options.corpus) != (1 if name == "synthetic" else 2):
        parser.error(
            "--corpus takes 'synthetic', or a corpus such as 'emodb' and its folder, "
            "or 'table' and a CSV file"
        )
    # Tables are told apart by their folders.
    is_table = name == "table"
    options.name = Path(options.corpus[1]).resolve().parent.name if is_table else name
    if options.rows is None:
        options.rows = [
            name
            for name in list_systems("classification")
            if options.encoder is not None or not SYSTEMS[name].row.takes_model
        ]
    elif options.encoder is None:
        lacking = [name for name in options.rows if name.startswith("pretrained")]
        if lacking:
            parser.error(f"{', '.join(lacking)}: name an ONNX file with --encoder")
    return options


def load_corpus(options):
    """Return a corpus with paths, target and groups (the speakers)."""
    name, *path = options.corpus
    if name != "synthetic":
        return only_speakers(getattr(datasets, f"load_{name}")(*path), options.speakers)
    corpus = datasets.make_emotional_speech(
        n_speakers=options.n_speakers, n_utterances=4, random_state=0
    )
    folder = Path(options.output) / "synthetic"
    if not folder.exists():
        datasets.write_corpus(corpus, folder)
    corpus.paths = sorted(str(file) for file in folder.glob("*.wav"))
    return only_speakers(corpus, options.speakers)


def only_speakers(corpus, speakers):
    """Return the recordings of some speakers; of all, if none are named."""
    if speakers is None:
        return corpus
    kept = np.flatnonzero(np.isin(corpus.groups, speakers))
    if not len(kept):
        raise SystemExit(f"--speakers: none of {speakers} is in the corpus.")
    return Bunch(
        paths=[corpus.paths[i] for i in kept],
        target=np.asarray(corpus.target)[kept],
        groups=np.asarray(corpus.groups)[kept],
    )


def settings(options):
    """Return what a finished row must have been run with."""
    chosen = {"corpus": options.corpus, "seeds": options.seeds}
    chosen |= {"epochs": options.epochs, "n_speakers": options.n_speakers}
    chosen["encoder"] = options.encoder
    return {**chosen, "speakers": options.speakers}


def row_file(name, options, ending):
    """Return where a row's result (.npz) or cost (.json) is kept."""
    return Path(options.output) / f"{options.name}_{name}{ending}"


def is_finished(name, options):
    """Tell whether a row has been run with the same settings."""
    cost = row_file(name, options, ".json")
    return cost.exists() and json.loads(cost.read_text())["settings"] == settings(
        options
    )


def run_in_a_process(name, options):
    """Run one row in a process of its own and keep what it has cost."""
    print(f"{name}:", flush=True)
    start = time.perf_counter()
    command = [sys.executable, __file__, *sys.argv[1:], "--worker", name]
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        print(f"{name} has failed; its finished folds are kept.", file=sys.stderr)
        return
    cost = {
        "settings": settings(options),
        "minutes": (time.perf_counter() - start) / 60,
        "processor_minutes": (usage.ru_utime + usage.ru_stime) / 60,
        "peak_memory_gb": usage.ru_maxrss / 2**20,
    }
    write_text(row_file(name, options, ".json"), json.dumps(cost))


def run_row(name, options):
    """Evaluate one system; what learns nothing is computed once for all folds."""
    corpus = load_corpus(options)
    front_end, rest = split_front_end(build_system(name, options))
    result = evaluate(
        rest,
        corpus,
        LeaveOneGroupOut(),
        X=list(front_end.fit_transform(corpus.paths)),
        seeds=seeds_of(rest, options),
        checkpoint=Path(options.output) / "folds",
        verbose=1,
    )
    result.save(row_file(name, options, ".npz"))


def build_system(name, options):
    """Return a system with the options' encoder, epochs and folder of features."""
    build = SYSTEMS[name]
    has_encoder = build.row.takes_model and options.encoder is not None
    model = {"model": options.encoder} if has_encoder else {}
    system = build(n_jobs=options.n_jobs, **model)
    parameters = system.get_params()
    if options.epochs is not None:
        epochs = [p for p in parameters if p.endswith("max_epochs")]
        system.set_params(**dict.fromkeys(epochs, options.epochs))
    # Of systems whose members compute features by themselves, in every fold.
    caches = [p for p in parameters if p.endswith("__cache")]
    features = str(Path(options.output) / "features")
    return system.set_params(**dict.fromkeys(caches, features))


def seeds_of(system, options):
    """Return the seeds to run a system with; None where nothing is random."""
    is_random = any(name.endswith("random_state") for name in system.get_params())
    return options.seeds if is_random else None


def run_perturbed(name, options):
    """Evaluate one system with perturbed test recordings: condition -> result."""
    system = build_system(name, options)
    return evaluate_under(
        system,
        load_corpus(options),
        LeaveOneGroupOut(),
        perturbations=options.perturbations,
        seeds=seeds_of(system, options),
        checkpoint=Path(options.output) / "folds",
        verbose=1,
    )


def write_report(options):
    """Return the lines of the table and of the comparison with the reference."""
    finished = [name for name in options.rows if is_finished(name, options)]
    results = {n: load_result(row_file(n, options, ".npz")) for n in finished}
    lines = head(TITLES)
    for name, result in results.items():
        cost = json.loads(row_file(name, options, ".json").read_text())
        # Tables 3 and 4 print some figures twice.
        published = dict.fromkeys(map(show_published, find_published(name)))
        published = "; ".join(published) or "-"
        lines.append(as_line([f"`{name}`", *show(result), *costs(cost), published]))
    lines += ["", "UA of each speaker:", "", *speaker_table(results)]
    if options.development_speakers:
        lines += ["", *split_table(results, options.development_speakers)]
    if options.perturbations:
        lines += ["", *perturbation_table(finished, options)]
    reference = options.reference
    others = {name: r for name, r in results.items() if name != reference}
    if reference in results and others:
        table = compare(results[reference], others).to_markdown()
        lines += ["", f"`{reference}` minus the others (UA):", "", table]
    return lines


def speaker_table(results):
    """Return the lines of a table of the UA of every speaker, in percent."""
    rows = {name: result.scores_by("speaker") for name, result in results.items()}
    speakers = [row["speaker"] for row in next(iter(rows.values()), [])]
    lines = head(["system", *speakers])
    for name, scores in rows.items():
        lines.append(as_line([f"`{name}`", *(f"{100 * s['UA']:.0f}" for s in scores)]))
    return lines


def split_table(results, development_speakers):
    """Return the lines of a table of the UA of some speakers and of the others."""
    lines = head(["system", "UA of development speakers", "UA of the others"])
    for name, result in results.items():
        columns = result.predictions()
        chosen = np.isin(columns["speaker"], development_speakers)
        true, predicted = np.array(columns["true"]), np.array(columns["predicted"])
        scores = [
            f"{100 * unweighted_accuracy_score(true[part], predicted[part]):.1f}"
            for part in (chosen, ~chosen)
        ]
        lines.append(as_line([f"`{name}`", *scores]))
    return lines


def perturbation_table(names, options):
    """Return the lines of a table of the UA that perturbed recordings cost."""
    lines = head(["points of UA lost", *options.perturbations])
    for name in names:
        results = run_perturbed(name, options)
        clean = results.pop("clean").ua
        losses = [f"{100 * (clean - result.ua):.1f}" for result in results.values()]
        lines.append(as_line([f"`{name}`", *losses]))
    return lines


def show(result):
    """Return UA, its sd, interval and range over speakers, and WA, in percent."""
    ua, wa = result.summary()[:2]
    deviation = ua["sd over seeds"]
    interval = (
        "-" if ua["low"] is None else f"{100 * ua['low']:.1f}-{100 * ua['high']:.1f}"
    )
    speakers = [row["UA"] for row in result.scores_by("speaker")]
    extremes = f"{100 * min(speakers):.0f}-{100 * max(speakers):.0f}"
    return [
        f"{100 * ua['pooled']:.1f}",
        "-" if deviation is None else f"{100 * deviation:.1f}",
        interval,
        extremes,
        f"{100 * wa['pooled']:.1f}",
    ]


def costs(cost):
    """Return minutes, processor minutes and peak memory as text."""
    names = ("minutes", "processor_minutes", "peak_memory_gb")
    return [f"{cost[name]:.1f}" for name in names]


def find_published(name):
    """Return the published figures of a system."""
    return [figure for figure in PUBLISHED if figure.system == name]


def show_published(figure):
    """Return a published figure with its data and whether it was only quoted."""
    origin = figure.provenance.split(":")[0].replace("the authors' own run", "own")
    return f"{figure.ua}/{figure.wa} {figure.data} ({origin})"


def head(titles):
    """Return the first two lines of a Markdown table."""
    return [as_line(titles), as_line(["---"] * len(titles))]


def as_line(cells):
    """Return a line of a Markdown table."""
    return "| " + " | ".join(map(str, cells)) + " |"


def write_text(path, text):
    """Write a file as a whole."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)


if __name__ == "__main__":
    main()

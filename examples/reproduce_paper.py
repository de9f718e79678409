"""Run a table of the paper, and print our figures beside the published ones.

Every row is a system of ``skser.systems``. A run that is interrupted goes on where it
was::

    python examples/reproduce_paper.py --corpus iemocap path/to/IEMOCAP --table 3
    python examples/reproduce_paper.py --corpus emodb path/to/emodb --table 2
    python examples/reproduce_paper.py --corpus synthetic --table 3 --epochs 2

IEMOCAP is evaluated ten times: eight speakers train, the partner of the tested one
decides when to stop. The Attentive CNN learns its ratings of activation and valence
beside the emotions, as its source does. Published figures of other corpora stand there
for orientation; the column "paper's data" says whose they are.
"""

import argparse
import os
from pathlib import Path

# TensorFlow reports at length which processors it has not found.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import joblib
import numpy as np

from skser import datasets
from skser.model_selection import (
    FixedSplit,
    LeaveOneSpeakerOut,
    SessionFolds,
    compare,
    evaluate,
)
from skser.systems import PUBLISHED, SYSTEMS, split_front_end

# Table -> row -> name in SYSTEMS. The first row is the one that the others are compared
# with.
ROWS = {
    2: {
        "Attention-BLSTM-FCN": "attention_blstm_fcn",
        # Its text names it, but the paper prints no figures.
        "Attention-LSTM-FCN": "attention_lstm_fcn",
        "Attention-BLSTM": "attention_blstm",
        "Attention-LSTM": "attention_lstm",
        "FCNs": "fcn",
        "MEC 2017 baseline": "mec2017_svm",
    },
    3: {
        "attention pooling": "attention_blstm_fcn",
        "mean pooling": "attention_blstm_fcn_mean",
        "max pooling": "attention_blstm_fcn_max",
    },
    4: {
        "Attention-BLSTM-FCN": "attention_blstm_fcn",
        "Attention-BLSTM": "attention_blstm_huang2016",
        "DNN-ELM": "dnn_elm_lee2015",
        "Attentive CNN": "attentive_cnn",
        "DBN-ivector": "dbn_ivector",
    },
}


# Rows whose networks learn ratings from 1 to 5 beside the emotions: the entries of the
# corpus, where it has all of them.
RATINGS = {"attentive_cnn": ("activation", "valence")}


def main(arguments=None):
    """Run the rows of one table and write the report."""
    options = parse_arguments(arguments)
    folder = Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    reports = []
    for data, corpus, cv in LOADERS[options.corpus[0]](options):
        print(f"{data}: {len(corpus.paths)} recordings, {cv!r}")
        results = run_rows(data, corpus, cv, options)
        reports.append(report(data, results, options.table))
    path = folder / f"table{options.table}_{options.corpus[0]}.md"
    write_text(path, "\n".join(reports))
    print("\n" + "\n".join(reports))
    print(f"Written: {path}; every prediction is in the .npz files beside it.")


def parse_arguments(arguments):
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--corpus",
        nargs="+",
        default=["synthetic"],
        metavar=("NAME", "PATH"),
        help="'synthetic', or 'iemocap' or 'emodb' and its folder, or 'cheavd' and its "
        "table of files",
    )
    parser.add_argument("--table", type=int, choices=sorted(ROWS), default=3)
    parser.add_argument("--rows", nargs="+", help="only these rows of the table")
    parser.add_argument("--epochs", type=int, help="default: each system's own")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="default: 0")
    parser.add_argument("--output", default="reproduction", help="folder of the report")
    parser.add_argument("--n-jobs", type=int, default=2, help="threads for features")
    parser.add_argument("--n-speakers", type=int, default=4, help="synthetic corpus")
    parser.add_argument("--n-utterances", type=int, default=8, help="synthetic corpus")
    options = parser.parse_args(arguments)
    n_expected = 1 if options.corpus[0] == "synthetic" else 2
    if options.corpus[0] not in LOADERS or len(options.corpus) != n_expected:
        parser.error(f"--corpus takes one of {', '.join(LOADERS)}, and its path")
    unknown = set(options.rows or []) - set(ROWS[options.table])
    if unknown:
        parser.error(f"--rows takes some of {list(ROWS[options.table])}")
    return options


def load_iemocap(options):
    """Yield both sets of the paper."""
    for subset in ("dataset1", "dataset2"):
        corpus = datasets.load_iemocap(options.corpus[1], subset=subset)
        pairs = zip(corpus.groups.tolist(), corpus.sessions.tolist(), strict=True)
        folds = SessionFolds(sessions=dict(pairs))
        yield f"IEMOCAP {subset}", corpus, folds


def load_emodb(options):
    """Yield EmoDB."""
    corpus = datasets.load_emodb(options.corpus[1])
    yield "EmoDB", corpus, LeaveOneSpeakerOut(validation="rotate")


def load_cheavd(options):
    """Yield CHEAVD, of which the validation part is only looked at once."""
    corpus = datasets.load_cheavd(options.corpus[1])
    yield "CHEAVD", corpus, FixedSplit(corpus.splits, validation=0.1, test="validation")


def make_synthetic(options):
    """Yield made-up speech, written to the output folder."""
    print("This is synthetic speech: the figures say nothing about real voices.")
    corpus = datasets.make_emotional_speech(
        n_speakers=options.n_speakers,
        n_utterances=options.n_utterances,
        random_state=0,
    )
    folder = Path(options.output) / "synthetic"
    if not folder.exists():
        datasets.write_corpus(corpus, folder)
    corpus.paths = sorted(str(file) for file in folder.glob("*.wav"))
    yield "synthetic", corpus, LeaveOneSpeakerOut(validation="rotate")


LOADERS = {
    "synthetic": make_synthetic,
    "emodb": load_emodb,
    "iemocap": load_iemocap,
    "cheavd": load_cheavd,
}


def run_rows(data, corpus, cv, options):
    """Return the result of each row."""
    results = {}
    for row, name in ROWS[options.table].items():
        if options.rows and row not in options.rows:
            continue
        print(f"\n{data}, {row}:")
        params = find_ratings(name, corpus)
        results[row] = run_row(SYSTEMS[name](), corpus, cv, options, params)
        file = f"{data}_{row}.npz".replace(" ", "_")
        results[row].save(Path(options.output) / file)
    return results


def find_ratings(name, corpus):
    """Return what else the network of a row is given to learn."""
    entries = RATINGS.get(name, ())
    if not entries or any(entry not in corpus for entry in entries):
        return {}
    return {"ratings": np.column_stack([corpus[entry] for entry in entries])}


def run_row(system, corpus, cv, options, params=None):
    """Evaluate one system; what learns nothing is computed once for all folds."""
    front_end, rest = split_front_end(system)
    if options.epochs is not None:
        epochs = [name for name in rest.get_params() if name.endswith("max_epochs")]
        rest.set_params(**dict.fromkeys(epochs, options.epochs))
    return evaluate(
        rest,
        corpus,
        cv,
        X=compute_features(front_end, corpus.paths, options),
        params=params,
        seeds=options.seeds,
        checkpoint=Path(options.output) / "folds",
        verbose=1,
        # The split that a corpus comes with may share speakers: the result says so.
        allow_leaks=isinstance(cv, FixedSplit),
    )


def compute_features(front_end, paths, options):
    """Return the features of all recordings, from the output folder if they are there.

    Delete the folder "features" after recordings have changed.
    """
    memory = joblib.Memory(Path(options.output) / "features", verbose=0)
    threads = [name for name in front_end.get_params() if name.endswith("__n_jobs")]
    front_end.set_params(**dict.fromkeys(threads, options.n_jobs))
    return memory.cache(extract)(front_end, list(paths))


def extract(front_end, paths):
    """Return the features of all recordings."""
    print("Computing features ...")
    return list(front_end.fit_transform(paths))


def report(data, results, table):
    """Return our figures beside the published ones, as Markdown."""
    lines = [f"## Table {table} on {data}", ""]
    header = (
        "system|UA|95 %|WA|95 %|macro precision|paper UA|paper WA|paper's data|from"
    )
    columns = header.split("|")
    lines += [as_line(columns), as_line(["---"] * len(columns))]
    for row, result in results.items():
        for published in find_published(table, row, data):
            lines.append(as_line([row, *show(result), *published]))
    lines += ["", *compare_rows(results)]
    return "\n".join(lines) + "\n"


def show(result):
    """Return our figures, in percent, with intervals over speakers."""
    cells = []
    for row in result.summary()[:2]:
        cells.append(f"{100 * row['pooled']:.1f}")
        is_known = row["low"] is not None
        bounds = f"{100 * row['low']:.1f}-{100 * row['high']:.1f}" if is_known else "-"
        cells.append(bounds)
    return [*cells, f"{100 * result.macro_precision:.1f}"]


def find_published(table, row, data):
    """Return the paper's cells for a row: of the same data, or else of all others."""
    known = [p for p in PUBLISHED if (p.table, p.row) == (table, row)]
    same = [p for p in known if p.data == data]
    cells = [[p.ua, p.wa, p.data, p.provenance] for p in same or known]
    return cells or [["-", "-", "-", "named in the text, without figures"]]


def compare_rows(results):
    """Return the tests of the first row against the others, as lines."""
    if len(results) < 2:
        return []
    (first, reference), *others = results.items()
    if reference.speakers is None or len(reference.scores_by("speaker")) < 3:
        return ["Too few speakers to compare the systems over speakers."]
    text = f"{first} minus the others (UA; intervals and Wilcoxon over speakers):"
    return [text, "", compare(reference, dict(others)).to_markdown()]


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

"""What can be typed behind ``python -m skser``: a table of commands, a function each.

A command takes the options, calls what the package has for it, and returns the text
that is printed as its result.
"""

import argparse
import ast
import csv
import difflib
import inspect
import io
import json
import math
import os
import re
import sys
import textwrap
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from sklearn.pipeline import Pipeline

from skser import datasets, model_selection
from skser._files import replacing
from skser._version import __version__
from skser.datasets._layouts import find_audio
from skser.persistence import load, save
from skser.systems import SYSTEMS, split_front_end

PROGRAM = "python -m skser"
SYNTHETIC = "synthetic"
# Corpus -> the function that lists its recordings.
CORPORA = {
    SYNTHETIC: partial(datasets.make_emotional_speech, random_state=0),
    **{
        name.removeprefix("load_"): getattr(datasets, name)
        for name in datasets.__all__
        if name.startswith("load_")
    },
}
_VALIDATIONS = {"none": None, "rotate": "rotate"}
# Recordings whose features are computed between two reports of progress.
_BLOCK_LENGTH = 16
_BAR_LENGTH = 30
_WIDTH = 79


class UsageError(ValueError):
    """The command cannot be meant as it was typed."""


# The commands


def evaluate(options):
    """Evaluate a system leaving one speaker out at a time.

    Parameters
    ----------
    options : argparse.Namespace

    Returns
    -------
    report : str
        Empty if it was written to a file.
    """
    if len(set(options.seed)) < len(options.seed):
        raise UsageError(f"--seed takes different integers, got {options.seed}.")
    corpus = _load_corpus(options)
    recordings = _recordings(corpus)
    folds = model_selection.LeaveOneSpeakerOut(
        validation=_VALIDATIONS[options.validation]
    )
    # Missing speakers should be told before minutes are spent on features.
    folds.get_n_splits(recordings, groups=corpus["groups"])
    front_end, rest = split_front_end(_build_system(options, corpus))
    result = model_selection.evaluate(
        rest,
        corpus,
        folds,
        X=_compute_features(front_end, recordings, options),
        seeds=options.seed,
        checkpoint=options.checkpoint,
        n_jobs=options.n_jobs,
        verbose=int(not options.quiet),
    )
    report = _REPORTS[options.format](result, options)
    if options.output is None:
        return report
    with replacing(options.output) as file:
        file.write(report.encode())
    _note(f"Written: {options.output}", options)
    return ""


def extract(options):
    """Compute the features of recordings and write them to a file.

    Parameters
    ----------
    options : argparse.Namespace

    Returns
    -------
    result : str
        Empty: everything is in the file.
    """
    files = _list_recordings(options.recordings)
    front_end, _ = split_front_end(_build_system(options))
    features = _compute_features(front_end, files, options)
    names = _name_columns(front_end)
    tables = [np.atleast_2d(table) for table in features]
    with replacing(options.output) as file:
        _WRITERS[_ending(options.output)](file, files, names, tables)
    n_rows = sum(map(len, tables))
    size = f"{len(files)} recordings, {n_rows} rows, {len(names)} columns"
    _note(f"Written: {options.output} ({size})", options)
    return ""


def train(options):
    """Fit a system on a whole corpus and save it.

    Parameters
    ----------
    options : argparse.Namespace

    Returns
    -------
    result : str
        Empty: the system is in the file.
    """
    corpus = _load_corpus(options)
    system = _build_system(options, corpus, options.seed)
    front_end, rest = split_front_end(system)
    features = _compute_features(front_end, _recordings(corpus), options)
    # Lines where a bar cannot be seen moving.
    verbose = 1 if sys.stderr.isatty() else 2
    _set_verbosity(rest, 0 if options.quiet else verbose)
    rest.fit(features, corpus.target)
    _set_verbosity(rest, 0)
    save(Pipeline(front_end.steps + rest.steps), options.output)
    _note(f"Written: {options.output}", options)
    return ""


def predict(options):
    """Predict the emotions of recordings with a saved system.

    Parameters
    ----------
    options : argparse.Namespace

    Returns
    -------
    table : str
        A row a recording.
    """
    files = _list_recordings(options.recordings)
    system = load(options.model)
    if not isinstance(system, Pipeline):
        raise ValueError(
            f"{options.model!r} holds a {type(system).__name__}, expected a Pipeline "
            f"that begins with recordings, as '{PROGRAM} train' writes it."
        )
    if options.proba and not hasattr(system, "predict_proba"):
        raise ValueError(
            f"The system in {options.model!r} has no posteriors. Leave --proba out, or "
            "train a system that has them, such as attention_blstm_fcn."
        )
    front_end, rest = split_front_end(system)
    features = _compute_features(front_end, files, options)
    labels = rest.predict(features).tolist()
    rows = [{"file": f, "label": la} for f, la in zip(files, labels, strict=True)]
    if options.proba:
        names = [f"p({label})" for label in rest.classes_.tolist()]
        posteriors = rest.predict_proba(features).tolist()
        for row, values in zip(rows, posteriors, strict=True):
            row.update(zip(names, values, strict=True))
    return _TABLES[options.format](rows)


def list_names(options):
    """List systems and corpora, or the parameters of one system.

    Parameters
    ----------
    options : argparse.Namespace

    Returns
    -------
    table : str
    """
    if options.system is not None:
        return _list_parameters(SYSTEMS[options.system]())
    parts = []
    for title, functions in (("Systems", SYSTEMS), ("Corpora", CORPORA)):
        rows = [
            {title: name, "": _summarise(function)}
            for name, function in functions.items()
        ]
        parts.append(_align(rows))
    return "\n".join(parts)


# What the commands have in common


def _load_corpus(options):
    """Return the corpus that was named."""
    load_it = CORPORA[options.corpus]
    if (options.path is None) != (options.corpus == SYNTHETIC):
        expected = "no path" if options.corpus == SYNTHETIC else "the path of your copy"
        raise UsageError(
            f"The corpus {options.corpus} takes {expected}, got {options.path!r}: "
            f"'{PROGRAM} {options.command} --help' shows examples."
        )
    paths = [] if options.path is None else [options.path]
    chosen = dict(options.option)
    known = list(inspect.signature(load_it).parameters)[len(paths) :]
    _refuse_unknown(chosen, known, f"The corpus {options.corpus} has no option")
    if options.corpus == SYNTHETIC:
        _note("Synthetic speech: figures say nothing about real voices.", options)
    corpus = load_it(*paths, **chosen)
    n_speakers = "unknown" if corpus.groups is None else len(set(corpus.groups))
    _note(
        f"{options.corpus}: {len(corpus.target)} recordings, {n_speakers} speakers, "
        f"{len(set(corpus.target))} emotions",
        options,
    )
    return corpus


def _recordings(corpus):
    """Return the paths of a corpus, or the waveforms of a synthetic one."""
    return corpus.get("paths", corpus.get("data"))


def _build_system(options, corpus=None, seed=None):
    """Return the system that was named, with the parameters that were set."""
    rate = None if corpus is None else corpus.get("sample_rate")
    build = SYSTEMS[options.system]
    system = build(input_sample_rate=rate, n_jobs=options.n_jobs, random_state=seed)
    chosen = dict(options.set)
    hint = f"; '{PROGRAM} list {options.system}' shows all"
    names = system.get_params()
    _refuse_unknown(chosen, names, f"{options.system} has no parameter", hint)
    system.set_params(**chosen)
    for _, step in system.steps:
        # Here, because `fit` looks at the last step's only after hours, perhaps.
        if hasattr(step, "_validate_params"):
            step._validate_params()
    return system


def _refuse_unknown(chosen, known, message, hint=""):
    """Say which names are unknown, and which ones are meant, perhaps."""
    for name in chosen:
        if name not in known:
            near = _guess(name, known)
            known_ones = hint or f"; expected: {', '.join(known)}"
            raise UsageError(f"{message} {name!r}{near}{known_ones}.")


def _guess(name, known):
    """Return the name that is meant, perhaps, as the end of a sentence."""
    near = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {near[0]!r}?" if near else ""


def _set_verbosity(system, verbose):
    """Let the package's own steps report how training goes, or not.

    What libsvm reports does not go through Python and would end up among the results.
    """
    names = [
        f"{name}__verbose"
        for name, part in system.get_params().items()
        if hasattr(part, "verbose") and type(part).__module__.startswith("skser.")
    ]
    system.set_params(**dict.fromkeys(names, verbose))


def _list_recordings(names):
    """Return files as they were named, and those of named folders."""
    files = []
    for name in names:
        folder = os.path.expanduser(name)
        if not os.path.isdir(folder):
            files.append(name)
            continue
        root = os.path.abspath(folder)
        found = [os.path.relpath(path, root) for path in find_audio(folder)]
        if not found:
            raise FileNotFoundError(
                f"No WAV or FLAC file in the folder {name!r}. Name one that has some, "
                "or the files themselves."
            )
        files += [os.path.join(name, path) for path in found]
    return files


def _compute_features(front_end, recordings, options):
    """Return what the steps that learn nothing make of each recording."""
    # All are loaded first, so that all that are bad are told at once.
    signals = front_end[:1].fit_transform(recordings)
    features = []
    for start in range(0, len(signals), _BLOCK_LENGTH):
        block = signals[start : start + _BLOCK_LENGTH]
        features += list(front_end[1:].fit_transform(block))
        _show_progress("Features", len(features), len(signals), options)
    return features


def _name_columns(front_end):
    """Return the names of the columns behind the last step."""
    names = None
    for step in front_end.named_steps.values():
        if hasattr(step, "get_feature_names_out"):
            names = step.get_feature_names_out(names)
    return [str(name) for name in names]


def _show_progress(text, n_done, n_all, options):
    """Move a bar on; where it cannot be seen moving, write its end only."""
    is_last = n_done == n_all
    if options.quiet or not (is_last or sys.stderr.isatty()):
        return
    bar = "=" * (_BAR_LENGTH * n_done // n_all)
    line = f"{text}: [{bar:<{_BAR_LENGTH}}] {n_done} of {n_all}"
    start = "\r" if sys.stderr.isatty() else ""
    print(start + line, end="\n" if is_last else "", file=sys.stderr, flush=True)


def _note(text, options):
    """Say something that is no result."""
    if not options.quiet:
        print(text, file=sys.stderr, flush=True)


# Results as text


def _as_markdown(result, options):
    """Return the report of an evaluation, with what was evaluated."""
    changes = ", ".join(f"`{name}={value!r}`" for name, value in options.set)
    system = f"`{options.system}`{f' with {changes}' if changes else ''}"
    return f"{result.to_markdown()}\nSystem: {system}. Corpus: {options.corpus}.\n"


def _as_json(result, options):
    """Return the figures of an evaluation and how they came about as JSON."""
    recalls = {str(label): value for label, value in result.recalls().items()}
    report = {
        "corpus": options.corpus,
        "system": options.system,
        "summary": result.summary(),
        "speakers": result.scores_by("speaker"),
        "seeds": result.scores_by("seed"),
        # A class without recordings has no recall, and JSON no NaN.
        "recalls": {k: None if math.isnan(v) else v for k, v in recalls.items()},
        "labels": result.labels,
        "confusion_matrix": result.confusion_matrix().tolist(),
        "protocol": result.protocol,
    }
    return json.dumps(report, indent=2) + "\n"


def _as_csv(result, _):
    """Return UA and WA, pooled and of each speaker and seed, as CSV."""
    pooled = {"UA": result.ua, "WA": result.wa}
    rows = [{"of": "pooled", "name": "", "n": len(result.predicted), **pooled}]
    for kind in ("speaker", "seed"):
        rows += [
            {"of": kind, "name": row[kind], **{k: row[k] for k in ("n", "UA", "WA")}}
            for row in result.scores_by(kind)
        ]
    return _write_csv(rows)


_REPORTS = {"markdown": _as_markdown, "json": _as_json, "csv": _as_csv}


def _write_csv(rows):
    """Return rows of equal keys as CSV."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _write_json(rows):
    """Return rows as JSON."""
    return json.dumps(rows, indent=2) + "\n"


def _align(rows):
    """Return rows of equal keys as a table in columns."""
    lines = [list(rows[0]), *([_as_cell(v) for v in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(
        "  ".join(f"{cell:<{w}}" for cell, w in zip(line, widths, strict=True)).rstrip()
        + "\n"
        for line in lines
    )


def _as_cell(value):
    """Return a value as text, posteriors with three decimals."""
    return f"{value:.3f}" if isinstance(value, float) else str(value)


_TABLES = {"table": _align, "json": _write_json, "csv": _write_csv}


def _list_parameters(system):
    """Return a system's parameters in the form in which they can be set."""
    parameters = system.get_params()
    return "".join(
        f"{name}={value!r}\n"
        for name, value in parameters.items()
        if "__" in name and not hasattr(value, "get_params")
    )


def _summarise(function):
    """Return the first line of a function's documentation, without references."""
    function = function.func if isinstance(function, partial) else function
    return re.sub(r" \[\d+\]_", "", inspect.getdoc(function).splitlines()[0])


def _write_features_csv(file, files, names, tables):
    """Write a line a row, with the recording's name and the row's number."""
    # File names need not be text in UTF-8; they are written as they are.
    stream = io.TextIOWrapper(
        file, encoding="utf-8", errors="surrogateescape", newline=""
    )
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["file", "frame", *names])
    for name, table in zip(files, tables, strict=True):
        # As text by NumPy, which writes no more digits than the numbers have.
        rows = enumerate(table.astype(str).tolist())
        writer.writerows([name, i, *row] for i, row in rows)
    stream.detach()


def _write_features_npz(file, files, names, tables):
    """Write the rows of all recordings one below the other, and their numbers."""
    np.savez(
        file,
        files=np.array(files),
        columns=np.array(names),
        n_frames=np.array([len(table) for table in tables]),
        features=np.concatenate(tables),
    )


_WRITERS = {".npz": _write_features_npz, ".csv": _write_features_csv}


def _ending(path):
    """Return the ending of a file's name, in small letters."""
    return os.path.splitext(path)[1].lower()


# Arguments: each function takes what was typed and returns what is meant


def _one_of(known, kind):
    """Return the function that accepts some names only."""

    def accept(text):
        if text not in known:
            raise argparse.ArgumentTypeError(
                f"there is no {kind} {text!r}{_guess(text, known)}; "
                f"'{PROGRAM} list' shows all"
            )
        return text

    return accept


def _assignment(text):
    """Take NAME=VALUE apart; what is no Python literal is a string."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(
            f"expected NAME=VALUE, such as classify__max_epochs=10, got {text!r}"
        )
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def _seed(text):
    """Accept what NumPy takes as a seed."""
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(
            f"expected an integer from 0 to 2**32 - 1, got {text!r}"
        )
    return int(text)


def _n_jobs(text):
    """Accept a number of jobs; -1 is one for each processor."""
    if not text.removeprefix("-").isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(
            f"expected a number of 1 or more, or -1 for all processors, got {text!r}"
        )
    return int(text)


def _new_file(text):
    """Accept a file that can be written: it should not fail after hours."""
    path = os.path.expanduser(text)
    folder = os.path.dirname(path) or "."
    if os.path.isdir(path) or not os.access(folder, os.W_OK):
        raise argparse.ArgumentTypeError(
            f"expected a file in a folder that exists and can be written, got {text!r}"
        )
    return path


def _feature_file(text):
    """Accept a file of features; its ending is its format."""
    if _ending(text) not in _WRITERS:
        raise argparse.ArgumentTypeError(
            f"expected a file name that ends with {' or '.join(_WRITERS)}, got {text!r}"
        )
    return _new_file(text)


_SYSTEM = _one_of(SYSTEMS, "system")
_ARGUMENTS = {
    "corpus": {"metavar": "CORPUS", "type": _one_of(CORPORA, "corpus")},
    "path": {
        "metavar": "PATH",
        "nargs": "?",
        "help": "its folder, or its table of files (table, cheavd); none for synthetic",
    },
    "recordings": {
        "metavar": "FILE",
        "nargs": "+",
        "help": "recordings, or folders, of which all WAV and FLAC files are taken",
    },
    "system": {"metavar": "SYSTEM", "nargs": "?", "type": _SYSTEM},
    "--system": {
        "metavar": "NAME",
        "type": _SYSTEM,
        "default": "attention_blstm_fcn",
        "help": "one of the systems below (default: %(default)s)",
    },
    "--set": {
        "metavar": "NAME=VALUE",
        "nargs": "+",
        "action": "extend",
        "type": _assignment,
        "default": [],
        "help": "parameters of the system's steps; values are Python literals, and "
        f"words are strings ('{PROGRAM} list SYSTEM' shows the defaults)",
    },
    "--option": {
        "metavar": "NAME=VALUE",
        "nargs": "+",
        "action": "extend",
        "type": _assignment,
        "default": [],
        "help": "options of the corpus's function in skser.datasets, such as "
        "subset=dataset2 (iemocap) or label=emotion (table)",
    },
    "--seed": {
        "metavar": "S",
        "type": _seed,
        "default": 0,
        "help": "what random numbers start from (default: %(default)s)",
    },
    "--validation": {
        "choices": sorted(_VALIDATIONS),
        "default": "none",
        "help": "who decides inside training when to stop: 'rotate' holds out the next "
        "speaker; 'none' holds out nobody, and a network with early stopping chooses a "
        "training speaker itself (default: %(default)s)",
    },
    "--checkpoint": {
        "metavar": "FOLDER",
        "help": "keep each finished fold there; the same command, after an "
        "interruption, runs only the others (default: nothing is kept)",
    },
    "--n-jobs": {
        "metavar": "N",
        "type": _n_jobs,
        "default": 1,
        "help": "recordings that are read at a time, -1 for all processors "
        "(default: %(default)s)",
    },
    "--model": {
        "metavar": "FILE",
        "required": True,
        "help": f"a system that '{PROGRAM} train' or skser.save has written",
    },
    "--proba": {"action": "store_true", "help": "give the posteriors as well"},
    "--format": {"help": "default: %(default)s"},
    "--output": {"metavar": "FILE", "type": _new_file, "required": True},
    "--quiet": {"action": "store_true", "help": "show no progress"},
    "--traceback": {
        "action": "store_true",
        "help": "show where in the program an error has happened",
    },
}
_COMMON = ("--quiet", "--traceback")


class _Command(NamedTuple):
    """A command of the command line."""

    run: Callable
    summary: str
    details: str
    examples: tuple
    arguments: dict  # name -> what differs from _ARGUMENTS
    lists: tuple = ()  # what is listed at the end of its help


_CORPUS_ARGUMENTS = {"corpus": {"help": "one of the corpora below"}, "path": {}}
_SYSTEM_ARGUMENTS = {"--system": {}, "--set": {}}
_COMMANDS = {
    "evaluate": _Command(
        evaluate,
        "evaluate a system leaving one speaker out at a time",
        "Each speaker is recognised by a system that was trained on all others. UA "
        "(mean recall over the classes) and WA (accuracy) are printed, pooled and of "
        "each speaker. What is computed before anything is learnt is shared by all "
        "folds; it is computed again when a run goes on.",
        (
            "evaluate emodb path/to/emodb --checkpoint folds",
            "evaluate table my.csv --system egemaps_svm --option label=emotion",
            "evaluate synthetic --seed 0 1 --set classify__max_epochs=5",
        ),
        _CORPUS_ARGUMENTS
        | _SYSTEM_ARGUMENTS
        | {
            "--seed": {
                "nargs": "+",
                "default": [0],
                "help": "one run with each (default: 0)",
            },
            "--validation": {},
            "--checkpoint": {},
            "--n-jobs": {
                "help": "recordings that are read, and folds that are run, at a time; "
                "each fold takes a process and its memory; -1 for all processors "
                "(default: %(default)s)",
            },
            "--format": {"choices": tuple(_REPORTS), "default": "markdown"},
            "--output": {
                "required": False,
                "help": "file for the report (default: it is printed)",
            },
            "--option": {},
        },
        ("systems", "corpora"),
    ),
    "extract": _Command(
        extract,
        "compute the features of recordings",
        "Without --system these are the 743 features of the paper, a row for each "
        "frame; otherwise what a system computes before it learns. A CSV file has the "
        "columns file, frame and the features. An NPZ file has the arrays files, "
        "columns, n_frames (of each file) and features (the rows of all files, one "
        "below the other).",
        (
            "extract recordings/ --output features.npz",
            "extract a.wav b.flac --system egemaps_svm --output features.csv",
        ),
        {"recordings": {}}
        | _SYSTEM_ARGUMENTS
        | {"--n-jobs": {}}
        | {"--output": {"type": _feature_file, "help": "ends with .npz or .csv"}},
        ("systems",),
    ),
    "train": _Command(
        train,
        "fit a system on a whole corpus and save it",
        "The file holds data only and can run no code; skser.load reads it. It is "
        "written as a whole or not at all.",
        (
            "train emodb path/to/emodb --output model.skser",
            "train synthetic --output model.skser --option n_speakers=3",
        ),
        _CORPUS_ARGUMENTS
        | _SYSTEM_ARGUMENTS
        | {"--seed": {}, "--n-jobs": {}, "--output": {"help": "file for the system"}}
        | {"--option": {}},
        ("systems", "corpora"),
    ),
    "predict": _Command(
        predict,
        "predict the emotions of recordings",
        "A row for each recording, with its file as it was named.",
        (
            "predict a.wav b.wav --model model.skser",
            "predict recordings/ --model model.skser --proba --format csv > out.csv",
        ),
        {"recordings": {}, "--model": {}, "--proba": {}}
        | {"--format": {"choices": tuple(_TABLES), "default": "table"}},
    ),
    "list": _Command(
        list_names,
        "list systems and corpora, or the parameters of a system",
        "The parameters of a system are those that --set takes, with their defaults.",
        ("list", "list attention_blstm_fcn"),
        {"system": {"help": "list its parameters"}},
    ),
}
_LISTS = {"systems": SYSTEMS, "corpora": CORPORA}


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message):
        """Say what is wrong and where the rest can be read."""
        self.exit(2, f"{self.prog}: error: {message} (--help explains)\n")


def make_parser():
    """Return the parser of the command line.

    Returns
    -------
    parser : argparse.ArgumentParser
        What it parses has the attribute `run`, the function of the command.

    Examples
    --------
    >>> from skser._command_line import make_parser
    >>> make_parser().parse_args(["evaluate", "synthetic"]).system
    'attention_blstm_fcn'
    """
    parser = _Parser(
        prog=PROGRAM,
        description="Speech emotion recognition: the functions of the package skser "
        "for the command line. Results go to the standard output, progress to the "
        "standard error.",
        epilog=f"'{PROGRAM} COMMAND --help' explains a command.",
    )
    parser.add_argument("--version", action="version", version=f"skser {__version__}")
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", dest="command", required=True
    )
    for name, command in _COMMANDS.items():
        _add_command(commands, name, command)
    return parser


def _add_command(commands, name, command):
    """Add the parser of one command."""
    examples = "".join(f"\n  {PROGRAM} {example}" for example in command.examples)
    lists = "".join(f"\n\n{kind}:\n{_wrap(_LISTS[kind])}" for kind in command.lists)
    parser = commands.add_parser(
        name,
        help=command.summary,
        description=textwrap.fill(
            f"{command.summary.capitalize()}. {command.details}", _WIDTH
        ),
        epilog=f"examples:{examples}{lists}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    arguments = command.arguments | {name: {} for name in _COMMON}
    for argument, differences in arguments.items():
        parser.add_argument(argument, **(_ARGUMENTS[argument] | differences))
    parser.set_defaults(run=command.run)


def _wrap(names):
    """Return names as indented lines."""
    return textwrap.fill(
        ", ".join(names), _WIDTH, initial_indent="  ", subsequent_indent="  "
    )

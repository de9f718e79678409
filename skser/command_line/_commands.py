"""The commands evaluate, extract, train, predict and list, and formats of results."""

from __future__ import annotations

import argparse
import csv
import difflib
import inspect
import io
import json
import math
import os
import re
import sys
import warnings
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from sklearn.base import is_regressor
from sklearn.pipeline import Pipeline

from skser import datasets, features, model_selection
from skser._display import csv_table
from skser._progress import make_bar, silence
from skser.datasets._corpus import describe_unreadable, find_audio, read_description
from skser.datasets._tables import read_lines
from skser.metrics import wants_groups
from skser.model_selection import _targets
from skser.persistence import load, save
from skser.storage import replacing
from skser.systems import SYSTEMS, list_systems, make_system, split_front_end
from skser.timeline import predict_timeline

# As it was typed.
PROGRAM = "skser" if Path(sys.argv[0]).stem == "skser" else "python -m skser"
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
# What a file is called that can stand for the corpus "table".
TABLE_SUFFIXES = (".csv", ".tsv")
VALIDATIONS = {"none": None, "rotate": "rotate"}
# Recordings whose features are computed between two moves of the bar.
_BLOCK_LENGTH = 16
# A result without lines, which is written all the same.
_NOTHING = "\n"
# What is predicted of numbers where --target says nothing.
DIMENSIONS = ("arousal", "valence", "dominance")
# Digits behind the point of posteriors in CSV and JSON; more say nothing.
_N_DECIMALS = 6


class UsageError(ValueError):
    """The command cannot be meant as it was typed."""


def evaluate(options: argparse.Namespace) -> str:
    """Evaluate a system leaving one speaker out at a time, and return the report."""
    if len(set(options.seed)) < len(options.seed):
        raise UsageError(f"--seed takes different integers, got {options.seed}.")
    choose_system(options)
    corpus, recordings = load_corpus(options)
    folds = model_selection.LeaveOneSpeakerOut(
        validation=VALIDATIONS[options.validation]
    )
    # Missing speakers should be told before minutes are spent on features.
    folds.get_n_splits(recordings, groups=corpus["groups"])
    front_end, rest = split_front_end(build_system(options, corpus))
    target, _ = read_target(rest, corpus, recordings, options)
    has_chance = any(name.endswith("random_state") for name in rest.get_params())
    result = model_selection.evaluate(
        rest,
        corpus,
        folds,
        target=target,
        X=compute_features(front_end, recordings, options),
        # A system without chance would be the same with every seed.
        seeds=options.seed if has_chance else None,
        checkpoint=options.checkpoint,
        n_jobs=options.n_jobs,
        verbose=int(not options.quiet),
    )
    if options.report is not None:
        write_report(options.report, result, options)
    return REPORTS[options.format](result, options)


def extract(options: argparse.Namespace) -> str:
    """Compute the features of recordings and write them to a file; return nothing."""
    files = list_recordings(options.recordings)
    front_end, rest = split_front_end(build_system(options))
    if len(front_end.steps) == 1 and hasattr(rest[-1], "estimators"):
        # Several classifiers vote, each with features of its own.
        name, member = rest[-1].estimators[0]
        # One that only changes the training of another has that one's features.
        member = getattr(member, "estimator", member)
        note(f"{options.system} votes: the features are those of {name!r}.", options)
        front_end = Pipeline(front_end.steps + split_front_end(member)[0].steps)
    names: Any = None
    for step in front_end.named_steps.values():
        if hasattr(step, "get_feature_names_out"):
            names = step.get_feature_names_out(names)
    features = compute_features(front_end, files, options)
    tables = [np.atleast_2d(table) for table in features]
    with replacing(options.output) as file:
        WRITERS[ending(options.output)](file, files, list(map(str, names)), tables)
    n_rows = sum(map(len, tables))
    size = f"{len(files)} recordings, {n_rows} rows, {len(names)} columns"
    note(f"Written: {options.output} ({size})", options)
    return ""


def train(options: argparse.Namespace) -> str:
    """Fit a system on a whole corpus and save it; return nothing."""
    choose_system(options)
    corpus, recordings = load_corpus(options)
    system = build_system(options, corpus, options.seed)
    front_end, rest = split_front_end(system)
    target, y = read_target(rest, corpus, recordings, options)
    features = compute_features(front_end, recordings, options)
    # What libsvm reports does not go through Python and would end up among the
    # results: only the package's own steps show how training goes.
    names = [
        f"{name}__verbose"
        for name, part in rest.get_params().items()
        if hasattr(part, "verbose") and type(part).__module__.startswith("skser.")
    ]
    rest.set_params(**dict.fromkeys(names, int(not options.quiet)))
    with sklearn.config_context(enable_metadata_routing=True):
        # Networks take groups, too, but train on everybody without.
        is_told = corpus.groups is not None and wants_groups(rest, "predict")
        params = {"groups": corpus.groups} if is_told else {}
        rest.fit(features, y, **params)
    rest.set_params(**dict.fromkeys(names, 0))
    whole = Pipeline(front_end.steps + rest.steps)
    if options.task == "regression":
        # For the columns of `predict`.
        whole.target_names_ = target
    save(whole, options.output)
    note(f"Written: {options.output}", options)
    return ""


def predict(options: argparse.Namespace) -> str:
    """Predict the emotions of recordings with a saved system; return a table."""
    files = list_recordings(options.recordings)
    check_timeline(options, files)
    system = load(options.model)
    if not isinstance(system, Pipeline) or not hasattr(system, "predict"):
        raise ValueError(
            f"{options.model!r} holds a {type(system).__name__}, expected a Pipeline "
            f"that begins with recordings and ends with a classifier or regressor, as "
            f"'{PROGRAM} train' writes it."
        )
    set_parameters(system, options, f"The system in {options.model!r}")
    if options.proba and not hasattr(system, "predict_proba"):
        raise ValueError(
            f"The system in {options.model!r} has no posteriors. Leave --proba out, or "
            "train a system that has them, such as recommended."
        )
    if wants_timeline(options):
        return _predict_along_time(system, files, options)
    target_names = getattr(system, "target_names_", None)
    front_end, rest = split_front_end(system)
    with sklearn.config_context(enable_metadata_routing=True):
        params = {}
        if wants_groups(rest, "predict"):
            params["groups"] = _name_speakers(files, options)
        features = compute_features(front_end, files, options)
        answers = rest.predict(features, **params)
        if is_regressor(rest):
            rows = _list_numbers(files, answers, target_names)
            return TABLES[options.format](rows)
        labels = answers.tolist()
        rows = [{"file": f, "label": la} for f, la in zip(files, labels, strict=True)]
        if options.proba:
            names = [f"p({label})" for label in rest.classes_.tolist()]
            posteriors = rest.predict_proba(features, **params).round(_N_DECIMALS)
            for row, values in zip(rows, posteriors.tolist(), strict=True):
                row.update(zip(names, values, strict=True))
    return TABLES[options.format](rows)


def _list_numbers(files, answers, names):
    """Return a row for each recording, with a column for each target."""
    table = np.reshape(answers, (len(files), -1)).round(_N_DECIMALS)
    n_targets = table.shape[1]
    is_named = isinstance(names, list) and all(isinstance(n, str) for n in names)
    if not is_named or len(names) != n_targets:
        # A system that was not trained by `train`.
        names = ["y"] if n_targets == 1 else [f"y{i}" for i in range(n_targets)]
    return [
        {"file": file, **dict(zip(names, values, strict=True))}
        for file, values in zip(files, table.tolist(), strict=True)
    ]


def choose_system(options: argparse.Namespace) -> None:
    """Set the task, and the system of it, where they were left open."""
    if options.task is None:
        is_open = options.system is None
        given = "classification" if is_open else SYSTEMS[options.system].row.task
        options.task = "regression" if is_open and options.targets else given
    if options.system is None:
        is_regression = options.task == "regression"
        options.system = "recommended_regressor" if is_regression else "recommended"
    if SYSTEMS[options.system].row.task != options.task:
        raise UsageError(
            f"--system {options.system} is not for --task {options.task}; these are: "
            f"{', '.join(list_systems(options.task))}."
        )


def read_target(system, corpus, recordings, options: argparse.Namespace) -> tuple:
    """Return what is predicted, None for the emotion, and its value of each recording.

    Numbers that are missing should be told before minutes are spent on features.
    """
    target = choose_target(corpus, options)
    if target is None:
        return None, corpus.target
    known = dict(corpus)
    return target, _targets.read_target(
        system, None, recordings, target, known, None, "target"
    ).y


def choose_target(corpus, options: argparse.Namespace) -> list[str] | str | None:
    """Return the columns that are predicted; None is the emotion."""
    if options.task == "classification":
        if options.targets is None:
            if corpus.get("target") is None:
                raise UsageError(
                    "The corpus has no emotions. Name a column of classes with "
                    "--target, or add --task regression to predict numbers."
                )
            return None
        if len(options.targets) > 1:
            raise UsageError(
                f"--target takes one column of classes, got {options.targets}. Several "
                "columns of numbers are predicted with --task regression."
            )
        return options.targets[0]
    if options.targets is not None:
        return options.targets
    found = [name for name in DIMENSIONS if _targets.is_numeric(corpus.get(name))]
    if not found:
        raise UsageError(
            f"The corpus {options.corpus} has none of {', '.join(DIMENSIONS)}. Name "
            "the columns of numbers that are to be predicted with --target."
        )
    note(f"Predicted: {', '.join(found)}", options)
    return found


def wants_timeline(options: argparse.Namespace) -> bool:
    """Tell whether answers along time are wanted."""
    given = (options.window, options.hop, options.segments)
    return any(value is not None for value in given)


def check_timeline(options: argparse.Namespace, files: list[str]) -> None:
    """Refuse options that do not go together, before anything is loaded."""
    if not wants_timeline(options):
        for name in ("smoothing", "activity", "n_jobs"):
            if getattr(options, name) is not None:
                typed = f"--{name}".replace("n_jobs", "jobs")
                raise UsageError(f"{typed} is for answers along time: add --window S.")
        if options.format in TIMELINE_FORMATS:
            raise UsageError(
                f"--format {options.format} is for answers along time: add --window S."
            )
        return
    if options.segments is not None and (options.window, options.hop) != (None, None):
        raise UsageError("--segments takes the place of --window and --hop.")
    if options.segments is not None and options.activity is not None:
        raise UsageError("--segments takes the place of --activity.")
    if options.format == "textgrid" and len(files) > 1:
        raise UsageError(
            f"A TextGrid is of one recording, got {len(files)}. Run the command for "
            "each, or use --format rttm or csv."
        )


def _predict_along_time(system, files, options):
    """Return a table, or a file of another format, with a row for each window."""
    timeline = predict_timeline(
        system,
        files,
        window=3.0 if options.window is None else options.window,
        hop=1.0 if options.hop is None else options.hop,
        smoothing=options.smoothing,
        segments=options.segments,
        activity=None if options.activity == "none" else "energy",
        n_jobs=options.n_jobs,
        verbose=int(not options.quiet),
    )
    if options.format in TIMELINE_FORMATS:
        return TIMELINE_FORMATS[options.format](timeline) or _NOTHING
    hidden = () if options.proba else tuple(f"p({c})" for c in timeline.classes)
    # JSON has a word for nothing; in tables an empty cell stands for it.
    nothing = None if options.format == "json" else ""
    rows = [
        {
            name: nothing if value is None else value
            for name, value in record.items()
            if name not in hidden
        }
        for record in timeline.to_records()
    ]
    return TABLES[options.format](rows) if rows else _NOTHING


def _name_speakers(files, options):
    """Return who speaks in each file, as the command says."""
    if options.speakers == "one":
        return ["speaker"] * len(files)
    if options.speakers == "folders":
        return [os.path.dirname(os.path.abspath(file)) for file in files]
    raise UsageError(
        f"The system in {options.model!r} normalises by speaker. Say who speaks: "
        "--speakers one if all recordings are of one person, --speakers folders if "
        "each person has a folder."
    )


def list_names(options: argparse.Namespace) -> str:
    """List systems and corpora, or the parameters of one system."""
    if options.system is not None:
        parameters = make_system(options.system).get_params()
        return "".join(
            f"{name}={value!r}\n"
            for name, value in parameters.items()
            if "__" in name and not hasattr(value, "get_params")
        )
    # The recommended ones first.
    names = sorted(SYSTEMS, key=lambda name: not name.startswith("recommended"))
    rows = {name: SYSTEMS[name].row for name in names}
    systems = [
        {"Systems": name, "Task": row.task, "": row.summary}
        for name, row in rows.items()
    ]
    corpora = [{"Corpora": n, "": _summarise(n)} for n in CORPORA]
    return f"{align(systems)}\n{align(corpora)}"


def export_encoder(options: argparse.Namespace) -> str:
    """Make an ONNX file of a checkpoint of transformers; the text is empty."""
    path = features.export_encoder(
        options.source,
        options.layers,
        options.output,
        precision=options.precision,
        pad=options.pad,
        licence=options.licence,
        download=options.download,
    )
    if not options.quiet:
        print(f"Written: {path}", file=sys.stderr, flush=True)
    return ""


def _summarise(corpus):
    """Return a line about a corpus."""
    if corpus == SYNTHETIC:
        return 'Made-up "speech", to try things out.'
    if corpus == "table":
        return "Your own recordings, which a table (CSV) describes."
    return read_description(corpus).partition("\n")[0] + "."


def load_corpus(options: argparse.Namespace) -> tuple:
    """Return the corpus that was named, and its paths or waveforms."""
    name, path = options.corpus, options.path
    if name not in CORPORA and path is None:
        name, path = "table", name
    if name not in CORPORA or (path is None) != (name == SYNTHETIC):
        expected = "the path of your copy" if name in CORPORA else "no further path"
        expected = "no path" if name == SYNTHETIC else expected
        raise UsageError(
            f"The corpus {name} takes {expected}, got {options.path!r}: "
            f"'{PROGRAM} {options.command} --help' shows examples."
        )
    paths = [] if path is None else [path]
    chosen = dict(options.option)
    known = list(inspect.signature(CORPORA[name]).parameters)[len(paths) :]
    refuse_unknown(chosen, known, f"The corpus {name} has no option")
    if name == SYNTHETIC:
        note("Synthetic speech: figures say nothing about real voices.", options)
    if name == "table" and options.task == "regression" and "label" not in chosen:
        # A table of numbers need not say which emotion it is.
        header, _ = read_lines(path)
        chosen |= {} if "label" in header else {"label": None}
    corpus = CORPORA[name](*paths, **chosen)
    n_speakers = "unknown" if corpus.groups is None else len(set(corpus.groups))
    recordings = corpus.get("paths", corpus.get("data"))
    is_labelled = corpus.get("target") is not None
    emotions = f"{len(set(corpus.target)) if is_labelled else 'no'} emotions"
    note(
        f"{name}: {len(recordings)} recordings, {n_speakers} speakers, {emotions}",
        options,
    )
    return corpus, recordings


def build_system(options: argparse.Namespace, corpus=None, seed=None) -> Pipeline:
    """Return the system that was named, with the parameters that were set."""
    takes_model = SYSTEMS[options.system].row.takes_model
    if options.encoder is not None and not takes_model:
        takers = [name for name, system in SYSTEMS.items() if system.row.takes_model]
        raise UsageError(
            f"{options.system} takes no --encoder; these do: {', '.join(takers)}."
        )
    system = make_system(
        options.system,
        model=options.encoder,
        input_sample_rate=None if corpus is None else corpus.get("sample_rate"),
        n_jobs=options.n_jobs,
        random_state=seed,
    )
    hint = f"; '{PROGRAM} list {options.system}' shows all"
    set_parameters(system, options, options.system, hint)
    return system


def set_parameters(
    system: Pipeline, options: argparse.Namespace, name, hint=""
) -> None:
    """Give a system the parameters of --set, or say what is wrong with them."""
    chosen = dict(options.set)
    refuse_unknown(chosen, system.get_params(), f"{name} has no parameter", hint)
    system.set_params(**chosen)
    for _, step in system.steps:
        # Here, because `fit` looks at the last step's only after hours, perhaps.
        if hasattr(step, "_validate_params"):
            step._validate_params()


def refuse_unknown(chosen, known, message: str, hint: str = "") -> None:
    """Say which names are unknown, and which ones are meant, perhaps."""
    for name in chosen:
        if name not in known:
            known_ones = hint or f"; expected: {', '.join(known)}"
            raise UsageError(f"{message} {name!r}{guess(name, known)}{known_ones}.")


def as_typed(text: str, options: argparse.Namespace) -> str:
    """Return a text for Python, "pass speaker=None", as an option of the command."""
    text = re.sub(r"\bfewer n_jobs\b", "fewer --jobs", text)
    function = CORPORA.get(getattr(options, "corpus", ""), CORPORA["table"])
    if not hasattr(options, "option"):
        return text
    names = "|".join(inspect.signature(function).parameters)
    # But not where it is part of a call.
    return re.sub(rf"(?<![\w(.,-])(?<!, )({names})=", r"--option \1=", text)


def guess(name: str, known) -> str:
    """Return the name that is meant, perhaps, as the end of a sentence."""
    near = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {near[0]!r}?" if near else ""


def list_recordings(names: list[str]) -> list[str]:
    """Return files as they were named, and those of named folders."""
    files = []
    for name in names:
        folder = os.path.expanduser(name)
        if not os.path.isdir(folder):
            files.append(name)
            continue
        paths, unreadable = find_audio(folder)
        left_out = describe_unreadable(name, unreadable)
        if not paths:
            raise FileNotFoundError(
                f"No WAV, FLAC, MP3 or other recording in the folder {name!r}. Name "
                f"one that has some, or the files themselves. {left_out}".rstrip()
            )
        if left_out:
            warnings.warn(left_out, UserWarning, stacklevel=2)
        root = os.path.abspath(folder)
        files += [os.path.join(name, os.path.relpath(path, root)) for path in paths]
    return files


def compute_features(front_end: Pipeline, recordings, options) -> list:
    """Return what the steps that learn nothing make of each recording."""
    # All are loaded first, so that all that are bad are told at once.
    signals = front_end[:1].fit_transform(recordings)
    steps = front_end.steps[1:]
    if not steps:
        return list(signals)
    features = []
    bar = make_bar(
        len(signals), "Features", verbose=int(not options.quiet), unit="recording"
    )
    with bar, silence():
        for start in range(0, len(signals), _BLOCK_LENGTH):
            block = signals[start : start + _BLOCK_LENGTH]
            features += list(Pipeline(steps).fit_transform(block))
            bar.update(len(block))
    return features


def note(text: str, options: argparse.Namespace) -> None:
    """Say something that is no result."""
    if not options.quiet:
        print(text, file=sys.stderr, flush=True)


def write_report(folder: str, result, options: argparse.Namespace) -> None:
    """Write the report of the package, and say what was written."""
    if find_spec("matplotlib") is None:
        note("There are no pictures in the report: they need matplotlib.", options)
    paths = result.report(folder, notes=_describe_run(options))
    names = [path.name for path in paths if path.parent == Path(folder)]
    n_figures = len(paths) - len(names)
    figures = f" and {n_figures} files of figures" if n_figures else ""
    note(f"Written: {', '.join(names)}{figures} in {folder}", options)


def _describe_run(options):
    """Return what was evaluated on what."""
    changes = ", ".join(f"`{name}={value!r}`" for name, value in options.set)
    system = f"`{options.system}`{f' with {changes}' if changes else ''}"
    return f"System: {system}. Corpus: {options.corpus}."


def _as_markdown(result, options):
    """Return the report of an evaluation, with what was evaluated."""
    return f"{result.to_markdown()}\n{_describe_run(options)}\n"


def _as_json(result, options):
    """Return the figures of an evaluation and how they came about as JSON."""
    report = {
        "corpus": options.corpus,
        "system": options.system,
        "summary": result.summary(),
        "scores": result.scores(),
        "groups": {name: result.scores_by(name) for name in result.breakdowns()},
        "speakers": result.scores_by("speaker"),
        "seeds": result.scores_by("seed"),
        "protocol": result.protocol,
    }
    if result.is_classification:
        report |= _list_classes(result)
    else:
        report["targets"] = result.targets
    return json.dumps(report, indent=2) + "\n"


def _list_classes(result):
    """Return what an evaluation of classes has of them."""
    recalls = {str(label): value for label, value in result.recalls().items()}
    return {
        "classes": result.class_scores(),
        # A class without recordings has no recall, and JSON no NaN.
        "recalls": {k: None if math.isnan(v) else v for k, v in recalls.items()},
        "labels": result.labels,
        "confusion_matrix": result.confusion_matrix().tolist(),
    }


def _as_csv(result, _):
    """Return the scores, pooled and of each speaker, seed and group, as CSV."""
    names = list(result.detailed)
    pooled = {}
    for row in result.scores():
        part = pooled.setdefault(row.get("target"), {})
        part[row["score"]] = row["pooled"]
    targets = [{} if name is None else {"target": name} for name in pooled]
    rows = [
        {"of": "pooled", "name": "", **target, "n": len(result.predicted)}
        | {name: scores[name] for name in names}
        for target, scores in zip(targets, pooled.values(), strict=True)
    ]
    for kind in ("speaker", "seed", *result.breakdowns()):
        shown = [*targets[0], "n", *names]
        rows += [
            {"of": kind, "name": row[kind], **{key: row[key] for key in shown}}
            for row in result.scores_by(kind)
        ]
    return _write_csv(rows)


REPORTS = {"markdown": _as_markdown, "json": _as_json, "csv": _as_csv}


def _write_csv(rows):
    """Return rows of equal keys as CSV."""
    return csv_table(rows[0], ([row[name] for name in rows[0]] for row in rows))


def align(rows: list[dict]) -> str:
    """Return rows of equal keys as a table in columns, numbers with three decimals."""
    lines = [list(rows[0])]
    for row in rows:
        values = row.values()
        lines.append([f"{v:.3f}" if isinstance(v, float) else str(v) for v in values])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(
        "  ".join(f"{cell:<{w}}" for cell, w in zip(line, widths, strict=True)).rstrip()
        + "\n"
        for line in lines
    )


def _write_markdown(rows):
    """Return rows of equal keys as a table of Markdown."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(row.values() for row in rows)]
    return "".join(
        f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in line)} |\n"
        for line in lines
    )


TABLES = {
    "table": align,
    "markdown": _write_markdown,
    "json": lambda rows: json.dumps(rows, indent=2) + "\n",
    "csv": _write_csv,
}


# Formats of answers along time -> the function that writes them.
TIMELINE_FORMATS = {
    "textgrid": lambda timeline: timeline.to_textgrid(),
    "rttm": lambda timeline: timeline.to_rttm(),
}


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


WRITERS = {".npz": _write_features_npz, ".csv": _write_features_csv}


def ending(path: str) -> str:
    """Return the ending of a file's name, in small letters."""
    return os.path.splitext(path)[1].lower()

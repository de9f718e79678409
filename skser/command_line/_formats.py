"""How results become text, and features a file."""

import csv
import io
import json
import math
import os

import numpy as np


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


REPORTS = {"markdown": _as_markdown, "json": _as_json, "csv": _as_csv}


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


def align(rows):
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


TABLES = {"table": align, "json": _write_json, "csv": _write_csv}


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


def ending(path):
    """Return the ending of a file's name, in small letters."""
    return os.path.splitext(path)[1].lower()

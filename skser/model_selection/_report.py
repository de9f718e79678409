"""The report of an evaluation as documents: a page, Markdown, LaTeX, a model card.

What is in it is written down once, as sections of sentences, tables and figures; the
documents are ways to write the same sections. The page needs nothing but itself: its
figures are inside, as SVG whose lines take the colour of the page's text.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from collections.abc import Callable, Mapping
from functools import partial
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from skser._display import (
    csv_table,
    escape_latex,
    html_table,
    latex_table,
    markdown_table,
)
from skser.model_selection._conditions import compare_conditions
from skser.model_selection._regression_measures import MEAN
from skser.plotting import (
    ConfusionDisplay,
    CoverageDisplay,
    RegressionDisplay,
    ReliabilityDisplay,
    ScoreDisplay,
    find_agreement,
    name_rows,
    pick_last,
)
from skser.storage import replacing

if TYPE_CHECKING:
    from skser.model_selection._base_result import BaseResult

# Stands for the colour of the page's text while a figure is drawn.
_INK = "#0a0b0c"
_FIGURES = "figures"
_UNKNOWN = "[More information needed]"


class Figure(NamedTuple):
    """A picture: what is said below it, its size in inches, and how it is drawn."""

    caption: str
    size: tuple
    draw: Callable


class Picture(NamedTuple):
    """A figure as it was drawn."""

    svg: str
    pdf: bytes


class Section(NamedTuple):
    """A part of the report: sentences, tables by caption, figures by file name."""

    title: str
    sentences: list
    tables: dict
    figures: dict


def percent(share, n_digits=1):
    """Return a share as text, such as "95.6 %".

    Parameters
    ----------
    share : float
    n_digits : int, default=1

    Returns
    -------
    text : str
    """
    return f"{100 * share:.{n_digits}f} %"


def points(share):
    """Return a difference of two shares as text, such as "5.7 points".

    Parameters
    ----------
    share : float

    Returns
    -------
    text : str
    """
    return f"{100 * share:.1f} points"


def decimals(value):
    """Return a score or a difference that is no share as text, such as "0.812".

    Parameters
    ----------
    value : float

    Returns
    -------
    text : str
    """
    return f"{value:.3f}"


class Style(NamedTuple):
    """How a score and a difference of two are written."""

    value: Callable
    difference: Callable


def find_style(result: BaseResult) -> Style:
    """Return how the scores of a result are written: shares as percent.

    Parameters
    ----------
    result : EvaluationResult or RegressionResult

    Returns
    -------
    style : Style
    """
    is_share = result.is_classification
    return Style(percent, points) if is_share else Style(decimals, decimals)


def show_shared(protocol):
    """Return as text what two sides of folds have in common.

    Parameters
    ----------
    protocol : dict
        Of an :class:`EvaluationResult`.

    Returns
    -------
    text : str
    """
    if "shared" not in protocol:
        return "not known"
    shared = {kind: n for kind, n in protocol["shared"].items() if n}
    n_folds = protocol["n_folds"]
    parts = [f"{kind} (in {n} of {n_folds} folds)" for kind, n in shared.items()]
    return ", ".join(parts) or f"no {' or '.join(protocol['shared'])}"


def describe_methods(result: BaseResult) -> str:
    """Return how the figures came about, as sentences for a paper.

    Parameters
    ----------
    result : EvaluationResult or RegressionResult

    Returns
    -------
    text : str
    """
    protocol = result.protocol
    n_tested = len(set(result.recordings.tolist()))
    corpus = f" of {protocol['corpus']}" if protocol.get("corpus") else ""
    speakers = ""
    if result.speakers is not None:
        n_speakers = len({result.speakers[i] for i in result.recordings})
        speakers = f" by {n_speakers} speakers"
    independence = {
        True: "no speaker was both trained on and tested",
        False: "SPEAKERS WERE BOTH TRAINED ON AND TESTED, so that the figures say "
        "nothing about other speakers",
        None: "whether speakers were both trained on and tested is not known",
    }[protocol.get("speaker_independent")]
    seeds = [str(seed) for seed in result.seeds if seed is not None]
    if seeds:
        seeded = f", with the seed{'s' * (len(seeds) > 1)} {', '.join(seeds)}"
    else:
        seeded = ""
    versions = protocol.get("versions", {})
    software = ", ".join(f"{name} {version}" for name, version in versions.items())
    task, scores = result.describe_task()
    test = f" Test recordings: {protocol['test']}." if "test" in protocol else ""
    return (
        f"The system was tested on {n_tested} recordings{corpus}{speakers} in {task}, "
        f"by {protocol.get('splitter')} in {protocol.get('n_folds')} folds{seeded}; "
        f"{independence}. On two sides of a fold: {show_shared(protocol)}.{test} "
        f"{scores} Intervals are 95 % studentised bootstrap intervals over speakers "
        f"(4999 draws). Software: {software}."
    )


def write_report(
    result: BaseResult,
    path: str | os.PathLike,
    *,
    title: str | None = None,
    notes: str = "",
    conditions: Mapping | None = None,
    learning_curve: Mapping | None = None,
    model: str | os.PathLike | None = None,
) -> list[Path]:
    """Write the report; see :meth:`EvaluationResult.report`.

    Parameters
    ----------
    result : EvaluationResult or RegressionResult
    path, title, notes, conditions, learning_curve, model
        As of :meth:`EvaluationResult.report`.

    Returns
    -------
    paths : list of Path
        The files that were written.
    """
    path = Path(path).expanduser()
    if path.suffix not in _WRITERS and path.is_file():
        raise ValueError(
            f"path={str(path)!r} is a file. Name a folder, or a file that ends with "
            f"{', '.join(_WRITERS)}."
        )
    if path.suffix in _WRITERS and model is not None:
        raise ValueError(
            f"The card of model={str(model)!r} is a file beside the report: name a "
            f"folder in place of {str(path)!r}."
        )
    if model is not None and not Path(model).expanduser().is_file():
        raise FileNotFoundError(
            f"There is no file model={str(model)!r}; skser.save writes it."
        )
    corpus = result.protocol.get("corpus")
    title = title or f"Evaluation{f' on {corpus}' if corpus else ''}"
    sections = list_sections(result, notes, conditions, learning_curve)
    if path.suffix in _WRITERS:
        pictures = _draw_all(sections) if path.suffix == ".html" else {}
        files = {path: _WRITERS[path.suffix](title, sections, pictures)}
    else:
        pictures = _draw_all(sections)
        contents = {
            "report.html": write_html(title, sections, pictures),
            "report.md": write_markdown(title, sections, pictures),
            "tables.tex": write_latex(title, sections, pictures),
            "predictions.csv": _write_predictions(result),
        }
        for name, picture in pictures.items():
            contents[f"{_FIGURES}/{name}.svg"] = picture.svg.replace(_INK, "#000000")
            contents[f"{_FIGURES}/{name}.pdf"] = picture.pdf
        if model is not None:
            contents["README.md"] = write_card(result, Path(model).expanduser())
        files = {path / name: content for name, content in contents.items()}
    for file, content in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        # It can be made again, so that nobody need wait for the disk.
        with replacing(file, sync=False) as stream:
            stream.write(
                content.encode("utf-8", errors="surrogateescape")
                if isinstance(content, str)
                else content
            )
    return list(files)


# What is in it


def list_sections(
    result: Any,
    notes: str,
    conditions: Mapping | None,
    learning_curve: Mapping | None,
) -> list[Section]:
    """Return what the report holds.

    Parameters
    ----------
    result : EvaluationResult or RegressionResult
    notes : str
    conditions : dict of str to EvaluationResult, or None
    learning_curve : dict of int to EvaluationResult, or None

    Returns
    -------
    sections : list of Section
    """
    tables = result.tables()
    sections = [_describe_scores(result, tables, notes)]
    if result.is_classification:
        sections.append(_describe_classes(tables))
        sections[1].figures["confusion"] = _plot_confusion(result)
    else:
        sections.append(_describe_predictions(result))
    if "Speakers" in tables:
        sections.append(_describe_speakers(result, tables["Speakers"]))
    sections += [
        _describe_group(result, tables[f"By {name}"], name, number)
        for number, name in enumerate(result.breakdowns(), start=1)
    ]
    if getattr(result, "posteriors", None) is not None:
        sections.append(_describe_calibration(result))
        sections.append(_describe_coverage(result))
    if conditions is not None:
        sections.append(_describe_conditions(conditions))
    if learning_curve is not None:
        sections.append(_describe_learning_curve(learning_curve))
    if "Seeds" in tables:
        sections.append(Section("Seeds", [], {"Seeds": tables["Seeds"]}, {}))
    return [*sections, Section("Methods", [describe_methods(result)], {}, {})]


def _describe_scores(result, tables, notes):
    """Return the headline, and all scores."""
    sentences = [notes] if notes else []
    if result.protocol.get("speaker_independent") is False:
        sentences.append(
            "Warning: speakers were both trained on and tested. The figures say "
            "nothing about other speakers."
        )
    names = ("UA", "WA") if result.is_classification else ("CCC", "RMSE")
    rows = [row for row in tables["Scores"] if row["score"] in names]
    sentences += [_describe_score(result, row) for row in rows]
    shown = ("Scores", "Means over speakers and seeds")
    return Section("Scores", sentences, {name: tables[name] for name in shown}, {})


def _describe_score(result, row):
    """Return a score with its interval, and what baselines reach."""
    show = find_style(result).value
    name, interval, baselines = row["score"], "", ""
    if "target" in row:
        name += " (mean)" if row["target"] == MEAN else f" of {row['target']}"
    if row["low"] is not None:
        bounds = f"{show(row['low'])} to {show(row['high'])}"
        interval = f", with a 95 % interval over speakers of {bounds}"
    if result.is_classification:
        baselines = (
            f" Guessing reaches {show(row['chance'])}, and always answering the most "
            f"frequent class {show(row['majority'])}."
        )
    elif row["training mean"] is not None:
        baselines = f" The mean of the training part has {show(row['training mean'])}."
    value = "not defined" if row["pooled"] is None else show(row["pooled"])
    return f"{name} is {value}{interval}.{baselines}"


def _describe_predictions(result):
    """Return predicted over true values, and by how much they differ."""
    figures, sentences = {}, []
    for number, target in enumerate(result.targets):
        true, predicted = result.true[result.recordings], result.predicted
        bias, low, high = find_agreement((predicted - true)[:, number])
        sentences.append(
            f"Predictions of {target} are on average {decimals(abs(bias))} too "
            f"{'high' if bias > 0 else 'low'}; 95 % of the differences lie between "
            f"{decimals(low)} and {decimals(high)}, if they are normally distributed."
        )
        for kind, caption in _PREDICTION_KINDS.items():
            figures[f"{kind}_{number + 1}"] = Figure(
                f"{target.capitalize()}: {caption}",
                (4.8, 4),
                partial(
                    RegressionDisplay.from_result, result, target=target, kind=kind
                ),
            )
    return Section("Predictions", sentences, {}, figures)


_PREDICTION_KINDS = {
    "actual_vs_predicted": "true over predicted values. On the diagonal they are "
    "equal.",
    "bland_altman": "the difference between predicted and true values over their mean "
    "(Bland and Altman), with the mean difference and the limits of agreement, 1.96 "
    "standard deviations around it.",
}


def _describe_classes(tables):
    """Return which classes are recognised, and the most frequent confusion."""
    rows = [row for row in tables["Classes"] if row["recall"] is not None]
    worst = min(rows, key=lambda row: row["recall"])
    sentences = [
        f"The class that is recognised least is {worst['class']}, with a recall of "
        f"{percent(worst['recall'])}."
    ]
    confusions = [
        (n / row_sum, true, predicted, n, row_sum)
        for row in tables["Confusion matrix"]
        for (_, true), *cells in [list(row.items())]
        for row_sum in [sum(n for _, n in cells)]
        for predicted, n in cells
        if predicted != true and n
    ]
    if confusions:
        share, true, predicted, n, total = max(confusions)
        sentences.append(
            f"The most frequent confusion is {true} for {predicted}: {n} of {total} "
            f"({percent(share)})."
        )
    names = ("Classes", "Confusion matrix")
    return Section("Classes", sentences, {name: tables[name] for name in names}, {})


def _plot_confusion(result):
    n_classes = len(result.labels)
    return Figure(
        "Confusion matrix: rows are true, columns predicted, as shares of the row"
        f"{'' if result.speakers is None else '; beside it UA of each speaker'}.",
        (max(6.4, 0.95 * n_classes + 1.6), max(3.4, 0.55 * n_classes + 1.3)),
        partial(ConfusionDisplay.from_result, result),
    )


def _describe_speakers(result, rows):
    """Return the speakers one by one."""
    score, show = result.headline, find_style(result).value
    known = [row for row in pick_last(rows) if row[score] is not None]
    sentences = []
    if known:
        worst, best = (pick(known, key=lambda row: row[score]) for pick in (min, max))
        sentences.append(
            f"{score} of single speakers goes from {show(worst[score])} (speaker "
            f"{worst['speaker']}) to {show(best[score])} (speaker {best['speaker']})."
        )
    return Section("Speakers", sentences, {"Speakers": rows}, {})


def _describe_group(result, rows, name, number):
    """Return the groups of a column, and the gap between them."""
    sentences, shown = [], pick_last(rows)
    score, show = result.headline, find_style(result).difference
    if sum(not row["small"] for row in shown) > 1:
        gap = result.gap(name)
        interval = ""
        if gap.low is not None:
            bounds = f"{show(gap.low)} to {show(gap.high)}"
            interval = f", with a 95 % interval over speakers of {bounds}"
        sentences.append(
            f"The gap in {score} between the best group ({gap.best}) and the worst "
            f"({gap.worst}) is {show(gap.estimate)}{interval}."
        )
        if gap.low == 0:
            sentences.append("A gap of this size may be chance.")
    if any(row["small"] for row in rows):
        sentences.append(
            "Groups of fewer than five speakers or 30 predictions are marked as small: "
            "their figures say little."
        )
    figure = Figure(
        f"{score} by {name}, with 95 % intervals over speakers.",
        (4.8, 1 + 0.28 * len(shown)),
        ScoreDisplay(name_rows(shown, name, score), label=score).plot,
    )
    title = f"By {name}"
    return Section(title, sentences, {title: rows}, {f"groups_{number}": figure})


def _describe_calibration(result):
    """Return whether posteriors can be believed."""
    rows, excess = result.calibration(), result.score("overconfidence")
    kind = "higher" if excess > 0 else "lower"
    sentences = [
        f"Posteriors are on average {points(abs(excess))} {kind} than the share of "
        "right answers. The expected calibration error, in ten bins of equal mass, is "
        f"{points(result.score('ECE'))}."
    ]
    figure = Figure(
        "Reliability: the share of right answers over the posterior, in ten bins of "
        "equal mass with 95 % intervals over speakers. Below the diagonal the system "
        "is too sure of itself.",
        (4.2, 4),
        ReliabilityDisplay(rows).plot,
    )
    tables = {"Calibration": rows}
    return Section("Calibration", sentences, tables, {"reliability": figure})


def _describe_coverage(result):
    """Return how accurate the most confident answers are."""
    rows = result.coverage()
    half = next(row for row in rows if row["coverage"] >= 0.5)
    sentences = [
        f"The most confident {percent(half['coverage'], 0)} of the answers are right "
        f"in {percent(half['accuracy'])} of cases, all answers in "
        f"{percent(rows[-1]['accuracy'])}. Thresholds describe these predictions; one "
        "that is to be used must be chosen on training speakers."
    ]
    figure = Figure(
        "Accuracy over coverage: only the most confident predictions are answers. The "
        "band is a 95 % interval over speakers.",
        (4.8, 3.6),
        partial(CoverageDisplay.from_result, result),
    )
    return Section("Coverage", sentences, {"Coverage": rows}, {"coverage": figure})


def _describe_conditions(conditions):
    """Return what perturbations of the test recordings cost."""
    reference = next(iter(conditions))
    rows = compare_conditions(conditions, reference=reference).rows
    worst = max(rows, key=lambda row: row["lost"])
    score, show = conditions[reference].headline, find_style(conditions[reference])
    sentences = [
        f"Compared with {reference!r} most is lost under {worst['condition']!r}: "
        f"{show.difference(worst['lost'])} of {score}."
    ]
    figure = Figure(
        f"{score} under each condition, with 95 % intervals over speakers.",
        (4.8, 1 + 0.28 * len(rows)),
        partial(ScoreDisplay.from_conditions, conditions),
    )
    return Section(
        "Conditions", sentences, {"Conditions": rows}, {"conditions": figure}
    )


def _describe_learning_curve(results):
    """Return what more training speakers bring."""
    reference = max(results)
    rows = [
        {"training speakers": row.pop("condition"), **row}
        for row in compare_conditions(results, reference=reference).rows
    ]
    figure = Figure(
        f"{results[reference].headline} over the number of training speakers, with "
        "95 % intervals over test speakers.",
        (4.8, 3.6),
        partial(ScoreDisplay.from_learning_curve, results),
    )
    tables = {"Training speakers": rows}
    return Section("Training speakers", [], tables, {"training_speakers": figure})


# How it is written

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --line: #d0d4d9; --soft: #f4f5f7; }}
@media (prefers-color-scheme: dark) {{ :root {{ --line: #444b55; --soft: #22262c; }} }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 58rem; margin: 0 auto;
  padding: 1rem; }}
h1, h2 {{ line-height: 1.2; }}
h2 {{ margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem; }}
nav {{ font-size: 0.9rem; }}
nav a {{ margin-right: 0.8rem; white-space: nowrap; display: inline-block; }}
p {{ overflow-wrap: anywhere; }}
.scroll {{ overflow: auto; max-height: 36rem; margin: 1rem 0; }}
table {{ border-collapse: collapse; font-size: 0.9rem;
  font-variant-numeric: tabular-nums; }}
caption {{ text-align: left; font-weight: 600; padding: 0.3rem 0; }}
th, td {{ padding: 0.25rem 0.7rem; text-align: right; border-bottom: 1px solid
  var(--line); }}
th {{ background: var(--soft); font-weight: 600; }}
th:first-child, td:first-child {{ text-align: left; }}
figure {{ margin: 1.5rem 0; }}
figure .scroll {{ max-height: none; }}
figure svg {{ display: block; height: auto; }}
figcaption {{ font-size: 0.9rem; }}
</style>
</head>
<body>
<h1>{title}</h1>
<nav>{links}</nav>
{body}
</body>
</html>
"""


def write_html(title, sections, pictures):
    """Return the report as a page that needs nothing from elsewhere.

    Parameters
    ----------
    title : str
    sections : list of Section
    pictures : dict of str to Picture
        Empty without matplotlib.

    Returns
    -------
    page : str
    """
    parts, links = [], []
    for number, section in enumerate(sections):
        anchor = f"section-{number}"
        links.append(f'<a href="#{anchor}">{escape(section.title)}</a>')
        parts.append(f'<h2 id="{anchor}">{escape(section.title)}</h2>')
        parts += [f"<p>{escape(sentence)}</p>" for sentence in section.sentences]
        for name, figure in section.figures.items():
            picture = "<p>There is no picture here, which needs matplotlib.</p>"
            if name in pictures:
                picture = _place_inline(pictures[name].svg, figure, name)
            parts.append(
                f'<figure><div class="scroll">{picture}</div>'
                f"<figcaption>{escape(figure.caption)}</figcaption></figure>"
            )
        for caption, rows in section.tables.items():
            parts.append(f'<div class="scroll">{html_table(rows, caption)}</div>')
    return _PAGE.format(
        title=escape(title), links="\n".join(links), body="\n".join(parts)
    )


def write_markdown(title, sections, pictures):
    """Return the report as Markdown.

    Parameters
    ----------
    title : str
    sections : list of Section
    pictures : dict of str to Picture
        Those that there are files of.

    Returns
    -------
    text : str
    """
    parts = [f"# {title}"]
    for section in sections:
        parts += [f"## {section.title}", *section.sentences]
        for name, figure in section.figures.items():
            if name in pictures:
                parts.append(f"![{figure.caption}]({_FIGURES}/{name}.svg)")
        for caption, rows in section.tables.items():
            if caption != section.title:
                parts.append(f"### {caption}")
            parts.append(markdown_table(rows))
    return "\n\n".join(parts) + "\n"


def write_latex(title, sections, pictures):
    r"""Return the tables in LaTeX, for ``\input``; they need the package booktabs.

    Parameters
    ----------
    title : str
    sections : list of Section
    pictures : dict of str to Picture
        Not used: a paper places figures itself.

    Returns
    -------
    text : str
    """
    parts = [f"% {title}. Needs \\usepackage{{booktabs}}."]
    for section in sections:
        for caption, rows in section.tables.items():
            label = "tab:" + re.sub(r"\W+", "-", caption.casefold())
            parts.append(latex_table(rows, caption, label))
        if not section.tables:
            parts += [escape_latex(sentence) for sentence in section.sentences]
    return "\n\n".join(parts) + "\n"


_WRITERS: dict[str, Callable[[str, list, dict], str]] = {
    ".html": write_html,
    ".md": write_markdown,
    ".tex": write_latex,
}


def _write_predictions(result):
    """Return every prediction as CSV."""
    columns = result.predictions()
    return csv_table(columns, zip(*columns.values(), strict=True))


def _draw_all(sections):
    """Return the picture of each figure by its name; none without matplotlib."""
    if find_spec("matplotlib") is None:
        return {}
    figures = {name: f for section in sections for name, f in section.figures.items()}
    return {name: _draw(figure, name) for name, figure in figures.items()}


def _draw(figure, name):
    """Return the picture of a figure, without a window wherever it runs."""
    import matplotlib
    from matplotlib.figure import Figure as MatplotlibFigure

    colored = ("text.color", "axes.edgecolor", "axes.labelcolor")
    colored += ("xtick.color", "ytick.color")
    # What the user has set is for his own pictures.
    style = dict(matplotlib.rcParamsDefault) | dict.fromkeys(colored, _INK)
    style |= {"svg.hashsalt": name, "svg.fonttype": "path"}
    for unrelated in ("backend", "interactive"):
        style.pop(unrelated, None)
    saved = {}
    with matplotlib.rc_context(style):
        drawn = MatplotlibFigure(figsize=figure.size, layout="constrained")
        figure.draw(ax=drawn.add_subplot())
        # Without a date, so that the same report has the same bytes.
        for kind, date in (("svg", "Date"), ("pdf", "CreationDate")):
            stream = io.BytesIO()
            drawn.savefig(stream, format=kind, transparent=True, metadata={date: None})
            saved[kind] = stream.getvalue()
    return Picture(saved["svg"].decode("utf-8"), saved["pdf"])


def _place_inline(svg, figure, name):
    """Return a picture as an element of a page, in the colour of the page's text."""
    text = svg[svg.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # Names are unique within a figure only.
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", text)
    text = text.replace(_INK, "currentColor")
    width = round(96 * figure.size[0])
    # Smaller than two thirds nobody could read it: it is scrolled then.
    style = f"width: 100%; max-width: {width}px; min-width: {round(width / 1.5)}px"
    label = escape(figure.caption, quote=True)
    head, end, rest = text.partition(">")
    head = re.sub(r' (width|height)="[^"]*"', "", head)
    return f'{head} role="img" aria-label="{label}" style="{style}"{end}{rest}'


# The model card


def write_card(result: Any, model: Path) -> str:
    """Return a model card in the form of the Hugging Face Hub's README.

    Parameters
    ----------
    result : EvaluationResult or RegressionResult
    model : Path
        The saved system.

    Returns
    -------
    text : str
        What only its author knows is left as "[More information needed]".
    """
    corpus = result.protocol.get("corpus") or "own recordings"
    version = result.protocol.get("versions", {}).get("skser", "")
    if result.is_classification:
        kinds = {"UA": "recall", "WA": "accuracy"}
        answer = f"tells {', '.join(map(str, result.classes))} from"
        details = [markdown_table(result.class_scores())]
    else:
        kinds = {"CCC": "concordance_correlation", "PCC": "pearsonr"}
        answer = f"predicts {result.describe_task()[0]} of"
        details = []
    results = [
        {
            "task": {
                "type": "audio-classification",
                "name": "Speech emotion recognition",
            },
            "dataset": {"name": corpus, "type": corpus},
            "metrics": [
                {"type": kind, "name": name, "value": round(result.score(name), 4)}
                for name, kind in kinds.items()
            ],
        }
    ]
    head = {
        "library_name": "skser",
        "pipeline_tag": "audio-classification",
        "tags": ["speech-emotion-recognition", "skser", "audio"],
        "metrics": list(kinds.values()),
        "model-index": [{"name": model.stem, "results": results}],
    }
    # JSON is YAML, too.
    front = [f"{key}: {json.dumps(value)}" for key, value in head.items()]
    checksum = hashlib.sha256(model.read_bytes()).hexdigest()
    parameters = _flatten(result.protocol.get("pipeline"))
    parts = [
        "---\n" + "\n".join(front) + "\n---",
        "# Model description",
        f"A speech emotion recognition system. It {answer} recordings of speech.",
        "## Intended uses & limitations",
        _UNKNOWN,
        "The figures below are of acted or recorded speech of one corpus. Other "
        "speakers, languages and microphones may be recognised worse. Emotions that "
        "people show are not those that they have.",
        "## Training procedure",
        f"Evaluated with skser {version}. The figures are of systems that were trained "
        "on parts of the corpus; the file may hold one that was trained on all of it.",
        "### Hyperparameters",
        "<details>\n<summary>Click to expand</summary>\n",
        markdown_table(parameters) if parameters else _UNKNOWN,
        "</details>",
        "## Evaluation results",
        describe_methods(result),
        markdown_table(result.scores()),
        *details,
        *(markdown_table(result.scores_by(name)) for name in result.breakdowns()),
        "# How to get started with the model",
        f'```python\nimport skser\n\nsystem = skser.load("{model.name}")\n'
        'system.predict(["recording.wav"])\n```',
        f"`{model.name}` has {model.stat().st_size} bytes and the SHA-256 checksum "
        f"`{checksum}`. Files of `skser.save` hold data only and can run no code.",
        "# Model card authors",
        _UNKNOWN,
        "# Model card contact",
        _UNKNOWN,
        "# Citation",
        _UNKNOWN,
    ]
    return "\n\n".join(parts) + "\n"


def _flatten(described: Any, prefix: str = "") -> list[dict[str, str]]:
    """Return the parameters of a described system as rows."""
    if isinstance(described, dict):
        pairs = described.items()
    elif isinstance(described, list) and all(
        isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)
        for pair in described
    ):
        pairs = [(name, value) for name, value in described]
    else:
        return [{"parameter": prefix, "value": f"`{described!r:.100}`"}]
    return [
        row
        for name, value in pairs
        for row in _flatten(value, f"{prefix}__{name}" if prefix else str(name))
    ]

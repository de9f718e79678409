"""A page for each feature of the catalogue: formula, picture, columns, source."""

import io
import re
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from interface import write_if_changed
from numpydoc.docscrape import FunctionDoc

from skser import AcousticFeatures, Framer
from skser.datasets import make_emotional_speech
from skser.features import CATALOGUE, _analysis, _bands, _spectrum, _waveform

# Marks of references in docstrings, such as [1]_, which mean nothing outside of them.
REFERENCES = re.compile(r"\s*\[\d+\]_")

_HOP = 512 / 16000  # s
# Where a spectrum spans so many orders of magnitude that only logarithms show it.
_LOGARITHMIC = 50
_PAGE = """\
.. This file is written by docs/_ext/features.py.

{name}
{line}

.. image:: images/{name}.png
   :alt: {name} of one utterance over time
   :width: 100%

Columns
-------

.. list-table::
   :header-rows: 1

   * - columns of the 743
     - names
     - bounds
     - source
   * - {columns}
     - {names}
     - {bounds}
     - {reference}

``AcousticFeatures(features=["{name}"])`` computes it alone. The bounds hold unless
``exact=True``.

Formula
-------

.. currentmodule:: {module}

.. autofunction:: {function}
{shared}"""
_SHARED = {
    "Shape statistics": (_analysis, "shape_statistics"),
    "Smoothing of the envelope": (_waveform, "envelope_weights"),
    "Quarter octaves": (_spectrum, "quarter_octave_bands"),
    "Bark bands": (_bands, "bark_weights"),
    "Mel bands": (_bands, "mel_weights"),
    "Octave bands": (_bands, "octave_weights"),
}


def offsets():
    """Return name -> (first column, last column), both counted from 0."""
    ends = np.cumsum([feature.width for feature in CATALOGUE.values()])
    starts = [0, *ends[:-1]]
    return {
        name: (int(start), int(end) - 1)
        for name, start, end in zip(CATALOGUE, starts, ends, strict=True)
    }


def span(first, last):
    """Return a range of numbers as text."""
    return str(first) if first == last else f"{first} to {last}"


def _number(value):
    """Return a bound as text."""
    return f"{value:.4g}".replace("e+", "e")


def _bounds(feature):
    """Return the bounds of a feature as text, for each column if they differ."""
    lower, upper = np.atleast_1d(feature.lower), np.atleast_1d(feature.upper)
    pairs = [
        f"{_number(a)} to {_number(b)}" for a, b in zip(lower, upper, strict=False)
    ]
    return "; ".join(dict.fromkeys(pairs))


def _names(feature):
    """Return the names of the columns, the first and the last where they are many."""
    names = [f"``{name}``" for name in feature.column_names]
    return ", ".join(names) if len(names) <= 8 else f"{names[0]} to {names[-1]}"


def _feature_page(name, feature, columns):
    """Return the page of a feature."""
    return _PAGE.format(
        name=name,
        line="=" * len(name),
        columns=span(*columns),
        names=_names(feature),
        bounds=_bounds(feature),
        reference=feature.reference,
        module=feature.function.__module__,
        function=feature.function.__name__,
        shared=_shared_formulas(feature.function),
    )


def _shared_formulas(function):
    """Return what the docstring of a feature sends its reader to, without the rest."""
    text = ""
    for module, name in _SHARED.values():
        if f"{name}`" in function.__doc__:
            description = FunctionDoc(getattr(module, name))
            lines = [*description["Summary"], "", *description["Extended Summary"]]
            text += f"\n.. rubric:: :func:`~{module.__name__}.{name}`\n\n"
            text += REFERENCES.sub("", "\n".join(lines)) + "\n"
    return text


def _shared_page():
    """Return the page of the functions that formulas refer to."""
    title = "What features share"
    page = f"{title}\n{'=' * len(title)}\n\nStatistics and filter banks.\n"
    for heading, (module, function) in _SHARED.items():
        page += (
            f"\n{heading}\n{'-' * len(heading)}\n\n.. currentmodule:: "
            f"{module.__name__}\n\n.. autofunction:: {function}\n"
        )
    return page


def _picture(name, feature, signal, values):
    """Return a picture of a feature over time, below the signal, as PNG."""
    is_map = feature.width > 8
    n_panels = 1 if is_map or feature.width == 2 else feature.width
    n_across = 2 if n_panels > 4 else 1
    n_down = -(-n_panels // n_across)
    height = 2.4 if is_map or n_panels == 1 else 0.95 * n_down
    figure = plt.figure(figsize=(7.5, 1 + height), layout="constrained")
    grid = figure.add_gridspec(
        1 + n_down, n_across, height_ratios=[1.0] + [height / n_down] * n_down
    )
    top = figure.add_subplot(grid[0, :])
    top.plot(np.arange(len(signal)) / 16000, signal, color="0.4", linewidth=0.5)
    top.set(ylabel="signal", yticks=[])
    times = np.arange(len(values)) * _HOP
    if is_map:
        _draw_map(
            figure, figure.add_subplot(grid[1, 0], sharex=top), feature, times, values
        )
    else:
        for i in range(n_panels):
            axes = figure.add_subplot(grid[1 + i // n_across, i % n_across], sharex=top)
            columns = values if n_panels == 1 else values[:, [i]]
            axes.plot(times, columns, linewidth=1.2)
            label = name if n_panels == 1 else feature.columns[i].replace("_", "\n", 1)
            axes.set_ylabel(label, fontsize="small")
            axes.tick_params(labelsize="small")
            if feature.width == 2:
                axes.legend(feature.column_names, fontsize="small", loc="upper right")
            is_last = i + n_across >= n_panels
            axes.tick_params(labelbottom=is_last)
            if is_last:
                axes.set_xlabel("seconds")
    top.tick_params(labelbottom=False)
    top.set_xlim(0, len(signal) / 16000)
    content = io.BytesIO()
    figure.savefig(content, dpi=110, metadata={"Software": None})
    plt.close(figure)
    return content.getvalue()


def _draw_map(figure, axes, feature, times, values):
    """Draw a feature of many columns, in logarithms if only these show it."""
    label = ""
    positive = values[values > 0]
    if values.min() >= 0 and values.max() > _LOGARITHMIC * np.median(positive):
        values = np.log10(np.maximum(values, np.percentile(positive, 1)))
        label = "log10"
    elif values.min() < 0 and feature.name == "AutoCorrelation":
        values = values / np.maximum(values[:, :1], 1e-9)
        label = "relative to lag 0"
    first = int(feature.columns[0])
    image = axes.pcolormesh(
        times, np.arange(first, first + feature.width), values.T, shading="nearest"
    )
    figure.colorbar(image, ax=axes, label=label, pad=0.01)
    axes.set(xlabel="seconds", ylabel="column")


def _write_pages(app, config):
    """Write the pages and pictures, one utterance of synthetic speech for all."""
    folder = Path(app.srcdir) / "features"
    corpus = make_emotional_speech(1, ["happiness"], 1, random_state=3)
    frames = Framer().transform(corpus.data)
    [values] = AcousticFeatures().transform(frames)
    for name, columns in offsets().items():
        feature = CATALOGUE[name]
        write_if_changed(folder / f"{name}.rst", _feature_page(name, feature, columns))
        picture = _picture(
            name, feature, corpus.data[0], values[:, columns[0] : columns[1] + 1]
        )
        write_if_changed(folder / "images" / f"{name}.png", picture)
    write_if_changed(folder / "shared.rst", _shared_page())


def setup(app):
    """Write the pages before Sphinx looks for files."""
    app.connect("config-inited", _write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

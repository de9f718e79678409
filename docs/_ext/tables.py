"""Directives whose tables are read from the code: features, systems, figures, errors.

They are for reStructuredText, which Markdown pages have inside ``{eval-rst}``.
"""

import builtins
import inspect
from importlib import resources
from pathlib import Path

from features import REFERENCES, offsets, span
from interface import write_if_changed
from numpydoc.docscrape import FunctionDoc
from sphinx.util.docutils import SphinxDirective

import skser.exceptions
from skser.features import CATALOGUE
from skser.systems import PUBLISHED, SYSTEMS

# What a description of a corpus is called -> the function that reads the corpus.
_LOADERS = "load_{}"


def _table(header, rows, widths=None):
    """Return a table in reStructuredText."""
    lines = [".. list-table::", "   :header-rows: 1"]
    if widths:
        lines.append(f"   :widths: {widths}")
    lines.append("")
    for row in [header, *rows]:
        for i, cell in enumerate(row):
            lines.append(f"   {'* -' if i == 0 else '  -'} {cell}")
    return "\n".join(lines)


def _summary(thing):
    """Return the first sentence of a docstring, without marks of references."""
    return REFERENCES.sub("", inspect.getdoc(thing).split("\n\n")[0]).replace("\n", " ")


class _Generated(SphinxDirective):
    """A directive whose content is made by `text`."""

    def run(self):
        """Return the nodes of the text."""
        return self.parse_text_to_nodes(self.text(), offset=self.content_offset)

    def text(self):
        """Return reStructuredText."""
        raise NotImplementedError


class CatalogueTable(_Generated):
    """All features with their columns and sources."""

    def text(self):
        """Return the table."""
        rows = [
            (
                f":doc:`{name} </features/{name}>`",
                span(*columns),
                _summary(CATALOGUE[name].function),
                CATALOGUE[name].reference,
            )
            for name, columns in offsets().items()
        ]
        header = ("feature", "columns", "what it is", "source")
        return _table(header, rows)


class SystemsTable(_Generated):
    """All systems with their steps."""

    def text(self):
        """Return the table."""
        rows = [
            (
                f":func:`{name} <skser.systems.{name}>`",
                system.row.summary,
                self._steps(system),
            )
            for name, system in SYSTEMS.items()
        ]
        return _table(("name", "what it is", "steps"), rows, "30 40 30")

    @staticmethod
    def _steps(system):
        """Return the names of the steps."""
        return ", ".join(system().named_steps)


class SystemsNotes(_Generated):
    """What the docstring of each system says of its provenance."""

    def text(self):
        """Return a list of definitions."""
        entries = []
        for name, system in SYSTEMS.items():
            notes = "\n".join(FunctionDoc(system)["Notes"])
            if notes:
                notes = REFERENCES.sub("", notes).replace("\n", "\n   ")
                entries.append(f":func:`{name} <skser.systems.{name}>`\n   {notes}\n")
        return "\n".join(entries)


class PublishedTable(_Generated):
    """The figures of the paper and their provenance."""

    def text(self):
        """Return the table."""
        rows = [
            (
                row.table,
                row.data,
                row.row,
                f":func:`{row.system} <skser.systems.{row.system}>`",
                f"{row.ua:.1f}",
                f"{row.wa:.1f}",
                row.provenance,
            )
            for row in PUBLISHED
        ]
        header = ("table", "data", "row", "system here", "UA", "WA", "provenance")
        return _table(header, rows)


class ExceptionsTable(_Generated):
    """The named errors and warnings."""

    def text(self):
        """Return the table."""
        rows = []
        for name in skser.exceptions.__all__:
            class_ = getattr(skser.exceptions, name)
            parents = [
                c.__name__ for c in class_.__mro__ if hasattr(builtins, c.__name__)
            ]
            rows.append(
                (
                    f":exc:`~skser.exceptions.{name}`",
                    f"``{parents[0]}``",
                    _summary(class_),
                )
            )
        return _table(("name", "is also a", "when"), rows)


def _write_corpora(app, config):
    """Write a page for each corpus from the description that its loader carries."""
    for source in resources.files("skser.datasets").joinpath("descr").iterdir():
        name = source.name.removesuffix(".rst")
        loader = f"skser.datasets.{_LOADERS.format(name)}"
        text = source.read_text(encoding="utf-8")
        text += (
            f"\nRead it with :func:`{loader}`, which explains the expected folders.\n"
        )
        write_if_changed(Path(app.srcdir) / "corpora" / source.name, text)


def setup(app):
    """Register the directives."""
    app.connect("config-inited", _write_corpora)
    app.add_directive("catalogue-table", CatalogueTable)
    app.add_directive("systems-table", SystemsTable)
    app.add_directive("systems-notes", SystemsNotes)
    app.add_directive("published-table", PublishedTable)
    app.add_directive("exceptions-table", ExceptionsTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""How things are shown: rows as tables in Markdown and HTML; names that look alike."""

import re
import unicodedata
from collections import defaultdict
from html import escape


def find_similar_names(names):
    """Return groups of names that a person may take for one.

    They differ only in case, in spaces, hyphens or underscores, or in leading zeros.

    Parameters
    ----------
    names : iterable of str or int

    Returns
    -------
    groups : list of list
        Of two names or more.

    Examples
    --------
    >>> from skser._display import find_similar_names
    >>> find_similar_names(["Anna", "1", "anna", "01 ", "11", "1-1"])
    [['Anna', 'anna'], ['1', '01 ']]
    """
    alike = defaultdict(list)
    for name in dict.fromkeys(names):
        plain = unicodedata.normalize("NFKC", str(name)).casefold()
        parts = re.findall(r"\d+|[^\W\d_]+|[^\w\s\-.]", plain)
        alike[tuple(part.lstrip("0") or "0" for part in parts)].append(name)
    return [group for group in alike.values() if len(group) > 1]


def markdown_table(rows):
    """Return rows as a Markdown table.

    Parameters
    ----------
    rows : list of dict
        All with the same keys, which become the header.

    Returns
    -------
    table : str

    Examples
    --------
    >>> from skser._display import markdown_table
    >>> print(markdown_table([{"score": "UA", "pooled": 0.5}]))
    | score | pooled |
    | --- | --- |
    | UA | 0.500 |
    """
    lines = [list(rows[0]), ["---"] * len(rows[0]), *map(_format_cells, rows)]
    # A pipe would end the cell.
    cells = [[str(cell).replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in cells)


def html_table(rows, caption):
    """Return rows as a table in HTML.

    Parameters
    ----------
    rows : list of dict
        All with the same keys, which become the header.
    caption : str

    Returns
    -------
    table : str

    Examples
    --------
    >>> from skser._display import html_table
    >>> html_table([{"score": "UA", "pooled": 0.5}], "All <folds>")[:45]
    '<table><caption>All &lt;folds&gt;</caption><t'
    """
    head = "".join(f"<th>{escape(str(name))}</th>" for name in rows[0])
    lines = [
        "".join(f"<td>{escape(cell)}</td>" for cell in _format_cells(row))
        for row in rows
    ]
    body = "".join(f"<tr>{line}</tr>" for line in [head, *lines])
    return f"<table><caption>{escape(caption)}</caption>{body}</table>"


def _format_cells(row):
    """Return the values of a row as texts."""
    numbers = {name: f"{v:.3f}" for name, v in row.items() if isinstance(v, float)}
    texts = {name: "-" if v is None else str(v) for name, v in row.items()}
    return list((texts | numbers).values())

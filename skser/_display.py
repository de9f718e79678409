"""How things are shown: Markdown, HTML, LaTeX, CSV; names that look alike."""

import csv
import io
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


def csv_table(names, lines):
    r"""Return a table as CSV.

    Parameters
    ----------
    names : iterable of str
        The header.
    lines : iterable of iterable
        None is an empty cell.

    Returns
    -------
    table : str

    Examples
    --------
    >>> from skser._display import csv_table
    >>> csv_table(["score", "pooled"], [["UA", 0.5]])
    'score,pooled\nUA,0.5\n'
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(lines)
    return stream.getvalue()


# Character -> what LaTeX prints it by.
_LATEX = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def escape_latex(text):
    r"""Return a text as LaTeX prints it.

    Parameters
    ----------
    text : object

    Returns
    -------
    text : str

    Examples
    --------
    >>> from skser._display import escape_latex
    >>> print(escape_latex("text_id: 50 %"))
    text\_id: 50 \%
    """
    return "".join(_LATEX.get(character, character) for character in str(text))


def latex_table(rows, caption, label):
    r"""Return rows as a table in LaTeX, which needs the package booktabs.

    Parameters
    ----------
    rows : list of dict
        All with the same keys, which become the header. A column of numbers is aligned
        to the right.
    caption, label : str

    Returns
    -------
    table : str

    Examples
    --------
    >>> from skser._display import latex_table
    >>> print(latex_table([{"score": "UA", "pooled": 0.5}], "All", "tab:all"))
    \begin{table}
      \centering
      \caption{All}
      \label{tab:all}
      \begin{tabular}{lr}
        \toprule
        score & pooled \\
        \midrule
        UA & 0.500 \\
        \bottomrule
      \end{tabular}
    \end{table}
    """
    lines = [list(rows[0]), *map(_format_cells, rows)]
    head, *body = (f"{' & '.join(map(escape_latex, line))} \\\\" for line in lines)
    kinds = "".join(
        "r"
        if all(isinstance(row[name], (int, float, type(None))) for row in rows)
        else "l"
        for name in rows[0]
    )
    tabular = [r"\toprule", head, r"\midrule", *body, r"\bottomrule"]
    inside = [
        r"\centering",
        rf"\caption{{{escape_latex(caption)}}}",
        rf"\label{{{label}}}",
        rf"\begin{{tabular}}{{{kinds}}}",
        *(f"  {line}" for line in tabular),
        r"\end{tabular}",
    ]
    return "\n".join(
        [r"\begin{table}", *(f"  {line}" for line in inside), r"\end{table}"]
    )


def _format_cells(row):
    """Return the values of a row as texts."""
    return [_format_cell(value) for value in row.values()]


def _format_cell(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        # 0 is added, so that there is no -0.000.
        return f"{round(value, 3) + 0:.3f}"
    return "-" if value is None else str(value)

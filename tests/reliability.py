"""How the page docs/reliability.md comes from a run of the tests that cover a case.

    python -m pytest -m case -p tests.reliability --reliability docs/reliability.md

The table of cases is ``tests/matrix.toml``; which tests cover a case is said by their
marker ``case``; the state is how these tests ended in that run. Figures of longer runs,
of which the tests repeat a part, stand in the table ``measured`` of the same file.
"""

import importlib.metadata
import platform
import re
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest

MATRIX = Path(__file__).with_name("matrix.toml")
VERSIONS = ("numpy", "scipy", "scikit-learn", "tensorflow", "keras", "librosa")

# How a test ended -> its rank: a test of several parameters counts by its worst one.
_RANKS = ["passed", "skipped", "not run", "xfailed", "failed"]

_HEAD = """\
# Reliability

What is done to the package on purpose, what it must do then, and which tests show it.

This page is written by a run of the tests (`tests/reliability.py`) from the table
`tests/matrix.toml` and the markers of the tests:

```bash
python -m pytest -m case -p tests.reliability --reliability docs/reliability.md
```

| state | meaning |
|---|---|
| green | all tests of the case pass |
| green, limited | they pass; the second line says how far, or which of two ways it is |
| partly | some tests pass; what is not given is an expected failure, with its reason |
| not given | only the expected failure is there |
| red | a test fails |
| not run | its tests were skipped, or some were left out in this run |
| outside | no test, but another check, which the second line names |
| open | nothing checks it |
"""

_MEASURED = """\
## Longer runs

Of what follows the tests repeat a part. The figures are those of the day and the
command that stand beside them; `tests/matrix.toml` holds them.
"""


def read_matrix():
    """Return the table of cases: groups, and what is done and required in each case."""
    return tomllib.loads(MATRIX.read_text("utf-8"))


def cases_of(item):
    """Return the cases that a test covers."""
    return [case for mark in item.iter_markers("case") for case in mark.args]


def pytest_addoption(parser):
    """Add the option that names the page."""
    parser.addoption("--reliability", metavar="FILE", help="write the page there")


def pytest_configure(config):
    """Watch the tests if there is a page to be written."""
    page = config.getoption("--reliability")
    if page:
        config.pluginmanager.register(Watcher(Path(page)), "reliability-watcher")


class Watcher:
    """Remember how each test of a case ended, and write the page at the end."""

    def __init__(self, page):
        self.page = page
        self.cases = {}  # id of a test -> its cases
        self.outcomes = {}  # id of a test -> how it ended
        self.reasons = defaultdict(set)  # case -> why a failure is expected

    def pytest_itemcollected(self, item):
        """Note the cases of a test, also of one that will not be run."""
        cases = cases_of(item)
        unknown = set(cases) - set(read_matrix()["cases"])
        if unknown:
            raise pytest.UsageError(f"{item.nodeid}: {MATRIX.name} has no {unknown}")
        if cases:
            self.cases[item.nodeid] = cases
            self.outcomes[item.nodeid] = "not run"

    def pytest_runtest_logreport(self, report):
        """Note how a test ended."""
        if report.nodeid not in self.cases:
            return
        if hasattr(report, "wasxfail") and report.skipped:
            outcome = "xfailed"
            for case in self.cases[report.nodeid]:
                self.reasons[case].add(report.wasxfail.removeprefix("reason: "))
        elif report.failed or report.skipped:
            outcome = report.outcome
        elif report.when == "call":
            outcome = "passed"
        else:
            return
        known = self.outcomes[report.nodeid]
        known = "passed" if known == "not run" else known
        self.outcomes[report.nodeid] = max(known, outcome, key=_RANKS.index)

    def pytest_sessionfinish(self, exitstatus):
        """Write the page, unless the run has broken off."""
        if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            self.page.write_text(self.render(), "utf-8")

    def render(self):
        """Return the page."""
        matrix = read_matrix()
        tests = defaultdict(lambda: defaultdict(list))  # case -> test -> outcomes
        for nodeid, cases in self.cases.items():
            for case in cases:
                tests[case][shorten(nodeid)].append(self.outcomes[nodeid])
        rows = {
            case: self.row(case, entry, tests[case])
            for case, entry in matrix["cases"].items()
        }
        states = [row[-1] for row in rows.values()]
        counts = ", ".join(f"{states.count(s)} {s}" for s in sorted(set(states)))
        versions = (f"{name} {importlib.metadata.version(name)}" for name in VERSIONS)
        lines = [_HEAD]
        lines.append(f"The {len(rows)} cases of this run: {counts}. It ran on Python")
        lines.append(f"{platform.python_version()}, {', '.join(versions)}.\n")
        for letter, title in matrix["groups"].items():
            lines += [f"## {letter}. {title}\n"]
            lines += ["| case | what is done | what is required | tests | state |"]
            lines += ["|---|---|---|---|---|"]
            lines += [
                "| " + " | ".join(row) + " |"
                for case, row in rows.items()
                if case.startswith(letter)
            ]
            lines.append("")
        lines += [_MEASURED]
        lines += [render_measured(entry) for entry in matrix["measured"]]
        return "\n".join(lines).rstrip() + "\n"

    def row(self, case, entry, tests):
        """Return the cells of one case."""
        outcomes = [outcome for some in tests.values() for outcome in some]
        notes = [entry[key] for key in ("limits", "checked_by") if key in entry]
        notes += sorted(self.reasons[case])
        required = "<br>".join(
            f"{escape(text)}" for text in [entry["required"], *notes]
        )
        named = "<br>".join(f"`{name}`" for name in sorted(tests))
        state = find_state(entry, outcomes)
        return case, escape(entry["input"]), required, named, state


def render_measured(entry):
    """Return a section: what was measured, by which command, and what was found."""
    head = f"### {entry['title']}\n\n{', '.join(entry['cases'])}, {entry['date']}:"
    return f"{head}\n\n```bash\n{entry['command']}\n```\n\n{entry['found'].strip()}\n"


def find_state(entry, outcomes):
    """Return the state of a case by how its tests ended.

    Parameters
    ----------
    entry : dict
        Of the table.
    outcomes : list of str
        Some of ``_RANKS``.

    Returns
    -------
    state : str
        One of those that the head of the page explains.
    """
    found = set(outcomes)
    if not found:
        return "outside" if "checked_by" in entry else "open"
    if "failed" in found:
        return "red"
    if "xfailed" in found:
        return "partly" if "passed" in found else "not given"
    if "passed" not in found or "not run" in found:
        return "not run"
    return "green, limited" if "limits" in entry else "green"


def shorten(nodeid):
    """Return file and function of a test, without folders of tests and parameters."""
    return re.sub(r"\[.*", "", nodeid.removeprefix("tests/"), flags=re.DOTALL)


def escape(text):
    """Return a text as it stands in a cell of a table in Markdown."""
    return re.sub(r"([|*_<>$`\\])", r"\\\1", text)

"""The page of the fault matrix: its table, the markers of the tests, and its states."""

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "reliability.md"


def load_plugin():
    """Import the plugin from its path, as the tests have no package."""
    specification = importlib.util.spec_from_file_location(
        "reliability", TESTS / "reliability.py"
    )
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


reliability = load_plugin()
MATRIX = reliability.read_matrix()


def marked_cases(path):
    """Return the cases that the markers in a file name."""
    return {
        argument.value
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.case"
        for argument in node.args
    }


@pytest.mark.parametrize(
    "path", sorted(TESTS.rglob("test_*.py")), ids=lambda path: path.name
)
def test_markers_name_cases_of_the_matrix(path):
    assert marked_cases(path) <= set(MATRIX["cases"])


def test_cases_say_what_is_done_and_what_is_required():
    for case, entry in MATRIX["cases"].items():
        assert case[0] in MATRIX["groups"]
        assert entry["input"]
        assert entry["required"]
        assert set(entry) <= {"input", "required", "limits", "checked_by"}


@pytest.mark.parametrize("entry", MATRIX["measured"], ids=lambda entry: entry["title"])
def test_the_page_has_the_figures_of_longer_runs_with_their_command(entry):
    assert set(entry["cases"]) <= set(MATRIX["cases"])
    script = TESTS.parent / entry["command"].split()[1]
    assert script.is_file()
    assert reliability.render_measured(entry) in PAGE.read_text("utf-8") + "\n"


def test_the_page_has_every_case_and_names_tests_that_there_are():
    text = PAGE.read_text("utf-8")
    assert re.findall(r"^\| ([A-K]\d\d) ", text, flags=re.MULTILINE) == sorted(
        MATRIX["cases"]
    )
    named = set(re.findall(r"`([\w/]+\.py)((?:::\w+)+)`", text))
    assert len(named) > 100
    for file, names in named:
        code = (TESTS / file).read_text("utf-8")
        assert f"def {names.rpartition('::')[2]}(" in code, (
            "Tests were renamed: write the page again, as its head says."
        )


@pytest.mark.parametrize(
    ("outcomes", "extra", "state"),
    [
        (["passed", "skipped"], {}, "green"),
        (["passed"], {"limits": "less"}, "green, limited"),
        (["passed", "xfailed"], {"limits": "less"}, "partly"),
        (["xfailed"], {}, "not given"),
        (["passed", "xfailed", "failed"], {}, "red"),
        (["skipped", "not run"], {}, "not run"),
        (["passed", "not run"], {}, "not run"),
        ([], {}, "open"),
        ([], {"checked_by": ".ci/run"}, "outside"),
    ],
)
def test_the_state_of_a_case_is_no_better_than_its_worst_test(outcomes, extra, state):
    assert reliability.find_state(extra, outcomes) == state


TESTS_THAT_END_IN_ALL_WAYS = """
import pytest

@pytest.mark.case("A01")
@pytest.mark.parametrize("number", [1, 2])
def test_good(number):
    assert True

@pytest.mark.case("A02", "A07")
def test_bad():
    assert False

@pytest.mark.case("A04")
@pytest.mark.xfail(reason="not | yet", strict=True)
def test_to_come():
    assert False

@pytest.mark.case("A08")
def test_left_out():
    pytest.skip("not here")

@pytest.fixture
def broken():
    raise ValueError

@pytest.mark.case("A10")
def test_broken(broken):
    assert True
"""


def test_a_run_writes_the_page(tmp_path):
    tests, page = tmp_path / "test_all_ways.py", tmp_path / "page.md"
    tests.write_text(TESTS_THAT_END_IN_ALL_WAYS)
    options = f"-q -p tests.reliability --reliability {page} -c pyproject.toml"
    subprocess.run(
        [sys.executable, "-m", "pytest", *options.split(), tests],
        cwd=TESTS.parent,
        capture_output=True,
    )
    rows = dict(
        re.findall(r"^\| ([A-K]\d\d) (.*) \|$", page.read_text("utf-8"), re.MULTILINE)
    )
    assert set(rows) == set(MATRIX["cases"])
    states = {case: row.rpartition(" | ")[2] for case, row in rows.items()}
    expected = {
        "A01": "green",
        "A02": "red",
        "A04": "not given",
        "A07": "red",
        "A08": "not run",
        "A10": "red",
        "B01": "open",
        "J01": "outside",
    }
    assert {case: states[case] for case in expected} == expected
    assert r"not \| yet" in rows["A04"]
    assert all(
        entry["found"] in page.read_text("utf-8") for entry in MATRIX["measured"]
    )
    assert "::test_good`" in rows["A01"]

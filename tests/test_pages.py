"""Documentation: its Python runs as it stands there, names it links to exist."""

import re
import subprocess
import sys
from importlib.metadata import packages_distributions, requires
from importlib.util import find_spec
from pathlib import Path
from pkgutil import resolve_name

import pytest
import sklearn
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from sklearn.base import clone

from skser import datasets, systems

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {
    path.relative_to(DOCS).as_posix(): re.findall(
        r"^```python\n(.*?)^```",
        path.read_text("utf-8"),
        flags=re.DOTALL | re.MULTILINE,
    )
    for path in sorted(DOCS.rglob("*.md"))
    if not path.is_relative_to(DOCS / "_build")
}

# Where only some packages can be imported: those of the standard library, the package's
# own, and what it depends on without an extra.
PLAIN_INSTALL = """
import sys
from importlib.abc import MetaPathFinder

class NotInstalled(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, NotInstalled())
exec(compile({code!r}, "page", "exec"), {{"__name__": "__main__"}})
"""


def list_dependencies(distribution):
    """Return all distributions that come with one, without any extra."""
    found, to_do = set(), [distribution]
    while to_do:
        name = canonicalize_name(to_do.pop())
        if name in found:
            continue
        found.add(name)
        for line in requires(name) or []:
            requirement = Requirement(line)
            if not requirement.marker or requirement.marker.evaluate({"extra": ""}):
                to_do.append(requirement.name)
    return found


@pytest.fixture
def folder(speech, monkeypatch, tmp_path):
    """Go where the recordings and the table are that pages speak of."""
    monkeypatch.chdir(tmp_path)
    paths = datasets.write_corpus(speech, "recordings")
    rows = zip(paths, speech.target, speech.groups, strict=True)
    lines = ["file,label,speaker", *map(",".join, rows)]
    Path("table.csv").write_text("\n".join(lines), "utf-8")


@pytest.fixture
def small_systems(small_system, monkeypatch):
    """Make the recommended system and the paper's small, with two epochs to learn."""
    quick = clone(small_system).set_params(classify__max_epochs=2)
    for name in ("attention_blstm_fcn", "recommended"):
        monkeypatch.setattr(
            systems,
            name,
            lambda *, memory=None, **options: clone(quick).set_params(memory=memory),
        )


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page, blocks in PAGES.items() if blocks])
def test_the_python_of_a_page_runs(page, folder, small_systems):
    namespace = {}
    with sklearn.config_context():
        for number, block in enumerate(PAGES[page], start=1):
            code = compile(block, f"{page}, block {number}", "exec")
            exec(code, namespace)


@pytest.mark.slow
def test_getting_started_needs_no_extra(folder):
    installed = list_dependencies("skser")
    missing = {
        module
        for module, distributions in packages_distributions().items()
        if installed.isdisjoint(map(canonicalize_name, distributions))
    }
    assert {"matplotlib", "onnxruntime", "opensmile", "scikeras"} <= missing
    code = "\n".join(PAGES["getting_started.md"])
    done = subprocess.run(
        [sys.executable, "-c", PLAIN_INSTALL.format(missing=missing, code=code)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_pages_have_python_to_run():
    assert sum(map(len, PAGES.values())) > 20


@pytest.mark.parametrize(
    "path", sorted(DOCS.glob("inventories/*.txt")), ids=lambda path: path.stem
)
def test_names_of_other_libraries_that_are_linked_to_exist(path):
    lines = path.read_text("utf-8").splitlines()
    assert lines[0] == "# Sphinx inventory version 1"
    for line in lines[3:]:
        name, kind, _ = line.split()
        if find_spec(name.partition(".")[0]) is None:
            pytest.skip("the library is not installed")
        assert isinstance(resolve_name(name), type) == (kind == "class"), name

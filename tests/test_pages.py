"""Documentation: its Python runs as it stands there, names it links to exist."""

import re
from importlib.util import find_spec
from pathlib import Path
from pkgutil import resolve_name

import pytest
import sklearn
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


@pytest.fixture
def prepared_folder(speech, small_system, monkeypatch, tmp_path):
    """Go where the recordings and the table are that pages speak of.

    The recommended system and the paper's are small and learn for two epochs.
    """
    monkeypatch.chdir(tmp_path)
    paths = datasets.write_corpus(speech, "recordings")
    rows = zip(paths, speech.target, speech.groups, strict=True)
    lines = ["file,label,speaker", *map(",".join, rows)]
    Path("table.csv").write_text("\n".join(lines), "utf-8")
    quick = clone(small_system).set_params(classify__max_epochs=2)
    for name in ("attention_blstm_fcn", "recommended"):
        monkeypatch.setattr(
            systems,
            name,
            lambda *, memory=None, **options: clone(quick).set_params(memory=memory),
        )


@pytest.mark.parametrize("page", [page for page, blocks in PAGES.items() if blocks])
def test_the_python_of_a_page_runs(page, prepared_folder):
    namespace = {}
    with sklearn.config_context():
        for number, block in enumerate(PAGES[page], start=1):
            code = compile(block, f"{page}, block {number}", "exec")
            exec(code, namespace)


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

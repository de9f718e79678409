"""Type checkers know the public names: misspelt parameters are found before a run."""

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

import skser

pytestmark = pytest.mark.slow

pytest.importorskip("mypy")
ROOT = Path(__file__).parents[1]
# A line of a user's code with an error in it -> what a type checker says of it.
WRONG = {
    "AttentionBLSTMFCNClassifier(recurrent_unit=4)": 'did you mean "recurrent_units"',
    "AttentionBLSTMFCNClassifier(recurrent_units='4')": 'expected "int"',
    "AttentionBLSTMFCNClassifier().fit([], [], group=[])": 'did you mean "groups"',
    "skser.AcousticFeatures(feature=['MFCC'])": 'did you mean "features"',
    "evaluate(make_system('fcn'), [], cvv=3)": 'did you mean "cv"',
    "make_system('fcn', randomstate=0)": 'did you mean "random_state"',
    "SYSTEMS['fcn'](randomstate=0)": 'did you mean "random_state"',
    "attention_blstm_fcn(randomstate=0)": 'did you mean "random_state"',
    "skser.load('system.skser', network={})": 'did you mean "networks"',
    "skser.datasets.make_emotional_speech(n_speaker=2)": 'did you mean "n_speakers"',
    "skser.datasets.load_emodbb('emodb')": 'maybe "load_emodb"',
    "skser.systems.recommendedd()": 'no attribute "recommendedd"',
    "skser.framing.frame([0.0], hop=3)": '"hop"',
    "skser.PCAWhitenning()": 'maybe "PCAWhitening"',
}
IMPORTS = """\
import skser
from skser import AttentionBLSTMFCNClassifier
from skser.model_selection import evaluate
from skser.systems import SYSTEMS, attention_blstm_fcn, make_system
"""


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    """What mypy says of users' code: name of a file -> line -> message."""
    folder = tmp_path_factory.mktemp("user")
    wrong = "\n".join([*IMPORTS.splitlines(), *WRONG])
    (folder / "wrong.py").write_text(wrong, "utf-8")
    readme = (ROOT / "README.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    (folder / "readme.py").write_text("".join(blocks), "utf-8")
    options = [
        *("--config-file=", "--follow-imports=silent", "--ignore-missing-imports"),
        *("--check-untyped-defs", "--allow-redefinition", "--no-error-summary"),
        f"--cache-dir={folder / 'cache'}",
    ]
    files = [*folder.glob("*.py"), *sorted((ROOT / "examples").glob("*.py"))]
    answer = subprocess.run(
        [sys.executable, "-m", "mypy", *options, *map(str, files)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert not answer.stderr
    found = defaultdict(dict)
    for path, line, text in re.findall(
        r"^(.*\.py):(\d+): error: (.*)$", answer.stdout, flags=re.MULTILINE
    ):
        found[Path(path).name][int(line)] = text
    return found


def test_misspelt_names_and_wrong_types_of_users_are_found(findings):
    start = len(IMPORTS.splitlines()) + 1
    for line, (code, message) in enumerate(WRONG.items(), start):
        assert message in findings["wrong.py"].get(line, "nothing"), code
    assert not [line for line in findings["wrong.py"] if line < start]


def test_the_readme_and_the_examples_have_no_type_errors(findings):
    assert {name for name in findings if findings[name]} == {"wrong.py"}


@pytest.mark.parametrize(
    ("package", "eager"),
    [(skser, {"__version__"}), (skser.model_selection, {"SYNONYMS"})],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_names_that_type_checkers_are_told_of_are_those_that_there_are(
    package, eager
):
    stub = Path(package.__file__).with_suffix(".pyi").read_text("utf-8")
    told = re.search(r"^__all__ = \[(.*?)\]", stub, flags=re.DOTALL | re.MULTILINE)
    names = set(re.findall(r'"(\w+)"', told[1]))
    assert names == set(dir(package)) | eager
    assert set(package.__all__) <= names
    assert all(hasattr(package, name) for name in names)


def test_type_checkers_are_told_of_every_system():
    source = (ROOT / "skser" / "systems" / "__init__.py").read_text("utf-8")
    told = re.findall(r"^    (\w+): SystemFunction$", source, flags=re.MULTILINE)
    assert told == list(skser.systems.SYSTEMS)

"""The package as it is installed: what a wheel holds, and which versions it allows."""

import importlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import warnings
import zipfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import skser
from skser import features, plotting

ROOT = Path(__file__).parents[1]
MEGABYTE = 10**6
# Files that would run code, or hold weights, when somebody loads them.
UNWANTED = {".pkl", ".pickle", ".joblib", ".keras", ".h5", ".hdf5", ".pt", ".npz"}


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """A copy of the sources."""
    folder = tmp_path_factory.mktemp("release") / "sources"
    unwanted = shutil.ignore_patterns(
        "__pycache__", "*.egg-info", ".git", ".*_cache", "_build", "auto_examples"
    )
    folder.mkdir()
    for name in (".ci", "docs", "examples", "skser", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
    for path in ROOT.iterdir():
        if path.is_file() and path.name != ".git":
            shutil.copy(path, folder)
    return folder


def build(sources, kind):
    """Build a wheel or an sdist by the setuptools that is there; return its path."""
    code = f"from setuptools import build_meta; print(build_meta.build_{kind}('..'))"
    answer = subprocess.run(
        [sys.executable, "-c", code],
        cwd=sources,
        check=True,
        capture_output=True,
        text=True,
    )
    return sources.parent / answer.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def wheel(sources):
    """The wheel."""
    return build(sources, "wheel")


def test_a_source_distribution_holds_all_that_its_tests_read(sources):
    with tarfile.open(build(sources, "sdist")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    tests = [path for path in ROOT.glob("tests/**/*") if path.suffix != ".pyc"]
    needed = [path for path in tests if path.is_file()]
    needed += [*ROOT.glob("examples/*.py"), *ROOT.glob("docs/user_guide/*.md")]
    needed += [ROOT / name for name in ("README.md", "CITATION.cff", ".ci/run")]
    assert len(needed) > 100
    assert {path.relative_to(ROOT).as_posix() for path in needed} <= names
    assert not {name for name in names if name.startswith(("docs/_build", "docs/api"))}


def test_the_version_is_the_same_wherever_it_is_written():
    version = Version(skser.__version__)
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    cited = re.search(r"^version: (\S+)$", citation, flags=re.MULTILINE)[1]
    assert cited == version.base_version
    news = ROOT / "docs" / "whats_new" / f"{version.major}.{version.minor}.md"
    title = news.read_text("utf-8").splitlines()[0]
    assert title.startswith(f"# Version {version.major}.{version.minor}")
    assert ("in development" in title) == version.is_prerelease


@pytest.mark.case("J08")
def test_a_wheel_holds_the_package_and_no_tests_data_or_models(wheel):
    with zipfile.ZipFile(wheel) as archive:
        members = archive.infolist()
    names = [member.filename for member in members]
    assert "skser/classifiers/_base.py" in names
    assert "skser/datasets/descr/emodb.rst" in names
    assert "skser/systems/published.csv" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"skser"}
    assert not [name for name in names if "test" in name.rpartition("/")[2]]
    assert not [name for name in names if Path(name).suffix in UNWANTED]
    assert max(member.file_size for member in members) < MEGABYTE


# Extra -> a module of it that is missing, and what then says what to install.
MISSING = {
    "plotting": (
        "matplotlib.pyplot",
        lambda file: plotting.ConfusionDisplay.from_predictions([0], [0]),
    ),
    "opensmile": (
        "opensmile",
        lambda file: features.OpenSmileFunctionals().transform([np.zeros(16000)]),
    ),
    "pretrained": (
        "onnxruntime",
        lambda file: features.PretrainedFeatures(file).fit([np.zeros(16000)]),
    ),
    "export": (
        "transformers",
        lambda file: features.export_encoder(file.parent, 1, file),
    ),
    "scikeras": (
        "scikeras.wrappers",
        lambda file: importlib.import_module("skser.scikeras"),
    ),
}


@pytest.mark.parametrize("extra", MISSING)
def test_what_is_missing_is_named_as_in_pyproject_toml(extra, tmp_path, monkeypatch):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    module, need = MISSING[extra]
    monkeypatch.delitem(sys.modules, "skser.scikeras", raising=False)
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / "encoder.onnx").write_bytes(b"\x08")
    packages = [f'"{line}"' for line in project["optional-dependencies"][extra]]
    command = " ".join(["python -m pip install", *packages])
    with pytest.raises(ImportError, match=re.escape(command)):
        need(tmp_path / "encoder.onnx")


def test_nobody_is_told_to_install_from_an_index_that_does_not_have_the_package():
    files = [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
    files += [*ROOT.glob("skser/**/*.py"), *ROOT.glob("examples/*.py")]
    advice = re.compile(r"pip install[^\n`]*\bskser\b")
    told = [path for path in files if advice.search(path.read_text("utf-8"))]
    assert not told


@pytest.mark.case("J05")
def test_versions_of_keras_that_can_run_code_from_a_file_are_not_allowed(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode()
    found = re.findall(r"^Requires-Dist: (keras\b.*)$", metadata, flags=re.MULTILINE)
    (allowed,) = (Requirement(line).specifier for line in found)
    assert "3.15.0" in allowed
    for version in ("3.2.0", "3.12.2", "3.13.0", "3.13.2", "3.14.0", "3.14.1"):
        assert version not in allowed


@pytest.mark.case("J03")
@pytest.mark.parametrize("category", [DeprecationWarning, FutureWarning])
@pytest.mark.parametrize("module", ["skser", "skser.features._bands"])
def test_what_libraries_are_about_to_remove_is_an_error_in_our_own_modules(
    category, module
):
    # In all tests: pyproject.toml says so to pytest.
    with pytest.raises(category, match="about to go"):
        warnings.warn_explicit("about to go", category, "file.py", 1, module=module)


@pytest.mark.case("J04")
def test_everything_that_developing_needs_is_locked_with_hashes():
    text = (ROOT / "requirements-lock.txt").read_text("utf-8")
    assert "://" not in text
    assert not re.search(r"^-", text, flags=re.MULTILINE)
    entries = re.split(r"\n(?=\w)", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    versions = defaultdict(list)
    for entry in entries:
        locked = Requirement(entry.partition("\\")[0].strip())
        assert entry.count("--hash=sha256:") >= 1, locked
        versions[canonicalize_name(locked.name)].append(
            str(locked.specifier).removeprefix("==")
        )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    for line in project["dependencies"] + extras["tests"] + extras["docs"]:
        needed = Requirement(line)
        found = versions[canonicalize_name(needed.name)]
        assert found, f"{line}: lock it, as the head of requirements-lock.txt says"
        assert all(version in needed.specifier for version in found), line


# Stands for pip-audit and its service: flags what it was told to, and says that it does
# not know some packages, as a mirror without advisories has it say.
AUDITOR = """\
#!{python}
import json, sys

flagged, unknown = {flagged!r}, {unknown!r}
with open(sys.argv[sys.argv.index("--requirement") + 1]) as file:
    locked = dict(line.strip().split("==") for line in file)
dependencies = []
for name, version in locked.items():
    entry = {{"name": name, "version": version, "vulns": []}}
    if unknown == "all" or name in unknown:
        entry = {{"name": name, "skip_reason": "not found: " + name}}
    elif name in flagged or name + "==" + version in flagged:
        entry["vulns"].append({{"id": "GHSA-1", "fix_versions": ["9.9"]}})
    dependencies.append(entry)
print(json.dumps({{"dependencies": dependencies}}))
print("No network", file=sys.stderr)
"""
NO_AUDITOR = "#!/bin/sh\necho 'Traceback: No network' >&2\nexit 1\n"
CANARY = "keras==3.2.0"


def make_auditor(flagged=(), unknown=()):
    return AUDITOR.format(python=sys.executable, flagged=flagged, unknown=unknown)


@pytest.mark.case("J06")
@pytest.mark.skipif(os.name != "posix", reason="the stand-in is a script of a shell")
@pytest.mark.parametrize(
    ("auditor", "code", "message"),
    [
        (make_auditor([CANARY]), 0, r"^keras==3.2.0 was flagged.* \d{3} locked .*\n$"),
        (make_auditor(), 1, "canary keras==3.2.0 was not flagged"),
        (make_auditor([CANARY, "numpy"]), 1, r"\nnumpy 2\S+: GHSA-1, mended in 9.9\n"),
        # A lock file of another Keras would be flagged as well.
        (make_auditor(["keras"]), 1, r"\nkeras 3\.\S+: GHSA-1, mended in 9.9\n"),
        (make_auditor(unknown="all"), 1, "could not be had for keras: .*not found"),
        (make_auditor([CANARY], ["numpy"]), 1, "could not be had for numpy"),
        (NO_AUDITOR, 1, "could not be had: Traceback: No network"),
    ],
    ids=["good", "nothing", "locked", "keras", "offline", "unknown", "broken"],
)
def test_an_audit_passes_only_where_it_flags_a_version_with_known_advisories(
    auditor, code, message, tmp_path
):
    path = tmp_path / "pip-audit"
    path.write_text(auditor, "utf-8")
    path.chmod(0o700)
    done = subprocess.run(
        [sys.executable, ROOT / ".ci" / "audit"],
        env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == code
    assert re.search(message, done.stdout + done.stderr)

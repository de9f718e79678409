"""Standard error: TensorFlow's log is kept from it, and everything else is not."""

import os
import subprocess
import sys

import pytest
from sklearn.base import clone

import skser

PREDICT = """
import sys
import skser
from skser.datasets import make_emotional_speech

corpus = make_emotional_speech(2, n_utterances=1, duration=0.4, random_state=0)
print(*skser.load(sys.argv[1]).predict(corpus.data[:2]))
"""
# As TensorFlow, where it cannot be imported or something else is said meanwhile.
FAKE = """
import os

os.write(2, b"E0000 00:00:1795775668.254786 31196 cuda_platform.cc:52] failed\\n")
os.write(2, b"Somebody else says something.\\n")
{end}
"""


def run(code, *arguments, **variables):
    """Run Python where nothing has been imported."""
    environment = {**os.environ, **variables}
    if "TF_CPP_MIN_LOG_LEVEL" not in variables:
        environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory, small_system, speech):
    """Save a small network."""
    path = tmp_path_factory.mktemp("quiet") / "model.skser"
    system = clone(small_system).set_params(
        classify__max_epochs=1, load__input_sample_rate=16000
    )
    skser.save(system.fit(speech.data, speech.target), path)
    return path


@pytest.mark.slow
def test_loading_and_predicting_write_no_line(model):
    done = run(PREDICT, model)
    assert done.returncode == 0
    assert len(done.stdout.split()) == 2
    assert done.stderr == ""


@pytest.mark.slow
def test_importing_networks_writes_no_line():
    done = run("import skser.networks, keras; keras.random.normal((1,))")
    assert (done.returncode, done.stderr) == (0, "")


def import_fake(tmp_path, end, **variables):
    (tmp_path / "tensorflow.py").write_text(FAKE.format(end=end))
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import skser.networks"
    return run(code, **variables).stderr


def test_all_that_was_said_is_shown_if_tensorflow_cannot_be_imported(tmp_path):
    said = import_fake(tmp_path, "raise ImportError('a library is missing')")
    assert said.startswith("E0000")
    assert "Somebody else" in said
    assert said.rstrip().endswith("ImportError: a library is missing")


def test_what_others_say_meanwhile_is_shown(tmp_path):
    end = "class config:\n    list_physical_devices = list"
    said = import_fake(tmp_path, end)
    assert said.startswith("Somebody else")
    assert "E0000" not in said


@pytest.mark.parametrize("level", ["0", "1"])
def test_who_wants_the_log_gets_it(tmp_path, level):
    said = import_fake(tmp_path, "", TF_CPP_MIN_LOG_LEVEL=level)
    assert said.startswith("E0000")

"""Ctrl-C ends whatever is running within seconds, and spares what is finished."""

import os
import signal
import subprocess
import sys
import time
import warnings
from contextlib import suppress

import numpy as np
import pytest

from skser import AcousticFeatures
from skser.framing import frame

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not hasattr(os, "killpg"), reason="there are no process groups here"
    ),
]

# Background jobs of a shell ignore Ctrl-C, and so do all processes that they start:
# the tests may run in one.
PREAMBLE = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
import numpy as np
from skser import AcousticFeatures, AttentionBLSTMFCNClassifier
from skser.framing import frame
"""
NETWORK = """
generator = np.random.default_rng(0)
X = [generator.normal(i % 2, 1, (5 + i, 4)) for i in range(24)]
y = np.arange(24) % 2
classifier = AttentionBLSTMFCNClassifier(
    recurrent_units=4, filters=(6,), kernel_sizes=(3,), hidden_units=(6,),
    max_epochs=100_000, random_state=0, checkpoint=sys.argv[1],
)
"""
FRAMES = """
generator = np.random.default_rng(0)
frames = [frame(generator.normal(0, 0.1, 60_000 + i)) for i in range(300)]
"""
# The caller gets the exception. What TensorFlow says when its process ends does not
# matter.
REPORT = """
try:
    {}
except KeyboardInterrupt:
    print("interrupted", flush=True)
    raise
"""
# What is interrupted, and how many files show that it has begun.
PROGRAMS = {
    "fit": (NETWORK, "classifier.fit(X, y)", 1),
    "extraction": (
        FRAMES,
        "AcousticFeatures(cache=sys.argv[1]).transform(frames)",
        5,
    ),
    "extraction by threads": (
        FRAMES,
        "AcousticFeatures(cache=sys.argv[1], n_jobs=2).transform(frames)",
        5,
    ),
    "extraction by processes": (
        FRAMES + "from skser.out_of_core import ByUtterance",
        "ByUtterance(AcousticFeatures(cache=sys.argv[1]), n_jobs=2, "
        "temp_folder=sys.argv[1] + '/arrays').transform(frames)",
        5,
    ),
    "cross-validation by processes": (
        NETWORK + "from sklearn.model_selection import cross_validate",
        "cross_validate(classifier, X, y, cv=2, n_jobs=2)",
        2,
    ),
}


def wait_until(condition, seconds, message):
    """Wait, but not for ever."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, message
        time.sleep(0.01)


def count(folder):
    """Return the number of finished files."""
    return len(list(folder.glob("*.npz")))


def group_is_gone(group):
    """Tell whether no process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.case("G12")
@pytest.mark.parametrize("name", PROGRAMS)
def test_ctrl_c_ends_it_with_all_its_processes(name, tmp_path):
    preparation, call, n_files = PROGRAMS[name]
    program = PREAMBLE + preparation + REPORT.format(call)
    folder = tmp_path / "kept"
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a group of its own, as a shell gives each command
    )
    try:
        wait_until(
            lambda: count(folder) >= n_files or process.poll() is not None,
            300,
            "it does not begin",
        )
        assert process.poll() is None, process.stderr.read()
        # To every process of the group, as the terminal does.
        os.killpg(process.pid, signal.SIGINT)
        # It takes a second or two where nothing else runs, and would not end if hung.
        output, errors = process.communicate(timeout=60)
        wait_until(lambda: group_is_gone(process.pid), 60, "a process is left")
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert output == "interrupted\n", errors
    assert process.returncode != 0
    # Threads and workers are ended wherever they are; who is interrupted cleans up.
    n_ended = 2 if "by" in name.split() else 0
    assert len(list(folder.glob("*.unfinished"))) <= n_ended
    assert list(folder.glob("arrays/*")) == []
    if name.startswith("extraction"):
        # Processes are given several at once.
        check_cache(folder, n_ahead=32 if name.endswith("processes") else 2)


def check_cache(folder, n_ahead):
    """Check that everything that is in the cache is right, and none is damaged."""
    n_files = count(folder)
    variables = {"np": np, "frame": frame}
    exec(FRAMES, variables)
    frames = variables["frames"][:n_files]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        features = AcousticFeatures(cache=folder).transform(frames)
    # Threads and processes need not finish in order.
    assert count(folder) <= n_files + n_ahead
    expected = AcousticFeatures().transform(frames)
    for mine, others in zip(features, expected, strict=True):
        np.testing.assert_array_equal(mine, others)

"""Kills at random moments cost nothing that was finished, and change no result.

``python tests/kill_at_random.py`` does more of them, and prints what they have done.
"""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("kill_at_random.py")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
]


@pytest.mark.parametrize(
    ("work", "n_kills"),
    [
        pytest.param("saving", 20, marks=pytest.mark.case("F15")),
        pytest.param("caching", 20, marks=pytest.mark.case("G01")),
        # Each process imports Keras and compiles the network anew.
        pytest.param("training", 3, marks=pytest.mark.case("G17")),
        pytest.param("evaluating", 20, marks=pytest.mark.case("G02")),
    ],
)
def test_kills_at_random_moments_cost_no_finished_work_and_change_no_result(
    work, n_kills
):
    # In a process that has not used TensorFlow, and can be forked.
    done = subprocess.run(
        [sys.executable, SCRIPT, "--json", "--work", work, "--kills", str(n_kills)],
        stdout=subprocess.PIPE,
        text=True,
    )
    tally = json.loads(done.stdout)[work]
    assert tally["n_kills"] == n_kills
    assert tally["n_lost"] == 0
    assert tally["is_identical"]
    # Otherwise nothing was there to be lost.
    assert tally["n_finished"] > 0
    if work == "saving":  # which does nothing but write
        assert tally["n_while_writing"] > 0
    assert done.returncode == 0


# What would be lost if the package were not as careful as it is.
CARELESS = {
    "a model that is written in place": """
        @contextmanager
        def replacing(path, sync=True):
            with open(path, "w+b") as file:
                yield file

        module = sys.modules["skser.storage._archive"]
        assert hasattr(module, "replacing")
        module.replacing = replacing
        work = kill_at_random.Saving()
    """,
    "features that are not kept": """
        class Forgetting(kill_at_random.Caching):
            def run(self, folder, log):
                for path in folder.glob("*.npz"):
                    path.unlink()
                return super().run(folder, log)

        work = Forgetting()
    """,
}
TRY = """
    import sys
    from contextlib import contextmanager
    from dataclasses import asdict
    from pathlib import Path
    import json, kill_at_random
    {}
    tally = kill_at_random.try_kills(work, 10, Path(sys.argv[1]))
    print(json.dumps(asdict(tally)))
"""


@pytest.mark.parametrize("code", CARELESS.values(), ids=CARELESS)
def test_what_a_kill_costs_is_counted(code, tmp_path):
    code = textwrap.dedent(TRY).format(textwrap.dedent(code))
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(SCRIPT.parent), *sys.path]),
        },
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert json.loads(done.stdout)["n_lost"] > 0

"""The example that compares systems: one table, and no finished row runs again."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from skser.datasets import make_emotional_speech, write_corpus
from skser.model_selection import load_result

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[2] / "examples" / "compare_systems.py"
ROWS = ["fcn", "attentive_cnn"]


def compare(folder, *arguments):
    """Run the example on the synthetic corpus."""
    command = [sys.executable, str(EXAMPLE), "--output", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def first_run(tmp_path_factory):
    """Two rows of one epoch: the folder and what was printed."""
    folder = tmp_path_factory.mktemp("comparison")
    done = compare(folder, "--rows", *ROWS, "--epochs", "1")
    assert done.returncode == 0, done.stderr[-2000:]
    return folder, done.stdout


def test_every_row_is_shown_with_its_cost_beside_the_published_figures(first_run):
    folder, printed = first_run
    table = (folder / "synthetic.md").read_text(encoding="utf-8")
    assert table in printed
    table, _, speakers = table.partition("UA of each speaker:\n\n")
    for name in ROWS:
        cost = json.loads((folder / f"synthetic_{name}.json").read_text())
        assert 0 < cost["minutes"] < 10
        assert 0.1 < cost["peak_memory_gb"] < 8
        [line] = [line for line in table.splitlines() if f"| `{name}` |" in line]
        assert len(line.split("|")) == 12
    assert "25.1/41.5 CHEAVD (own)" in table
    assert len(speakers.splitlines()[0].split("|")) == 2 + 1 + 3
    assert "55.1/56.1 IEMOCAP dataset2 (quoted)" in table


def test_a_finished_row_is_not_run_again_but_one_of_other_settings_is(first_run):
    folder, _ = first_run
    costs = [folder / f"synthetic_{name}.json" for name in ROWS]
    before = [path.stat().st_mtime_ns for path in costs]
    done = compare(folder, "--rows", *ROWS, "--epochs", "1")
    assert "fold" not in done.stdout + done.stderr
    assert [path.stat().st_mtime_ns for path in costs] == before
    compare(folder, "--rows", ROWS[0], "--epochs", "2")
    assert costs[0].stat().st_mtime_ns > before[0]
    assert costs[1].stat().st_mtime_ns == before[1]


def test_development_speakers_are_shown_apart_and_others_left_out(first_run):
    folder, _ = first_run
    options = ["--rows", *ROWS, "--epochs", "1", "--reference", ROWS[0]]
    table = compare(folder, *options, "--development-speakers", "s01").stdout
    assert "| UA of development speakers | UA of the others |" in table
    assert f"`{ROWS[0]}` minus the others" in table
    done = compare(folder, *options, "--speakers", "nobody")
    assert "none of ['nobody'] is in the corpus" in done.stderr


def test_an_unknown_corpus_is_refused(tmp_path):
    done = compare(tmp_path, "--corpus", "emodbb", "somewhere")
    assert done.returncode == 2
    assert "--corpus takes 'synthetic', or a corpus such as" in done.stderr


def test_systems_without_chance_run_once_on_a_table_whatever_seeds_are_named(
    tiny_encoder, tmp_path
):
    corpus = make_emotional_speech(n_speakers=2, n_utterances=1, random_state=0)
    paths = write_corpus(corpus, tmp_path / "tones")
    lines = map(",".join, zip(paths, corpus.target, corpus.groups, strict=True))
    table = tmp_path / "tones" / "table.csv"
    table.write_text("\n".join(["file,label,speaker", *lines]), encoding="utf-8")
    options = ["--corpus", "table", str(table), "--rows", "pretrained_statistics"]
    options += ["--encoder", str(tiny_encoder), "--seeds", "0", "1"]
    options += ["--perturbations", "gain -18 dB"]
    folder = tmp_path / "comparison"
    done = compare(folder, *options)
    assert done.returncode == 0, done.stderr[-2000:]
    assert load_result(folder / "tones_pretrained_statistics.npz").seeds == [None]
    assert "| points of UA lost | gain -18 dB |" in (folder / "tones.md").read_text(
        "utf-8"
    )


def test_a_system_that_needs_an_encoder_asks_for_it(tmp_path):
    done = compare(tmp_path, "--rows", "pretrained_statistics")
    assert done.returncode == 2
    assert "pretrained_statistics: name an ONNX file with --encoder" in done.stderr

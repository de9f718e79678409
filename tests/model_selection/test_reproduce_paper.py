"""The example that runs the paper's tables, on a corpus of a few seconds."""

import importlib.util
from pathlib import Path

import pytest
import soundfile

from skser.datasets import make_emotional_speech
from skser.model_selection import load_result
from skser.systems import OWN, PUBLISHED

EXAMPLE = Path(__file__).parents[2] / "examples" / "reproduce_paper.py"


@pytest.fixture
def example(monkeypatch, shrink):
    """Import the example, with systems that are fitted in a moment."""
    specification = importlib.util.spec_from_file_location("reproduce_paper", EXAMPLE)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)

    small = {n: lambda f=f: shrink(f()) for n, f in module.SYSTEMS.items()}
    monkeypatch.setattr(module, "SYSTEMS", small)
    return module


@pytest.mark.slow
def test_a_table_is_run_reported_and_resumed(example, tmp_path, capsys):
    arguments = ["--corpus", "synthetic", "--table", "4", "--epochs", "1"]
    arguments += ["--rows", "Attention-BLSTM-FCN", "DNN-ELM"]
    arguments += ["--n-speakers", "3", "--n-utterances", "1", "--n-jobs", "1"]
    arguments += ["--output", str(tmp_path)]
    example.main(arguments)
    first = (tmp_path / "table4_synthetic.md").read_text()
    assert "from its checkpoint" not in "".join(capsys.readouterr())
    example.main(arguments)
    printed = capsys.readouterr()
    assert printed.err.count("from its checkpoint") == 6
    assert "Computing features" not in printed.out + printed.err
    assert (tmp_path / "table4_synthetic.md").read_text() == first
    result = load_result(tmp_path / "synthetic_Attention-BLSTM-FCN.npz")
    assert len(result.predicted) == 12
    assert "| 52.1 | 57.9 | IEMOCAP dataset1 | quoted: Lee & Tashev 2015" in first
    assert "| 60.1 | 59.7 | IEMOCAP dataset2 | the authors' own run |" in first


CODES = {"anger": "ang", "happiness": "hap", "neutral": "neu", "sadness": "sad"}
ACTORS = {"s01": "Ses01F", "s02": "Ses01M", "s03": "Ses02F", "s04": "Ses02M"}


@pytest.fixture(scope="module")
def small_iemocap(tmp_path_factory):
    """Write synthetic speech as a tree of IEMOCAP's form, with two sessions."""
    root = tmp_path_factory.mktemp("IEMOCAP_full_release")
    corpus = make_emotional_speech(n_speakers=4, n_utterances=2, random_state=0)
    lines = {}
    rows = zip(corpus.data, corpus.groups, corpus.target, strict=True)
    for i, (signal, speaker, emotion) in enumerate(rows):
        actor = ACTORS[speaker]
        session, dialogue = f"Session{actor[4]}", f"{actor[:5]}F_impro01"
        turn = f"{dialogue}_{actor[5]}{i:03d}"
        folder = root / session / "sentences" / "wav" / dialogue
        folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / f"{turn}.wav", signal, 16000)
        # One of the two happy utterances of each speaker is an excited one.
        code = "exc" if emotion == "happiness" and i % 2 else CODES[emotion]
        head = f"[{i}.0000 - {i}.9000]\t{turn}\t{code}\t[2.5000, 2.5000, 2.5000]"
        lines.setdefault((session, dialogue), []).append(head)
    for (session, dialogue), heads in lines.items():
        folder = root / session / "dialog" / "EmoEvaluation"
        folder.mkdir(parents=True)
        text = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
        (folder / f"{dialogue}.txt").write_text(text + "\n\n".join(heads) + "\n")
    return root


@pytest.mark.filterwarnings("ignore:.*IEMOCAP:UserWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.slow
@pytest.mark.usefixtures("many_networks")
@pytest.mark.parametrize("table", [2, 3, 4])
def test_each_table_runs_on_a_tree_of_iemocaps_form(
    example, small_iemocap, tmp_path, table
):
    arguments = ["--corpus", "iemocap", str(small_iemocap), "--table", str(table)]
    arguments += ["--epochs", "1", "--n-jobs", "1", "--output", str(tmp_path)]
    example.main(arguments)
    text = (tmp_path / f"table{table}_iemocap.md").read_text()
    for data, n_predictions in [("dataset1", 28), ("dataset2", 32)]:
        assert f"## Table {table} on IEMOCAP {data}" in text
        for row in example.ROWS[table]:
            assert f"| {row} |" in text
            file = f"IEMOCAP {data}_{row}.npz".replace(" ", "_")
            assert len(load_result(tmp_path / file).predicted) == n_predictions


def test_published_figures_are_those_of_the_same_data_where_there_are_any(example):
    rows = example.find_published(4, "Attention-BLSTM-FCN", "IEMOCAP dataset1")
    assert rows == [[56.0, 64.0, "IEMOCAP dataset1", OWN]]
    assert len(example.find_published(4, "Attention-BLSTM-FCN", "EmoDB")) == 2
    [unpublished] = example.find_published(2, "Attention-LSTM-FCN", "CHEAVD")
    assert unpublished[:2] == ["-", "-"]


def test_every_published_row_is_a_row_of_its_table(example):
    for published in PUBLISHED:
        assert example.ROWS[published.table][published.row] == published.system


def test_mean_gains_are_those_that_the_paper_claims(example):
    # "5.1 % / 4.2 %" on CHEAVD are points over the unweighted mean of the baselines.
    rows = [p for p in PUBLISHED if p.table == 2]
    *baselines, proposed = rows
    mean = [
        sum(getattr(p, k) for p in baselines) / len(baselines) for k in ("ua", "wa")
    ]
    assert proposed.ua - mean[0] == pytest.approx(5.075)
    assert proposed.wa - mean[1] == pytest.approx(4.2)


@pytest.mark.parametrize(
    "arguments",
    [["--corpus", "emodb"], ["--corpus", "fau", "x"], ["--rows", "SVM"]],
)
def test_wrong_arguments_are_refused(example, arguments, capsys):
    with pytest.raises(SystemExit):
        example.parse_arguments(arguments)
    assert "takes" in capsys.readouterr().err

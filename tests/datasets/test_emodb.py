from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import LeaveOneGroupOut

from skser.audio import AudioLoader
from skser.datasets import load_emodb, validate

EMODB = Path(__file__).parents[3] / "shared" / "data" / "emodb"

NAMES = ["03a01Fa", "08a02Wc", "16b10Td", "09a07La", "10a05Ea", "11b01Aa", "12b02Nb"]


def make_copy(folder, names=NAMES, suffix=".wav"):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}{suffix}").touch()
    return folder


@pytest.mark.filterwarnings("ignore:.*535")
def test_the_labels_are_read_from_the_names(tmp_path):
    corpus = load_emodb(make_copy(tmp_path))
    rows = zip(corpus.groups, corpus.text_ids, corpus.target, strict=True)
    assert list(rows) == [
        ("03", "a01", "happiness"),
        ("08", "a02", "anger"),
        ("09", "a07", "boredom"),
        ("10", "a05", "disgust"),
        ("11", "b01", "fear"),
        ("12", "b02", "neutral"),
        ("16", "b10", "sadness"),
    ]
    assert [Path(path).stem for path in corpus.paths] == sorted(NAMES)
    assert corpus.target_names == sorted(corpus.target)
    assert "Burkhardt" in corpus.DESCR


@pytest.mark.filterwarnings("ignore:.*535")
@pytest.mark.parametrize("suffix", [".wav", ".flac", ".WAV"])
@pytest.mark.parametrize("subfolder", ["", "wav"])
def test_the_files_may_lie_in_the_folder_or_in_its_folder_wav(
    tmp_path, suffix, subfolder
):
    make_copy(tmp_path / subfolder, suffix=suffix)
    (tmp_path / "erkennung.txt").write_text("Satz erkannt\n", "latin-1")
    for path in (tmp_path, str(tmp_path)):
        corpus = load_emodb(path)
        assert len(corpus.paths) == len(NAMES)
        assert all(Path(path).is_file() for path in corpus.paths)


@pytest.mark.filterwarnings("ignore:.*535")
def test_the_arrays_can_be_indexed_by_folds(tmp_path):
    corpus = load_emodb(make_copy(tmp_path))
    folds = list(LeaveOneGroupOut().split(corpus.paths, corpus.target, corpus.groups))
    assert len(folds) == len(NAMES)
    assert corpus.paths[folds[0][1]].shape == (1,)


@pytest.mark.filterwarnings("ignore:.*535")
def test_the_home_folder_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    make_copy(tmp_path / "emodb")
    assert len(load_emodb("~/emodb").paths) == len(NAMES)


def test_a_wrong_folder_is_answered_with_the_expected_tree(tmp_path):
    make_copy(tmp_path / "other", ["song"])
    for path in (tmp_path, tmp_path / "nowhere", tmp_path / "other"):
        with pytest.raises(FileNotFoundError, match=r"(?s)tree.*03a01Fa\.wav") as error:
            load_emodb(path)
        assert str(path) in str(error.value)


def test_a_partial_copy_says_how_much_there_is(tmp_path):
    with pytest.warns(UserWarning, match="7 recordings; .* has 535"):
        load_emodb(make_copy(tmp_path))


@pytest.mark.parametrize("name", ["03a01Xa", "3a01Fa", "03c01Fa", "03a01Fa (copy)"])
@pytest.mark.filterwarnings("ignore:.*535")
def test_files_of_other_names_are_reported_and_left_out(tmp_path, name):
    make_copy(tmp_path, [*NAMES, name])
    with pytest.warns(UserWarning, match=r"1 audio file\(s\).*left out") as caught:
        corpus = load_emodb(tmp_path)
    assert f"{name}.wav" in str(caught[0].message)
    assert len(corpus.paths) == len(NAMES)


@pytest.mark.skipif(not EMODB.is_dir(), reason=f"EmoDB is not in {EMODB}")
@pytest.mark.filterwarnings("error")
def test_the_published_database_has_the_published_numbers():
    corpus = load_emodb(EMODB)
    assert Counter(corpus.target.tolist()) == {
        "anger": 127,
        "boredom": 81,
        "disgust": 46,
        "fear": 69,
        "happiness": 71,
        "neutral": 79,
        "sadness": 62,
    }
    assert set(corpus.groups) == {"03", *(f"{i:02d}" for i in range(8, 17))}
    assert len(set(corpus.text_ids)) == 10
    n_samples = [len(signal) for signal in AudioLoader().transform(corpus.paths)]
    assert sum(n_samples) / 16000 == pytest.approx(1487.092, abs=1e-3)


@pytest.mark.skipif(not EMODB.is_dir(), reason=f"EmoDB is not in {EMODB}")
def test_the_names_agree_with_the_metadata_of_the_copy():
    pandas = pytest.importorskip("pandas")
    table = pandas.read_csv(EMODB / "metadata.csv", dtype=str).sort_values("file")
    corpus = load_emodb(EMODB)
    for column, values in [
        ("emotion", corpus.target),
        ("speaker", corpus.groups),
        ("text_id", corpus.text_ids),
        ("version", corpus.version),
    ]:
        np.testing.assert_array_equal(values, table[column].to_numpy(dtype=object))


@pytest.mark.skipif(not EMODB.is_dir(), reason=f"EmoDB is not in {EMODB}")
def test_nothing_is_wrong_with_the_published_database():
    report = validate(load_emodb(EMODB), n_jobs=2)
    assert report.n_files == 535
    report.raise_if_any()

"""Folds of others: tables, JSON, folders as EmoBox has them, tables of audformat."""

import json

import numpy as np
import pytest

from skser.audio import Segment
from skser.datasets import Corpus, read_folds

# Anna and Bea have recordings of equal names.
NAMES = ["anna/1", "anna/2", "bea/1", "bea/2"]
CORPUS = Corpus(paths=np.array([f"/data/wav/{name}.flac" for name in NAMES]))
PARTS = [["train", "train", "test", "test"], ["test", "test", "train", "train"]]
EXPECTED = [([0, 1], [], [2, 3]), ([2, 3], [], [0, 1])]


def as_lists(folds, corpus=CORPUS):
    """Return the folds as lists of train, validation and test."""
    parts = folds.split_with_validation(corpus["paths"])
    return [tuple(part.tolist() for part in fold) for fold in parts]


def write_table(folder, header, rows):
    table = folder / "folds.csv"
    table.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]))
    return table


def test_a_table_has_a_line_for_each_recording_and_fold(tmp_path):
    rows = [
        (f"emo/{name}.wav", number, part)
        for number, parts in ((10, PARTS[1]), (2, PARTS[0]))
        for name, part in zip(NAMES, parts, strict=True)
    ]
    folds = read_folds(write_table(tmp_path, "file,fold,split", rows), CORPUS)
    assert as_lists(folds) == EXPECTED
    assert folds.get_n_splits() == 2


def test_a_table_of_folds_tests_each_once(tmp_path):
    rows = [(name, number) for name, number in zip(NAMES, "bbaa", strict=True)]
    folds = read_folds(write_table(tmp_path, "path,fold", rows), CORPUS)
    assert as_lists(folds) == EXPECTED


def test_a_table_of_splits_is_one_fold_with_other_names_of_its_parts(tmp_path):
    rows = list(zip(NAMES, ["training", "Train", "dev", "eval"], strict=True))
    folds = read_folds(write_table(tmp_path, "file,split", rows), CORPUS)
    assert as_lists(folds) == [([0, 1], [2], [3])]


@pytest.mark.parametrize("kind", ["dict", "list", "folds", "rows", "named rows"])
def test_json_is_read_in_each_form(kind, tmp_path):
    one, other = (
        {
            part: [f"x/{n}.wav" for n, p in zip(NAMES, parts, strict=True) if p == part]
            for part in ("train", "test")
        }
        for parts in PARTS
    )
    rows = [{"wav": n, "split": p} for n, p in zip(NAMES, PARTS[0], strict=True)]
    content = {
        "dict": one,
        "list": [one, other],
        "folds": {"fold_1": one, "fold_2": other},
        "rows": rows,
        "named rows": {f"emodb-{i}": row for i, row in enumerate(rows)},
    }[kind]
    file = tmp_path / "folds.json"
    file.write_text(json.dumps(content))
    n_folds = 2 if kind in ("list", "folds") else 1
    assert as_lists(read_folds(file, CORPUS)) == EXPECTED[:n_folds]


@pytest.mark.parametrize("suffix", ["jsonl", "json"])
def test_a_folder_is_read_as_emobox_has_it(suffix, tmp_path):
    for number, parts in enumerate(PARTS, start=1):
        folder = tmp_path / "emodb" / f"fold_{number}"
        folder.mkdir(parents=True)
        for part in ("train", "test"):
            rows = [
                {"key": name, "wav": f"downloads/emodb/{name}.wav", "emo": "boredem"}
                for name, own in zip(NAMES, parts, strict=True)
                if own == part
            ]
            named = {row["key"]: row for row in rows}
            text = "\n".join(map(json.dumps, rows if suffix == "jsonl" else [named]))
            (folder / f"emodb_{part}_fold_{number}.{suffix}").write_text(text)
    (tmp_path / "emodb" / f"emodb.{suffix}").write_text("[]")
    assert as_lists(read_folds(tmp_path / "emodb", CORPUS)) == EXPECTED


def test_tables_of_audformat_are_given_by_part_and_have_segments(tmp_path):
    corpus = Corpus(
        paths=[Segment("/d/one.wav", 0, 1.5), Segment("/d/one.wav", 1.5), "/d/two.wav"]
    )
    train, test = tmp_path / "db.train.csv", tmp_path / "db.test.csv"
    train.write_text(
        "file,start,end,emotion\n"
        "wav/one.wav,0 days 00:00:00,0 days 00:00:01.5,anger\n"
        "wav/two.wav,0 days 00:00:00,NaT,anger\n"
    )
    test.write_text("file,start,end,emotion\nwav/one.wav,0 days 00:00:01.5,NaT,fear\n")
    folds = read_folds({"train": train, "test": test}, corpus)
    assert as_lists(folds, corpus) == [([0, 2], [], [1])]
    assert as_lists(read_folds(tmp_path, corpus), corpus) == [([0, 2], [], [1])]


def test_a_recording_that_is_named_twice_is_refused():
    with pytest.raises(
        ValueError, match=r"Fold 1 names 'bea/1.mp3' in test, and in tr"
    ):
        read_folds({"train": NAMES[:3], "test": ["bea/1.mp3", "bea/2.wav"]}, CORPUS)


def test_a_recording_that_is_missing_is_refused_or_left_out():
    parts = {"train": [*NAMES[:2], "carl/1"], "test": NAMES[2:]}
    message = r"1 recording.*'carl/1' of fold 1.* file and 1 folder.*'anna/1'"
    with pytest.raises(ValueError, match=f"{message}.*allow_missing=True"):
        read_folds(parts, CORPUS)
    with pytest.warns(UserWarning, match=message):
        folds = read_folds(parts, CORPUS, allow_missing=True)
    assert as_lists(folds) == EXPECTED[:1]


def test_recordings_that_are_in_no_fold_are_a_warning():
    with pytest.warns(UserWarning, match=r"1 recording.*in no fold.*bea/2.flac"):
        folds = read_folds({"train": NAMES[:2], "test": NAMES[2:3]}, CORPUS)
    assert as_lists(folds) == [([0, 1], [], [2])]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"train": NAMES}, "no recordings in test"),
        ({"train": NAMES[:2], "held out": NAMES[2:]}, "the part 'held out'"),
        ([{"train": NAMES[:2], "test": NAMES[2:]}, "b"], "a list of such dicts"),
        (
            [
                {"train": NAMES[:2], "test": NAMES[2:]},
                {"train": NAMES[:2], "test": NAMES[2:3], "dev": NAMES[3:]},
            ],
            "Fold 1 has no validation",
        ),
    ],
)
def test_what_is_no_fold_is_refused(source, message):
    with pytest.raises(ValueError, match=message):
        read_folds(source, CORPUS)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "file,label\nanna/1,joy\n", "says neither split nor fold"),
        ("a.csv", "file,split\nanna/1,third\n", "the split 'third'"),
        ("a.csv", "file,split\nanna/1\n", "Line 2 of .* has 1 values, expected 2"),
        ("a.csv", "name,split\nanna/1,train\n", "names no recording: it has 'name'"),
        ("a.jsonl", '{"wav": "a", "split": "train"}\n{"wav"\n', "Line 2 of .* no JSON"),
        ("a.json", "[1, 2]", "a list of such dicts"),
    ],
)
def test_files_that_are_no_folds_are_refused(name, text, message, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=message):
        read_folds(tmp_path / name, CORPUS)


def test_files_that_are_not_there_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file or folder .*nothing.csv"):
        read_folds(tmp_path / "nothing.csv", CORPUS)
    with pytest.raises(FileNotFoundError, match="no files of folds"):
        read_folds(tmp_path, CORPUS)
    for name in ("train.csv", "my_train.csv"):
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match="two files of train"):
        read_folds(tmp_path, CORPUS)


def test_a_corpus_that_lists_a_recording_twice_is_refused():
    corpus = Corpus(paths=["/d/a.wav", "/d/a.wav"])
    with pytest.raises(ValueError, match=r"lists '/d/a.wav' twice"):
        read_folds({"train": ["a"], "test": ["b"]}, corpus)

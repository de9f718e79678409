"""The report of an evaluation: a page, Markdown, LaTeX, figures, a model card."""

import csv
import dataclasses
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.utils import Bunch

from skser.model_selection import (
    compare_conditions,
    evaluate,
    evaluate_under,
    paired_difference,
    speaker_learning_curve,
)

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def corpus():
    """Sixty short signals of two emotions by six speakers, not quite separable."""
    generator = np.random.default_rng(0)
    target = np.tile(["calm & low", "glad_<b>"], 30)
    data = generator.normal(size=(60, 1100)) + 0.05 * (target == "glad_<b>")[:, None]
    return Bunch(
        name="Own corpus",
        data=data,
        target=target,
        groups=np.repeat([f"s{i}" for i in range(6)], 10),
        text_ids=np.resize(["t1", "t2"], 60)[::-1],
        intensity=np.repeat([1, 2], 30),
        ratings=generator.normal(size=60),
        recording=[f"{i}.wav" for i in range(60)],
    )


@pytest.fixture(scope="module")
def conditions(corpus):
    perturbations = {"upside down": lambda signal, sample_rate: -signal}
    return evaluate_under(LogisticRegression(), corpus, perturbations=perturbations)


@pytest.fixture(scope="module")
def curve(corpus):
    return speaker_learning_curve(LogisticRegression(), corpus, n_speakers=[5, 1])


@pytest.fixture(scope="module")
def folder(conditions, curve, tmp_path_factory):
    """A folder with the whole report."""
    folder = tmp_path_factory.mktemp("report")
    model = folder / "model.skser"
    model.write_bytes(b"a system")
    conditions["clean"].report(
        folder / "new",
        notes="A linear system.",
        conditions=conditions,
        learning_curve=curve,
        model=model,
    )
    return folder / "new"


class Page(HTMLParser):
    """What is in a page: tags that are open, ids, addresses, texts of cells."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.addresses, self.cells, self.tags = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            is_inside = value is not None and value.startswith("data:image/png;base64")
            if name in ("src", "href", "xlink:href", "data") and not is_inside:
                self.addresses.append(value)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in ("meta", "br"):
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "td":
            self.cells.append(data)


@pytest.fixture(scope="module")
def page(folder):
    return Page((folder / "report.html").read_text("utf-8"))


def test_a_folder_holds_page_tables_predictions_figures_and_card(folder):
    names = sorted(path.name for path in folder.iterdir())
    expected = ["README.md", "figures", "predictions.csv", "report.html", "report.md"]
    assert names == [*expected, "tables.tex"]
    figures = {path.stem for path in (folder / "figures").iterdir()}
    assert {"confusion", "reliability", "coverage", "conditions"} < figures
    for name in figures:
        start = (folder / "figures" / f"{name}.pdf").read_bytes()[:5]
        assert start == b"%PDF-"
        assert "<svg" in (folder / "figures" / f"{name}.svg").read_text("utf-8")


def test_the_page_needs_nothing_but_itself(page):
    assert not page.open
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert all(address.startswith("#") for address in page.addresses)
    assert page.tags.count("svg") == 7


def test_every_address_in_the_page_has_one_place(page):
    assert len(set(page.ids)) == len(page.ids)
    assert {address[1:] for address in page.addresses} <= set(page.ids)


def test_figures_in_the_page_take_the_colour_of_its_text(folder):
    text = (folder / "report.html").read_text("utf-8")
    assert text.count("currentColor") > 100
    assert "prefers-color-scheme: dark" in text
    confusion = (folder / "figures" / "confusion.svg").read_text("utf-8")
    assert "currentColor" not in confusion


def test_all_documents_hold_the_figures_of_the_result(folder, page, conditions, curve):
    result = conditions["clean"]
    numbers = [row[key] for row in result.scores() for key in ("pooled", "low", "high")]
    numbers += [row["UA"] for row in result.scores_by("text_id")]
    numbers += [row["accuracy"] for row in result.calibration()]
    numbers += [row["UA"] for row in result.coverage()]
    numbers += [row["lost high"] for row in compare_conditions(conditions).rows]
    numbers += [one.ua for one in curve.values()]
    texts = [f"{number:.3f}".replace("-0.000", "0.000") for number in numbers]
    assert set(texts) <= set(page.cells)
    for name in ("report.md", "tables.tex"):
        document = (folder / name).read_text("utf-8")
        assert all(text in document for text in texts), name
    headline = f"UA is {100 * result.ua:.1f} %"
    assert headline in (folder / "report.md").read_text("utf-8")


def test_names_are_shown_as_they_are(folder, page):
    assert "glad_<b>" in page.cells
    assert "b" not in page.tags
    latex = (folder / "tables.tex").read_text("utf-8")
    assert r"calm \& low" in latex
    assert r"glad\_\textless{}b\textgreater{}" in latex


def test_every_table_in_latex_is_one_of_booktabs(folder):
    latex = (folder / "tables.tex").read_text("utf-8")
    tables = re.findall(r"\\begin\{table\}(.*?)\\end\{table\}", latex, flags=re.DOTALL)
    assert len(tables) > 8
    for table in tables:
        columns = len(re.search(r"\\begin\{tabular\}\{([lr]+)\}", table)[1])
        lines = [line for line in table.splitlines() if line.endswith(r"\\")]
        assert {line.replace(r"\&", "").count("&") for line in lines} == {columns - 1}
        rules = re.findall(r"\\(\w+rule)", table)
        assert rules == ["toprule", "midrule", "bottomrule"]
    labels = re.findall(r"\\label\{(.*?)\}", latex)
    assert len(set(labels)) == len(labels)


def test_predictions_are_a_row_each(folder, conditions):
    with (folder / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    expected = conditions["clean"].predictions()
    assert [row["predicted"] for row in rows] == expected["predicted"]
    assert [row["text_id"] for row in rows] == expected["text_id"]
    found = [float(row["p(calm & low)"]) for row in rows]
    np.testing.assert_array_equal(found, expected["p(calm & low)"])


def test_the_methods_are_said_in_a_sentence(folder, conditions):
    text = conditions["clean"].methods()
    for part in (
        "60 recordings of Own corpus by 6 speakers in 2 classes",
        "in 6 folds",
    ):
        assert part in text
    assert "no speaker was both trained on and tested" in text
    assert "studentised bootstrap intervals over speakers" in text
    assert "scikit-learn " in text
    for name in ("report.html", "report.md", "README.md"):
        assert "no speaker was both trained on" in (folder / name).read_text("utf-8")
    seeded = dataclasses.replace(conditions["clean"], seeds=[3, 4])
    assert "with the seeds 3, 4" in seeded.methods()


def test_the_card_has_the_form_of_the_hub(folder, conditions):
    card = (folder / "README.md").read_text("utf-8")
    _, head, body = card.split("---\n", 2)
    # Each value is JSON, which is YAML, too.
    entries = dict(line.split(": ", 1) for line in head.splitlines())
    entries = {key: json.loads(value) for key, value in entries.items()}
    assert entries["library_name"] == "skser"
    assert entries["pipeline_tag"] == "audio-classification"
    (evaluation,) = entries["model-index"][0]["results"]
    assert evaluation["dataset"]["name"] == "Own corpus"
    ua = next(m for m in evaluation["metrics"] if m["name"] == "UA")
    assert ua["value"] == round(conditions["clean"].ua, 4)
    assert hashlib.sha256(b"a system").hexdigest() in body
    assert 'skser.load("model.skser")' in body
    assert "| C | `1.0` |" in body


def test_the_same_report_has_the_same_bytes(conditions, tmp_path):
    result = dataclasses.replace(conditions["clean"], columns={}, posteriors=None)
    folders = [tmp_path / "one", tmp_path / "two"]
    paths = [result.report(folder) for folder in folders]
    for first, second in zip(*paths, strict=True):
        assert first.read_bytes() == second.read_bytes(), first.name


@pytest.mark.parametrize("ending", ["html", "md", "tex"])
def test_a_single_document_is_a_file(conditions, tmp_path, ending):
    result = dataclasses.replace(conditions["clean"], columns={}, posteriors=None)
    path = tmp_path / "new" / f"report.{ending}"
    assert result.report(path, title="My title") == [path]
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert "My title" in path.read_text("utf-8")


def test_paths_that_cannot_be_meant_are_refused(conditions, tmp_path):
    result = conditions["clean"]
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"Name a folder, or a file that ends with"):
        result.report(tmp_path / "notes.txt")
    with pytest.raises(ValueError, match="name a folder"):
        result.report(tmp_path / "report.html", model=tmp_path / "notes.txt")
    with pytest.raises(FileNotFoundError, match=r"skser\.save writes it"):
        result.report(tmp_path, model=tmp_path / "nothing.skser")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_shared_speakers_are_the_first_thing_that_is_said(conditions, tmp_path):
    result = dataclasses.replace(conditions["clean"], columns={})
    result.protocol = {**result.protocol, "speaker_independent": False}
    (path,) = result.report(tmp_path / "report.md")
    text = path.read_text("utf-8")
    assert text.index("Warning: speakers were both trained on and tested") < 60
    assert "SPEAKERS WERE BOTH TRAINED ON AND TESTED" in result.methods()


def test_without_speakers_posteriors_and_columns_there_is_a_report(
    conditions, tmp_path
):
    result = dataclasses.replace(
        conditions["clean"], speakers=None, posteriors=None, columns={}
    )
    paths = result.report(tmp_path / "folder")
    text = (tmp_path / "folder" / "report.md").read_text("utf-8")
    assert "## Speakers" not in text
    assert "## Calibration" not in text
    assert {path.stem for path in paths if path.suffix == ".svg"} == {"confusion"}


def test_without_matplotlib_the_report_has_no_pictures_and_says_why(
    conditions, tmp_path, monkeypatch
):
    monkeypatch.setattr("skser.model_selection._report.find_spec", lambda name: None)
    result = dataclasses.replace(conditions["clean"], columns={})
    paths = result.report(tmp_path / "folder")
    assert {path.suffix for path in paths} == {".html", ".md", ".tex", ".csv"}
    text = (tmp_path / "folder" / "report.html").read_text("utf-8")
    assert "needs matplotlib" in text
    assert "<svg" not in text


class TestColumns:
    def test_an_evaluation_keeps_what_the_corpus_knows_of_each_recording(
        self, corpus, conditions
    ):
        columns = conditions["clean"].columns
        assert list(columns) == ["text_id", "intensity", "ratings", "recording"]
        assert columns["text_id"] == corpus.text_ids.tolist()
        # The others have too many values for a table.
        assert conditions["clean"].breakdowns() == ["text_id", "intensity"]

    def test_columns_can_be_passed_beside_recordings(self, corpus):
        result = evaluate(
            LogisticRegression(),
            corpus.data,
            corpus.target,
            groups=corpus.groups,
            columns={"age": [30.0, np.nan] * 30, "is_loud": np.tile([True, False], 30)},
        )
        assert result.columns["age"][:2] == [30.0, None]
        assert [row["is_loud"] for row in result.scores_by("is_loud")] == [False, True]

    def test_a_frame_of_pandas_is_columns(self, corpus):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame({"sex": ["f", None] * 30, "age": range(60)})
        result = evaluate(LogisticRegression(), corpus, columns=frame)
        assert result.columns["sex"] == ["f", None] * 30
        assert result.columns["age"] == list(range(60))

    @pytest.mark.parametrize(
        ("columns", "message"),
        [
            ({"speaker": ["a"] * 60}, "reserved are file, speaker"),
            ({"sex": ["f"]}, "each of the 60 recordings"),
            ({"sex": "f" * 60}, "each of the 60 recordings"),
            ({"sex": [("f",)] * 60}, "must hold texts, numbers"),
        ],
    )
    def test_columns_that_cannot_be_used_are_refused(self, corpus, columns, message):
        with pytest.raises(ValueError, match=message):
            evaluate(LogisticRegression(), corpus, columns=columns)


class TestConditions:
    def test_what_is_lost_is_the_paired_difference(self, conditions):
        clean, upside_down = compare_conditions(conditions).rows
        assert clean["lost"] == clean["lost low"] == clean["lost high"] == 0
        interval = paired_difference(*conditions.values()).interval
        found = [upside_down[key] for key in ("lost", "lost low", "lost high")]
        assert found == pytest.approx(list(interval))
        assert upside_down["UA"] == conditions["upside down"].ua

    def test_of_a_loss_a_rise_is_lost(self, conditions):
        clean, upside_down = (
            result.score("log loss") for result in conditions.values()
        )
        row = compare_conditions(conditions, score="log loss").rows[1]
        assert row["lost"] == pytest.approx(upside_down - clean)
        assert row["lost low"] <= row["lost"] <= row["lost high"]

    def test_a_table_can_be_a_frame(self, conditions):
        pytest.importorskip("pandas")
        frame = compare_conditions(conditions).to_frame()
        assert frame.index.tolist() == ["clean", "upside down"]

    def test_the_reference_must_be_among_them(self, conditions):
        with pytest.raises(ValueError, match="one of the conditions"):
            compare_conditions(conditions, reference="quiet")


class TestLearningCurve:
    def test_sizes_stand_in_rising_order_and_all_speakers_are_the_whole(
        self, corpus, curve
    ):
        assert list(curve) == [1, 5]
        whole = evaluate(LogisticRegression(), corpus)
        assert curve[5].predictions() == whole.predictions()
        assert "1 training speakers" in curve[1].protocol["splitter"]

    def test_fewer_speakers_are_trained_on_and_the_same_are_tested(self, corpus):
        seen = []

        class Spy(LogisticRegression):
            def fit(self, X, y):
                seen.append(len(y))
                return super().fit(X, y)

        results = speaker_learning_curve(Spy(), corpus, n_speakers=[2, 3])
        assert seen == [20] * 6 + [30] * 6
        assert {len(result.predicted) for result in results.values()} == {60}

    def test_recordings_and_corpora_are_taken_alike(self, corpus, curve):
        result = speaker_learning_curve(
            LogisticRegression(),
            corpus.data,
            corpus.target,
            groups=corpus.groups,
            n_speakers=[1],
        )[1]
        np.testing.assert_array_equal(result.predicted, curve[1].predicted)

    @pytest.mark.parametrize("sizes", [[0], [6], []])
    def test_there_are_no_more_speakers_than_there_are(self, corpus, sizes):
        with pytest.raises(ValueError, match="from 1 to 5"):
            speaker_learning_curve(LogisticRegression(), corpus, n_speakers=sizes)

    def test_speakers_must_be_known(self, corpus):
        with pytest.raises(ValueError, match="who speaks"):
            speaker_learning_curve(
                LogisticRegression(), corpus.data, corpus.target, cv=3, n_speakers=[1]
            )

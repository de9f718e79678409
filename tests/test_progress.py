"""Progress bars: on the standard error, in terminals and logs, after two seconds."""

import io
from contextlib import redirect_stderr

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.utils import Bunch

from skser import AcousticFeatures, AudioLoader, datasets
from skser.model_selection import LeaveOneSpeakerOut, evaluate


class Terminal(io.StringIO):
    """A standard error on which a bar can be seen moving."""

    def isatty(self):
        return True


@pytest.fixture
def at_once(monkeypatch):
    """Show bars from the beginning, and lines in logs at every step."""
    monkeypatch.setattr("skser._progress.DELAY", 0)
    monkeypatch.setattr("skser._progress.LOG_INTERVAL", 0)


@pytest.fixture
def corpus():
    """Return a corpus of numbers of four speakers."""
    target = np.tile(["anger", "joy"], 8)
    data = np.zeros((16, 1))
    return Bunch(data=data, target=target, groups=np.repeat(list("abcd"), 4))


def run(corpus, **options):
    return evaluate(DummyClassifier(), corpus, LeaveOneSpeakerOut(), **options)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_reading_recordings_shows_a_bar_in_a_terminal(at_once, speech, n_jobs, capsys):
    with redirect_stderr(Terminal()) as terminal:
        AudioLoader(n_jobs=n_jobs).transform(speech.paths)
    shown = terminal.getvalue()
    assert "Recordings:   0%" in shown
    assert "/36 [" in shown
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_bar_counts_recordings_that_are_described_together(at_once, n_jobs):
    # Minutes of short recordings are one task; they do not all fit into one.
    frames = [np.ones((150, 1024))] * 60
    with redirect_stderr(Terminal()) as terminal:
        AcousticFeatures(["ZCR"], n_jobs=n_jobs).transform(frames)
    assert "/60 [" in terminal.getvalue()


def test_validation_shows_a_bar_in_a_terminal(at_once, speech, capsys):
    with redirect_stderr(Terminal()) as terminal:
        datasets.validate(speech)
    assert "Recordings:" in terminal.getvalue()
    assert capsys.readouterr().out == ""


def test_a_log_gets_none_of_it(at_once, speech):
    with redirect_stderr(io.StringIO()) as log:
        AudioLoader().transform(speech.paths)
    assert log.getvalue() == ""


def test_what_is_done_at_once_shows_nothing(corpus, speech):
    with redirect_stderr(Terminal()) as terminal:
        run(corpus)
        AudioLoader().transform(speech.paths[:2])
    assert terminal.getvalue() == ""


def test_folds_show_a_bar_with_the_time_left_in_a_terminal(at_once, corpus):
    with redirect_stderr(Terminal()) as terminal:
        run(corpus)
    shown = terminal.getvalue()
    assert "Folds:   0%" in shown
    assert "0/4 [00:00<?" in shown
    assert "fold 1 of 4" not in shown


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_log_gets_lines_if_asked_for(at_once, corpus, n_jobs):
    with redirect_stderr(io.StringIO()) as log:
        run(corpus, n_jobs=n_jobs)
    assert log.getvalue() == ""
    with redirect_stderr(io.StringIO()) as log:
        run(corpus, verbose=1, n_jobs=n_jobs)
    shown = log.getvalue()
    assert "\r" not in shown
    assert "fold 4 of 4 (test speaker 'd'): WA 0.500" in shown
    assert shown.splitlines()[-1].startswith("Folds: 100%")


def test_the_first_line_of_a_log_tells_the_time_left(corpus, monkeypatch):
    monkeypatch.setattr("skser._progress.DELAY", 0)
    with redirect_stderr(io.StringIO()) as log:
        run(corpus, verbose=1)
    lines = [x for x in log.getvalue().splitlines() if x.startswith("Folds:  25%")]
    # Three folds of a few milliseconds are left.
    assert "<00:00," in lines[0]


def test_nothing_is_shown_if_verbose_is_0(at_once, speech):
    arguments = DummyClassifier(), speech.paths, speech.target
    with redirect_stderr(Terminal()) as terminal:
        evaluate(*arguments, groups=speech.groups, verbose=0)
    assert terminal.getvalue() == ""


def test_a_program_without_a_standard_error_works(at_once, corpus):
    with redirect_stderr(None):
        assert run(corpus, verbose=1).wa == 0.5

"""What several test files share: corpora, fitted systems, quiet TensorFlow."""

import errno
import io
import os
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

from skser import datasets, systems

# Sizes with which every row of SYSTEMS is fitted in moments; a system has some of them.
SMALL_SIZES = {
    "whiten__n_components": 5,
    "rotate__n_components": 5,
    "speakers__without_groups": "one_speaker",
    "segments__hidden_units": (6,),
    "ivectors__n_components": 5,
    "ivectors__alignment__n_mixtures": 4,
    "ivectors__alignment__n_class_mixtures": 2,
    "ivectors__alignment__max_network_frames": 500,
    "ivectors__alignment__network__hidden_units": (8, 6),
    "classify__recurrent_units": 4,
    "classify__hidden_units": (6,),
    "classify__max_epochs": 2,
}
# Where a network has a list of layers in place of one.
SMALL_LAYERS = {"classify__recurrent_units": (4,), "classify__frame_units": (4,)}
OPENSMILE_ROWS = (
    "mec2017",
    "egemaps",
    "compare",
    "attention_blstm_fcn_robust_opensmile",
)

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


class _FullDisk(io.FileIO):
    """A file on a disk that has room for a number of bytes, and no more."""

    room = 0

    def write(self, data):
        if self.tell() + len(data) > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.name)
        return super().write(data)


@pytest.fixture
def full_disk(monkeypatch):
    """Give a function after which no file that skser writes can have more bytes."""

    def fill(room):
        monkeypatch.setattr(_FullDisk, "room", room)
        monkeypatch.setattr("skser._files.open", _FullDisk, raising=False)

    return fill


@pytest.fixture(scope="session")
def emodb():
    """The Berlin database, where it is present."""
    folder = SHARED_DATA / "emodb"
    if not folder.is_dir():
        pytest.skip("the EmoDB recordings are not on this machine")
    return datasets.load_emodb(folder)


@pytest.fixture(scope="session")
def speech(tmp_path_factory):
    """A small synthetic corpus, as waveforms and as paths."""
    corpus = datasets.make_emotional_speech(
        n_speakers=3, n_utterances=3, random_state=0
    )
    corpus.paths = datasets.write_corpus(corpus, tmp_path_factory.mktemp("speech"))
    return corpus


@pytest.fixture(scope="session")
def small_system():
    """The paper's system with a network small enough for tests; not fitted."""
    system = systems.attention_blstm_fcn(random_state=0)
    return system.set_params(
        whiten__n_components=10,
        classify__recurrent_units=8,
        classify__filters=(16, 8),
        classify__hidden_units=(16,),
        classify__max_epochs=15,
        classify__learning_rate=5e-3,
        classify__batch_size=10,
    )


@pytest.fixture(scope="session")
def fitted_system(small_system, speech):
    """The small system fitted on the synthetic corpus. Not to be changed."""
    return small_system.fit(speech.paths, speech.target)


@pytest.fixture(scope="session")
def sequences():
    """Sixty feature sequences of unequal length in three separable classes."""
    generator = np.random.default_rng(0)
    classes = np.arange(60) % 3
    lengths = generator.integers(5, 40, 60)
    return [
        generator.normal(class_ - 1, 1, (length, 6)).astype(np.float32)
        for class_, length in zip(classes, lengths, strict=True)
    ], np.array(["calm", "glad", "wild"])[classes]


@pytest.fixture(scope="session", params=systems.SYSTEMS)
def row(request):
    """Give the name of each system, without those that need what is not installed."""
    needs_opensmile = request.param.startswith(OPENSMILE_ROWS)
    if needs_opensmile and find_spec("opensmile") is None:
        pytest.skip("openSMILE is not installed")
    return request.param


@pytest.fixture(scope="session")
def shrink():
    """Give a function that makes any system small, and returns it."""

    def shrink_system(system):
        known = system.get_params()
        has_layers = "classify__frame_units" in known
        sizes = SMALL_SIZES | SMALL_LAYERS if has_layers else SMALL_SIZES
        # Of members of a vote, too, whose names stand before those of their steps.
        chosen = {
            name: value
            for name in known
            for ending, value in sizes.items()
            if f"__{name}".endswith(f"__{ending}")
        }
        return system.set_params(**chosen)

    return shrink_system


@pytest.fixture(scope="session")
def fitted_row(row, shrink, speech):
    """Each system, small, fitted on the synthetic corpus. Not to be changed."""
    system = shrink(systems.SYSTEMS[row](random_state=0))
    return system.fit(speech.paths, speech.target)

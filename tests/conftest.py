"""What several test files share: corpora, fitted systems, no home and no network."""

import codecs
import contextlib
import errno
import gc
import importlib
import io
import ipaddress
import os
import shutil
import site
import socket
import tempfile
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from pkgutil import resolve_name

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Each of several processes uses its part of the processors only: more threads than
# processors wait for each other, busily. NumPy looks for it when it is imported.
if "PYTEST_XDIST_WORKER_COUNT" in os.environ:
    n_threads = os.cpu_count() // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, n_threads)))

import joblib
import numpy as np
import pytest

from skser import datasets, systems


def _leave_home():
    """Give this process and its children an empty home, and other places for caches.

    What libraries keep at home (Keras its configuration, matplotlib its fonts) goes
    into the other folder; this package must keep nothing.
    """
    folder = Path(tempfile.mkdtemp(prefix="skser-tests-"))
    home, caches = folder / "home", folder / "caches"
    # Where packages are that were installed for one user.
    os.environ.setdefault("PYTHONUSERBASE", site.getuserbase())
    for name in ("HOME", "USERPROFILE"):
        os.environ[name] = str(home)
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "KERAS_HOME", "MPLCONFIGDIR"):
        os.environ[name] = str(caches / name.lower())
        (caches / name.lower()).mkdir(parents=True)
    home.mkdir()
    home.chmod(0o500)
    return home


# Before Keras or matplotlib is imported, which look for them.
HOME = _leave_home()

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
    "classify__filters": (6, 4),
    "classify__kernel_sizes": (3, 2),
    "classify__hidden_units": (6,),
    "classify__max_epochs": 2,
    "regress__recurrent_units": 4,
    "regress__filters": (6, 4),
    "regress__kernel_sizes": (3, 2),
    "regress__hidden_units": (6,),
    "regress__max_epochs": 2,
}
# Where a network has a list of layers in place of one.
SMALL_LAYERS = {"classify__recurrent_units": (4,), "classify__frame_units": (4,)}
# Tests of which each case takes long and shares nothing with the others.
LONG_ALONE = ("test_scikit_learns_checks_pass_and_are_not_skipped",)
OPENSMILE_ROWS = (
    "mec2017",
    "egemaps",
    "compare",
    "attention_blstm_fcn_robust_opensmile",
)

_connect = socket.socket.connect


def _is_this_machine(host):
    """Tell whether a host is this one, without asking for its name's address."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


def _connect_to_this_machine_only(self, address):
    """Refuse to connect to any other machine: tests need no network."""
    is_internet = self.family in (socket.AF_INET, socket.AF_INET6)
    if is_internet and not _is_this_machine(str(address[0])):
        raise ConnectionRefusedError(
            f"Tests run without a network, but something connects to {address!r}."
        )
    return _connect(self, address)


def _name_group(nodeid):
    """Name the tests that go to one process: of a system, of a file, or one alone.

    The tests of a system share its compiled network, and those of a file its fixtures.
    """
    file, _, test = nodeid.partition("::")
    name, _, parameter = test.rstrip("]").partition("[")
    if parameter in systems.SYSTEMS:
        return parameter
    return nodeid if name in LONG_ALONE else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give groups of tests to processes that ask for files."""
    from xdist.scheduler import LoadFileScheduling

    class LoadGroups(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return _name_group(nodeid)

    if config.option.dist == "loadfile":
        # In the order of the collection, not those first that have most tests.
        config.option.loadscopereorder = False
        return LoadGroups(config, log)
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Begin with the groups that take longest, so that processes end together."""
    if not hasattr(config, "workerinput"):
        return
    n_slow = Counter()
    for item in items:
        group = _name_group(item.nodeid)
        if item.get_closest_marker("slow"):
            n_slow[group] += 100 if group == item.nodeid else 1
    items.sort(key=lambda item: -n_slow[_name_group(item.nodeid)])


def pytest_sessionstart(session):
    """Cut the network."""
    socket.socket.connect = _connect_to_this_machine_only


def pytest_collection_finish(session):
    """Leave all that was imported out of the searches for cycles to come."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish(session, exitstatus):
    """Look whether anything was left at home, which is a failure of the run."""
    socket.socket.connect = _connect
    left = sorted(str(path.relative_to(HOME)) for path in HOME.rglob("*"))
    if left:
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        reporter.write_line(f"ERROR: left in the home folder: {left}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config):
    """Remove the folders."""
    shutil.rmtree(HOME.parent, ignore_errors=True)


SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


class _FullDisk(io.FileIO):
    """A file on a disk that has room for a number of bytes, and no more."""

    room = 0

    def write(self, data):
        if self.tell() + len(data) > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.name)
        return super().write(data)


@pytest.fixture(scope="session")
def yaafe_names():
    """YAAFE's 27 features, in the order in which golden files have their columns."""
    return (
        "AmplitudeModulation",
        "AutoCorrelation",
        "ComplexDomainOnsetDetection",
        "Energy",
        "Envelope",
        "EnvelopeShapeStatistics",
        "LPC",
        "LSF",
        "Loudness",
        "MFCC",
        "MagnitudeSpectrum",
        "MelSpectrum",
        "OBSI",
        "OBSIR",
        "PerceptualSharpness",
        "PerceptualSpread",
        "SpectralCrestFactorPerBand",
        "SpectralDecrease",
        "SpectralFlatness",
        "SpectralFlatnessPerBand",
        "SpectralFlux",
        "SpectralRolloff",
        "SpectralShapeStatistics",
        "SpectralSlope",
        "SpectralVariation",
        "TemporalShapeStatistics",
        "ZCR",
    )


@pytest.fixture
def wrap(monkeypatch):
    """Put a function in the place of another one, which it is given.

    ``wrap("package.module.function", make)`` puts ``make(function)`` there.
    """

    def wrap(name, make):
        monkeypatch.setattr(name, make(resolve_name(name)))

    return wrap


@pytest.fixture
def full_disk(monkeypatch):
    """Give a function after which no file that skser writes can have more bytes."""

    def fill(room):
        monkeypatch.setattr(_FullDisk, "room", room)
        monkeypatch.setattr("skser.storage._archive.open", _FullDisk, raising=False)

    return fill


@pytest.fixture
def many_networks(monkeypatch):
    """Keep more compiled networks than usual, so that each is compiled but once."""
    monkeypatch.setattr("skser.training._compiled._POOL.max_idle", 12)


@pytest.fixture
def as_nobody():
    """Give a context in which nobody has the rights of root, who may enter anything."""
    if not hasattr(os, "geteuid"):
        pytest.skip("no such modes here")

    # Of the names in zip archives. Nobody may not enter Python's own folder, perhaps.
    codecs.lookup("cp437")

    @contextlib.contextmanager
    def as_nobody():
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(user)
            importlib.invalidate_caches()

    return as_nobody


@pytest.fixture
def open_folder():
    """Give a folder that all users may write to; they may not enter `tmp_path`."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


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
def tiny_encoder(tmp_path_factory):
    """Give the path of an encoder of four layers: means of frames, times gains."""
    onnx = pytest.importorskip("onnx", reason="onnx, to make models, is not installed")
    pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    nodes = [onnx.helper.make_node("Unsqueeze", ["wave", "axis"], ["channel"])]
    arrays, outputs = {"axis": np.array([1])}, []
    for i, gains in enumerate([(1, 2), (10, 20), (-5, 7), (3, 3)], start=1):
        kernel = np.outer(gains, np.linspace(-1, 1, 400))[:, np.newaxis]
        arrays[f"kernel_{i}"] = kernel.astype(np.float32)
        inputs = ["channel", f"kernel_{i}"]
        nodes += [
            onnx.helper.make_node("Conv", inputs, [f"waves_{i}"], strides=[160]),
            onnx.helper.make_node("Abs", [f"waves_{i}"], [f"sizes_{i}"]),
            onnx.helper.make_node(
                "Transpose", [f"sizes_{i}"], [f"layer_{i}"], perm=[0, 2, 1]
            ),
        ]
        outputs.append((f"layer_{i}", ["batch", "frames", 2]))
    values = [
        [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, s) for n, s in g]
        for g in ([("wave", ["batch", "samples"])], outputs)
    ]
    constants = [onnx.numpy_helper.from_array(a, n) for n, a in arrays.items()]
    model = onnx.helper.make_model(
        onnx.helper.make_graph(nodes, "tiny", *values, constants),
        opset_imports=[onnx.helper.make_opsetid("", 17)],
        ir_version=8,
    )
    path = tmp_path_factory.mktemp("encoder") / "tiny.onnx"
    onnx.save(model, path)
    return str(path)


@pytest.fixture(scope="session")
def encoder_of_row(row, request):
    """Give the arguments with which a system is built: its encoder, if it takes one."""
    if not systems.SYSTEMS[row].row.takes_model:
        return {}
    return {"model": request.getfixturevalue("tiny_encoder")}


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
def target_of_row(row, speech):
    """What each system predicts of the synthetic corpus: emotions, or arousal."""
    is_classifier = systems.SYSTEMS[row].row.task == "classification"
    return speech.target if is_classifier else speech.arousal


@pytest.fixture(scope="session")
def once(request, tmp_path_factory):
    """Give a function that makes something of a name once for all processes of a run.

    Two that come at the same time both make it.
    """
    folder = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        folder = folder.parent

    def once(name, make):
        path = folder / f"{name}.joblib"
        if path.exists():
            return joblib.load(path)
        made = make()
        unfinished = path.with_suffix(f".{os.getpid()}")
        joblib.dump(made, unfinished)
        unfinished.replace(path)
        return made

    return once


@pytest.fixture(scope="session")
def fitted_row(row, encoder_of_row, shrink, speech, target_of_row, once):
    """Each system, small, fitted on the synthetic corpus. Not to be changed."""

    def fit():
        system = shrink(systems.SYSTEMS[row](random_state=0, **encoder_of_row))
        return system.fit(speech.paths, target_of_row)

    return once(row, fit)


@pytest.fixture(
    params=[
        ([1, np.nan, 1], "contains NaN"),
        ([1, np.inf, 1], "contains infinity"),
        ([1, -1, 1], "Negative values"),
        ([1, None, 1], "contains NaN"),
        (["a", "b", "c"], "must be a number for each sample"),
        ([1e308, 1e308, 1e308], "adds up to more than a float can hold"),
    ],
    ids=lambda param: str(param[0]),
)
def bad_weights(request):
    """Return what three samples cannot weigh, and how the error says so."""
    sample_weight, message = request.param
    return sample_weight, f"sample_weight.*{message}|{message}.*weight"

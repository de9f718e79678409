"""Can a hostile model file do harm? Thousands of forged files, in child processes.

    python tests/fuzz_models.py --files 10000

Each file is the model of a small fitted system in which one to three things were
replaced, by masked arrays, other dtypes and shapes, NaN, huge and negative numbers,
indices out of range, deep and giant JSON, other classes and so on, and which was sealed
again with a right checksum. `skser.load` may refuse it with a `ModelFileError`, or
accept it, and then every method of the system has to answer or raise a ValueError or
TypeError. Anything else, a crash, a hang, memory beyond the limit is a fault, and the
seed of the file is printed. A seed gives the same file again: ``--first SEED
--files 1``.
"""

import argparse
import hashlib
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

# TensorFlow alone maps some; a file can ask for any size.
ADDRESS_SPACE = 10 * 2**30
MAX_MEGABYTES = 1500
BATCH = 500
SECONDS_PER_BATCH = 300
SECONDS_PER_FILE = 60
COMMENT = b"skser; SHA-256 of all bytes before: "

ROWS = np.random.default_rng(0).normal(size=(45, 5)) + np.arange(45)[:, None] % 3
LABELS = np.array(["angry", "calm", "sad"])[np.arange(45) % 3]
UTTERANCES = [
    np.random.default_rng(i).normal(i % 3, 1.0, (12, 4)).astype(np.float32)
    for i in range(24)
]


@dataclass
class Tally:
    """What came of some files."""

    n_files: int = 0
    n_accepted: int = 0
    n_refused: int = 0
    n_not_fitted: int = 0  # accepted, and a method says that it is not fitted
    n_own: int = 0  # accepted, and a method of skser's says what is wrong
    n_late: int = 0  # the same of a library's, which does not know of the file
    n_not_finite: int = 0  # answered with NaN or infinity
    faults: list = field(default_factory=list)  # of (seed, what happened)
    n_crashes: int = 0
    n_hangs: int = 0
    peak_megabytes: float = 0.0
    late: dict = field(default_factory=partial(defaultdict, list))  # reason -> seeds

    def add(self, other):
        """Add what came of other files."""
        for name, value in vars(other).items():
            if name.startswith("n_"):
                setattr(self, name, getattr(self, name) + value)
        self.faults += other.faults
        for reason, seeds in other.late.items():
            self.late[reason] += seeds
        self.peak_megabytes = max(self.peak_megabytes, other.peak_megabytes)


def save_encoder(path):
    """Write an ONNX file that has one feature of frames of ten samples."""
    try:
        import onnx
    except ImportError:
        return False
    make = onnx.helper
    value = make.make_tensor_value_info
    nodes = [
        make.make_node("Unsqueeze", ["input", "axis"], ["column"]),
        make.make_node(
            "AveragePool", ["column"], ["pooled"], kernel_shape=[10], strides=[10]
        ),
        make.make_node("Transpose", ["pooled"], ["output"], perm=[0, 2, 1]),
    ]
    graph = make.make_graph(
        nodes,
        "tiny",
        [value("input", onnx.TensorProto.FLOAT, ["batch", "samples"])],
        [value("output", onnx.TensorProto.FLOAT, ["batch", "frames", 1])],
        [onnx.numpy_helper.from_array(np.array([1]), "axis")],
    )
    model = make.make_model(
        graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8
    )
    onnx.save(model, path)
    return True


def save_originals(folder):
    """Fit small systems of all kinds, and save them in a folder."""
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.linear_model import LogisticRegression
    from sklearn.mixture import GaussianMixture
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import FeatureUnion, make_pipeline
    from sklearn.preprocessing import Normalizer, StandardScaler
    from sklearn.svm import SVC, LinearSVC

    import skser
    from skser.classifiers import (
        AttentionBLSTMClassifier,
        ELMClassifier,
        SegmentPosteriors,
        SegmentStatistics,
        ShrunkenDiscriminantAnalysis,
    )
    from skser.ensembles import RejectOption, SoftVotingClassifier
    from skser.features import Deltas, FrameStatistics, FrameUnion, PretrainedFeatures
    from skser.ivectors import (
        WCCN,
        DeepBeliefNetwork,
        GaussianBernoulliRBM,
        IVectors,
    )
    from skser.normalization import FrameScaler

    class_weight = {"angry": 2.0, "calm": 1.0, "sad": 1.0}
    voters = [
        ("line", LogisticRegression()),
        ("machine", make_pipeline(StandardScaler(), SVC(probability=True))),
    ]
    on_rows = {
        "machine": make_pipeline(
            StandardScaler(), PCA(3), SVC(class_weight=class_weight)
        ),
        "sigmoids": SVC(probability=True, random_state=0),
        "lines": make_pipeline(Normalizer(), LinearSVC()),
        "logistic": make_pipeline(
            FeatureUnion([("all", StandardScaler()), ("main", PCA(2))]),
            LogisticRegression(),
        ),
        "discriminant": LinearDiscriminantAnalysis(),
        "shrunken": make_pipeline(
            LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.1),
            ShrunkenDiscriminantAnalysis(),
        ),
        "mixture": GaussianMixture(2, random_state=0),
        "diagonal": GaussianMixture(2, covariance_type="diag", random_state=0),
        "whitening": make_pipeline(skser.PCAWhitening(3), WCCN(), ELMClassifier(8)),
        "kernel": ELMClassifier(kernel="rbf"),
        "search": GridSearchCV(
            make_pipeline(StandardScaler(), SVC()), {"svc__C": [1.0, 2.0]}, cv=2
        ),
        "vote": SoftVotingClassifier(voters),
        "option": RejectOption(LogisticRegression(), 0.9, cv=2),
        "boltzmann": GaussianBernoulliRBM(4, n_iter=2, random_state=0),
        "belief": DeepBeliefNetwork((4,), fine_tuning_epochs=1, random_state=0),
    }
    on_utterances = {
        "ivectors": make_pipeline(
            FrameScaler(),
            IVectors(2, random_state=0),
            LinearDiscriminantAnalysis(),
        ),
        "statistics": make_pipeline(
            FrameUnion([("same", "passthrough"), ("slopes", Deltas())]),
            FrameStatistics(),
            StandardScaler(),
            SVC(),
        ),
        "network": AttentionBLSTMClassifier(
            recurrent_units=(3,), max_epochs=1, random_state=0
        ),
        "segments": make_pipeline(
            SegmentPosteriors(1, hidden_units=(4,), max_epochs=1, random_state=0),
            SegmentStatistics(),
            LogisticRegression(),
        ),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, system in on_rows.items():
            skser.save(system.fit(ROWS, LABELS), Path(folder, f"rows-{name}"))
        for name, system in on_utterances.items():
            system.fit(UTTERANCES, LABELS[: len(UTTERANCES)])
            skser.save(system, Path(folder, f"utterances-{name}"))
        if save_encoder(Path(folder, "encoder.onnx")):
            waves = np.random.default_rng(0).normal(0, 0.1, (9, 400))
            system = make_pipeline(
                PretrainedFeatures(Path(folder, "encoder.onnx"), sample_rate=16000),
                FrameStatistics(),
                LogisticRegression(),
            )
            system.fit(waves, LABELS[:9])
            skser.save(system, Path(folder, "waves-encoder"))
            Path(folder, "encoder.onnx").unlink()


@dataclass
class ModelFile:
    """A model file taken apart.

    Parameters
    ----------
    model : JSON
        The description of the system.
    environment : dict
        The rest of the manifest.
    arrays : dict of str to ndarray
    """

    model: object
    environment: dict
    arrays: dict

    @classmethod
    def read(cls, path):
        """Take a file apart."""
        from skser.storage import read_archive

        content, arrays = read_archive(path)
        return cls(content.pop("model"), content, arrays)

    def copy(self):
        """Return a copy that may be changed."""
        return ModelFile(
            json.loads(json.dumps(self.model)), self.environment, dict(self.arrays)
        )

    def places(self):
        """Return all places in the description, as pairs of container and key."""
        found, waiting = [], [{"root": self.model}]
        while waiting:
            container = waiting.pop()
            is_dict = isinstance(container, dict)
            for key in container if is_dict else range(len(container)):
                found.append((container, key))
                if isinstance(container[key], (dict, list)):
                    waiting.append(container[key])
        return [place for place in found if "root" not in place[0]] or found

    def write(self, path, generator):
        """Seal it; one in twenty has a header of an array changed as well."""
        described = {
            name: {"dtype": array.dtype.str, "shape": list(array.shape)}
            for name, array in self.arrays.items()
        }
        manifest = {**self.environment, "model": self.model, "arrays": described}
        members = {"manifest.json": dump(manifest)}
        for name, array in self.arrays.items():
            npy = io.BytesIO()
            np.lib.format.write_array(npy, array, (1, 0), allow_pickle=True)
            members[f"arrays/{name}.npy"] = npy.getvalue()
        if self.arrays and generator.integers(20) == 0:
            name = pick(list(members)[1:], generator)
            members[name] = change_header(members[name], generator)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for name, data in members.items():
                member = zipfile.ZipInfo(name)
                member.create_system, member.external_attr = 3, 0o600 << 16
                archive.writestr(member, data)
            archive.comment = COMMENT + b"0" * 64
        content = buffer.getvalue()[:-64]
        digest = hashlib.sha256(content).hexdigest().encode()
        Path(path).write_bytes(content + digest)


def dump(manifest):
    """Return JSON, in which a text may stand for JSON that nothing could build."""
    text = json.dumps(manifest)
    for mark, raw in RAW.items():
        text = text.replace(json.dumps(mark), raw)
    return text.encode()


RAW = {
    "deep": "[" * 50_000 + "]" * 50_000,
    "many": "[" + ",".join(["[]"] * 150_000) + "]",
    "giant": "[" + ",".join(["1e5"] * 900_000) + "]",
    "digits": "9" * 6000,
    "floats": "1e999",
    "constant": "NaN",
}


def pick(items, generator):
    """Draw one of some items."""
    return items[generator.integers(len(items))]


def change_header(npy, generator):
    """Put something else where the header of an array has its dtype, order or shape."""
    old, new = pick(
        [
            (b"False", b"True "),
            (b"<f8", b"|O8"),
            (b"<f8", b">f8"),
            (b"<f8", b"<i8"),
            (b"<i4", b"<f4"),
            (b"(", b"(-"),
            (b"(", b"(99999999"),
            (b"'descr'", b"'descx'"),
        ],
        generator,
    )
    return npy.replace(old, new, 1)


def _extreme(array, generator):
    """Return a number that such an array should not have."""
    numbers = [-1, 0, 1, 2**31 - 1, -(2**31), 2**62, 1e300, -1e300, 1e-320]
    numbers += [np.nan, np.inf, -np.inf]
    return pick(numbers, generator)


def change_numbers(array, generator):
    """Put extreme numbers in one place or everywhere."""
    with np.errstate(all="ignore"):
        changed = array.copy()
        number = _extreme(array, generator)
        if changed.dtype.kind in "iu":
            limits = np.iinfo(changed.dtype)
            number = 0 if not np.isfinite(number) else number
            number = int(min(max(number, limits.min), limits.max))
        if changed.size and changed.dtype.kind in "iufb":
            everywhere = generator.integers(3) == 0
            where = ... if everywhere else generator.integers(changed.size)
            changed.reshape(-1)[where] = number
    return changed


def change_dtype(array, generator):
    """Return the same numbers in another dtype or byte order."""
    kinds = [
        "<f2",
        "<f4",
        "<f8",
        ">f8",
        "<i1",
        "<i4",
        "<i8",
        ">i4",
        "<u8",
        "|b1",
        "<U3",
    ]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return array.astype(pick([*kinds, "<c16", "|O"], generator))
        except ValueError:
            return array


def change_shape(array, generator):
    """Return another shape of it, or less or more of it."""
    changes = [
        lambda a: a.T,
        np.ravel,
        lambda a: a[:-1],
        lambda a: a[..., :-1],
        lambda a: a[:0],
        lambda a: a[np.newaxis],
        lambda a: a[..., np.newaxis],
        lambda a: np.concatenate([a, a]),
        lambda a: np.repeat(a, 3, axis=-1),
        lambda a: a.reshape(-1)[0],
        lambda a: np.zeros((1,) * 30),
        lambda a: np.zeros((0, 2**40)),
        lambda a: np.zeros((300, 300)),
        lambda a: np.asfortranarray(a),
        lambda a: a[::-1],
    ]
    try:
        return np.array(pick(changes, generator)(array))
    except (IndexError, ValueError):
        return array


def shuffle(array, generator):
    """Change the order of its numbers, or repeat one."""
    flat = array.ravel()
    if generator.integers(2):
        flat = flat[generator.integers(0, max(flat.size, 1), flat.size)]
    return generator.permutation(flat).reshape(array.shape)


ARRAY_CHANGES = [change_numbers, change_numbers, change_dtype, change_shape, shuffle]


def replace_array(file, generator):
    """Change an array."""
    if file.arrays:
        name = pick(list(file.arrays), generator)
        file.arrays[name] = pick(ARRAY_CHANGES, generator)(file.arrays[name], generator)


def swap_arrays(file, generator):
    """Exchange two arrays."""
    if file.arrays:
        a, b = (pick(list(file.arrays), generator) for _ in range(2))
        file.arrays[a], file.arrays[b] = file.arrays[b], file.arrays[a]


def wrap_array(file, generator):
    """Put a masked array, objects, a list or nothing in the place of an array."""
    places = [p for p in file.places() if is_array(p[0][p[1]])]
    if not places:
        return
    container, key = pick(places, generator)
    name = container[key]["array"]
    if name not in file.arrays:
        return
    array = file.arrays[name]
    values = array.ravel().tolist()[:2000]
    is_text = array.dtype.kind in "US"
    values = values if is_text else np.nan_to_num(array.real.ravel()[:2000]).tolist()
    mask, full = f"{name[:80]}_m", len(values) == array.size
    kind = generator.integers(6)
    if kind in (0, 1):
        file.arrays[mask] = generator.integers(0, 2, array.shape).astype(bool)
        container[key] = {"masked": [{"array": name}, {"array": mask}, -1]}
        return
    del file.arrays[name]
    container[key] = [
        {"objects": [list(array.shape) if full else [len(values)], values]},
        values,
        {"tuple": values},
        None,
    ][kind - 2]


def is_array(node):
    """Tell whether a node of the description stands for an array."""
    return isinstance(node, dict) and set(node) == {"array"}


VALUES = [
    -1, 0, 1, 2, 7, 2**31, -(2**31), 2**63, 2**100, 3000, 1e308, -1e308, 1e-320, 0.5,
    True, False, None, "", "x", "rbf", "linear", "poly", "precomputed", "full", "tied",
    "deprecated", "constructor", "x" * 100_000, "\0", "../../etc/passwd", "memory", [],
    [[]], {}, [None], {"float": "nan"}, {"float": "inf"}, {"float": "1e5"},
    {"scalar": ["<f8", {"float": "nan"}]}, {"scalar": ["<i4", 2**40]},
    {"scalar": ["<U99999", "a"]}, {"scalar": ["|O", 1]}, {"scalar": ["<i8", "7"]},
    {"tuple": []}, {"tuple": [1, 2]}, {"dict": []}, {"dict": [["a", 1]]},
    {"dict": [[[], 1]]}, {"scorer": "UA"}, {"scorer": "none"}, {"array": "none"},
    {"objects": [[2, 2], [1, 2, 3]]}, {"objects": [[-1], []]}, {"objects": [[3], [1]]},
    {"objects": [[0, 10**12], []]}, {"encoder": ["a", "b", [1]]},
    {"masked": [1, 2, 3]}, {"masked": [[1, 2], [True, False], 0]},
    {"estimator": {"class": "SVC", "params": {}, "attributes": {}}},
    {"estimator": {"class": "Pipeline", "params": {"steps": []}, "attributes": {}}},
    {"estimator": {"class": "StandardScaler", "params": {}, "attributes": {}}},
    {"estimator": {"class": "object", "params": {}, "attributes": {}}},
    *RAW,
]  # fmt: skip


def replace_value(file, generator):
    """Put something else in any place."""
    container, key = pick(file.places(), generator)
    container[key] = json.loads(json.dumps(pick(VALUES, generator)))


def change_number(file, generator):
    """Change a number that stands in the description."""
    kinds = (int, float)
    places = [p for p in file.places() if isinstance(p[0][p[1]], kinds)]
    if places:
        container, key = pick(places, generator)
        number = container[key]
        changes = [number + 1, number - 1, -number, 1000 * number, number / 2]
        container[key] = pick(changes, generator)


def delete(file, generator):
    """Leave something out."""
    container, key = pick(file.places(), generator)
    del container[key]


ADDITIONS = {
    "n_jobs": 3000,
    "verbose": 10**6,
    "cache_size": 1e300,
    "memory": "/tmp",
    "temp_folder": "/tmp",
    "predict": 1,
    "__class__": "x",
    "__dict__": {"dict": []},
    "_sparse": True,
    "_n_support": [1, 2],
    "n_features_in_": 3,
    "classes_": ["a", "b"],
    "pre_dispatch": "__import__('os').abort()",
    "_repr_html_": 1,
    "feature_names_in_": {"objects": [[2], ["a", "b"]]},
    "weights_": [],
    "batch_size": 10**9,
}


def add(file, generator):
    """Put a parameter or an attribute more somewhere."""
    groups = [
        container[key]
        for container, key in file.places()
        if key in ("params", "attributes") and isinstance(container[key], dict)
    ]
    if groups:
        name = pick(list(ADDITIONS), generator)
        pick(groups, generator)[name] = json.loads(json.dumps(ADDITIONS[name]))


def exchange(file, generator):
    """Put a copy of one part in the place of another."""
    places = file.places()
    (a, i), (b, j) = (pick(places, generator) for _ in range(2))
    a[i] = json.loads(json.dumps(b[j]))


def rename(file, generator):
    """Give an estimator another class."""
    from skser.persistence._registry import NAMES

    places = [p for p in file.places() if p[1] == "class"]
    if places:
        container, key = pick(places, generator)
        container[key] = pick(NAMES, generator)


CHANGES = [
    *[replace_array] * 8,
    swap_arrays,
    *[wrap_array] * 2,
    *[replace_value] * 3,
    *[change_number] * 3,
    delete,
    add,
    exchange,
    rename,
]


def forge(originals, seed, path):
    """Write the file of a seed.

    Parameters
    ----------
    originals : dict of str to ModelFile
    seed : int
    path : path-like

    Returns
    -------
    name : str
        Which of the originals it was.
    """
    generator = np.random.default_rng(seed)
    name = sorted(originals)[seed % len(originals)]
    file = originals[name].copy()
    for _ in range(generator.integers(1, 4)):
        if isinstance(file.model, dict) and file.model:
            pick(CHANGES, generator)(file, generator)
    file.write(path, generator)
    return name


# What can come of a method, once a file is accepted, other than an answer.
LATER = ("not fitted", "own", "late", "not finite")
METHODS = (
    "predict",
    "decision_function",
    "predict_proba",
    "predict_log_proba",
    "transform",
    "score_samples",
    "get_feature_names_out",
    "__repr__",
)


def ask(system, name):
    """Ask a loaded system everything; return whether all answers are finite."""
    kind = name.split("-")[0]
    waves = np.random.default_rng(1).normal(0, 0.1, (2, 300))
    X = {"rows": ROWS[:7], "utterances": UTTERANCES[:3], "waves": waves}[kind]
    is_finite = True
    for method in METHODS:
        needed = "transform" if method == "get_feature_names_out" else method
        if not (hasattr(system, method) and hasattr(system, needed)):
            continue
        takes_nothing = method in ("get_feature_names_out", "__repr__")
        answer = getattr(system, method)(*([] if takes_nothing else [X]))
        answers = answer if isinstance(answer, list) else [answer]
        for item in answers:
            array = np.asarray(item)
            if array.dtype.kind == "f" and method != "predict_log_proba":
                is_finite &= bool(np.isfinite(array).all())
    return is_finite


def try_file(path, name):
    """Load a file and ask its system; return what came of it and why."""
    from sklearn.exceptions import NotFittedError

    import skser
    from skser.exceptions import ModelFileError

    try:
        system = skser.load(path)
    except ModelFileError:
        return "refused", ""
    except Exception as error:
        return "fault", f"load: {type(error).__name__}: {error}"
    try:
        with np.errstate(all="ignore"):
            return ("accepted" if ask(system, name) else "not finite"), ""
    except NotFittedError as error:
        return "not fitted", str(error)
    except (ValueError, TypeError) as error:
        place = traceback.extract_tb(error.__traceback__)[-1].filename
        is_own = Path(skser.__file__).parent in Path(place).parents
        return "own" if is_own else "late", f"{type(error).__name__}: {error}"
    except Exception as error:
        return "fault", f"{name}: {type(error).__name__}: {error}"


def run_child(folder, seeds):
    """Try the files of some seeds under a limit of memory; report to a log."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    warnings.simplefilter("ignore")
    originals = {
        path.name: ModelFile.read(path)
        for path in Path(folder, "originals").iterdir()
        if path.is_file()
    }
    path = Path(folder, "forged")
    with open(Path(folder, "log"), "w", buffering=1) as log:
        for seed in seeds:
            print(json.dumps([seed]), file=log)
            name = forge(originals, seed, path)
            start = time.perf_counter()
            outcome, why = try_file(path, name)
            if time.perf_counter() - start > SECONDS_PER_FILE:
                outcome, why = "fault", f"it took {time.perf_counter() - start:.0f} s"
            entry = [seed, outcome, name, why[:300], peak_megabytes()]
            print(json.dumps(entry), file=log)


def peak_megabytes():
    """Return the largest resident memory that this process has had."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) / 1e3
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def try_in_child(folder, seeds, seconds=SECONDS_PER_BATCH):
    """Try the files of some seeds in a child process.

    A file that crashes or hangs the child is counted, and another goes on behind it.

    Parameters
    ----------
    folder : path-like
        With the folder of the originals.
    seeds : range
    seconds : float, default=300

    Returns
    -------
    tally : Tally
    """
    tally, seeds = Tally(), list(seeds)
    log = Path(folder, "log")
    while seeds:
        log.write_text("")
        command = [sys.executable, __file__, "--child", folder, *map(str, seeds)]
        child = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            code = child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            code = None
        entries = [json.loads(line) for line in log.read_text().splitlines()]
        for entry in entries:
            if len(entry) > 1:
                _count(tally, *entry)
        if code == 0:
            return tally
        last = entries[-1][0] if entries else seeds[0]
        what = "hang" if code is None else f"crash (exit code {code})"
        tally.faults.append((last, what))
        tally.n_files += 1
        tally.n_hangs += code is None
        tally.n_crashes += code is not None
        seeds = seeds[seeds.index(last) + 1 :]
    return tally


def _count(tally, seed, outcome, name, why, megabytes):
    """Add what came of one file."""
    tally.n_files += 1
    tally.n_refused += outcome == "refused"
    tally.n_accepted += outcome in ("accepted", *LATER)
    tally.n_not_finite += outcome == "not finite"
    tally.n_not_fitted += outcome == "not fitted"
    tally.n_own += outcome == "own"
    tally.n_late += outcome == "late"
    if outcome in LATER:
        tally.late[f"{outcome}: {name}: {why[:110]}"].append(seed)
    if outcome == "fault":
        tally.faults.append((seed, why))
    if megabytes > MAX_MEGABYTES >= tally.peak_megabytes:
        tally.faults.append((seed, f"{megabytes:.0f} MB of memory"))
    tally.peak_megabytes = max(tally.peak_megabytes, megabytes)


def main():
    """Read the command line and print what came of the files."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="seed of the first file")
    parser.add_argument("--late", action="store_true", help="list what is late")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        folder, *seeds = options.child
        run_child(folder, map(int, seeds))
        return 0
    start, total = time.perf_counter(), Tally()
    end = options.first + options.files
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "originals").mkdir()
        save_originals(Path(folder, "originals"))
        for first in range(options.first, end, BATCH):
            seeds = range(first, min(first + BATCH, end))
            total.add(try_in_child(folder, seeds))
    others = len(total.faults) - total.n_crashes - total.n_hangs
    print(f"files tried    {total.n_files}, in {time.perf_counter() - start:.0f} s")
    print(f"refused        {total.n_refused}")
    print(f"accepted       {total.n_accepted}")
    print(f"  of these, a method says that it is not fitted {total.n_not_fitted}")
    print(f"  of these, an error of skser's in a method     {total.n_own}")
    print(f"  of these, an error of a library's in a method {total.n_late}")
    print(f"  of these, an answer with NaN or infinity      {total.n_not_finite}")
    print(f"crashes        {total.n_crashes}")
    print(f"hangs          {total.n_hangs}")
    print(f"other faults   {others}")
    print(f"peak memory    {total.peak_megabytes:.0f} MB")
    if options.late:
        for reason, seeds in sorted(total.late.items()):
            print(f"  {len(seeds):5d}  {reason} (seeds {seeds[:5]})")
    for seed, what in total.faults[:40]:
        print(f"  seed {seed}: {what:.200}")
    return 1 if total.faults else 0


if __name__ == "__main__":
    sys.exit(main())

"""What an attacker can write into a file is refused, and nothing of it is run."""

import bz2
import gzip
import importlib.util
import io
import json
import lzma
import os
import pickle
import struct
import sys
import time
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import skser
from skser import PCAWhitening
from skser.classifiers import ELMClassifier
from skser.exceptions import ModelFileError
from skser.storage import _archive


class Trap:
    """An object that makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def npy(array):
    """Return an array in NumPy's format."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def npy_header(descr, shape):
    """Return the header of an array without the array."""
    buffer = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue()


PICKLES = {
    "pickle, protocol 0": lambda trap: pickle.dumps(trap, 0),
    "pickle, protocol 2": lambda trap: pickle.dumps(trap, 2),
    "pickle": pickle.dumps,
    "gzip": lambda trap: gzip.compress(pickle.dumps(trap)),
    "zlib": lambda trap: zlib.compress(pickle.dumps(trap)),
    "bz2": lambda trap: bz2.compress(pickle.dumps(trap)),
    "xz": lambda trap: lzma.compress(pickle.dumps(trap)),
    "lzma": lambda trap: lzma.compress(pickle.dumps(trap), lzma.FORMAT_ALONE),
}


@pytest.mark.case("F03")
@pytest.mark.parametrize("kind", PICKLES)
def test_a_pickle_is_refused_and_not_run(kind, tmp_path):
    marker, path = tmp_path / "marker", tmp_path / "model.joblib"
    path.write_bytes(PICKLES[kind](Trap(marker)))
    with pytest.raises(ModelFileError) as caught:
        skser.load(path)
    assert str(path) in str(caught.value)
    assert not marker.exists()
    joblib.load(path)
    assert marker.exists(), "the trap does not work, so that nothing was tested"


@pytest.mark.case("F03")
def test_a_file_of_joblib_is_explained(table_system, tmp_path):
    joblib.dump(table_system, tmp_path / "model")
    with pytest.raises(
        ModelFileError, match=r"a pickle.*would run whatever code.*skser\.save"
    ):
        skser.load(tmp_path / "model")


def zipped(name):
    """Return a zip archive with a member of that name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, b"{}")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\x89HDF\r\n\x1a\n....", "HDF5.*never run.*NetworkClassifier"),
        (zipped("metadata.json"), "a .keras file.*never run"),
        (zipped("schema.json"), "a skops file"),
        (zipped("archive/data.pkl"), "PyTorch.*which is a pickle"),
        (zipped("mean.npy"), "npz"),
        (zipped("else"), "another zip archive"),
        (npy(np.zeros(3)), "an .npy array.*data, not a model"),
        (b'{"a": 1}', "JSON"),
        (b"RIFF....WAVE", "of a kind that skser does not know"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_files_are_told_apart(content, message, tmp_path):
    (tmp_path / "model").write_bytes(content)
    with pytest.raises(ModelFileError, match=message):
        skser.load(tmp_path / "model")


@pytest.mark.case("F05")
@pytest.mark.parametrize("dtype", ["|O", "<f8"])
def test_an_array_of_objects_is_refused_and_not_unpickled(dtype, forgery, tmp_path):
    marker = tmp_path / "marker"
    trap = npy(np.array([Trap(marker)], dtype=object))
    forgery.replace_array("Scaler_mean_", trap, dtype=dtype, shape=[1])
    with pytest.raises(ModelFileError, match=r"dtype|by its own header"):
        skser.load(forgery.path)
    assert not marker.exists()
    np.load(io.BytesIO(trap), allow_pickle=True)
    assert marker.exists(), "the trap does not work, so that nothing was tested"


def link(name):
    """Return a member that is a symbolic link."""
    member = _archive._make_member(name)
    member.external_attr = 0o120777 << 16
    return member


def all_files(folder):
    """Return the paths of everything under a folder."""
    return sorted(folder.rglob("*"))


@pytest.mark.case("F07")
@pytest.mark.parametrize(
    ("member", "message"),
    [
        ("../evil.npy", "a name that skser does not write"),
        ("arrays/../../evil.npy", "a name that skser does not write"),
        ("/evil.npy", "a name that skser does not write"),
        ("arrays\\0000_evil.npy", "a name that skser does not write"),
        ("C:evil.npy", "a name that skser does not write"),
        ("arrays/", "a name that skser does not write"),
        ("arrays/0000_evil.npy\n", "a name that skser does not write"),
        ("arrays/0000_ä.npy", "a name that skser does not write"),
        ("manifest.json", "is there twice"),
        (link("arrays/9999_link.npy"), "not an ordinary file"),
        ("arrays/9999_more.npy", "disagree on 'arrays/9999_more.npy'"),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_out_of_place_is_refused_and_nothing_is_written(
    member, message, forgery, tmp_path, monkeypatch
):
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    forgery.write([*forgery.read().items(), (member, b"/etc/hostname")])
    before = all_files(tmp_path)
    with pytest.raises(ModelFileError, match=message):
        skser.load(forgery.path)
    assert all_files(tmp_path) == before


@pytest.mark.slow
@pytest.mark.case("F07")
def test_compressed_members_are_refused_before_they_grow(forgery):
    bomb = npy_header("<f8", (10**7,)) + bytes(8 * 10**7)
    forgery.replace_array("Scaler_mean_", bomb, dtype="<f8", shape=[10**7])
    forgery.write(forgery.read().items(), compression=zipfile.ZIP_DEFLATED)
    assert os.path.getsize(forgery.path) < 10**6
    tracemalloc.start()
    with pytest.raises(ModelFileError, match="compressed or encrypted"):
        skser.load(forgery.path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10**7


def test_a_directory_beyond_the_one_of_a_small_archive_is_refused(forgery):
    content = forgery.path.read_bytes()
    end = len(content) - _archive._END_LENGTH
    # A record for sizes of 64 bits, and the pointer to it, which readers follow.
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 46, 0)
    pointer = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    length, offset = struct.unpack_from("<2L", content, end + 12)
    record += pointer
    tail = bytearray(content[end:])
    struct.pack_into("<2L", tail, 12, length + len(record), offset)
    forgery.seal(content[:end] + record + bytes(tail))
    with pytest.raises(ModelFileError, match="directory of members is not as"):
        skser.load(forgery.path)


def test_members_that_share_their_bytes_are_refused(forgery):
    # An array that stands for a thousand would take a thousand times the memory.
    members = forgery.read()
    (name, data) = next(item for item in members.items() if "Scaler_mean_" in item[0])
    names = [f"arrays/{i:04d}_again.npy" for i in range(1000, 2000)]
    forgery.write([*members.items(), *((name, b"") for name in names)])
    content = bytearray(forgery.path.read_bytes())
    with zipfile.ZipFile(forgery.path) as archive:
        start, source = archive.start_dir, archive.getinfo(name)
    position = start
    while content[position : position + 4] == b"PK\x01\x02":
        length = struct.unpack_from("<H", content, position + 28)[0]
        if b"again" in content[position : position + 46 + length]:
            fields = (source.CRC, len(data), len(data))
            struct.pack_into("<3L", content, position + 16, *fields)
            struct.pack_into("<L", content, position + 42, source.header_offset)
        position += 46 + length
    forgery.seal(bytes(content))
    with pytest.raises(ModelFileError, match="members overlap"):
        skser.load(forgery.path)


@pytest.mark.case("F09")
@pytest.mark.parametrize(
    ("content", "description", "message"),
    [
        (
            npy_header("<f4", (1 << 40,)),
            {"dtype": "<f4", "shape": [1 << 40]},
            "not have the size of its member",
        ),
        (
            npy_header("<f4", (1 << 40, 1 << 40)) + bytes(40),
            {"dtype": "<f4", "shape": [1 << 40, 1 << 40]},
            "not have the size of its member",
        ),
        (npy(np.zeros(5)), {"shape": [4]}, r"\(5,\).*own header, but \(4,\)"),
        (npy(np.zeros(4)), {"shape": [5]}, r"\(4,\).*own header, but \(5,\)"),
        (npy(np.zeros(5, "<f4")), {"shape": [5]}, "<f4 by its own header, but"),
        (npy(np.zeros(5))[:-8], {"shape": [5]}, "not have the size of its member"),
        (npy(np.zeros(5)) + b"1", {"shape": [5]}, "not have the size of its member"),
        (npy(np.zeros(5)), {"shape": [-5]}, "cannot have the shape"),
        (npy(np.zeros(5)), {"shape": [5.0]}, "cannot have the shape"),
        (npy(np.zeros(5)), {"shape": "5"}, "cannot have the shape"),
        (npy(np.zeros(5)), {"dtype": "<M8[s]"}, "dtype '<M8.*cannot be in a file"),
        (npy_header("2**9", (5,)) + bytes(40), {}, "bad header"),
        (b"\x93NUMPY\x02\x00" + bytes(80), {}, "bad header"),
        (b"no array", {}, "bad header"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_array_that_is_not_what_it_says_is_refused_before_memory_is_taken(
    content, description, message, forgery
):
    forgery.replace_array("Scaler_mean_", content, **description)
    tracemalloc.start()
    with pytest.raises(ModelFileError, match=message):
        skser.load(forgery.path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10**7


@pytest.mark.case("F09")
@pytest.mark.parametrize(
    "params",
    [
        {"recurrent_units": 9},
        # With these the weights would take some 16 terabytes.
        {"recurrent_units": 10**6},
        {"filters": {"tuple": [10**7, 10**7]}},
        {"hidden_units": {"tuple": [10**7, 10**7]}},
        {"recurrent": None},
        {"squeeze_excite": True},
    ],
    ids=str,
)
def test_weights_that_a_network_does_not_have_are_refused_before_it_is_built(
    params, network_forgery
):
    network_forgery.edit_estimator(
        "AttentionBLSTMFCNClassifier", lambda node: node["params"].update(params)
    )
    with pytest.raises(ModelFileError, match="parameters need weights of the shapes"):
        skser.load(network_forgery.path)


@pytest.mark.case("F09")
@pytest.mark.parametrize("change", [np.transpose, np.ravel, lambda array: array[:-1]])
def test_weights_of_another_shape_are_refused(change, network_forgery, fitted_system):
    weights = change(fitted_system["classify"].weights_[0])
    weights = np.ascontiguousarray(weights)
    network_forgery.replace_array("weights__0_", npy(weights), shape=weights.shape)
    with pytest.raises(ModelFileError, match="parameters need weights of the shapes"):
        skser.load(network_forgery.path)


@pytest.mark.case("F09")
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([], "need 2 layers, but weights_ holds 0 arrays"),
        ([{"objects": [[2], [1, 2]]}], "must be a list of arrays of floats"),
        ([0.5], "must be a list of arrays of floats"),
        (0.5, "must be a list of arrays of floats"),
    ],
    ids=str,
)
def test_weights_that_are_no_arrays_are_refused(weights, message, network_forgery):
    network_forgery.edit_estimator(
        "AttentionBLSTMFCNClassifier",
        lambda node: node["attributes"].update(weights_=weights),
    )
    with pytest.raises(ModelFileError, match=message):
        skser.load(network_forgery.path)


@pytest.mark.case("F09")
def test_more_layers_than_weights_are_refused_at_once(network_forgery):
    layers = {"hidden_units": {"tuple": [1] * 10**6}}
    network_forgery.edit_estimator(
        "AttentionBLSTMFCNClassifier", lambda node: node["params"].update(layers)
    )
    start = time.process_time()
    with pytest.raises(ModelFileError, match="need 1000000 layers, but weights_ holds"):
        skser.load(network_forgery.path)
    assert time.process_time() - start < 10


# What libsvm would follow into memory that is not its own.
@pytest.mark.case("F09")
@pytest.mark.parametrize(
    ("ending", "change", "message"),
    [
        ("_n_support", lambda a: a + 1, "does not add up"),
        ("_n_support", lambda a: a * [-1, 1, 1], "does not add up"),
        ("_n_support", lambda a: a[:-1], "has the shape"),
        ("SVC_support_", lambda a: a - a.max() - 1, "indices beyond"),
        ("SVC_support_", lambda a: a + 10**6, "indices beyond"),
        ("support_vectors_", lambda a: a[:-1], "support_vectors_ has the shape"),
        ("support_vectors_", lambda a: a[:, :-1], "support_vectors_ has the shape"),
        ("SVC__dual_coef_", lambda a: a[:-1], "_dual_coef_ has the shape"),
        ("SVC__intercept_", lambda a: a[:-1], "_intercept_ has the shape"),
        ("SVC__probA", lambda a: np.zeros(3), "_probA has the shape"),
        ("SVC_classes_", lambda a: a[:-1], "classes_ has the shape"),
    ],
)
def test_support_vectors_that_do_not_fit_are_refused(
    ending, change, message, forgery, table_system
):
    attribute = ending.removeprefix("SVC_")
    array = np.ascontiguousarray(change(vars(table_system["classify"])[attribute]))
    array = array.astype(vars(table_system["classify"])[attribute].dtype)
    forgery.replace_array(ending, npy(array), shape=array.shape)
    with pytest.raises(ModelFileError, match=message):
        skser.load(forgery.path)


def replace_model(node):
    """Return what puts another model into a manifest."""
    return lambda manifest: manifest.update(model=node)


def estimator(name, params=None, attributes=None):
    """Describe an estimator as a manifest does."""
    content = {"class": name, "params": params or {}, "attributes": attributes or {}}
    return {"estimator": content}


def steps(*estimators):
    """Describe a Pipeline, or the parts of a FeatureUnion."""
    return [{"tuple": [f"s{i}", step]} for i, step in enumerate(estimators)]


def normalizer(n_features):
    """Describe a Normalizer that was fitted."""
    return estimator("Normalizer", attributes={"n_features_in_": n_features})


@pytest.mark.case("K22")
@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            estimator("Pipeline", {"steps": steps(normalizer(5), normalizer(6))}),
            "Normalizer gives 5 features, but Normalizer takes 6",
        ),
        (
            estimator("Pipeline", {"steps": steps(estimator("LabelEncoder"))}),
            "a LabelEncoder is no step",
        ),
        (estimator("FeatureUnion", {"transformer_list": [1]}), "cannot be loaded"),
        (
            estimator("FeatureUnion", {"transformer_list": steps(estimator("SVC"))}),
            "All estimators should implement fit and transform",
        ),
        (estimator("FrameStatistics", {"statistics": ["men"]}), "statistics must be"),
        (estimator("FrameStatistics", {"statistics": [[]]}), "statistics must be"),
        (
            estimator("FrameStatistics", {"columns": [9]}, {"n_features_in_": 9}),
            "columns must be places from 0 to 8",
        ),
        (estimator("SpeechDescriptors", {"descriptors": [3]}), "descriptors must be"),
        (estimator("AcousticFeatures", {"features": ["LP"]}), "Unknown features"),
        (
            estimator("TotalVariability", attributes={"classes_": ["a", "b"]}),
            "TotalVariability: means_ must be",
        ),
        (estimator("RandomForestClassifier"), "an estimator 'RandomForestClassifier'"),
        (estimator("os.system"), "an estimator 'os.system', which is not one of"),
        (estimator(["PCA"]), "which is not one of"),
        (estimator("Pipeline", {"memory": "/tmp"}), "memory cannot be in a file"),
        (estimator("PCA", {"n_components": -2}), "n_components.*parameter of PCA"),
        (estimator("PCA", {"evil": 1}), "evil"),
        (estimator("PCA", attributes={"fit": 1}), "'fit' cannot be a fitted attrib"),
        (estimator("PCA", attributes={"__class__": 1}), "'__class__' cannot be"),
        (estimator("PCA", attributes={"copy": 1}), "'copy' cannot be a fitted"),
        (estimator("SVC", {"kernel": "skser:feedforward"}), "kernel.*parameter of SVC"),
        (estimator("Pipeline", {"steps": []}), "cannot be loaded"),
        (estimator("Pipeline", {"steps": [1]}), "cannot be loaded"),
        (estimator("GridSearchCV", {"estimator": 1}), "cannot be loaded"),
        (
            estimator("AttentionBLSTMFCNClassifier", attributes={"_training_state": 1}),
            "_training_state cannot be in a file",
        ),
        (
            estimator("NetworkClassifier", {"network": "os.system"}),
            "your function 'os.system', of which the file holds nothing but the name",
        ),
        ({"function": "os.system"}, r"unknown kind: \['function'\]"),
        ({"array": "0000_none_"}, "array '0000_none_' is missing"),
        ({"scalar": ["O", 1]}, "dtype"),
        ({"scorer": "evil"}, "evil"),
        ({"objects": [[10**12], [1]]}, "reshape"),
        ({"tuple": [1], "dict": []}, "unknown kind"),
        ([1, 2], "holds no estimator"),
        (None, "holds no estimator"),
    ],
    ids=lambda value: None if isinstance(value, str) else json.dumps(value)[:60],
)
def test_a_model_that_saving_does_not_write_is_refused(model, message, forgery):
    forgery.edit(replace_model(model))
    with pytest.raises(ModelFileError, match=message):
        skser.load(forgery.path)


def test_an_array_that_is_asked_for_twice_is_refused(forgery):
    def repeat(manifest):
        name = min(manifest["arrays"])
        manifest["model"] = [{"array": name}, {"array": name}]

    forgery.edit(repeat)
    with pytest.raises(ModelFileError, match="missing or used twice"):
        skser.load(forgery.path)


def test_a_manifest_nested_beyond_all_measure_is_refused(forgery):
    members = forgery.read()
    members["manifest.json"] = b"[" * 10**6
    forgery.write(members.items())
    with pytest.raises(ModelFileError, match="1000000 brackets"):
        skser.load(forgery.path)


def test_a_file_larger_than_allowed_is_refused(model_file):
    size = model_file.stat().st_size
    skser.load(model_file, max_bytes=size)
    with pytest.raises(ModelFileError, match=f"more than the {size - 1} that max_byt"):
        skser.load(model_file, max_bytes=size - 1)


@pytest.mark.case("F09")
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("number", ["0", "3"])
@pytest.mark.case("K03")
def test_weights_that_are_not_finite_are_refused(
    bad, number, network_forgery, fitted_system
):
    weights = fitted_system["classify"].weights_[int(number)].copy()
    weights.flat[-1] = bad
    network_forgery.replace_array(f"weights__{number}_", npy(weights))
    with pytest.raises(ModelFileError, match="weights_ contains NaN or infinity"):
        skser.load(network_forgery.path)


@pytest.mark.case("K03")
def test_coefficients_that_are_not_finite_are_refused(forgery, table_system):
    components = table_system["rotate"].components_.copy()
    components[0, 0] = np.nan
    forgery.replace_array("PCA_components_", npy(components))
    with pytest.raises(ModelFileError, match=r"PCA\.components_ contains NaN"):
        skser.load(forgery.path)


ROWS = np.random.default_rng(0).normal(size=(12, 3))
LABELS = ["a", "b", "c"] * 4


@pytest.mark.case("K22")
@pytest.mark.parametrize(
    ("system", "attribute", "value"),
    [
        (StandardScaler(), "scale_", np.array([1, 1e-320, 1])),
        (StandardScaler(), "mean_", np.array([0, np.inf, 0])),
        (StandardScaler(), "n_samples_seen_", -1),
        (GaussianMixture(2), "means_", np.full((2, 3), 1e300)),
        (
            GaussianMixture(covariance_type="diag"),
            "precisions_cholesky_",
            [[1e300] * 3],
        ),
        (PCAWhitening(), "lower_", np.array([np.nan, 0, 0])),
        (PCAWhitening(), "lower_", np.array([9.0, 9, 9])),
        (PCAWhitening(), "offset_", np.array([-1.0, 1, 1])),
        (ELMClassifier(kernel="rbf"), "gamma_", -1.0),
        (LinearDiscriminantAnalysis(), "_n_features_out", 1.0),
        (LinearDiscriminantAnalysis(), "_max_components", 3),
        (SVC(), "support_vectors_", None),
    ],
)
def test_numbers_that_fit_never_leaves_are_refused(system, attribute, value, tmp_path):
    system.fit(ROWS, LABELS)
    skser.save(system, tmp_path / "model")
    value = np.array(value) if isinstance(value, list) else value
    if value is None:  # the same numbers in another order
        value = np.asfortranarray(getattr(system, attribute))
    setattr(system, attribute, value)
    with pytest.raises(ValueError, match=f"{attribute}|do not belong|_out must"):
        skser.save(system, tmp_path / "model")


# A mask or objects hide from a check what the compiled code is given.
@pytest.mark.parametrize(
    "name", ["_n_support", "support_", "_dual_coef_", "dual_coef_"]
)
@pytest.mark.parametrize("kind", ["masked", "objects", "list", "other numbers"])
@pytest.mark.case("K22")
def test_support_vectors_in_another_kind_of_array_are_refused(
    name, kind, forgery, table_system
):
    array = vars(table_system["classify"])[name]

    def change(node):
        arrays = node["attributes"]
        other = {
            "masked": {"masked": [arrays[name], True, 0]},
            "objects": {"objects": [list(array.shape), array.ravel().tolist()]},
            "list": array.tolist(),
        }
        if kind in other:
            arrays[name] = other[kind]

    if kind == "other numbers":
        narrow = array.astype("<i2")
        forgery.replace_array(f"SVC_{name}", npy(narrow), dtype="<i2")
    else:
        forgery.edit_estimator("SVC", change)
    with pytest.raises(ModelFileError, match=r"must be an array of|and members"):
        skser.load(forgery.path)


@pytest.mark.parametrize(
    "value", [{"masked": [[1.0], [True], 0.0]}, {"objects": [[1], ["x"]]}], ids=str
)
@pytest.mark.case("K22")
def test_masks_and_objects_are_refused_where_fit_leaves_numbers(value, forgery):
    forgery.edit_estimator(
        "StandardScaler", lambda node: node["attributes"].update(n_samples_=value)
    )
    with pytest.raises(ModelFileError, match="must be a plain array"):
        skser.load(forgery.path)


@pytest.mark.parametrize("text", [b"[]", b"{}", b"[[]]"], ids=str)
@pytest.mark.case("K23")
def test_a_manifest_of_nothing_but_brackets_costs_neither_time_nor_memory(
    text, forgery
):
    members = forgery.read()
    members["manifest.json"] = b"[" + b",".join([text] * (10**6 // len(text))) + b"]"
    forgery.write(members.items())
    tracemalloc.start()
    with pytest.raises(ModelFileError, match="brackets"):
        skser.load(forgery.path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10**7


@pytest.mark.case("K23")
def test_a_manifest_of_more_than_four_megabytes_is_refused(forgery):
    members = forgery.read()
    members["manifest.json"] += b" " * 2**22
    forgery.write(members.items())
    with pytest.raises(ModelFileError, match="manifest has more than 4194304 bytes"):
        skser.load(forgery.path)


@pytest.mark.parametrize("n_jobs", [3000, -(10**9)])
def test_a_file_cannot_ask_for_thousands_of_processes(n_jobs, model_file):
    skser.save(GridSearchCV(SVC(), {"C": [1.0]}, n_jobs=n_jobs), model_file)
    assert abs(skser.load(model_file).n_jobs) <= max(16, os.cpu_count())


def test_a_file_cannot_ask_for_an_expression(forgery):
    grid = {"dict": [["C", [1.0]]]}
    params = {"estimator": estimator("SVC"), "param_grid": grid}
    params["pre_dispatch"] = "9**9**9"
    forgery.edit(replace_model(estimator("GridSearchCV", params)))
    with pytest.raises(ModelFileError, match="pre_dispatch"):
        skser.load(forgery.path)


@pytest.mark.case("K22")
@pytest.mark.slow
def test_forged_files_of_all_kinds_are_refused_or_answer(tmp_path, monkeypatch):
    path = Path(__file__).parents[1] / "fuzz_models.py"
    specification = importlib.util.spec_from_file_location("fuzz_models", path)
    fuzz = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, "fuzz_models", fuzz)  # where dataclasses look
    specification.loader.exec_module(fuzz)
    (tmp_path / "originals").mkdir()
    fuzz.save_originals(tmp_path / "originals")
    tally = fuzz.try_in_child(tmp_path, range(150))
    assert tally.faults == []
    assert tally.n_files == tally.n_accepted + tally.n_refused == 150
    assert 10 < tally.n_accepted < 100

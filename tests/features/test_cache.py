"""The cache of features: right or not used at all, whatever happens to its folder."""

import errno
import json
import os
import pickle
import shutil
import subprocess
import sys
import textwrap
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import skser
from skser import AcousticFeatures, AudioLoader, Framer
from skser.features import OpenSmileFunctionals, SpeechDescriptors
from skser.framing import frame

GENERATOR = np.random.default_rng(0)
SIGNALS = [
    GENERATOR.normal(0, 0.1, size=length) for length in (3000, 5000, 4000, 700, 6000)
]
FRAMES = [frame(signal) for signal in SIGNALS]
EXPECTED = AcousticFeatures().transform(FRAMES)


def assert_equal(some, others):
    """Compare two batches to the last bit, dtypes included."""
    assert len(some) == len(others)
    for one, other in zip(some, others, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


@pytest.fixture
def folder(tmp_path):
    """Where the cache will be; it does not exist yet."""
    return tmp_path / "cache"


@pytest.fixture
def computed(wrap):
    """Note the number of frames of each utterance that is computed, not read."""
    lengths = []

    def note(extract):
        def note_and_extract(utterances, *arguments):
            lengths.extend(map(len, utterances))
            return extract(utterances, *arguments)

        return note_and_extract

    wrap("skser.features._extractor._extract", note)
    return lengths


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("exact", [False, True])
def test_what_is_read_is_what_was_computed(folder, computed, n_jobs, exact):
    expected = AcousticFeatures(exact=exact).transform(FRAMES)
    computed.clear()
    extractor = AcousticFeatures(exact=exact, n_jobs=n_jobs, cache=folder)
    assert_equal(extractor.transform(FRAMES), expected)
    assert sorted(computed) == sorted(map(len, FRAMES))
    computed.clear()
    again = extractor.transform(FRAMES[::-1])
    assert computed == []
    assert_equal(again, expected[::-1])
    again[0][:] = 0  # the caller's own
    assert_equal(extractor.transform(FRAMES), expected)


def mean_rows(batch):
    """Return the mean frame of each utterance."""
    return np.array([utterance.mean(axis=0) for utterance in batch])


def test_ten_folds_compute_each_utterance_once(folder, computed, speech):
    system = make_pipeline(
        AudioLoader(),
        Framer(),
        AcousticFeatures(cache=str(folder)),
        FunctionTransformer(mean_rows),
        RandomForestClassifier(3, random_state=0),
    )
    folds = np.arange(len(speech.paths)) % 10
    cv = [(np.flatnonzero(folds != i), np.flatnonzero(folds == i)) for i in range(10)]
    scores = cross_val_score(system, speech.paths, speech.target, cv=cv)
    assert len(computed) == len(speech.paths)
    system.set_params(acousticfeatures__cache=None)
    without = cross_val_score(system, speech.paths, speech.target, cv=cv)
    np.testing.assert_array_equal(scores, without)


@pytest.mark.case("G06")
@pytest.mark.parametrize(
    "change",
    [
        {"exact": True},
        {"features": ["ZCR", "LPC"]},
        {"features": ["ZCR", "MFCC"]},
    ],
    ids=str,
)
def test_other_parameters_find_nothing(folder, computed, change):
    AcousticFeatures(cache=folder).transform(FRAMES[:2])
    computed.clear()
    changed = AcousticFeatures(cache=folder, **change).transform(FRAMES[:2])
    assert len(computed) == 2
    assert_equal(changed, AcousticFeatures(**change).transform(FRAMES[:2]))


@pytest.mark.case("G06")
@pytest.mark.parametrize("package", ["skser", "numpy", "scipy"])
def test_other_versions_find_nothing(folder, computed, monkeypatch, package):
    AcousticFeatures(cache=folder).transform(FRAMES[:2])
    computed.clear()
    versions = {"skser": "1", "numpy": "2", "scipy": "3", package: "99"}
    monkeypatch.setattr("skser.storage._identity._find_version", versions.get)
    monkeypatch.setattr("skser.storage._identity.__version__", versions["skser"])
    AcousticFeatures(cache=folder).transform(FRAMES[:2])
    assert len(computed) == 2


@pytest.mark.case("G06")
def test_a_constant_that_is_changed_in_the_code_finds_nothing(folder, tmp_path):
    package = tmp_path / "skser"
    unwanted = shutil.ignore_patterns("*.pyc")
    shutil.copytree(Path(skser.__file__).parent, package, ignore=unwanted)

    def change(name, old, new):
        text = (package / name).read_text()
        assert old in text
        (package / name).write_text(text.replace(old, new))

    np.save(tmp_path / "frames.npy", FRAMES[0])
    code = """
        import sys
        import numpy as np
        from skser import AcousticFeatures
        frames, cache, answer = sys.argv[1:]
        np.save(answer, AcousticFeatures(cache=cache).transform([np.load(frames)])[0])
    """
    names = [str(tmp_path / "frames.npy"), str(folder), str(tmp_path / "answer.npy")]

    def describe():
        subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code), *names],
            check=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
        )
        return np.load(tmp_path / "answer.npy")

    # The code of a release is known by its version.
    change("__init__.py", f'"{skser.__version__}"', '"9.9.dev0"')
    assert_equal([describe()], EXPECTED[:1])
    change("features/_bands.py", "high=6854.0", "high=6000.0")
    changed = describe()
    names = AcousticFeatures().get_feature_names_out()
    differing = names[(changed != EXPECTED[0]).any(axis=0)]
    assert {name.split("_")[0] for name in differing} >= {"MFCC"}
    assert len(list(folder.iterdir())) == 2


@pytest.mark.case("K01")
def test_another_signal_under_the_same_name_finds_nothing(folder, computed, tmp_path):
    import soundfile

    system = make_pipeline(AudioLoader(), Framer(), AcousticFeatures(cache=folder))
    path = tmp_path / "recording.wav"
    results = []
    for signal in SIGNALS[:2]:
        soundfile.write(path, signal, 16000)
        os.utime(path, (0, 0))
        results.append(system.transform([path])[0])
    assert len(computed) == 2
    assert len(results[0]) != len(results[1])


def test_one_changed_bit_finds_nothing(folder, computed):
    AcousticFeatures(cache=folder).transform(FRAMES[:1])
    other = FRAMES[0].copy()
    other[1, 7] = np.nextafter(other[1, 7], 1)
    AcousticFeatures(cache=folder).transform([other])
    assert len(computed) == 2


def flip(content):
    """Change one bit in the middle of the features."""
    content = bytearray(content)
    content[len(content) // 2] ^= 0x10
    return bytes(content)


HARM = {
    "empty": lambda content: b"",
    "truncated": lambda content: content[: len(content) // 2],
    "one byte short": lambda content: content[:-1],
    "a bit flipped": flip,
    "something else": lambda content: b"<html>not found</html>",
    "a pickle": lambda content: pickle.dumps(np.ones(3)),
}


@pytest.mark.case("G04")
@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_file_is_computed_again_with_a_warning(folder, computed, harm):
    extractor = AcousticFeatures(cache=folder)
    extractor.transform(FRAMES)
    victim = sorted(folder.iterdir())[2]
    victim.write_bytes(HARM[harm](victim.read_bytes()))
    computed.clear()
    message = r"^1 file\(s\) of cache=.* had to be computed again: .*" + victim.name
    with pytest.warns(UserWarning, match=message) as caught:
        features = extractor.transform(FRAMES)
    assert len(caught) == 1
    assert "\n" not in str(caught[0].message)
    assert len(computed) == 1
    assert_equal(features, EXPECTED)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_equal(extractor.transform(FRAMES), EXPECTED)
    assert len(computed) == 1


def test_every_damaged_file_is_counted_in_one_warning(folder):
    extractor = AcousticFeatures(cache=folder)
    extractor.transform(FRAMES)
    for path in folder.iterdir():
        path.write_bytes(b"")
    with pytest.warns(UserWarning, match=r"^5 file\(s\)") as caught:
        assert_equal(extractor.transform(FRAMES), EXPECTED)
    assert len(caught) == 1


@pytest.mark.case("G08")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_full_disk_costs_one_warning_and_leaves_nothing(
    folder, n_jobs, full_disk, monkeypatch
):
    full_disk(25_000)  # room for the files of the three shortest utterances
    extractor = AcousticFeatures(n_jobs=n_jobs, cache=folder)
    for _ in range(3):
        with pytest.warns(UserWarning, match="No space left on device") as caught:
            assert_equal(extractor.transform(FRAMES), EXPECTED)
        assert len(caught) == 1
        assert str(caught[0].message).startswith("2 file(s) of cache=")
        assert len(list(folder.iterdir())) == 3
    monkeypatch.undo()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_equal(extractor.transform(FRAMES), EXPECTED)


# Of files that the process writes: a limit of the system's own, in its own process.
LIMITED = """
    import json, os, resource, sys, warnings
    import numpy as np
    from skser import AcousticFeatures
    from skser.framing import frame

    frames = [frame(np.random.default_rng(0).normal(size=5000)) for _ in range(3)]
    expected = AcousticFeatures().transform(frames)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        features = AcousticFeatures(cache=sys.argv[1]).transform(frames)
    is_right = all(map(np.array_equal, features, expected))
    texts = [str(w.message) for w in caught]
    print(json.dumps([is_right, texts, os.listdir(sys.argv[1])]))
"""


@pytest.mark.case("G08")
def test_a_limit_of_the_system_costs_no_more_than_a_full_disk(folder):
    pytest.importorskip("resource")
    # Without bytecode, which the limit would cut off as well, for all later processes.
    command = [sys.executable, "-B", "-c", textwrap.dedent(LIMITED), str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    is_right, [text], files = json.loads(done.stdout)
    assert is_right
    assert os.strerror(errno.EFBIG) in text
    assert files == []


@pytest.mark.case("G09")
def test_a_folder_that_cannot_be_made_costs_one_warning(tmp_path):
    (tmp_path / "file").touch()
    extractor = AcousticFeatures(cache=tmp_path / "file" / "cache")
    with pytest.warns(UserWarning, match="could not be kept") as caught:
        assert_equal(extractor.transform(FRAMES), EXPECTED)
    assert len(caught) == 1


@pytest.mark.case("G09")
def test_a_folder_that_cannot_be_written_is_read_all_the_same(
    folder, computed, monkeypatch
):
    AcousticFeatures(cache=folder).transform(FRAMES[:2])
    computed.clear()

    def refuse(name, mode):
        if mode == "rb":
            return open(name, mode)
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), name)

    # Not by the folder's mode, which does not stop an administrator.
    monkeypatch.setattr("skser.storage._archive.open", refuse, raising=False)
    with pytest.warns(UserWarning, match=r"^3 file.*Read-only") as caught:
        assert_equal(AcousticFeatures(cache=folder).transform(FRAMES), EXPECTED)
    assert len(caught) == 1
    assert len(computed) == 3


@pytest.mark.case("G09")
@pytest.mark.case("K25")
def test_a_folder_of_another_mode_is_read_all_the_same(open_folder, as_nobody):
    folder = open_folder / "cache"
    with as_nobody():
        AcousticFeatures(cache=folder).transform(FRAMES[:2])
        folder.chmod(0o500)
        with pytest.warns(UserWarning, match=r"^3 file.*Permission denied"):
            assert_equal(AcousticFeatures(cache=folder).transform(FRAMES), EXPECTED)
        folder.chmod(0o700)


@pytest.mark.case("G09")
def test_a_folder_that_vanishes_in_between_is_made_again(folder, wrap, monkeypatch):
    def delete_before(extract):
        def delete_and_extract(*arguments):
            shutil.rmtree(folder, ignore_errors=True)
            return extract(*arguments)

        return delete_and_extract

    wrap("skser.features._extractor._extract", delete_before)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_equal(AcousticFeatures(cache=folder).transform(FRAMES), EXPECTED)
    assert len(list(folder.iterdir())) == 1
    monkeypatch.undo()
    assert_equal(AcousticFeatures(cache=folder).transform(FRAMES), EXPECTED)
    assert len(list(folder.iterdir())) == len(FRAMES)


@pytest.mark.case("F22")
@pytest.mark.skipif(os.name != "posix", reason="folders have no such mode")
def test_only_the_owner_may_look_into_a_folder_that_it_makes(folder):
    AcousticFeatures(cache=folder / "features").transform(FRAMES[:1])
    assert (folder / "features").stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)
    AcousticFeatures(cache=folder).transform(FRAMES[:1])
    assert folder.stat().st_mode & 0o777 == 0o755  # the user's own decision


def test_remains_of_killed_processes_are_removed_after_an_hour(folder):
    folder.mkdir()
    old, new = folder / "a.npz.1.unfinished", folder / "a.npz.2.unfinished"
    old.touch()
    new.touch()
    os.utime(old, (0, 0))
    AcousticFeatures(cache=folder).transform(FRAMES[:1])
    assert not old.exists()
    assert new.exists()


@pytest.mark.slow
@pytest.mark.case("G07")
def test_two_processes_fill_one_folder_and_both_are_right(folder, tmp_path):
    code = """
        import sys, time
        import numpy as np
        from skser import AcousticFeatures
        from skser.framing import frame
        generator = np.random.default_rng(0)
        frames = [frame(generator.normal(size=9000)) for i in range(80)]
        expected = AcousticFeatures().transform(frames)
        print("ready", flush=True)
        sys.stdin.readline()
        features = AcousticFeatures(cache=sys.argv[1]).transform(frames)
        print(all(map(np.array_equal, features, expected)))
    """
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(code), str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **pipes) for _ in range(2)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate()[0] for process in processes] == ["True\n"] * 2
    assert len(list(folder.iterdir())) == 80


def test_clones_and_pickles_share_the_folder_and_model_files_do_not_name_it(
    folder, computed, tmp_path
):
    extractor = AcousticFeatures(cache=str(folder)).fit(FRAMES)
    extractor.transform(FRAMES)
    computed.clear()
    for copy in (clone(extractor), pickle.loads(pickle.dumps(extractor))):
        assert copy.get_params()["cache"] == str(folder)
        assert_equal(copy.transform(FRAMES), EXPECTED)
    assert computed == []
    system = make_pipeline(Framer(), extractor, skser.PCAWhitening(2)).fit(SIGNALS)
    skser.save(system, tmp_path / "model")
    assert str(folder).encode() not in (tmp_path / "model").read_bytes()
    loaded = skser.load(tmp_path / "model")
    assert loaded[1].cache is None
    assert_equal(loaded.transform(SIGNALS), system.transform(SIGNALS))


@pytest.mark.parametrize("cache", [3, True, {}])
def test_only_a_folder_is_a_cache(cache):
    with pytest.raises(ValueError, match="'cache' parameter of AcousticFeatures must"):
        AcousticFeatures(cache=cache).transform(FRAMES)


@pytest.mark.parametrize("name", ["descriptors", "functionals"])
def test_other_descriptions_of_speech_are_kept_by_the_same_means(
    name, folder, monkeypatch
):
    def compute_nothing(*arguments):
        raise AssertionError("computed again")

    signals = [GENERATOR.normal(0, 0.1, 16000) for _ in range(2)]
    if name == "descriptors":
        transformer = SpeechDescriptors(["mfcc", "pitch"], cache=folder)
        signals = Framer(400, 160).transform(signals)
    elif find_spec("opensmile") is None:
        pytest.skip("openSMILE is not installed")
    else:
        transformer = OpenSmileFunctionals(cache=folder)
    expected = clone(transformer).set_params(cache=None).transform(signals)
    assert_equal(transformer.transform(signals), expected)
    assert len(list(folder.iterdir())) == 2
    target = {
        "descriptors": "skser.features._descriptors._Analysis",
        "functionals": "opensmile.Smile.process_signal",
    }[name]
    monkeypatch.setattr(target, compute_nothing)
    assert_equal(transformer.transform(signals), expected)

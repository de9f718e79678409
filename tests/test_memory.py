"""What stays in memory: after many fits, many predictions and many recordings.

Resident memory is measured in processes of their own, on Linux.
"""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc"),
]

COMMON = """
import gc, os, sys
from pathlib import Path
import numpy as np

def resident_megabytes():
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

generator = np.random.default_rng(0)
"""


def measure(code):
    """Run code in a new process and return the numbers that it prints."""
    run = subprocess.run(
        [sys.executable, "-c", COMMON + textwrap.dedent(code)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert "retracing" not in run.stderr
    return [float(word) for word in run.stdout.split()]


CLASSIFIER = """
from skser import AttentionBLSTMFCNClassifier
classifier = AttentionBLSTMFCNClassifier(
    recurrent_units=4, filters=(6,), kernel_sizes=(3,), hidden_units=(6,),
    max_epochs=1, random_state=0,
)
def utterance(n_frames):
    return generator.normal(size=(n_frames, 20)).astype(np.float32)
"""


@pytest.fixture(scope="module")
def growth():
    """Return by how much one process grows in fits, predictions and steps, in turn."""
    numbers = measure(
        CLASSIFIER
        + """
X, y = [utterance(n) for n in (20, 25, 30, 35)], list("abab")
for seed in range(5):
    classifier.set_params(random_state=seed).fit(X, y)
print(resident_megabytes())
for seed in range(5, 25):
    classifier.set_params(random_state=seed).fit(X, y)
print(resident_megabytes())

lengths = generator.permutation(np.arange(5, 505))
classifier.predict([utterance(504)])
print(resident_megabytes())
for n in lengths:
    classifier.predict([utterance(n)])
print(resident_megabytes())

X, y = [utterance(n) for n in np.tile(np.arange(5, 130), 4)], 250 * ["a", "b"]
classifier.set_params(batch_size=5).partial_fit(X, y)
print(resident_megabytes())
for epoch in range(10):
    classifier.partial_fit(X, y)
print(resident_megabytes())
"""
    )
    before, after = numbers[::2], numbers[1::2]
    names = ("20 fits", "500 predictions", "1,000 steps")
    return dict(zip(names, np.subtract(after, before), strict=True))


@pytest.mark.case("I01")
def test_later_fits_leave_at_most_a_megabyte_each(growth):
    assert growth["20 fits"] <= 20 * 1.0


@pytest.mark.case("K28")
def test_architectures_that_are_not_in_use_are_freed():
    before, after = measure(
        CLASSIFIER
        + """
X, y = [utterance(n) for n in (20, 25, 30, 35)], list("abab")
classifier.set_params(recurrent=None)
def fit(units):
    classifier.set_params(filters=(units,)).fit(X, y).predict(X)
for units in range(1, 7):
    fit(units)
print(resident_megabytes())
for units in range(7, 17):
    fit(units)
print(resident_megabytes())
"""
    )
    assert after - before <= 10 * 4


@pytest.mark.case("I03")
def test_predictions_of_all_lengths_leave_at_most_20_megabytes(growth):
    assert growth["500 predictions"] <= 20


@pytest.mark.case("I03")
def test_a_thousand_steps_of_training_leave_at_most_20_megabytes(growth):
    assert growth["1,000 steps"] <= 20


@pytest.mark.case("I03")
def test_thousands_of_extractions_leave_nothing():
    before, after = measure(
        """
        from skser import AcousticFeatures, Framer
        framer, extractor = Framer(), AcousticFeatures()
        def extract(n_samples):
            signal = generator.normal(size=n_samples).astype(np.float32)
            return extractor.transform(framer.transform([signal]))
        lengths = generator.integers(1, 6000, size=2000)
        for n_samples in (6000, *lengths[:100]):
            extract(n_samples)
        print(resident_megabytes())
        for n_samples in lengths:
            extract(n_samples)
        print(resident_megabytes())
        """
    )
    assert after - before <= 10


# The peak is that of the allocations that are traced: those of NumPy.
CORPUS = """
import tempfile, tracemalloc

def peak_megabytes(function, *args):
    tracemalloc.start()
    result = function(*args)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return peak

folder = tempfile.TemporaryDirectory()
"""


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_extraction_by_utterance_needs_no_more_for_more_recordings(n_jobs):
    few, many, features = measure(
        CORPUS
        + f"""
from sklearn.pipeline import make_pipeline
from skser import AcousticFeatures, AudioLoader, Framer
from skser.out_of_core import ByUtterance
front_end = make_pipeline(
    AudioLoader(input_sample_rate=16000), Framer(), AcousticFeatures()
)
front_end = ByUtterance(front_end, temp_folder=folder.name, n_jobs={n_jobs})
signal = generator.normal(size=32000)
front_end.transform([signal])
for n in (20, 200):
    print(peak_megabytes(front_end.transform, [signal] * n))
print(180 * front_end.transform([signal])[0].nbytes / 1e6)
"""
    )
    assert many - few < 0.1 * features


def test_whitening_and_training_from_a_folder_need_no_more_for_more_frames():
    few, many, features = measure(
        CORPUS
        + CLASSIFIER
        + """
from sklearn.preprocessing import FunctionTransformer
from skser import PCAWhitening
from skser.out_of_core import ByUtterance

make = FunctionTransformer(
    lambda X: [np.random.default_rng(i).normal(size=(200, 500)).astype("f4") for i in X]
)

def run(n):
    features = ByUtterance(make, temp_folder=folder.name).transform(list(range(n)))
    whitening = PCAWhitening(20, temp_folder=folder.name)
    components = whitening.fit_transform(features)
    classifier.set_params(batch_size=10).fit(components, ["a", "b"] * (n // 2))
    classifier.predict(components)

run(10)
for n in (40, 240):
    print(peak_megabytes(run, n))
print(200 * 200 * 500 * 4 / 1e6)
"""
    )
    assert many - few < 0.1 * features


def test_a_leak_would_be_measured():
    before, after = measure(
        """
        print(resident_megabytes())
        kept = [np.ones(10**6) for _ in range(4)]
        print(resident_megabytes())
        """
    )
    assert 30 < after - before < 40

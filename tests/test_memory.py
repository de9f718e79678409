"""What stays in memory: after many fits, many predictions and many recordings.

Resident memory is measured in processes of their own, on Linux.
"""

import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="needs /proc"
)

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


@pytest.mark.case("I01")
def test_later_fits_leave_at_most_a_megabyte_each():
    before, after = measure(
        CLASSIFIER
        + """
X, y = [utterance(n) for n in (20, 25, 30, 35)], list("abab")
for seed in range(5):
    classifier.set_params(random_state=seed).fit(X, y)
print(resident_megabytes())
for seed in range(5, 25):
    classifier.set_params(random_state=seed).fit(X, y)
print(resident_megabytes())
"""
    )
    assert after - before <= 20 * 1.0


@pytest.mark.case("I03")
def test_predictions_of_all_lengths_leave_at_most_20_megabytes():
    before, after = measure(
        CLASSIFIER
        + """
lengths = generator.permutation(np.arange(5, 505))
classifier.fit([utterance(n) for n in (20, 25, 30, 35)], list("abab"))
classifier.predict([utterance(504)])
print(resident_megabytes())
for n in lengths:
    classifier.predict([utterance(n)])
print(resident_megabytes())
"""
    )
    assert after - before <= 20


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


def test_a_leak_would_be_measured():
    before, after = measure(
        """
        print(resident_megabytes())
        kept = [np.ones(10**6) for _ in range(4)]
        print(resident_megabytes())
        """
    )
    assert 30 < after - before < 40

"""How much do the 743 features cost, in units of one windowed Fourier transform?

The unit is a float64 Hann window multiplied into a reused buffer of 128 frames, then
``numpy.fft.rfft``, over the same frames, in the same run. Run from the repository with

    python tests/benchmarks/bench_features.py [folder of 16 kHz recordings]

Without a folder the signal is synthetic: noise bursts with harmonics and pauses. It is
described as one utterance, and cut into utterances of three seconds and of one, framing
included.
"""

import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
from sklearn.pipeline import make_pipeline

from skser.features import CATALOGUE, AcousticFeatures
from skser.framing import Framer, frame

SAMPLE_RATE = 16000
DURATION = 600
N_REPEATS = 7

# Features that share intermediate results are measured together.
GROUPS = {
    "waveform": ("Energy", "ZCR", "TemporalShapeStatistics"),
    "envelope": ("Envelope", "EnvelopeShapeStatistics", "AmplitudeModulation"),
    "prediction": ("AutoCorrelation", "LPC", "LSF"),
    "magnitude": ("MagnitudeSpectrum",),
    "shape": (
        "SpectralShapeStatistics",
        "SpectralSlope",
        "SpectralDecrease",
        "SpectralRolloff",
        "SpectralFlatness",
    ),
    "quarter octaves": ("SpectralFlatnessPerBand", "SpectralCrestFactorPerBand"),
    "change": ("SpectralFlux", "SpectralVariation", "ComplexDomainOnsetDetection"),
    "hearing": (
        "MelSpectrum",
        "MFCC",
        "Loudness",
        "PerceptualSharpness",
        "PerceptualSpread",
        "OBSI",
        "OBSIR",
    ),
}
assert {name for names in GROUPS.values() for name in names} == set(CATALOGUE)


def recorded_signal(folder, n_samples):
    """Repeat the recordings of a folder until there are enough samples."""
    import soundfile

    paths = sorted(path for path in Path(folder).iterdir() if path.is_file())
    signals = [soundfile.read(path)[0] for path in paths]
    return np.resize(np.concatenate(signals), n_samples)


def synthetic_signal(n_samples):
    """Make harmonics and noise, switched on and off five times a second."""
    rng = np.random.default_rng(0)
    time_axis = np.arange(n_samples) / SAMPLE_RATE
    voice = sum(np.sin(2 * np.pi * 120 * h * time_axis) / h for h in range(1, 30))
    gate = np.sin(2 * np.pi * 2.5 * time_axis) > -0.5
    return 0.1 * gate * (voice + 0.1 * rng.normal(size=n_samples))


def transform_unit(frames):
    """Do the work of one unit: window and transform all frames."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
    buffer = np.empty((128, 1024))
    for start in range(0, len(frames), 128):
        chunk = frames[start : start + 128]
        np.fft.rfft(np.multiply(chunk, window, out=buffer[: len(chunk)]))


def cpu_seconds(function):
    """Return the CPU time of one call."""
    start = time.process_time()
    function()
    return time.process_time() - start


def measure(tasks):
    """Return each task's CPU times, the tasks taken in turns."""
    times = {name: [] for name in tasks}
    for task in tasks.values():
        task()
    for _ in range(N_REPEATS):
        for name, task in tasks.items():
            times[name].append(cpu_seconds(task))
    return {name: np.array(values) for name, values in times.items()}


def peak_temporary_memory(n_samples):
    """Return the peak of memory beside the result, in bytes."""
    frames = frame(synthetic_signal(n_samples))
    tracemalloc.start()
    result = AcousticFeatures().transform([frames])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak - result[0].nbytes


def main(folder=None):
    """Print the tables."""
    n_samples = DURATION * SAMPLE_RATE
    signal = (
        recorded_signal(folder, n_samples) if folder else synthetic_signal(n_samples)
    )
    frames = frame(signal)

    def extraction(**parameters):
        return lambda: AcousticFeatures(**parameters).transform([frames])

    def from_signals(seconds, **parameters):
        signals = np.split(signal, DURATION // seconds)
        steps = make_pipeline(Framer(), AcousticFeatures(**parameters))
        return lambda: steps.transform(signals)

    tasks = {
        "unit": lambda: transform_unit(frames),
        "all, exact": extraction(exact=True),
        "all, float32": extraction(),
    }
    for seconds in (3, 1):
        tasks[f"{seconds} s, exact"] = from_signals(seconds, exact=True)
        tasks[f"{seconds} s, float32"] = from_signals(seconds)
    for group, names in GROUPS.items():
        tasks[group] = extraction(features=list(names), exact=True)
    times = measure(tasks)
    print(f"{len(frames)} frames, medians of {N_REPEATS} (smallest to largest)")
    print(f"{'':17}{'CPU s':>8}{'units':>8}")
    for name, values in times.items():
        units = values / times["unit"]
        print(
            f"{name:17}{np.median(values):8.3f}{np.median(units):8.2f}"
            f"  ({units.min():.2f} to {units.max():.2f})"
        )
    print("A group alone pays for the spectrum that all groups share.")
    for minutes in (1, 10):
        peak = peak_temporary_memory(minutes * 60 * SAMPLE_RATE)
        print(f"{minutes:3} min: {peak / 1e6:.2f} MB beside the result")


if __name__ == "__main__":
    main(*sys.argv[1:2])

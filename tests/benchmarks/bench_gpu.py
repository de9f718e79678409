"""What does a graphics card bring, in which precision, beside PyTorch on the same card?

Run with ``python tests/benchmarks/bench_gpu.py``, and with ``--encoder encoder.onnx``
for the features of a speech model. It takes less than eight minutes on a card. Where
there is none, it runs on the processor with a fortieth of the utterances, which only
shows that everything works: the figures then say nothing about a card.

The network and the utterances are those of ``bench_training.py``, 114 features a frame.
Everybody trains the same network in batches of 50 and 256 for an epoch, then predicts
all utterances; the best of the rounds counts. Our posteriors are compared with those
of the same weights on the processor, which another process computes. Memory is the peak
that the library has taken on the card. All rows are in one table, as Markdown.
"""

import argparse
import os
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# What is not needed is left to PyTorch.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")

import numpy as np
from bench_training import MIXES, Ours, PyTorch, PyTorchBucketed, make_utterances

N_FEATURES = 114
BATCH_SIZES = (50, 256)
# Keras' policy -> PyTorch's type.
PRECISIONS = {
    "float32": None,
    "mixed_float16": "float16",
    "mixed_bfloat16": "bfloat16",
}
RIVALS = {
    "PyTorch, packed sequences": PyTorch,
    "PyTorch, length-bucketed": PyTorchBucketed,
}
COLUMNS = (
    "lengths, batch",
    "precision",
    "who",
    "s per epoch",
    "s to predict",
    "MB on the card",
    "posteriors differ by",
)
SAMPLE_RATE = 16000
# Given a fitted classifier and utterances, write the posteriors.
ON_PROCESSOR = """
import pickle, sys
with open(sys.argv[1], "rb") as file:
    classifier, sequences = pickle.load(file)
with open(sys.argv[2], "wb") as file:
    pickle.dump(classifier.predict_proba(sequences), file)
"""


class TensorFlowCard:
    """What TensorFlow knows of its card."""

    def __init__(self):
        import tensorflow as tf

        self._config = tf.config.experimental
        devices = tf.config.list_physical_devices("GPU")
        details = [self._config.get_device_details(device) for device in devices[:1]]
        self.name = details[0].get("device_name", "a card") if details else None

    def reset(self):
        """Forget the peak of memory."""
        if self.name:
            self._config.reset_memory_stats("GPU:0")

    def peak(self):
        """Return the peak of memory in bytes, None without a card."""
        return self._config.get_memory_info("GPU:0")["peak"] if self.name else None


class TorchCard:
    """The same of PyTorch."""

    def __init__(self):
        import torch

        self._cuda = torch.cuda
        self.device = "cuda" if torch.cuda.is_available() else "cpu"

    def reset(self):
        """Forget the peak of memory."""
        if self.device == "cuda":
            self._cuda.reset_peak_memory_stats()

    def peak(self):
        """Return the peak of memory in bytes, None without a card."""
        has_card = self.device == "cuda"
        return self._cuda.max_memory_allocated() if has_card else None

    def wait(self):
        """Wait until the card has done what it was told."""
        if self.device == "cuda":
            self._cuda.synchronize()


def measure_ours(card, data, policy, batch_size, n_rounds):
    """Return the cells of a row: training, prediction, memory, equality."""
    import keras

    keras.config.set_dtype_policy(policy)
    card.reset()
    trainer = Ours(N_FEATURES, batch_size)
    cells = time_trainer(trainer, *data, n_rounds, batch_size, lambda: None)
    peak = card.peak()
    difference = np.abs(trainer.scores(data[0]) - predict_on_processor(trainer, data))
    keras.config.set_dtype_policy("float32")
    return [*cells, in_megabytes(peak), f"{difference.max():.1g}"]


def measure_rival(card, make, data, half, batch_size, n_rounds):
    """Return the cells of a row of PyTorch's."""
    card.reset()
    trainer = make(N_FEATURES, batch_size, card.device, half)
    cells = time_trainer(trainer, *data, n_rounds, batch_size, card.wait)
    return [*cells, in_megabytes(card.peak()), ""]


def time_trainer(trainer, sequences, classes, n_rounds, batch_size, wait):
    """Return the seconds of the fastest epoch and of the fastest prediction."""
    # The first time TensorFlow compiles.
    trainer.train(sequences, classes)
    trainer.scores(sequences)
    epochs, predictions = [], []
    for _ in range(n_rounds):
        wait()
        start = time.perf_counter()
        trainer.train(sequences, classes)
        wait()
        epochs.append(time.perf_counter() - start)
        start = time.perf_counter()
        # PyTorch is given one batch after the other; ours makes batches by itself.
        step = len(sequences) if isinstance(trainer, Ours) else batch_size
        for i in range(0, len(sequences), step):
            trainer.scores(sequences[i : i + step])
        predictions.append(time.perf_counter() - start)
    return [f"{min(epochs):.3f}", f"{min(predictions):.3f}"]


def predict_on_processor(trainer, data):
    """Return the posteriors of the same weights in a process without a card."""
    with tempfile.TemporaryDirectory() as folder:
        question, answer = Path(folder, "question"), Path(folder, "answer")
        question.write_bytes(pickle.dumps((trainer.classifier, data[0])))
        subprocess.run(
            [sys.executable, "-c", ON_PROCESSOR, question, answer],
            env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
            check=True,
        )
        return pickle.loads(answer.read_bytes())


def in_megabytes(n_bytes):
    """Return a number of bytes as a cell."""
    return "no card" if n_bytes is None else f"{n_bytes / 1e6:.0f}"


def measure_encoder(path, has_card):
    """Print the seconds of an encoder by ONNX Runtime, for a minute of noise."""
    import onnxruntime

    seconds = 60 if has_card else 3
    noise = np.random.default_rng(0).normal(0, 0.05, seconds * SAMPLE_RATE)
    provider = "CUDAExecutionProvider"
    known = onnxruntime.get_available_providers()
    outputs = {}
    for name in ["CPUExecutionProvider", *([provider] if provider in known else [])]:
        session = onnxruntime.InferenceSession(path, providers=[name])
        if name not in session.get_providers():
            print(f"{name}: could not be used")
            continue
        # The graph's batch is one utterance of any length.
        inputs = {session.get_inputs()[0].name: noise[np.newaxis].astype(np.float32)}
        session.run(None, inputs)
        start = time.perf_counter()
        outputs[name] = session.run(None, inputs)[0]
        took = time.perf_counter() - start
        print(f"{name}: {took:.3f} s for {seconds} s, {seconds / took:.0f} x real time")
    if len(outputs) == 2:
        difference = np.abs(np.subtract(*outputs.values())).max()
        print(f"largest difference {difference:.1g}")
    elif provider not in known:
        print(f"{provider}: not installed (pip install onnxruntime-gpu)")


def main():
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder", help="an ONNX file, from a waveform to frames")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    card = TensorFlowCard()
    rivals = RIVALS
    try:
        torch_card = TorchCard()
    except ImportError:
        rivals = {}
        print("PyTorch is not installed, and left out.")
    share = 1 if card.name else 1 / 40
    print(f"Card: {card.name or 'none, so that the figures say nothing about one'}\n")
    print("|", " | ".join(COLUMNS), "|")
    print("|---" * len(COLUMNS) + "|")
    for mix in MIXES:
        data = make_utterances(mix, N_FEATURES, share)
        for batch_size in BATCH_SIZES:
            for policy, half in PRECISIONS.items():
                rows = {
                    "skser": measure_ours(
                        card, data, policy, batch_size, options.rounds
                    )
                }
                # PyTorch's LSTM has no half precision on every processor.
                for name, make in rivals.items() if card.name or not half else ():
                    rows[name] = measure_rival(
                        torch_card, make, data, half, batch_size, options.rounds
                    )
                for name, cells in rows.items():
                    first = [f"{mix}, {batch_size}", policy, name]
                    print("|", " | ".join([*first, *cells]), "|", flush=True)
    if options.encoder:
        print()
        measure_encoder(options.encoder, bool(card.name))


if __name__ == "__main__":
    main()

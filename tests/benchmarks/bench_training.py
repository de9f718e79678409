"""How fast does a network learn, beside plain Keras and PyTorch?

Run with ``python tests/benchmarks/bench_training.py --mix emodb --features 64``. Each
trains the network of AttentionBLSTMFCNClassifier at its defaults for an epoch, on
random features of the lengths of EmoDB (500 utterances, mean 2.8 s, longest 9 s) or
of IEMOCAP (1000, 4.5 s, 34 s), in batches of 50 with Adam, padding masked: that all are
one network is asserted first. Frames are 31.25 a second, as the paper's; those of an
encoder: ``--features 512 --rate 50``. They take turns, and so does a large product of
matrices, which tells what the machine can do. PyTorch is left out where it is not
installed.

The arithmetic is counted as is usual: the multiplications and additions of LSTMs and
convolutions on real frames, three times for training, as if gradients of the input were
needed too. What is spent on padding does not count.
"""

import argparse
import math
import os
import time
from itertools import islice

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from skser import AttentionBLSTMFCNClassifier
from skser.training import pad_sequences

N_CLASSES = 7
BATCH_SIZE = 50
FRAMES_PER_SECOND = 31.25
# Number of utterances; mean, shortest and longest in seconds; spread of the logarithms.
MIXES = {
    "emodb": (500, 2.8, 1.2, 9.0, 0.4),
    "iemocap": (1000, 4.5, 0.6, 34.0, 0.65),
}
# The defaults of AttentionBLSTMFCNClassifier.
UNITS, FILTERS, KERNEL_SIZES = 64, (128, 64), (8, 5)
MATRIX_SIZE = 2048


def compare(quick=False):
    """Train beside all rivals.

    Parameters
    ----------
    quick : bool, default=False
        Whether one kind of work, a tenth of the utterances and two rounds do.

    Yields
    ------
    work, rival : str
    rival_seconds, our_seconds : ndarray of shape (n_rounds,)
        Of one epoch.
    """
    works = [
        ("emodb", 64, FRAMES_PER_SECOND),
        ("iemocap", 64, FRAMES_PER_SECOND),
        ("emodb", 743, FRAMES_PER_SECOND),
        ("emodb", 512, 50),
    ]
    share, n_rounds = (0.1, 2) if quick else (1, 3)
    for mix, n_features, rate in works[:1] if quick else works:
        seconds, _ = measure(mix, n_features, n_rounds, share, rate=rate)
        ours = seconds.pop(OURS)
        work = f"an epoch, {mix}-like, {n_features} features, {rate:g} frames a second"
        for rival, theirs in seconds.items():
            yield work, rival, theirs, ours


def measure(mix, n_features, n_rounds, share=1, names=None, rate=FRAMES_PER_SECOND):
    """Return the seconds of each one's epochs and of products of matrices, in turns."""
    sequences, classes = make_utterances(mix, n_features, share, rate)
    trainers = {}
    for name, make in TRAINERS.items():
        if names is None or name in names or name == OURS:
            try:
                trainers[name] = make(n_features)
            except ImportError:
                print(f"{name}: left out, PyTorch is not installed")
    assert_same_network(list(trainers.values()), sequences[:10])
    # Several sizes of batches: Keras compiles again for the second and the third.
    for step in (10, 7):
        for trainer in trainers.values():
            trainer.train(sequences[::step], classes[::step])
    seconds = {name: [] for name in trainers}
    products = []
    for _ in range(n_rounds):
        products.append(time_product())
        for name, trainer in trainers.items():
            start = time.perf_counter()
            trainer.train(sequences, classes)
            seconds[name].append(time.perf_counter() - start)
    return {name: np.array(s) for name, s in seconds.items()}, np.array(products)


def make_utterances(mix, n_features, share=1, rate=FRAMES_PER_SECOND):
    """Return random utterances of the lengths of a corpus, and their classes."""
    n_utterances, mean, shortest, longest, spread = MIXES[mix]
    generator = np.random.default_rng(0)
    seconds = generator.lognormal(0, spread, int(share * n_utterances))
    seconds = np.clip(seconds * mean / seconds.mean(), shortest, longest)
    seconds[seconds.argmax()] = longest
    lengths = np.round(seconds * rate).astype(int)
    sequences = [
        generator.standard_normal((length, n_features), dtype=np.float32)
        for length in lengths
    ]
    classes = generator.integers(N_CLASSES, size=len(lengths))
    classes[:N_CLASSES] = range(N_CLASSES)
    return sequences, classes


def operations(n_frames, n_features):
    """Return the number of operations of training on so many real frames."""
    recurrent = 2 * (n_features + UNITS) * 4 * UNITS
    widths = [n_features, *FILTERS]
    convolutional = sum(
        size * widths[i] * widths[i + 1] for i, size in enumerate(KERNEL_SIZES)
    )
    return 3 * 2 * (recurrent + convolutional) * n_frames


def time_product():
    """Return the seconds of the fastest of some products of large matrices."""
    left, right = np.random.default_rng(0).random(
        (2, MATRIX_SIZE, MATRIX_SIZE), dtype=np.float32
    )
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        left @ right
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def assert_same_network(trainers, sequences):
    """Assert that all have as many weights and, with equal ones, equal posteriors."""
    ours, *rivals = trainers
    for rival in rivals:
        assert rival.count_weights() == ours.count_weights()
        rival.set_weights(ours.get_weights())
        scores = rival.scores(sequences)
        np.testing.assert_allclose(scores, ours.scores(sequences), atol=1e-4)


class Ours:
    """Training by ``partial_fit``, checks of its input included."""

    def __init__(self, n_features, batch_size=BATCH_SIZE):
        self.classifier = AttentionBLSTMFCNClassifier(
            batch_size=batch_size, random_state=0
        )
        pair = np.zeros((2, 5, n_features), dtype=np.float32)
        self.classifier.partial_fit(pair, [0, 1], classes=range(N_CLASSES))

    def train(self, sequences, classes):
        """Train for an epoch."""
        self.classifier.partial_fit(sequences, classes)

    def get_weights(self):
        """Return the weights in the order of the package's network."""
        return self.classifier.weights_

    def count_weights(self):
        """Return the number of trainable weights."""
        shapes = [weights.shape for weights in self.get_weights()]
        # Running means and variances are no weights that are trained.
        return sum(map(math.prod, shapes)) - 2 * sum(FILTERS)

    def scores(self, sequences):
        """Return the posteriors of the utterances."""
        return self.classifier.predict_proba(sequences)


class Keras:
    """The network as it is written in plain Keras, and trained by it."""

    def __init__(self, n_features):
        import keras

        self.model, self.layers = plain_keras_network(n_features)
        self.model.compile(
            keras.optimizers.Adam(),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        self.generator = np.random.default_rng(0)

    def set_weights(self, weights):
        """Set the weights, in the order of the package's network."""
        values = iter(weights)
        for layer in self.layers:
            layer.set_weights(list(islice(values, len(layer.weights))))

    def count_weights(self):
        """Return the number of trainable weights."""
        return sum(math.prod(w.shape) for w in self.model.trainable_weights)

    def scores(self, sequences):
        """Return the posteriors of the utterances."""
        scores = self.model.predict_on_batch(list(pad_sequences(sequences)))
        return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)


class KerasPaddedToLongest(Keras):
    """All utterances in one array."""

    def train(self, sequences, classes):
        """Train for an epoch."""
        inputs = list(pad_sequences(sequences))
        self.model.fit(inputs, classes, batch_size=BATCH_SIZE, verbose=0)


class KerasBatchPadding(Keras):
    """Random batches, each padded to its longest utterance."""

    def train(self, sequences, classes):
        """Train for an epoch."""
        for batch in random_batches(len(sequences), self.generator):
            inputs = list(pad_sequences([sequences[i] for i in batch]))
            self.model.train_on_batch(inputs, classes[batch])


def plain_keras_network(n_features):
    """Build the network as a user of Keras would, masks included.

    Also return its layers in the order of the weights of the package's network.
    """
    import keras
    from keras import layers, ops

    frames = keras.Input((None, n_features))
    mask = keras.Input((None,), dtype="bool")
    real = ops.expand_dims(ops.cast(mask, "float32"), -1)
    lstm = layers.Bidirectional(layers.LSTM(UNITS, return_sequences=True))
    outputs = lstm(frames, mask=mask)
    attention = layers.Dense(1, use_bias=False)
    scores = ops.where(real > 0, attention(outputs), -1e30)
    pooled = ops.sum(ops.softmax(scores, axis=1) * outputs, axis=1)
    pooled = layers.Dropout(0.5)(pooled)
    convolutions = [
        layers.Conv1D(n_filters, size, padding="same")
        for n_filters, size in zip(FILTERS, KERNEL_SIZES, strict=True)
    ]
    norms = [layers.BatchNormalization(momentum=0.9) for _ in FILTERS]
    convolved = frames
    for convolution, norm in zip(convolutions, norms, strict=True):
        convolved = norm(convolution(convolved * real), mask=mask)
        convolved = layers.ReLU()(convolved)
    average = ops.sum(convolved * real, axis=1) / ops.sum(real, axis=1)
    hidden = layers.Dense(128, activation="relu")
    output = layers.Dense(N_CLASSES)
    scores = output(hidden(layers.Concatenate()([pooled, average])))
    order = [convolutions[0], norms[0], convolutions[1], lstm.forward_layer]
    order += [lstm.backward_layer, norms[1], attention, hidden, output]
    return keras.Model([frames, mask], scores), order


def random_batches(n_samples, generator, batch_size=BATCH_SIZE):
    """Divide utterances into batches in random order."""
    order = generator.permutation(n_samples)
    return np.array_split(order, -(-n_samples // batch_size))


def bucketed_batches(lengths, generator, batch_size=BATCH_SIZE):
    """Divide utterances into batches of similar length, the usual way.

    Lengths are rounded to half a second before they are sorted, so that an epoch's
    batches differ from those of the one before.
    """
    order = generator.permutation(len(lengths))
    rounded = lengths[order] // int(FRAMES_PER_SECOND / 2)
    order = order[np.argsort(rounded, kind="stable")]
    batches = np.array_split(order, -(-len(lengths) // batch_size))
    return [batches[i] for i in generator.permutation(len(batches))]


class PyTorch:
    """The network in PyTorch, on random batches with packed sequences."""

    is_packed = True

    def __init__(self, n_features, batch_size=BATCH_SIZE, device="cpu", half=None):
        import torch

        self.torch = torch
        self.batch_size = batch_size
        self.device = device
        # "float16", "bfloat16" or None for single precision.
        self.half = half and getattr(torch, half)
        self.scaler = torch.amp.GradScaler(device, enabled=half == "float16")
        self.network = pytorch_network(n_features, self.is_packed).to(device)
        self.optimizer = torch.optim.Adam(
            [p for p in self.network.parameters() if p.requires_grad],
            eps=1e-7,
            fused=True,
        )
        self.generator = np.random.default_rng(0)

    def train(self, sequences, classes):
        """Train for an epoch."""
        self.network.train()
        lengths = np.array([len(sequence) for sequence in sequences])
        for batch in self.batches(lengths):
            self.optimizer.zero_grad()
            scores = self.forward([sequences[i] for i in batch])
            classes_of_batch = self.torch.from_numpy(classes[batch]).to(self.device)
            loss = self.torch.nn.functional.cross_entropy(scores, classes_of_batch)
            self.scaler.scale(loss).backward()
            self.scaler.step(self.optimizer)
            self.scaler.update()

    def forward(self, sequences):
        """Return the scores, in single precision."""
        is_mixed = self.half is not None
        with self.torch.autocast(self.device, self.half, enabled=is_mixed):
            return self.network(*self.inputs(sequences)).float()

    def batches(self, lengths):
        """Return the batches of an epoch."""
        return random_batches(len(lengths), self.generator, self.batch_size)

    def inputs(self, sequences):
        """Return padded frames and their lengths."""
        tensors = map(self.torch.from_numpy, pad_sequences(sequences))
        frames, mask = (tensor.to(self.device) for tensor in tensors)
        return frames, mask.sum(1)

    def set_weights(self, weights):
        """Set the weights, in the order of the package's network."""
        self.network.set_weights(weights)

    def count_weights(self):
        """Return the number of trainable weights."""
        return sum(p.numel() for p in self.network.parameters() if p.requires_grad)

    def scores(self, sequences):
        """Return the posteriors of the utterances."""
        self.network.eval()
        with self.torch.no_grad():
            return self.forward(sequences).softmax(1).cpu().numpy()


class PyTorchBucketed(PyTorch):
    """The network in PyTorch, on batches of similar length, padded."""

    is_packed = False

    def batches(self, lengths):
        """Return the batches of an epoch."""
        return bucketed_batches(lengths, self.generator, self.batch_size)


def pytorch_network(n_features, is_packed):
    """Return the network as a module of PyTorch."""
    import torch
    from torch import nn
    from torch.nn.utils import rnn

    class Network(nn.Module):
        """Attention-BLSTM-FCN from frames (batch, n_frames, n) and lengths."""

        def __init__(self):
            super().__init__()
            # One bias an LSTM, as in Keras: the other is 0 and stays so.
            self.lstms = nn.ModuleList(
                nn.LSTM(n_features, UNITS, batch_first=True, bidirectional=is_packed)
                for _ in range(1 if is_packed else 2)
            )
            for name, weights in self.lstms.named_parameters():
                if "bias_hh" in name:
                    nn.init.zeros_(weights).requires_grad_(False)
            self.attention = nn.Linear(2 * UNITS, 1, bias=False)
            self.dropout = nn.Dropout(0.5)
            widths = [n_features, *FILTERS]
            self.convolutions = nn.ModuleList(
                nn.Conv1d(widths[i], widths[i + 1], size, padding="same")
                for i, size in enumerate(KERNEL_SIZES)
            )
            self.norms = nn.ModuleList(nn.BatchNorm1d(n, eps=1e-3) for n in FILTERS)
            self.hidden = nn.Linear(2 * UNITS + FILTERS[-1], 128)
            self.output = nn.Linear(128, N_CLASSES)

        def forward(self, frames, lengths):
            n_frames = frames.shape[1]
            mask = torch.arange(n_frames, device=frames.device) < lengths[:, None]
            outputs = self.recur(frames, lengths)
            scores = self.attention(outputs)[..., 0].masked_fill(~mask, -torch.inf)
            pooled = (scores.softmax(1)[:, None] @ outputs)[:, 0]
            convolved = frames.transpose(1, 2)
            for convolution, norm in zip(self.convolutions, self.norms, strict=True):
                convolved = convolution(convolved)
                # Only real frames take part; those that are padded stay 0.
                real = norm(convolved.transpose(1, 2)[mask]).relu()
                convolved = real.new_zeros(*mask.shape, real.shape[1])
                convolved[mask] = real
                convolved = convolved.transpose(1, 2)
            average = convolved.sum(2) / lengths[:, None]
            fused = torch.cat([self.dropout(pooled), average], 1)
            return self.output(self.hidden(fused).relu())

        def recur(self, frames, lengths):
            """Return the outputs of both directions."""
            if is_packed:
                on_processor = lengths.cpu()
                packed = rnn.pack_padded_sequence(frames, on_processor, True, False)
                return rnn.pad_packed_sequence(self.lstms[0](packed)[0], True)[0]
            # Each utterance turned round, so that the padding is read last.
            position = torch.arange(frames.shape[1], device=frames.device)
            turned = torch.where(
                position < lengths[:, None], lengths[:, None] - 1 - position, position
            )[..., None]
            forward, backward = self.lstms
            backwards = backward(frames.gather(1, turned.expand_as(frames)))[0]
            backwards = backwards.gather(1, turned.expand_as(backwards))
            return torch.cat([forward(frames)[0], backwards], 2)

        def set_weights(self, weights):
            """Set the weights, in the order of the package's network."""
            own = dict(self.named_parameters()) | dict(self.named_buffers())
            with torch.no_grad():
                for name, value in zip(names, weights, strict=True):
                    # Kernels are (in, out) in Keras, those of convolutions (size,
                    # in, out), and the other way round in PyTorch.
                    own[name].copy_(torch.from_numpy(np.ascontiguousarray(value.T)))

    backwards = "lstms.0.{}_l0_reverse" if is_packed else "lstms.1.{}_l0"
    recurrent = ("weight_ih", "weight_hh", "bias_ih")
    norms = ("weight", "bias", "running_mean", "running_var")
    names = [
        *("convolutions.0.weight", "convolutions.0.bias"),
        *(f"norms.0.{name}" for name in norms),
        *("convolutions.1.weight", "convolutions.1.bias"),
        *(f"lstms.0.{name}_l0" for name in recurrent),
        *(backwards.format(name) for name in recurrent),
        *(f"norms.1.{name}" for name in norms),
        "attention.weight",
        *("hidden.weight", "hidden.bias", "output.weight", "output.bias"),
    ]
    return Network()


OURS = "skser"
# Ours first: it tells TensorFlow how to use its threads, which can be done once a
# process, and which plain Keras then has, too.
TRAINERS = {
    OURS: Ours,
    "Keras, padded to the longest": KerasPaddedToLongest,
    "Keras, batch padding": KerasBatchPadding,
    "PyTorch, packed sequences": PyTorch,
    "PyTorch, length-bucketed": PyTorchBucketed,
}


def main():
    """Train beside the rivals and print what an epoch takes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mix", default="emodb", choices=MIXES)
    parser.add_argument("--features", type=int, default=64)
    parser.add_argument("--rate", type=float, default=FRAMES_PER_SECOND)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rivals", nargs="*", choices=TRAINERS, help="default: all")
    options = parser.parse_args()
    seconds, products = measure(
        options.mix,
        options.features,
        options.rounds,
        names=options.rivals,
        rate=options.rate,
    )
    sequences, _ = make_utterances(options.mix, 1, rate=options.rate)
    n_frames = sum(map(len, sequences))
    rate = 2e-9 * MATRIX_SIZE**3 / np.median(products)
    n_threads = os.environ.get("OMP_NUM_THREADS", "not set")
    print(
        f"{options.mix}-like: {len(sequences)} utterances, {n_frames} frames of "
        f"{options.features} features; OMP_NUM_THREADS {n_threads}"
    )
    print(
        f"float32 matrix product: {rate:.0f} GFLOP/s "
        f"({2e-9 * MATRIX_SIZE**3 / products.max():.0f}-"
        f"{2e-9 * MATRIX_SIZE**3 / products.min():.0f})"
    )
    work = 1e-9 * operations(n_frames, options.features)
    for name, epochs in seconds.items():
        median = np.median(epochs)
        ratio = np.median(epochs / seconds[OURS])
        print(
            f"{name:28} {median:6.2f} s an epoch ({epochs.min():.2f}-"
            f"{epochs.max():.2f}), {n_frames / median:6.0f} frames/s, "
            f"{work / median:4.0f} GFLOP/s, {work / median / rate:4.0%} of the rate; "
            f"{ratio:5.2f} of ours"
        )


if __name__ == "__main__":
    main()

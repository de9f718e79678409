"""Pretrained speech models (wav2vec 2.0, HuBERT, WavLM, Whisper) as a front end.

Their encoders are ONNX files that ONNX Runtime runs: waveform in, frames out.
"""

from __future__ import annotations

import functools
import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral, Real
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from skser._base import StatelessTransformer, set_parameters
from skser._compat import Interval
from skser._extras import how_to_install, import_extra
from skser._sequences import Batch, check_utterances
from skser.audio import scale_to_rms
from skser.storage import map_cached

# What is taken of a file that does not say otherwise.
_SAMPLE_RATE = 16000
_WINDOW_SECONDS = 30.0
# By how much the windows of a long signal overlap; of short windows, by a sixth.
_OVERLAP_SECONDS = 2.0
# Sessions that a process keeps; one more, and the one used longest ago is dropped.
_MAX_ENCODERS = 4
# The first that refuses paths outside of the folder that it is told of.
_OLDEST_RUNTIME = (1, 24)
_FLOATS = ("tensor(float)", "tensor(float16)", "tensor(double)")


class EncoderFile:
    """An ONNX file in memory, which :func:`skser.load` puts in the place of its path.

    Copies share its bytes.

    Parameters
    ----------
    data : bytes
        The content of the file.
    name : str, default="encoder.onnx"
        What messages call it.

    Attributes
    ----------
    sha256 : str
        Checksum of the content.
    """

    def __init__(self, data: bytes, name: str = "encoder.onnx"):
        self.data = bytes(data)
        self.name = name
        self.sha256 = hashlib.sha256(self.data).hexdigest()

    @classmethod
    def read(cls, model: str | os.PathLike | EncoderFile) -> EncoderFile:
        """Read the file that `PretrainedFeatures(model)` runs.

        Parameters
        ----------
        model : str, os.PathLike or EncoderFile
            A file, or a folder that holds one file ``*.onnx``.

        Returns
        -------
        file : EncoderFile
        """
        if isinstance(model, EncoderFile):
            return model
        path = find_encoder(model)
        return cls(path.read_bytes(), path.name)

    def __deepcopy__(self, memo):
        return self

    def __repr__(self):
        size = len(self.data) / 1e6
        return f"<{self.name}, {size:.1f} MB, sha256 {self.sha256[:12]}>"


def find_encoder(model: str | os.PathLike) -> Path:
    """Return the path of an ONNX file.

    Parameters
    ----------
    model : str or os.PathLike
        A file, or a folder that holds one file ``*.onnx``.

    Returns
    -------
    path : pathlib.Path

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or not exactly one in the folder.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        files = sorted(path.glob("*.onnx"))
        if len(files) != 1:
            names = ", ".join(file.name for file in files) or "none"
            raise ValueError(
                f"model={str(model)!r} is a folder, which must hold one file *.onnx; "
                f"it holds {len(files)} ({names}). Give the path of the file."
            )
        return files[0]
    if not path.is_file():
        raise FileNotFoundError(
            f"model={str(model)!r} is not there. It must be the path of an ONNX file; "
            "nothing is downloaded. python -m skser export-encoder makes such a file "
            "of a checkpoint of transformers."
        )
    return path


def digest_encoder(model: str | os.PathLike | EncoderFile) -> str:
    """Return the sha256 of the file that `PretrainedFeatures(model)` runs.

    Parameters
    ----------
    model : str, os.PathLike or EncoderFile

    Returns
    -------
    sha256 : str
    """
    if isinstance(model, EncoderFile):
        return model.sha256
    path = find_encoder(model)
    state = path.stat()
    return _digest(path.resolve(), state.st_mtime_ns, state.st_size)


@functools.lru_cache(maxsize=64)
def _digest(path, modified, size):
    """Return the sha256 of a file, read once for each state of it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Output(NamedTuple):
    """An output of an encoder: a row for each frame, or one for the whole signal."""

    has_frames: bool
    width: int


class Encoder:
    """An encoder that is ready to run, and what it says of itself.

    Parameters
    ----------
    file : EncoderFile

    Attributes
    ----------
    sample_rate : int
        In Hz; 16000 if the metadata of the file has no ``sample_rate``.
    window : int
        Number of samples of the longest signal that it is given at once.
    outputs : dict of str to _Output
        Those that give features, in the order of the file.
    """

    def __init__(self, file: EncoderFile):
        self._name = file.name
        self._session = _start_session(file)
        self._input = self._check_input()
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.sample_rate = int(self._read(metadata, "sample_rate", _SAMPLE_RATE))
        seconds = self._read(metadata, "window", _WINDOW_SECONDS)
        length = self._input.shape[1]
        self._fixed = length if isinstance(length, int) else None
        self.window = self._fixed or round(seconds * self.sample_rate)
        self._stated_hop = self._read(metadata, "hop_length", None)
        self.outputs = self._find_outputs()

    def _read(self, metadata, key, default):
        """Return a positive number of the file's metadata."""
        try:
            value = float(metadata.get(key, default or 1))
        except ValueError:
            value = 0
        if not 0 < value < float("inf"):
            raise ValueError(
                f"{self._name} has {key}={metadata[key]!r} in its metadata; it must be "
                "a positive number."
            )
        return value if key in metadata else default

    def _check_input(self):
        """Return the only input, a waveform, or say what the model wants instead."""
        inputs = self._session.get_inputs()
        described = ", ".join(f"{i.name!r} {i.type} {i.shape}" for i in inputs)
        wanted = (
            f"{self._name} cannot take signals: it needs one float32 input of shape "
            f"(batch, samples), but has {described or 'none'}. "
        )
        if len(inputs) != 1:
            raise ValueError(
                f"{wanted}Export it again with the waveform as its only input: equal "
                "lengths need no mask."
            )
        (only,) = inputs
        if len(only.shape) > 2:
            raise ValueError(
                f"{wanted}Models that want a spectrogram must have it inside the "
                "graph: python -m skser export-encoder makes such files."
            )
        if only.type != "tensor(float)" or len(only.shape) != 2:
            raise ValueError(f"{wanted}Export it again with such an input.")
        if isinstance(only.shape[0], int) and only.shape[0] != 1:
            raise ValueError(f"{wanted}Export it with any number of signals, or one.")
        return only

    def _find_outputs(self):
        """Return the outputs that give frames or rows."""
        found = {}
        for output in self._session.get_outputs():
            shape = output.shape
            if output.type in _FLOATS and not shape:
                shape = np.shape(self._run(np.zeros(self.window), [output.name])[0])
            if output.type in _FLOATS and len(shape) in (2, 3):
                found[output.name] = _Output(len(shape) == 3, shape[-1])
        if not found:
            raise ValueError(
                f"{self._name} gives no features: no output has the shape (batch, "
                "frames, features) or (batch, features)."
            )
        return found

    def choose(self, output: str | list[str] | None) -> tuple[str, ...]:
        """Return the names of outputs that a user asked for, or the default.

        Parameters
        ----------
        output : str, list of str, int, or None

        Returns
        -------
        names : tuple of str
        """
        if output is None or isinstance(output, Integral):
            framed = [name for name, kind in self.outputs.items() if kind.has_frames]
            n_wanted = output or 1
            first = min(len(framed) // 2 - n_wanted // 2, len(framed) - n_wanted)
            chosen = framed[max(first, 0) :][:n_wanted]
            return tuple(chosen) or (next(iter(self.outputs)),)
        names = (output,) if isinstance(output, str) else tuple(output)
        unknown = [name for name in names if name not in self.outputs]
        if unknown or not names:
            raise ValueError(
                f"output must name outputs of the model: {', '.join(self.outputs)}; "
                f"got {output!r}."
            )
        if len({self.outputs[name].has_frames for name in names}) > 1:
            raise ValueError(
                f"output={output!r} cannot stand side by side: some give a row for "
                "each frame, others one row for the whole signal."
            )
        return names

    def width(self, name: str) -> int:
        """Return the number of features of an output.

        Parameters
        ----------
        name : str

        Returns
        -------
        width : int
        """
        width = self.outputs[name].width
        if isinstance(width, int):
            return width
        return self._encode(np.zeros(self.sample_rate, np.float32), (name,)).shape[-1]

    @functools.cached_property
    def shortest(self) -> int:
        """Number of samples of the shortest signal of which it makes a frame."""
        if self._fixed:
            return self._fixed
        return self._first_length(0, 1)

    @functools.cached_property
    def hop(self) -> int:
        """Number of samples from one frame to the next."""
        if self._stated_hop:
            return int(self._stated_hop)
        if not self._fixed:
            n_frames = self._count(self.shortest)
            # The first frames may begin before the signal does.
            second = self._first_length(self.shortest, n_frames + 1)
            n_frames = self._count(second)
            third = self._first_length(second, n_frames + 1)
            if third < self.window:
                return (third - second) // (self._count(third) - n_frames)
        # However long the signal is, there are as many frames.
        return max(self.window // max(self._count(self.window), 1), 1)

    def _first_length(self, too_short, n_frames):
        """Return the number of samples from which on there are so many frames."""
        step = 64
        while too_short + step < self.window:
            if self._count(too_short + step) >= n_frames:
                break
            too_short, step = too_short + step, 2 * step
        enough = min(too_short + step, self.window)
        while enough - too_short > 1:
            middle = (too_short + enough) // 2
            if self._count(middle) >= n_frames:
                enough = middle
            else:
                too_short = middle
        return enough

    def _count(self, n_samples):
        """Return the number of frames that a signal gives; 0 if it is too short."""
        try:
            frames = self._run(np.zeros(n_samples), self.choose(None))[0]
        except _runtime_errors():
            return 0
        return frames.shape[1] if frames.ndim == 3 else len(frames)

    def __call__(self, signal: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
        """Return the features of one signal.

        Parameters
        ----------
        signal : ndarray of shape (n_samples,)
        names : tuple of str
            Outputs, to be put side by side.

        Returns
        -------
        features : ndarray of float32 of shape (n_frames, n_features) or (n_features,)
        """
        if len(signal) <= self.window:
            return self._encode(signal, names)
        has_frames = self.outputs[names[0]].has_frames
        hop = self.hop if has_frames else 1
        # In hops. The last window reaches the signal's end.
        overlap = min(round(_OVERLAP_SECONDS * self.sample_rate), self.window // 6)
        step = max((self.window - overlap) // hop, 1)
        last = -(-(len(signal) - self.window) // hop)
        starts = [*range(0, last, step), last]
        # In the middle of their overlap one window takes over from another.
        middles = [(a + b + self.window // hop) // 2 for a, b in pairwise(starts)]
        cuts = [0, *middles, len(signal)]
        parts = (
            self._encode(signal[start * hop : start * hop + self.window], names)
            for start in starts
        )
        if not has_frames:
            rows = np.average(list(parts), axis=0, weights=np.diff(cuts))
            return rows.astype(np.float32)
        spans = zip(parts, starts, pairwise(cuts), strict=True)
        return np.concatenate(
            [part[a - first : b - first] for part, first, (a, b) in spans]
        )

    def _encode(self, signal, names):
        """Return the features of a signal that is not longer than the window."""
        try:
            results = self._run_at_least(signal, names)
        except _runtime_errors() as error:
            raise ValueError(
                f"The model fails on a signal of {len(signal)} samples: {error}. If "
                "it takes no more than so many seconds, its metadata must say so "
                "under 'window'."
            ) from error
        for name, result in zip(names, results, strict=True):
            if result.shape[0] != 1 or result.ndim != results[0].ndim:
                raise ValueError(
                    f"Output {name!r} of the model has the shape {result.shape} for "
                    "one signal; (1, frames, features) or (1, features) was expected."
                )
        lengths = {result.shape[1:-1] for result in results}
        if len(lengths) > 1:
            raise ValueError(
                f"Outputs {names} of the model cannot stand side by side: they have "
                f"{sorted(lengths)} frames."
            )
        return np.concatenate([result[0] for result in results], axis=-1, dtype="f4")

    def _run_at_least(self, signal, names):
        """Run the model; zeros go behind a signal that is too short for one frame."""
        if not self._fixed:
            try:
                results = self._run(signal, names)
            except _runtime_errors():
                if len(signal) >= self.shortest:
                    raise
            else:
                if 0 not in results[0].shape:
                    return results
        if len(signal) >= self.shortest:
            return self._run(signal, names)
        padded = np.pad(signal, (0, self.shortest - len(signal)))
        results = self._run(padded, names)
        if results[0].ndim == 3:
            n_frames = -(-len(signal) // self.hop)
            results = [result[:, :n_frames] for result in results]
        return results

    def _run(self, signal, names):
        """Return what the session gives for one signal."""
        waveform = np.asarray(signal, dtype=np.float32)[np.newaxis]
        return self._session.run(list(names), {self._input.name: waveform})


def _import_onnxruntime():
    """Import ONNX Runtime, or say how to get it."""
    onnxruntime = import_extra("onnxruntime", "pretrained", "PretrainedFeatures")
    version = tuple(map(int, onnxruntime.__version__.split(".")[:2]))
    if version < _OLDEST_RUNTIME:
        raise ImportError(
            f"ONNX Runtime {onnxruntime.__version__} lets a model read other files. "
            "PretrainedFeatures needs 1.24 or newer: " + how_to_install("pretrained")
        )
    return onnxruntime


def _runtime_errors():
    """Return the exceptions that ONNX Runtime raises when a model fails."""
    state = _import_onnxruntime().capi.onnxruntime_pybind11_state
    return state.Fail, state.InvalidArgument, state.RuntimeException


def _start_session(file):
    """Return a session of ONNX Runtime: one thread, own operators only, no other file.

    It keeps the memory of the longest signal, but no plan for each length.
    """
    onnxruntime = _import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    options.log_severity_level = 4  # errors are raised, and not printed as well
    options.add_session_config_entry("session.load_model_format", "ONNX")
    # Weights in a second file would be read from the current folder. Nothing is here.
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", os.devnull
    )
    try:
        return onnxruntime.InferenceSession(
            file.data, options, providers=["CPUExecutionProvider"]
        )
    # It has a class for each of its status codes.
    except Exception as error:
        message = str(error)
        reasons = (text for part, text in _REASONS if part in message)
        raise ValueError(
            f"{file.name} cannot be loaded: "
            f"{next(reasons, 'ONNX Runtime refuses it')} ({message})"
        ) from error


# What ONNX Runtime says -> what to say of it.
_SECOND_FILE = (
    "its weights are in a second file. Put all into one file: "
    "onnx.save(onnx.load(path), new_path)"
)
_REASONS = (
    (
        "not a registered function",
        "it has operators that ONNX Runtime does not know. Custom operators would be "
        "code from strangers, and are not loaded",
    ),
    ("xternal", _SECOND_FILE),
    (os.devnull, _SECOND_FILE),
    ("protobuf", "it is not an ONNX file, or not a whole one"),
)


_encoders: OrderedDict = OrderedDict()
_lock = threading.Lock()


def get_encoder(model: str | os.PathLike | EncoderFile, sha256: str) -> Encoder:
    """Return the encoder of a file, which all threads of this process share.

    Parameters
    ----------
    model : str, os.PathLike or EncoderFile
    sha256 : str
        What the file must have; it is read only where no encoder has it yet.

    Returns
    -------
    encoder : Encoder
    """
    with _lock:
        if sha256 not in _encoders:
            file = EncoderFile.read(model)
            if file.sha256 != sha256:
                raise ValueError(
                    f"{model} has changed: its sha256 is {file.sha256}, not {sha256}."
                )
            _encoders[sha256] = Encoder(file)
        _encoders.move_to_end(sha256)
        while len(_encoders) > _MAX_ENCODERS:
            _encoders.popitem(last=False)
        return _encoders[sha256]


@dataclass(frozen=True)
class _Encoding:
    """From a signal to features, in any process: what the features depend on, no more.

    It stands for the transformer in `map_cached`: a file of the cache is found by the
    content of the encoder, and not by its path.
    """

    model: str | os.PathLike | EncoderFile
    sha256: str
    outputs: tuple
    rms: float | None
    n_jobs: int | None
    cache: str | os.PathLike | None

    def get_params(self, deep=False):
        """Return what the features depend on."""
        return {"sha256": self.sha256, "outputs": self.outputs, "rms": self.rms}

    def __call__(self, signal):
        signal = signal.astype(np.float32, copy=False)
        if self.rms is not None:
            signal = scale_to_rms(signal, self.rms)
        return get_encoder(self.model, self.sha256)(signal, self.outputs)


class PretrainedFeatures(StatelessTransformer, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Compute features by a pretrained speech model, such as Whisper or wav2vec 2.0.

    It stands where `Framer` and `AcousticFeatures` stand otherwise. The model is an
    ONNX file that takes a waveform, as :func:`export_encoder` makes it of a published
    checkpoint; ONNX Runtime runs it (``pip install onnxruntime``). It is used as it
    is: `fit` learns nothing. Nothing is downloaded.

    Parameters
    ----------
    model : str or os.PathLike
        The ONNX file, or a folder that holds one ``*.onnx``. It must have one float32
        input of shape (batch, samples), and outputs of shape (batch, frames,
        features), or (batch, features) if the model pools over time itself.
        Everything that a model wants done to the waveform, such as a log-mel
        spectrogram, is in the file. See Notes for its metadata.
    output : str, list of str or int, default=None
        Which output, most often a layer. Several stand side by side. None is the only
        one; of several that have frames the middle one (of an even number, the later
        of the two), since first and last layers tell less of *how* something was said;
        and if none has frames, the first. A number is as many outputs with frames
        around the middle, or all if there are fewer.
    sample_rate : int, default=16000
        Of the signals, in Hz. It must be the model's.
    rms : float, default=None
        If given, each signal is shifted to mean 0 and scaled to this root mean square,
        so that the level of the recording no longer matters; 0.05 (-26 dB) is that of
        usual speech. 1.0 is what the feature extractors of wav2vec 2.0 and its kin
        do outside of the model where ``do_normalize`` is set. None leaves signals as
        they are.
    n_jobs : int, default=None
        Number of threads over utterances; None is 1, -1 is all processors. Each
        utterance has one thread.
    cache : str or os.PathLike, default=None
        Folder in which the features of each signal are kept, as in
        :class:`skser.AcousticFeatures`. A file is found again by the samples of
        the signal, the sha256 of the model, `output` and `rms`.

    Attributes
    ----------
    sha256_ : str
        Checksum of the model that was there in `fit`. `transform` refuses another.
    frame_rate_ : float
        Frames a second; of models that pool over time themselves, NaN. No `fit` needed.

    See Also
    --------
    export_encoder : From a checkpoint of transformers to such a file.
    FrameStatistics : From frames to a row, for linear models.
    skser.AudioLoader : From recordings to signals.

    Notes
    -----
    Metadata that the file may have: ``sample_rate`` in Hz (without: 16000), ``window``,
    the longest signal that the model takes, in seconds (without: 30), and
    ``hop_length``, samples from one frame to the next (without: found by
    trying).

    A signal longer than the window is cut into windows that overlap by 2 s, or a sixth
    of the window if that is less. In the middle of the overlap the frames of one follow
    those of the other; rows of models that pool are averaged, each by the share of the
    signal that is its own. What a model takes from the whole of its input, such as the
    maximum of a log-mel spectrogram, it takes from each window. The memory needed
    beside the result does not grow with the signal.

    A signal too short for a single frame gets zeros behind it, up to the shortest
    length that gives one. A model whose input has a fixed length gets zeros up to it;
    frames that begin behind the signal are dropped.

    Each signal is computed by itself, so features do not depend on what else is in the
    batch. Sessions are shared by all threads of a process and are never copied or
    pickled. Operators other than those that ONNX Runtime brings along, and weights in a
    second file, are refused; see SECURITY.md.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skser.features import FrameStatistics, PretrainedFeatures
    >>> system = make_pipeline(
    ...     PretrainedFeatures("encoder.onnx", output="hidden_state_3", rms=0.05),
    ...     FrameStatistics(["mean", "std"], []),
    ...     StandardScaler(),
    ...     LogisticRegression(C=0.01, class_weight="balanced"),
    ... )
    """

    _parameter_constraints = {
        "model": [str, os.PathLike, EncoderFile],
        "output": [
            str,
            list,
            tuple,
            Interval(Integral, 1, None, closed="left"),
            None,
        ],
        "sample_rate": [Interval(Integral, 1, None, closed="left")],
        "rms": [Interval(Real, 0, None, closed="neither"), None],
        "n_jobs": [Integral, None],
        "cache": [str, os.PathLike, None],
    }
    declared_tags = {
        "input_tags.two_d_array": False,
        "transformer_tags.preserves_dtype": [],
    }

    def __init__(
        self,
        model: str | os.PathLike,
        output: str | list[str] | None = None,
        *,
        sample_rate: int = 16000,
        rms: float | None = None,
        n_jobs: int | None = None,
        cache: str | os.PathLike | None = None,
    ):
        set_parameters(self, locals())

    def transform(self, X: Sequence | ArrayLike) -> Any:
        """Compute the features of each signal.

        Parameters
        ----------
        X : list of array-like of shape (n_samples,)
            The signals, samples in [-1, 1], at `sample_rate`. They are not modified.

        Returns
        -------
        features : list of ndarray of float32 of shape (n_frames, n_features)
            Of models that pool over time themselves: ndarray of float32 of shape
            (n_utterances, n_features).

        Raises
        ------
        ImportError
            If ONNX Runtime is not installed.
        FileNotFoundError
            If the model is not there.
        ValueError
            If the model is no ONNX file or does not take waveforms, has no such output
            or another sample rate, is another one than in `fit`, or gives NaN; or if a
            signal is empty, not finite, or of integers.
        """
        self._validate_params()
        encoder, encoding = self._prepare()
        signals = self._check_input(X, reset=False)
        results = map_cached(
            lambda batch: [encoding(signal) for signal in batch],
            signals,
            encoding,
            ("onnxruntime", "numpy"),
        )
        for i, features in enumerate(results):
            if not np.isfinite(features).all():
                raise ValueError(
                    f"{self.model} gives NaN or infinity for X[{i}], a signal of "
                    f"{len(signals[i])} samples between {np.min(signals[i]):g} and "
                    f"{np.max(signals[i]):g}. Leave it out."
                )
        if encoder.outputs[encoding.outputs[0]].has_frames:
            return Batch(results)
        return np.array(list(results))

    @property
    def frame_rate_(self) -> float:
        """Frames a second; NaN if the model pools over time itself."""
        encoder, encoding = self._prepare()
        if not encoder.outputs[encoding.outputs[0]].has_frames:
            return float("nan")
        return encoder.sample_rate / encoder.hop

    def _name_columns(self):
        encoder, encoding = self._prepare()
        return [f"{o}_{i}" for o in encoding.outputs for i in range(encoder.width(o))]

    def refer_to_model(self, embed: bool) -> EncoderFile | str:
        """Return what a file has for `model`; for :func:`skser.save`.

        Parameters
        ----------
        embed : bool

        Returns
        -------
        model : EncoderFile or str
            The content of the model, or else its path.

        Raises
        ------
        ValueError
            If the model is not the one that was there in `fit`, or has no path.
        """
        if isinstance(self.model, EncoderFile) and not embed:
            raise ValueError(
                f"{self.model} was loaded with the system and has no path: save it "
                "with embed=True, or set `model` to the path of the file first."
            )
        self._check_model(digest_encoder(self.model))
        return EncoderFile.read(self.model) if embed else os.fspath(self.model)

    def _check_input(self, X, reset):
        """Return the signals as arrays, or say what is wrong with one or the model."""
        if reset:
            vars(self).pop("sha256_", None)
            self.sha256_ = self._prepare()[1].sha256
        signals = check_utterances(X, 1, "(n_samples,)")
        for i, signal in enumerate(signals):
            if signal.dtype.kind != "f":
                raise ValueError(
                    f"X[{i}] holds integers ({signal.dtype}); models expect samples "
                    "in [-1, 1]. Divide 16-bit samples by 32768, or read recordings "
                    "with AudioLoader, which does."
                )
        return signals

    def _check_model(self, sha256):
        """Refuse another model than the one that was there in `fit`."""
        if sha256 != getattr(self, "sha256_", sha256):
            raise ValueError(
                f"model={str(self.model)!r} is another one than in fit: its sha256 is "
                f"{sha256}, not {self.sha256_}. Put the right file there, or fit again."
            )

    def _prepare(self):
        """Return the encoder, and what the features depend on."""
        sha256 = digest_encoder(self.model)
        self._check_model(sha256)
        encoder = get_encoder(self.model, sha256)
        if encoder.sample_rate != self.sample_rate:
            raise ValueError(
                f"model={str(self.model)!r} takes signals of {encoder.sample_rate} Hz, "
                f"got sample_rate={self.sample_rate}. Resample with AudioLoader("
                f"sample_rate={encoder.sample_rate}), and say so here, too."
            )
        names = encoder.choose(self.output)
        return encoder, _Encoding(
            self.model, sha256, names, self.rms, self.n_jobs, self.cache
        )

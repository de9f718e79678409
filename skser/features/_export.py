"""From checkpoints of wav2vec 2.0, HuBERT, WavLM and Whisper to ONNX files.

The front end is inside the graph; nothing after the last wanted layer is.
"""

from __future__ import annotations

import io
import os
import warnings
from functools import partial
from inspect import signature
from numbers import Integral
from pathlib import Path
from typing import NamedTuple

import numpy as np

from skser._compat import StrOptions, validate_params
from skser._extras import import_extra
from skser.features._pretrained import Encoder, EncoderFile
from skser.storage import replacing

_OPSET = 17
# Biases and norms stay as they are: they are small, and the sums are sensitive to them.
_SMALLEST_HALVED = 4096
# By which the file may differ from transformers, as a share of the largest value.
_TOLERANCES = {"float32": 1e-3, "float16": 3e-2}


class _Parts(NamedTuple):
    """What a graph is made of: a family's own answer to the same questions."""

    embed: object  # from waveforms to what the first layer takes
    layers: object
    final_norm: object  # what transformers' last hidden state has gone through
    reference: object  # from a signal to transformers' own outputs
    sample_rate: int
    hop_length: int
    window: float  # seconds that it takes at most
    compared: float  # seconds on which the file is compared


@validate_params(
    {
        "model": [str, os.PathLike],
        "layers": [Integral, list, tuple],
        "output": [str, os.PathLike],
        "precision": [StrOptions({"float32", "float16"})],
        "pad": ["boolean"],
        "licence": [str, None],
        "download": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def export_encoder(
    model: str | os.PathLike,
    layers: int | list[int],
    output: str | os.PathLike,
    *,
    precision: str = "float32",
    pad: bool = False,
    licence: str | None = None,
    download: bool = False,
) -> Path:
    """Make an ONNX file for `PretrainedFeatures` of a published checkpoint.

    For Whisper, wav2vec 2.0, HuBERT and WavLM, fine-tuned ones as well, in the format
    of transformers. The file takes waveforms: the log-mel spectrogram, or the scaling
    to mean 0 and variance 1 where the checkpoint asks for it, is in the graph. Nothing
    behind the last wanted layer is in it. It needs torch, transformers, onnx and
    onnxruntime (the extra ``export``); using the file needs the last one only.

    Parameters
    ----------
    model : str or os.PathLike
        Folder of the checkpoint: ``config.json``, ``preprocessor_config.json`` and the
        weights. With `download`, or if transformers has it in its cache, also a
        name on the Hugging Face Hub, such as "openai/whisper-base".
    layers : int or list of int
        Which layers. 0 is what goes into the first one. Of Whisper base's six, layers
        2 to 4 tell emotions apart best.
    output : str or os.PathLike
        The file to write, ``encoder.onnx`` for instance. It is replaced if it is there.
    precision : {"float32", "float16"}, default="float32"
        Of the weights in the file. The sums are in float32 in any case; float16 halves
        the file, and changes results by about a thousandth.
    pad : bool, default=False
        For Whisper: whether signals are filled up with zeros to 30 s, as transformers
        does, and their frames cut off afterwards. A second of sound then costs
        as much as thirty. Other models are never padded.
    licence : str, default=None
        Kept in the metadata of the file. Checkpoints have licences of their own, some
        of which forbid commercial use.
    download : bool, default=False
        Whether transformers may download a checkpoint that is not on this machine.

    Returns
    -------
    path : pathlib.Path
        The file. Its outputs are called ``hidden_state_2`` and so on; its metadata has
        "sample_rate", "hop_length", "window" (seconds), "source" and "licence".

    Raises
    ------
    ImportError
        If torch, transformers, onnx or onnxruntime is missing.
    ValueError
        If the checkpoint is of another family, has not so many layers, or would give a
        file of more than 2 GB.
    OSError
        If the checkpoint is not there.
    RuntimeError
        If the file does not give what transformers gives; nothing is written then.

    Notes
    -----
    ``hidden_state_2`` is ``hidden_states[2]`` of transformers: what layer 2 gives, with
    the final normalisation only where transformers has it in the last one. The file is
    compared with transformers on noise before it is written.

    Examples
    --------
    >>> from skser.features import export_encoder
    >>> path = export_encoder(
    ...     "openai/whisper-base", [2, 3, 4], "encoder.onnx", download=True
    ... )  # doctest: +SKIP
    """
    torch = _import("torch")
    checkpoint, extractor = _load(model, download)
    parts = _FAMILIES[checkpoint.config.model_type](checkpoint, extractor)
    names = _name_layers(layers, len(parts.layers))
    n_samples = round(parts.compared * parts.sample_rate)
    noise = np.random.default_rng(0).normal(0, 0.1, n_samples).astype(np.float32)
    with torch.no_grad(), warnings.catch_warnings():
        # Of tracing, which is meant: shapes are dynamic where they have to be.
        warnings.simplefilter("ignore")
        reference = parts.reference(noise)
        graph = _build(checkpoint, parts, names, reference, pad)
        data = _trace(graph, names)
    metadata = {
        "sample_rate": parts.sample_rate,
        "hop_length": parts.hop_length,
        "window": parts.window,
        "source": Path(model).name if Path(model).is_dir() else str(model),
        "licence": licence,
        "precision": precision,
    }
    data = _finish(data, metadata, precision)
    _compare(data, names, noise, reference, precision)
    path = Path(output).expanduser()
    with replacing(path) as file:
        file.write(data)
    return path


_import = partial(import_extra, extra="export", needed_by="export_encoder")


def _load(model, download):
    """Return a checkpoint and its feature extractor."""
    transformers = _import("transformers")
    folder = Path(model).expanduser()
    source = folder if folder.is_dir() else str(model)
    how = {
        "local_files_only": folder.is_dir() or not download,
        "trust_remote_code": False,
    }
    try:
        if folder.is_dir() and not (folder / "config.json").is_file():
            raise OSError("the folder has no config.json")
        config = transformers.AutoConfig.from_pretrained(source, **how)
        if config.model_type not in _FAMILIES:
            raise ValueError(
                f"model={str(model)!r} is a checkpoint of {config.model_type!r}; "
                f"{', '.join(_FAMILIES)} can be exported."
            )
        extractor = transformers.AutoFeatureExtractor.from_pretrained(source, **how)
        checkpoint = transformers.AutoModel.from_pretrained(
            source, attn_implementation="eager", **how
        )
    except OSError as error:
        raise OSError(
            f"model={str(model)!r} is not a whole checkpoint of transformers on this "
            "machine: config.json, preprocessor_config.json and the weights are "
            f"needed. download=True lets transformers get one by its name. ({error})"
        ) from error
    return checkpoint.float().eval(), extractor


def _name_layers(layers, n_layers):
    """Return the names of outputs, by the numbers of their layers."""
    numbers = [layers] if isinstance(layers, Integral) else layers
    whole = all(isinstance(n, Integral) and 0 <= n <= n_layers for n in numbers)
    if len(numbers) == 0 or not whole:
        raise ValueError(
            f"layers must be numbers from 0 to {n_layers}, which is how many layers "
            f"the checkpoint has; got {layers!r}."
        )
    return {int(number): f"hidden_state_{number}" for number in sorted(numbers)}


def _whisper(checkpoint, extractor):
    """Say what a graph of Whisper's encoder is made of."""
    functional = _import("torch").nn.functional
    encoder = checkpoint.get_encoder()
    measure = _log_mel(extractor)

    def embed(waveform):
        hidden = functional.gelu(encoder.conv1(measure(waveform)))
        hidden = functional.gelu(encoder.conv2(hidden)).transpose(1, 2)
        return hidden + encoder.embed_positions.weight[: hidden.shape[1]]

    def reference(signal):
        given = extractor(
            signal,
            sampling_rate=extractor.sampling_rate,
            return_tensors="pt",
            padding=False,
        )
        return encoder(given.input_features, output_hidden_states=True)

    hop_length = extractor.hop_length * encoder.conv2.stride[0]
    window = checkpoint.config.max_source_positions * hop_length
    window /= extractor.sampling_rate
    return _Parts(
        embed,
        encoder.layers,
        encoder.layer_norm,
        reference,
        extractor.sampling_rate,
        hop_length,
        window,
        window,  # transformers' own takes nothing shorter
    )


def _log_mel(extractor):
    r"""Return a function from waveforms to Whisper's log-mel spectrograms.

    :math:`\log_{10}` of the mel bands of the power spectrum, limited to 8 below its
    maximum, plus 4, divided by 4. The Fourier transform is a convolution, which any
    ONNX runtime has.
    """
    torch = _import("torch")
    length, hop_length = extractor.n_fft, extractor.hop_length
    frequency = np.arange(length // 2 + 1)[:, np.newaxis]
    angle = 2 * np.pi * frequency * np.arange(length) / length
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    basis = np.concatenate([np.cos(angle), np.sin(angle)]) * window
    basis = torch.tensor(basis[:, np.newaxis], dtype=torch.float32)
    bands = torch.tensor(extractor.mel_filters.T, dtype=torch.float32)

    def measure(waveform):
        padded = torch.nn.functional.pad(
            waveform[:, np.newaxis], (length // 2, length // 2), mode="reflect"
        )
        spectrum = torch.nn.functional.conv1d(padded, basis, stride=hop_length)
        power = spectrum[:, :, :-1] ** 2
        power = power[:, : len(frequency)] + power[:, len(frequency) :]
        mel = torch.log10(torch.clamp(bands @ power, min=1e-10))
        return (torch.maximum(mel, mel.amax((1, 2), keepdim=True) - 8) + 4) / 4

    return measure


def _wav2vec2(checkpoint, extractor):
    """Say what a graph of wav2vec 2.0, HuBERT or WavLM is made of."""
    torch = _import("torch")
    encoder, config = checkpoint.encoder, checkpoint.config
    is_stable = getattr(config, "do_stable_layer_norm", False)
    # The weights of this layer are a product, to be multiplied once and for all.
    if torch.nn.utils.parametrize.is_parametrized(encoder.pos_conv_embed.conv):
        torch.nn.utils.parametrize.remove_parametrizations(
            encoder.pos_conv_embed.conv, "weight"
        )

    def embed(waveform):
        if extractor.do_normalize:
            waveform = waveform - waveform.mean(dim=1, keepdim=True)
            variance = (waveform**2).mean(dim=1, keepdim=True)
            waveform = waveform / torch.sqrt(variance + 1e-7)
        hidden = checkpoint.feature_extractor(waveform).transpose(1, 2)
        hidden = checkpoint.feature_projection(hidden)
        # Some give what they have projected as well.
        hidden = hidden[0] if isinstance(hidden, tuple) else hidden
        hidden = hidden + encoder.pos_conv_embed(hidden)
        return hidden if is_stable else encoder.layer_norm(hidden)

    def reference(signal):
        given = extractor(
            signal, sampling_rate=extractor.sampling_rate, return_tensors="pt"
        )
        return checkpoint(given.input_values, output_hidden_states=True)

    return _Parts(
        embed,
        encoder.layers,
        encoder.layer_norm if is_stable else torch.nn.Identity(),
        reference,
        extractor.sampling_rate,
        int(np.prod(config.conv_stride)),
        30.0,
        2.0,
    )


# ``model_type`` of a checkpoint's configuration -> what its graph is made of.
_FAMILIES = {
    "whisper": _whisper,
    "wav2vec2": _wav2vec2,
    "hubert": _wav2vec2,
    "wavlm": _wav2vec2,
}


def _build(checkpoint, parts, names, reference, pad):
    """Return a network from waveforms to the chosen hidden states."""
    torch = _import("torch")
    # The last hidden state is in some families what comes out at the end.
    is_normed = torch.equal(reference.hidden_states[-1], reference.last_hidden_state)
    window = round(parts.window * parts.sample_rate)

    class Graph(torch.nn.Module):
        def __init__(self):
            super().__init__()
            # Only so that its weights get names; what is not used is left out.
            self.checkpoint = checkpoint

        def forward(self, waveform):
            n_samples = waveform.shape[1]
            if pad:
                waveform = torch.nn.functional.pad(waveform, (0, window - n_samples))
            states = [parts.embed(waveform)]
            bias = {}
            for layer in parts.layers[: max(names)]:
                state = layer(states[-1], attention_mask=None, **bias)
                if "position_bias" in signature(layer.forward).parameters:
                    bias = {"position_bias": state[1]}  # WavLM's layers hand it on
                # Versions of transformers differ in what comes along.
                states.append(state[0] if isinstance(state, tuple) else state)
            if is_normed and max(names) == len(parts.layers):
                states[-1] = parts.final_norm(states[-1])
            # As many as without: the front end drops what is less than half a hop.
            hop = parts.hop_length
            n_frames = (n_samples + hop // 2) // hop if pad else None
            return tuple(states[number][:, :n_frames] for number in names)

    return Graph()


def _trace(graph, names):
    """Return a network as ONNX, for any number of signals of any length."""
    torch = _import("torch")
    buffer = io.BytesIO()
    torch.onnx.export(
        graph.eval(),
        (torch.zeros(2, 8000),),
        buffer,
        input_names=["waveform"],
        output_names=list(names.values()),
        dynamic_axes={
            "waveform": {0: "batch", 1: "samples"},
            **{name: {0: "batch", 1: "frames"} for name in names.values()},
        },
        opset_version=_OPSET,
        # The other exporter needs one more package, and fixes lengths that are not.
        dynamo=False,
    )
    return buffer.getvalue()


def _finish(data, metadata, precision):
    """Return the file with its metadata, and weights in the precision asked for."""
    onnx = _import("onnx")
    model = onnx.load_from_string(data)
    known = {key: str(value) for key, value in metadata.items() if value is not None}
    onnx.helper.set_model_props(model, known)
    if precision == "float16":
        _halve(model.graph)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def _halve(graph):
    """Keep the large weights in float16, with a cast to float32 before their use."""
    onnx = _import("onnx")
    casts = []
    for weights in graph.initializer:
        values = onnx.numpy_helper.to_array(weights)
        if values.dtype != np.float32 or values.size < _SMALLEST_HALVED:
            continue
        if np.abs(values).max() > np.finfo(np.float16).max:
            continue
        name = weights.name
        halved = onnx.numpy_helper.from_array(values.astype("f2"), f"{name}_half")
        weights.CopyFrom(halved)
        casts.append(
            onnx.helper.make_node(
                "Cast", [halved.name], [name], to=onnx.TensorProto.FLOAT
            )
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _compare(data, names, noise, reference, precision):
    """Refuse a file that does not give what transformers gives."""
    found = Encoder(EncoderFile(data))
    for number, name in names.items():
        expected = reference.hidden_states[number][0].numpy()
        got = found(noise, (name,))
        if got.shape != expected.shape:
            raise RuntimeError(
                f"{name} has the shape {got.shape}, but transformers' "
                f"hidden_states[{number}] {expected.shape}. Nothing was written."
            )
        error = np.abs(got - expected).max() / np.abs(expected).max()
        if not error <= _TOLERANCES[precision]:
            raise RuntimeError(
                f"{name} differs from transformers' hidden_states[{number}] by a "
                f"{error:.2g} of its largest value. Nothing was written."
            )

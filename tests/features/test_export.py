"""Checkpoints of transformers as ONNX files: export_encoder."""

import re
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from skser import datasets
from skser.features import PretrainedFeatures, export_encoder

torch = pytest.importorskip("torch", reason="torch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not there")
onnx = pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")

GENERATOR = np.random.default_rng(0)
SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "conv_dim": (16,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
STABLE = {"do_stable_layer_norm": True, "feat_extract_norm": "layer", **SMALL}
WHISPER = {
    "d_model": 32,
    "encoder_layers": 3,
    "encoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_layers": 1,
    "decoder_attention_heads": 4,
    "decoder_ffn_dim": 64,
    "max_source_positions": 100,
    "vocab_size": 100,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
}
# Name -> family, its configuration, and whether signals get mean 0 and variance 1.
CHECKPOINTS = {
    "whisper": ("Whisper", WHISPER, None),
    "wav2vec2": ("Wav2Vec2", SMALL, True),
    "wav2vec2_large": ("Wav2Vec2", STABLE, False),
    "hubert": ("Hubert", SMALL, True),
    "hubert_large": ("Hubert", STABLE, True),
    "wavlm": ("WavLM", SMALL, False),
    "wavlm_large": ("WavLM", STABLE, True),
}


@pytest.fixture(scope="module")
def save_checkpoint(tmp_path_factory):
    """Give a function that saves a network of random weights as transformers does."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("checkpoints")

    def save(name):
        family, params, do_normalize = CHECKPOINTS[name]
        config = getattr(transformers, f"{family}Config")(**params)
        network = getattr(transformers, f"{family}Model")(config).eval()
        with torch.no_grad():
            for weights in network.parameters():
                weights += 0.05 * torch.randn_like(weights)
        if family == "Whisper":
            extractor = transformers.WhisperFeatureExtractor(chunk_length=2)
        else:
            extractor = transformers.Wav2Vec2FeatureExtractor(do_normalize=do_normalize)
        network.save_pretrained(folder / name)
        extractor.save_pretrained(folder / name)
        return folder / name

    return save


def hidden_states(folder, signal):
    """Return what transformers itself gives for one signal."""
    network = transformers.AutoModel.from_pretrained(folder).eval()
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    given = extractor(signal, sampling_rate=16000, return_tensors="pt")
    if network.config.model_type == "whisper":
        network = network.get_encoder()
    with torch.no_grad():
        result = network(next(iter(given.values())), output_hidden_states=True)
    return [state[0].numpy() for state in result.hidden_states]


def assert_close(got, expected, tolerance):
    assert got.shape == expected.shape
    assert np.abs(got - expected).max() <= tolerance * np.abs(expected).max()


@pytest.fixture(scope="module")
def wav2vec2(save_checkpoint):
    return save_checkpoint("wav2vec2")


@pytest.mark.slow
@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_file_gives_the_hidden_states_of_transformers(
    save_checkpoint, tmp_path, name
):
    folder = save_checkpoint(name)
    path = export_encoder(folder, [0, 1, 2, 3], tmp_path / "encoder.onnx")
    # transformers' Whisper takes whole windows only.
    lengths = [32000] if name == "whisper" else [400, 1000, 16000, 21777]
    for n_samples in lengths:
        signal = GENERATOR.normal(0, 0.1, n_samples).astype(np.float32)
        for layer, expected in enumerate(hidden_states(folder, signal)):
            features = PretrainedFeatures(path, f"hidden_state_{layer}")
            assert_close(features.transform([signal])[0], expected, 1e-4)


@pytest.mark.parametrize("name", ["whisper", "wavlm"])
def test_half_precision_halves_the_file_and_hardly_changes_the_features(
    save_checkpoint, tmp_path, name, monkeypatch
):
    monkeypatch.setattr("skser.features._export._SMALLEST_HALVED", 64)
    folder = save_checkpoint(name)
    whole = export_encoder(folder, 2, tmp_path / "whole.onnx")
    half = export_encoder(folder, 2, tmp_path / "half.onnx", precision="float16")
    signal = GENERATOR.normal(0, 0.1, 32000).astype(np.float32)
    assert_close(
        PretrainedFeatures(half).transform([signal])[0],
        PretrainedFeatures(whole).transform([signal])[0],
        3e-3,
    )
    weights = [
        sum(
            onnx.numpy_helper.to_array(w).nbytes for w in onnx.load(p).graph.initializer
        )
        for p in (whole, half)
    ]
    assert weights[1] < 0.6 * weights[0]


def test_nothing_after_the_last_wanted_layer_is_in_the_file(wav2vec2, tmp_path):
    sizes = [
        export_encoder(wav2vec2, n, tmp_path / "encoder.onnx").stat().st_size
        for n in (1, 2, 3)
    ]
    # A layer has 4 x 32 x 32 and 2 x 32 x 64 weights of 4 bytes.
    assert np.diff(sizes) == pytest.approx(32768, rel=0.5)
    assert PretrainedFeatures(tmp_path).get_feature_names_out()[0] == "hidden_state_3_0"


def test_the_metadata_tells_rate_hop_window_source_and_licence(wav2vec2, tmp_path):
    path = export_encoder(wav2vec2, 1, tmp_path / "a.onnx", licence="Apache-2.0")
    known = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert known == {
        "sample_rate": "16000",
        "hop_length": "320",
        "window": "30.0",
        "source": "wav2vec2",
        "licence": "Apache-2.0",
        "precision": "float32",
    }
    assert PretrainedFeatures(path).frame_rate_ == 50


def test_signals_of_one_length_can_go_together(save_checkpoint, tmp_path):
    import onnxruntime

    signals = GENERATOR.normal(0, 0.1, (3, 9000)).astype(np.float32)
    for name in ("whisper", "wavlm"):
        path = export_encoder(save_checkpoint(name), 2, tmp_path / "encoder.onnx")
        session = onnxruntime.InferenceSession(path)
        (together,) = session.run(None, {"waveform": signals})
        alone = PretrainedFeatures(path).transform(list(signals))
        np.testing.assert_allclose(together, np.stack(alone), atol=1e-4)


class TestWhisper:
    def test_a_short_signal_costs_no_window(self, save_checkpoint, tmp_path):
        path = export_encoder(save_checkpoint("whisper"), 2, tmp_path / "encoder.onnx")
        signals = [np.ones(n) * 0.1 for n in (50, 3200, 32000, 80000)]
        frames = PretrainedFeatures(path).transform(signals)
        assert [len(array) for array in frames] == [1, 10, 100, 250]

    def test_on_demand_it_is_filled_up_to_the_window(self, save_checkpoint, tmp_path):
        folder = save_checkpoint("whisper")
        path = export_encoder(folder, [1, 3], tmp_path / "encoder.onnx", pad=True)
        signal = GENERATOR.normal(0, 0.1, 10_000).astype(np.float32)
        expected = hidden_states(folder, signal)
        for layer in (1, 3):
            features = PretrainedFeatures(path, f"hidden_state_{layer}")
            assert_close(features.transform([signal])[0], expected[layer][:31], 1e-4)


@pytest.fixture
def main(monkeypatch):
    """Run ``python -m skser`` with arguments, in this process."""

    def main(arguments):
        monkeypatch.setattr(sys, "argv", ["skser", *arguments])
        with pytest.raises(SystemExit) as ended:
            runpy.run_module("skser", run_name="__main__")
        return ended.value.code

    return main


class TestCommandLine:
    def test_a_file_is_made(self, main, wav2vec2, tmp_path, capsys):
        path = tmp_path / "encoder.onnx"
        command = ["export-encoder", str(wav2vec2), "--layers", "1", "2"]
        options = ["--precision", "float16", "--licence", "MIT"]
        assert main([*command, *options, "--output", str(path)]) == 0
        assert f"Written: {path}" in capsys.readouterr().err
        by_hand = export_encoder(
            wav2vec2, [1, 2], tmp_path / "b.onnx", precision="float16", licence="MIT"
        )
        assert path.read_bytes() == by_hand.read_bytes()

    def test_what_is_wrong_is_a_line(self, main, tmp_path, capsys):
        path = str(tmp_path / "encoder.onnx")
        command = ["export-encoder", str(tmp_path), "--layers", "1", "--output", path]
        assert main(command) == 1
        last = capsys.readouterr().err.splitlines()[-1]
        assert "is not a whole checkpoint of transformers" in last


def test_the_guide_runs(save_checkpoint, speech, tmp_path, monkeypatch, capsys):
    guide = Path(__file__).parents[2] / "docs" / "user_guide"
    page = (guide / "pretrained.md").read_text("utf-8")
    blocks = re.findall(r"^```py\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(save_checkpoint("whisper"), "whisper-base")
    paths = datasets.write_corpus(speech, "recordings")
    rows = zip(paths, speech.target, speech.groups, strict=True)
    lines = ["file,label,speaker", *map(",".join, rows)]
    Path("table.csv").write_text("\n".join(lines), "utf-8")
    namespace = {}
    for block in blocks:
        exec(compile(block, "pretrained.md", "exec"), namespace)
    assert 0 <= float(capsys.readouterr().out.splitlines()[0]) <= 1
    assert namespace["search"].best_score_ >= 0


class TestFaults:
    def test_a_checkpoint_that_is_not_on_this_machine(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        for model in (tmp_path, "openai/whisper-base"):
            with pytest.raises(
                OSError, match=r"preprocessor_config.json and the weigh"
            ):
                export_encoder(model, 1, tmp_path / "encoder.onnx")

    def test_a_checkpoint_of_another_family(self, tmp_path):
        transformers.BertConfig().save_pretrained(tmp_path)
        with pytest.raises(ValueError, match="of 'bert'; whisper, wav2vec2, hubert, w"):
            export_encoder(tmp_path, 1, tmp_path / "encoder.onnx")

    @pytest.mark.parametrize("layers", [4, -1, [], [1, 7], ["last"]])
    def test_layers_that_are_not_there(self, wav2vec2, tmp_path, layers):
        with pytest.raises(ValueError, match="layers must be numbers from 0 to 3"):
            export_encoder(wav2vec2, layers, tmp_path / "encoder.onnx")

    def test_a_precision_that_is_not_known(self, wav2vec2, tmp_path):
        with pytest.raises(ValueError, match="'precision' parameter of export_encoder"):
            export_encoder(wav2vec2, 1, tmp_path / "e.onnx", precision="int8")

    def test_tools_that_are_not_installed(self, wav2vec2, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "transformers", None)
        with pytest.raises(
            ImportError, match=r'needs transformers, .*pip install "torch>='
        ):
            export_encoder(wav2vec2, 1, tmp_path / "encoder.onnx")

    def test_a_file_that_is_wrong_is_not_written(self, wav2vec2, tmp_path, monkeypatch):
        (tmp_path / "encoder.onnx").write_bytes(b"before")
        monkeypatch.setitem(
            sys.modules["skser.features._export"]._TOLERANCES, "float32", -1
        )
        with pytest.raises(RuntimeError, match="Nothing was written"):
            export_encoder(wav2vec2, 1, tmp_path / "encoder.onnx")
        assert (tmp_path / "encoder.onnx").read_bytes() == b"before"
        assert len(list(tmp_path.iterdir())) == 1

"""What holds for any input: framing, features, whitening, padding, saving.

Inputs are drawn by hypothesis, the same ones in every run.
"""

import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import skser
from skser import AcousticFeatures, Framer, PCAWhitening, frame
from skser.audio import load_audio
from skser.features import CATALOGUE
from skser.networks import (
    AttentionPooling,
    ReverseFrames,
    masked_average,
    masked_maximum,
    masked_softmax,
)
from skser.normalization import FrameScaler
from skser.training import pad_sequences

N_COLUMNS = sum(feature.width for feature in CATALOGUE.values())

settings.register_profile(
    "skser", max_examples=25, deadline=None, derandomize=True, database=None
)
settings.load_profile("skser")

# Numbers as they come from recordings and features, to the ends of what is allowed.
SAMPLES = st.floats(-1, 1, width=32)
VALUES = st.floats(-1e6, 1e6, width=32)


def signals(max_length=3000):
    """Draw waveforms, most of them short."""
    return arrays(np.float32, st.integers(1, max_length), elements=SAMPLES)


@st.composite
def batches(draw, n_features=3, max_frames=12, elements=VALUES):
    """Draw feature sequences of unequal length and the same width."""
    lengths = draw(st.lists(st.integers(1, max_frames), min_size=1, max_size=6))
    return [
        draw(arrays(np.float32, (length, n_features), elements=elements))
        for length in lengths
    ]


# Framing


@given(signals(400), st.integers(2, 64), st.integers(1, 64))
def test_every_sample_is_where_the_formula_says(signal, frame_length, hop_length):
    frames = frame(signal, frame_length, hop_length)
    assert frames.shape == (-(-len(signal) // hop_length), frame_length)
    positions = (
        hop_length * np.arange(len(frames))[:, None]
        + np.arange(frame_length)
        - frame_length // 2
    )
    inside = (positions >= 0) & (positions < len(signal))
    np.testing.assert_array_equal(frames[inside], signal[positions[inside]])
    assert not frames[~inside].any()


@given(st.lists(signals(2000), min_size=1, max_size=4))
def test_framing_a_batch_is_framing_each_signal(batch):
    for signal, frames in zip(batch, Framer().transform(batch), strict=True):
        np.testing.assert_array_equal(frames, frame(signal))


# Features


@given(signals())
def test_features_of_any_signal_are_finite_and_do_not_depend_on_the_batch(signal):
    frames = frame(signal)
    other = frame(np.linspace(-1, 1, 2000, dtype=np.float32))
    alone, (_, together) = (
        AcousticFeatures().transform(batch) for batch in ([frames], [other, frames])
    )
    assert together.shape == (len(frames), N_COLUMNS)
    assert together.dtype == np.float32
    assert np.isfinite(together).all()
    np.testing.assert_array_equal(alone[0], together)


@given(signals(), st.integers(-8, -1))
def test_a_quieter_signal_crosses_zero_as_often_and_has_less_energy(signal, exponent):
    extractor = AcousticFeatures(features=["Energy", "ZCR"])
    factor = np.float32(2.0**exponent)
    # A power of 2 changes no digit unless the product is too small for a float.
    signal = np.where(np.abs(signal) < 1e-30, 0, signal).astype(np.float32)
    loud, quiet = extractor.transform([frame(signal), frame(signal * factor)])
    np.testing.assert_array_equal(quiet[:, 1], loud[:, 1])
    np.testing.assert_allclose(quiet[:, 0], loud[:, 0] * factor, rtol=1e-5)


# Whitening and scaling


@given(batches(n_features=4, max_frames=20), st.sampled_from([True, False, 0.5]))
def test_whitened_components_of_any_frames_are_finite_and_bounded(batch, whiten):
    batch[0] = np.concatenate([batch[0], batch[0] + 1])  # two frames at least
    whitening = PCAWhitening(whiten=whiten, clip=None).fit(batch)
    components = whitening.transform(batch)
    assert [len(z) for z in components] == [len(x) for x in batch]
    joined = np.concatenate(components).astype(float)
    assert np.isfinite(joined).all()
    assert 1 <= whitening.n_components_ <= 4
    if whiten is True and joined.any():
        # No component is a direction of rounding errors blown up.
        assert np.abs(joined.var(axis=0)).max() < 1.1
        assert np.abs(joined).max() <= 1.1 * np.sqrt(len(joined))


@given(batches(max_frames=20), st.integers(1, 7))
def test_what_is_learnt_of_frames_does_not_depend_on_how_they_are_cut(batch, length):
    frames = np.concatenate([*batch, batch[0] + 1])
    pieces = [frames[start : start + length] for start in range(0, len(frames), length)]
    whole, cut = FrameScaler().fit([frames]), FrameScaler().fit(pieces)
    scale = 1 + np.abs(frames).max()
    np.testing.assert_allclose(cut.mean_, whole.mean_, atol=1e-9 * scale)
    np.testing.assert_allclose(cut.scale_, whole.scale_, rtol=1e-6, atol=1e-9 * scale)


# Padding and masks


@given(batches(), st.integers(0, 5))
def test_padding_adds_zeros_that_the_mask_leaves_out(batch, n_more):
    longest = max(map(len, batch))
    padded, mask = pad_sequences(batch, longest + n_more)
    assert padded.shape == (len(batch), longest + n_more, 3)
    assert mask.sum(axis=1).tolist() == [len(x) for x in batch]
    assert not padded[~mask].any()
    np.testing.assert_array_equal(padded[mask], np.concatenate(batch))


ATTENTION = AttentionPooling(4, seed=0)
POOLINGS = {
    "average": masked_average,
    "maximum": masked_maximum,
    "attention": lambda frames, mask: ATTENTION(frames, mask)[0],
    "softmax": lambda frames, mask: masked_softmax(frames[..., 0], mask),
    "reversal": lambda frames, mask: ReverseFrames()(frames, mask),
}


@given(
    batches(max_frames=6, elements=st.floats(-50, 50, width=32)),
    st.integers(1, 6),
    st.sampled_from(sorted(POOLINGS)),
    st.floats(-50, 50, width=32),
)
def test_what_stands_in_the_padding_never_counts(batch, n_more, name, rubbish):
    padded, mask = pad_sequences(batch)
    n_frames = padded.shape[1]
    longer, longer_mask = pad_sequences(batch, n_frames + n_more)
    longer[~longer_mask] = rubbish
    expected = np.asarray(POOLINGS[name](padded, mask))
    found = np.asarray(POOLINGS[name](longer, longer_mask))
    if name in ("softmax", "reversal"):  # one result a frame: the real ones count
        expected, found = expected[mask], found[longer_mask]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


# There and back


@given(signals(2000), st.sampled_from([("WAV", "FLOAT"), ("W64", "DOUBLE")]))
def test_a_signal_that_is_written_is_read_again(signal, kind):
    container, subtype = kind
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a")
        soundfile.write(path, signal, 16000, format=container, subtype=subtype)
        np.testing.assert_array_equal(_load(path), signal)


@given(
    arrays(np.int16, st.integers(1, 2000)),
    st.sampled_from(["WAV", "FLAC", "AIFF", "CAF"]),
)
def test_samples_of_16_bits_are_read_again_from_any_lossless_format(samples, container):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a")
        soundfile.write(path, samples, 16000, format=container, subtype="PCM_16")
        np.testing.assert_array_equal(_load(path), samples / np.float32(32768))


def _load(path):
    """Load a recording that may be shorter than a frame."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", skser.exceptions.ShortAudioWarning)
        return load_audio(path)


@given(batches(max_frames=20))
def test_a_saved_whitening_answers_the_same_to_the_last_bit(batch):
    batch[0] = np.concatenate([batch[0], batch[0] + 1])
    whitening = PCAWhitening().fit(batch)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "whitening.skser")
        skser.save(whitening, path)
        loaded = skser.load(path)
    for one, other in zip(
        whitening.transform(batch), loaded.transform(batch), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@given(st.data())
def test_no_single_changed_byte_of_a_saved_model_goes_unnoticed(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.skser")
        skser.save(FrameScaler().fit([np.eye(3)]), path)
        content = bytearray(path.read_bytes())
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] ^= data.draw(st.integers(1, 255))
        path.write_bytes(content)
        with pytest.raises(skser.exceptions.ModelFileError):
            skser.load(path)

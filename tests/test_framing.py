"""Framing: how many frames there are, and which samples each holds."""

import numpy as np
import pytest
from librosa.util import frame as librosa_frame

from skser import Framer, frame


@pytest.mark.case("A04", "A05")
@pytest.mark.parametrize(
    ("n_samples", "n_frames"),
    [(1, 1), (511, 1), (512, 1), (513, 2), (1023, 2), (1024, 2), (1025, 3)],
)
def test_there_are_as_many_frames_as_hops_that_have_begun(n_samples, n_frames):
    assert frame(np.ones(n_samples)).shape == (n_frames, 1024)


def test_each_frame_is_centred_on_a_multiple_of_the_hop():
    signal = np.arange(1.0, 5001.0)
    for t, frame_t in enumerate(frame(signal)):
        assert frame_t[512] == signal[512 * t]


def test_samples_outside_the_signal_are_zero():
    frames = frame(np.ones(700))
    assert frames[0].tolist() == [0.0] * 512 + [1.0] * 512
    assert frames[1].tolist() == [1.0] * 700 + [0.0] * 324


@pytest.mark.parametrize(("frame_length", "hop_length"), [(1024, 512), (400, 160)])
def test_frames_are_those_of_librosa_after_centring(frame_length, hop_length):
    signal = np.random.default_rng(0).normal(size=5001)
    centred = np.pad(signal, frame_length // 2)
    expected = librosa_frame(centred, frame_length=frame_length, hop_length=hop_length)
    frames = frame(signal, frame_length, hop_length)
    np.testing.assert_array_equal(frames, expected.T)


def test_a_hop_longer_than_the_frame_skips_samples():
    frames = frame(np.arange(1.0, 11.0), frame_length=2, hop_length=4)
    assert frames.tolist() == [[0, 1], [4, 5], [8, 9]]


def test_an_odd_frame_length_has_its_middle_on_the_hop():
    frames = frame(np.arange(1.0, 6.0), frame_length=3, hop_length=1)
    assert frames[:, 1].tolist() == [1, 2, 3, 4, 5]


def test_overlapping_frames_share_their_memory():
    frames = frame(np.ones(160000, dtype=np.float32))
    assert np.shares_memory(frames[0], frames[1])
    assert not frames.flags.writeable


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_precision_of_the_signal_is_kept(dtype):
    assert frame(np.ones(600, dtype=dtype)).dtype == dtype
    assert Framer().fit_transform([np.ones(600, dtype=dtype)])[0].dtype == dtype


def test_the_transformer_frames_each_signal_of_a_list():
    signals = [np.arange(1.0, n) for n in (300, 2000, 5000)]
    for signal, frames in zip(signals, Framer().fit_transform(signals), strict=True):
        np.testing.assert_array_equal(frames, frame(signal))


def test_rows_of_a_table_are_signals_of_equal_length():
    table = np.random.default_rng(0).normal(size=(3, 2000))
    batch = Framer().fit_transform(table)
    assert batch.shape == (3, 4, 1024)
    np.testing.assert_array_equal(batch[1], frame(table[1]))


def test_the_framer_needs_no_fit():
    assert Framer().transform([np.ones(10)])[0].shape == (1, 1024)


@pytest.mark.case("B10")
@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ([np.ones(9), np.ones((3, 3))], ValueError, r"X\[1\] must have the shape"),
        ([np.ones(9), np.array([])], ValueError, r"X\[1\] is empty"),
        ([np.ones(9), np.array([1, np.nan])], ValueError, r"X\[1\] contains NaN"),
        ([np.ones(9), np.array(["a"])], TypeError, r"X\[1\] must hold real numbers"),
        ([np.ones(9), np.array([1j])], TypeError, r"X\[1\] must hold real numbers"),
        ((np.ones(9) for _ in "ab"), TypeError, "must be a list.*generator"),
    ],
)
def test_bad_signals_are_refused_by_their_index(X, error, message):
    with pytest.raises(error, match=message):
        Framer().fit(X)


@pytest.mark.parametrize("parameters", [{"hop_length": 0}, {"frame_length": 1.5}])
def test_impossible_lengths_are_refused(parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        frame(np.ones(100), **parameters)
    with pytest.raises(ValueError, match=next(iter(parameters))):
        Framer(**parameters).fit([np.ones(100)])

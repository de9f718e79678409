"""A linear system, a conversation of several minutes, and what is in it."""

import numpy as np
import pytest
import soundfile
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skser import AudioLoader, Framer
from skser.features import FrameStatistics, SpeechDescriptors


@pytest.fixture(scope="session")
def linear_system(speech):
    """A system without a network, which hears everything at one level."""
    system = make_pipeline(
        AudioLoader(rms=0.05),
        Framer(400, 160),
        SpeechDescriptors(["mfcc", "log_energy"]),
        FrameStatistics(["mean", "std"], []),
        StandardScaler(),
        LogisticRegression(C=0.1),
    )
    return system.fit(speech.paths, speech.target)


@pytest.fixture(scope="session")
def talk(speech):
    """Half a minute of speech at 16 kHz with a pause of six seconds, float32."""
    pause = np.random.default_rng(0).normal(0, 1e-4, 6 * 16000)
    parts = [*speech.data[:7], pause, *speech.data[7:14]]
    return np.concatenate(parts).astype(np.float32)


@pytest.fixture(scope="session")
def talk_path(talk, tmp_path_factory):
    """The same as a file."""
    path = str(tmp_path_factory.mktemp("talk") / "talk.wav")
    soundfile.write(path, talk, 16000, subtype="FLOAT")
    return path

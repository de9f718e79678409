"""The service of examples/service: answers, and what it refuses."""

import importlib.util
import io
import re
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skser import AudioLoader, Framer, save
from skser.features import FrameStatistics, SpeechDescriptors

pytest.importorskip("fastapi", reason="the service needs fastapi")
pytest.importorskip("multipart", reason="uploads need python-multipart")
pytest.importorskip("httpx", reason="clients in tests need httpx")

from fastapi.testclient import TestClient

RATE = 16000
APP = Path(__file__).parents[1] / "examples" / "service" / "app.py"


def encode(signal, rate=RATE, format="WAV", **kwargs):
    file = io.BytesIO()
    soundfile.write(file, signal, rate, format=format, **kwargs)
    return file.getvalue()


def tone(pitch=220, seconds=1.0):
    times = np.arange(int(seconds * RATE)) / RATE
    return 0.5 * np.sin(2 * np.pi * pitch * times)


@pytest.fixture(scope="module")
def system():
    system = make_pipeline(
        AudioLoader(),
        Framer(400, 160),
        SpeechDescriptors(["log_pitch"]),
        FrameStatistics(["mean"], []),
        LogisticRegression(),
    )
    X = [(tone(pitch), RATE) for pitch in (200, 210, 400, 410)]
    return system.fit(X, ["low", "low", "high", "high"])


@pytest.fixture(scope="module")
def service(system, tmp_path_factory):
    """Return the module of the service, with a small system behind it."""
    path = tmp_path_factory.mktemp("model") / "emotions.skser"
    save(system, path)
    specification = importlib.util.spec_from_file_location("service_app", APP)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODEL", str(path))
        yield module


@pytest.fixture
def client(service):
    with TestClient(service.app, raise_server_exceptions=False) as client:
        yield client


def ask(client, content, field="recording", name="a.wav"):
    return client.post("/predict", files={field: (name, content)})


def test_the_answer_is_that_of_the_system(client, system):
    for pitch, rate in [(205, RATE), (395, RATE), (205, 44100)]:
        content = encode(tone(pitch), rate)
        answer = ask(client, content).json()
        (expected,) = system.predict_proba([content])
        classes = system.classes_.tolist()
        assert answer["posteriors"] == dict(zip(classes, expected, strict=True))
        assert answer["emotion"] == classes[expected.argmax()]
        assert answer["seconds"] == pytest.approx(RATE / rate, abs=1e-4)


def test_many_clients_at_once_have_the_answers_of_one(client, system):
    contents = [encode(tone(pitch)) for pitch in range(200, 420, 10)] * 2
    with ThreadPoolExecutor(20) as threads:
        responses = list(threads.map(lambda content: ask(client, content), contents))
    expected = [system.predict_proba([content])[0].tolist() for content in contents]
    assert [list(one.json()["posteriors"].values()) for one in responses] == expected


def nan():
    signal = tone().astype(np.float32)
    signal[100] = np.nan
    return encode(signal, subtype="FLOAT")


def lying_header():
    content = encode(tone())
    return content[:40] + struct.pack("<I", 10**8) + content[44:]


def cancelling():
    return encode(np.stack([tone(), -tone()], axis=1))


BAD = {
    "empty": (b"", 422, "is empty"),
    "text": (b"Not a sound.\n" * 50, 415, "cannot be read as audio"),
    "web page": (b"<!DOCTYPE html><html></html>", 415, "begins with b'<!DOCTYPE"),
    "m4a": (b"\0\0\0\x20ftypM4A " + bytes(200), 415, "MPEG-4.*Convert it to WAV"),
    "random": (np.random.default_rng(0).bytes(5000), 415, "cannot be read"),
    "truncated WAV": (encode(tone())[:10_000], 422, "16000 samples, .*has 4978"),
    "truncated FLAC": (encode(tone(), format="FLAC")[:5000], 422, "is truncated"),
    "a header that lies": (lying_header(), 422, "is truncated"),
    "no samples": (encode([]), 422, "has no samples"),
    "NaN": (nan(), 422, "NaN or infinite, the first at index 100"),
    "1 sample": (encode([0.5]), 422, "shorter than one frame"),
    "unscaled": (
        encode(30000 * tone().astype(np.float32), subtype="FLOAT"),
        422,
        r"far outside of \[-1, 1\]",
    ),
    "opposite channels": (cancelling(), 422, "channels that cancel each other"),
    "too long": (encode(np.zeros(31_000), 1000), 413, "lasts 31.0 s"),
    "a FLAC that unpacks to an hour": (
        encode(np.zeros(3_600_000), 1000, "FLAC"),
        413,
        "lasts 3600.0 s",
    ),
    "too large": (bytes(10_000_001), 413, "more than 10,000,000"),
    "absurd rate": (encode(tone(), 2_000_000), 415, "2000000 Hz"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_upload_is_refused_with_the_reason_and_the_service_lives(client, kind):
    content, status, reason = BAD[kind]
    response = ask(client, content, name="/etc/passwd")
    assert response.status_code == status
    detail = response.json()["detail"]
    assert len(detail) < 500
    assert re.search(reason, detail, re.DOTALL)
    assert "/" not in detail
    assert ask(client, encode(tone(205))).json()["emotion"] == "low"


def test_eight_channels_are_averaged(client):
    channels = np.repeat(tone(205)[:, np.newaxis], 8, axis=1)
    assert ask(client, encode(channels)).json()["emotion"] == "low"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"files": {"file": ("a.wav", b"RIFF")}}, 422),
        ({"data": {"recording": "a.wav"}}, 422),
        ({"json": {"recording": "a.wav"}}, 422),
        ({"content": encode(tone()), "headers": {"content-type": "audio/wav"}}, 422),
        ({"content": b"--x", "headers": {"content-type": "multipart/form-data"}}, 400),
        ({"content": iter([b"RIFF"])}, 411),
    ],
    ids=["wrong field", "no file", "JSON", "no form", "a form without end", "chunks"],
)
def test_a_request_without_an_upload_is_refused(client, request_, status):
    response = client.post("/predict", **request_)
    assert response.status_code == status
    assert response.json()["detail"]


def test_what_came_and_what_was_answered_is_counted(client):
    ask(client, encode(tone(205)))
    ask(client, encode(tone(405, seconds=3)))
    ask(client, b"")
    metrics = client.get("/metrics").json()
    assert metrics["answers"] == {"low": 1, "high": 1}
    assert metrics["refusals"] == {"EmptyAudioError": 1}
    seconds = metrics["seconds"]
    assert seconds["edges"] == [0.5, 1, 2, 4, 8, 16]
    assert seconds["counts"] == [0, 1, 0, 1, 0, 0, 0]
    # A sine of amplitude 0.5 has -9 dB: between -10 and -5.
    level = metrics["level_db"]
    assert level["counts"][level["edges"].index(-5)] == 2


def test_health_says_what_is_answered(client):
    assert client.get("/health").json()["emotions"] == ["high", "low"]


def test_a_system_that_is_not_sure_has_no_answer(client, service):
    class Unsure:
        threshold_ = np.inf

    class System:
        classes_ = service.app.state.system.classes_
        predict_proba = service.app.state.system.predict_proba

        def __getitem__(self, place):
            return Unsure()

    service.app.state.system = System()
    assert ask(client, encode(tone(205))).json()["emotion"] is None


def test_without_a_model_it_does_not_start(service, monkeypatch):
    monkeypatch.setenv("MODEL", "no_such.skser")
    with (
        pytest.raises(FileNotFoundError, match=r"no_such\.skser"),
        TestClient(service.app),
    ):
        pass

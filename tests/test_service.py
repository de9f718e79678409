"""The service of examples/service: answers, and what it refuses."""

import importlib.util
import io
import json
import re
import struct
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skser import AudioLoader, Framer, save
from skser.ensembles import RejectOption
from skser.features import FrameStatistics, SpeechDescriptors

pytestmark = pytest.mark.slow

pytest.importorskip("fastapi", reason="the service needs fastapi")
pytest.importorskip("python_multipart", reason="uploads need python-multipart")
uvicorn = pytest.importorskip("uvicorn", reason="the service needs uvicorn")

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


class Client:
    """Asks a server that runs in a thread, on a connection for each request."""

    def __init__(self, app):
        config = uvicorn.Config(app, port=0, log_level="critical")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.run)

    def run(self):
        with suppress(SystemExit):  # where it cannot start
            self.server.run()

    def __enter__(self):
        self.thread.start()
        while not self.server.started and self.thread.is_alive():
            time.sleep(0.01)
        return self

    def __exit__(self, *error):
        self.server.should_exit = True
        self.thread.join()

    def request(self, method, path, body=None, headers=()):
        """Return status and JSON of an answer."""
        (socket,) = self.server.servers[0].sockets
        connection = HTTPConnection(*socket.getsockname(), timeout=60)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()


@pytest.fixture
def client(service):
    with Client(service.app) as client:
        yield client


def form(content, field="recording", name="a.wav"):
    """Return body and headers of a form with one part; a file, if it has a name."""
    file = "" if name is None else f'; filename="{name}"'
    head = f'--x\r\nContent-Disposition: form-data; name="{field}"{file}\r\n\r\n'
    body = head.encode() + content + b"\r\n--x--\r\n"
    return body, {"Content-Type": "multipart/form-data; boundary=x"}


def ask(client, content, **kwargs):
    return client.request("POST", "/predict", *form(content, **kwargs))


def test_the_answer_is_that_of_the_system(client, system):
    for pitch, rate in [(205, RATE), (395, RATE), (205, 44100)]:
        content = encode(tone(pitch), rate)
        _, answer = ask(client, content)
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
    answers = [list(answer["posteriors"].values()) for _, answer in responses]
    assert answers == expected


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
    "absurd rate": (encode(tone(), 2_000_000), 415, "2000000 Hz"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_upload_is_refused_with_the_reason_and_the_service_lives(client, kind):
    content, status, reason = BAD[kind]
    seen, answer = ask(client, content, name="/etc/passwd")
    assert seen == status
    detail = answer["detail"]
    assert len(detail) < 500
    assert re.search(reason, detail, re.DOTALL)
    assert "/" not in detail
    assert ask(client, encode(tone(205)))[1]["emotion"] == "low"


def test_eight_channels_are_averaged(client):
    channels = np.repeat(tone(205)[:, np.newaxis], 8, axis=1)
    assert ask(client, encode(channels))[1]["emotion"] == "low"


JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "multipart/form-data; boundary=x"}


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (*form(b"RIFF", field="file"), 422),
        (*form(b"a.wav", name=None), 422),
        (b'{"recording": "a.wav"}', JSON, 422),
        (encode(tone()), {"Content-Type": "audio/wav"}, 422),
        (b"--y--", FORM, 400),
        (iter([b"RIFF"]), FORM, 411),
    ],
    ids=["wrong field", "no file", "JSON", "no form", "damaged form", "chunks"],
)
def test_a_request_without_an_upload_is_refused(client, body, headers, status):
    seen, answer = client.request("POST", "/predict", body, headers)
    assert seen == status
    assert answer["detail"]


def test_a_large_upload_is_refused_before_it_is_sent(client):
    headers = {**FORM, "Content-Length": "10000001"}
    seen, answer = client.request("POST", "/predict", headers=headers)
    assert seen == 413
    assert answer["detail"] == "10,000,001 bytes are more than 10,000,000."


def test_what_came_and_what_was_answered_is_counted(client):
    ask(client, encode(tone(205)))
    ask(client, encode(tone(405, seconds=3)))
    ask(client, b"")
    _, metrics = client.request("GET", "/metrics")
    assert metrics["answers"] == {"low": 1, "high": 1}
    assert metrics["refusals"] == {"EmptyAudioError": 1}
    seconds = metrics["seconds"]
    assert seconds["edges"] == [0.5, 1, 2, 4, 8, 16]
    assert seconds["counts"] == [0, 1, 0, 1, 0, 0, 0]
    # A sine of amplitude 0.5 has -9 dB: between -10 and -5.
    level = metrics["level_db"]
    assert level["counts"][level["edges"].index(-5)] == 2


def test_health_says_what_is_answered(client):
    assert client.request("GET", "/health")[1]["emotions"] == ["high", "low"]


def test_a_system_that_is_not_sure_has_no_answer(
    service, system, tmp_path, monkeypatch
):
    X = [(tone(pitch), RATE) for pitch in (200, 210, 400, 410)]
    option = RejectOption(system[-1], 0.9, cv=2)
    careful = make_pipeline(*system[:-1], option)
    careful.fit(X, ["low", "low", "high", "high"])
    option.threshold_ = np.inf
    save(careful, tmp_path / "careful.skser")
    monkeypatch.setenv("MODEL", str(tmp_path / "careful.skser"))
    with Client(service.app) as client:
        _, answer = ask(client, encode(tone(205)))
    assert answer["emotion"] is None
    assert sum(answer["posteriors"].values()) == pytest.approx(1)


def test_it_starts_without_what_its_requirements_leave_out(service, tmp_path):
    code = f"""
import importlib.abc, sys
sys.path.insert(0, {str(APP.parent)!r})
class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {{"tensorflow", "keras", "librosa", "pandas"}}:
            raise ImportError(name)
sys.meta_path.insert(0, Missing())
import asyncio, app
async def start():
    async with app.start(app.app):
        print(app.app.state.system.classes_)
asyncio.run(start())
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == "['high' 'low']\n", done.stderr


def test_without_a_model_it_does_not_start(service, monkeypatch):
    monkeypatch.setenv("MODEL", "no_such.skser")
    with Client(service.app) as client:
        assert not client.server.started

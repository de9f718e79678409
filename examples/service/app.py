"""A web service that tells the emotion of a recording. The whole of it is this file.

Run it in this folder, with a system that was saved by skser.save::

    python -m pip install -r requirements.txt
    MODEL=emotions.skser uvicorn app:app --timeout-graceful-shutdown 30

and ask it::

    curl -F recording=@happy.wav http://localhost:8000/predict

docs/user_guide/service.md explains each part.
"""

import os
import threading
import warnings
from collections import Counter
from contextlib import asynccontextmanager

import numpy as np
from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, HTTPException, Request, UploadFile
from fastapi.responses import JSONResponse

import skser
from skser.exceptions import (
    AudioError,
    ImplausibleAudioWarning,
    ShortAudioWarning,
    TooLongAudioError,
    UnreadableAudioError,
)

RATE = 16000  # Hz, what the system's AudioLoader returns
MAX_BYTES = 10_000_000
MAX_SECONDS = 30
STATUS = {TooLongAudioError: 413, UnreadableAudioError: 415}  # all others: 422
# What a person would be warned of, a service refuses.
REFUSED = (AudioError, ImplausibleAudioWarning, ShortAudioWarning)


class Monitor:
    """Histograms of what came and of what was answered."""

    edges = {
        "level_db": np.arange(-80.0, 1, 5),
        "seconds": np.array([0.5, 1, 2, 4, 8, 16]),
        "top_posterior": np.arange(0.1, 1, 0.1),
    }

    def __init__(self):
        self.lock = threading.Lock()
        self.counts = {
            name: np.zeros(len(e) + 1, int) for name, e in self.edges.items()
        }
        self.answers, self.refusals = Counter(), Counter()

    def add(self, emotion, **values):
        """Count one answer."""
        with self.lock:
            self.answers[str(emotion)] += 1
            for name, value in values.items():
                self.counts[name][np.searchsorted(self.edges[name], value)] += 1

    def refuse(self, error):
        """Count one recording that was refused."""
        with self.lock:
            self.refusals[type(error).__name__] += 1

    def report(self):
        """Return all counts as JSON can hold them."""
        with self.lock:
            histograms = {
                name: {"edges": self.edges[name].tolist(), "counts": counts.tolist()}
                for name, counts in self.counts.items()
            }
            answers, refusals = dict(self.answers), dict(self.refusals)
        return {"answers": answers, "refusals": refusals, **histograms}


@asynccontextmanager
async def start(app):
    """Load the system once, and predict once: the first time takes longer."""
    # More predictions at a time than processors would get in each other's way: the
    # other requests wait, first come, first served.
    current_default_thread_limiter().total_tokens = os.cpu_count() or 1
    for category in (ImplausibleAudioWarning, ShortAudioWarning):
        warnings.simplefilter("error", category)
    app.state.system = skser.load(os.environ["MODEL"])
    noise = np.random.default_rng(0).normal(0, 0.1, RATE)
    app.state.system.predict_proba([(noise, RATE)])
    app.state.monitor = Monitor()
    yield


app = FastAPI(title="Speech emotion recognition", lifespan=start)


@app.middleware("http")
async def limit_size(request: Request, call_next):
    """Refuse large uploads before they are read."""
    if request.method == "POST":
        length = request.headers.get("content-length", "")
        if not length.isdecimal():
            return JSONResponse({"detail": "Content-Length is missing."}, 411)
        if int(length) > MAX_BYTES:
            detail = f"{int(length):,} bytes are more than {MAX_BYTES:,}."
            return JSONResponse({"detail": detail}, 413)
    return await call_next(request)


@app.post("/predict")
def predict(recording: UploadFile):
    """Return the emotion of one recording; several run at once, in threads."""
    system, monitor = app.state.system, app.state.monitor
    try:
        signal = skser.load_audio(recording.file, RATE, MAX_SECONDS)
    except REFUSED as error:
        monitor.refuse(error)
        status = STATUS.get(type(error), 422)
        raise HTTPException(status, str(error)) from error
    (posteriors,) = system.predict_proba([(signal, RATE)])
    top = posteriors.argmax()
    # A RejectOption at the end of the system refuses what it is not sure of.
    is_sure = posteriors[top] >= getattr(system[-1], "threshold_", 0)
    emotion = str(system.classes_[top]) if is_sure else None
    seconds, power = len(signal) / RATE, np.mean(np.square(signal, dtype=float))
    level = 10 * np.log10(power) if power > 0 else -np.inf
    monitor.add(emotion, level_db=level, seconds=seconds, top_posterior=posteriors[top])
    classes = map(str, system.classes_)
    return {
        "emotion": emotion,
        "posteriors": dict(zip(classes, posteriors.tolist(), strict=True)),
        "seconds": seconds,
    }


@app.get("/health")
async def health():
    """Say that the system is loaded: nothing is answered before."""
    return {"emotions": app.state.system.classes_.tolist(), "skser": skser.__version__}


@app.get("/metrics")
async def metrics():
    """Return what was counted since the start."""
    return app.state.monitor.report()

"""How long do systems take to start, and does examples/service stand many clients?

Run from the repository, on Linux, with fastapi, uvicorn and python-multipart::

    python tests/benchmarks/bench_service.py start path/to/emodb encoder.onnx
    python tests/benchmarks/bench_service.py load path/to/emodb encoder.onnx

`start` fits one system of each kind, on every sixth recording and for one epoch, since
how well it recognises makes no difference here. Each is loaded by a process of its own
that predicts the recording nearest to 3 s. Times are the processor's, from the start of
the process on, so that what else runs on the machine hardly changes them.

`load` starts the service with the recommended system over the encoder. Clients, each on
a connection of its own, upload recordings of EmoDB one after the other; each answer
must be that of `predict_proba`, to the bit. At the end, the service is told to stop
while requests are on their way, all of which must be answered.
"""

import argparse
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import soundfile

SERVICE = Path(__file__).parents[2] / "examples" / "service"
# Name in the table -> name of the system, and what makes its fit short.
KINDS = {
    "linear, over an encoder": ("pretrained_statistics", {}),
    "openSMILE (eGeMAPS), SVM": ("egemaps_svm", {}),
    "i-vectors": ("ivector", {}),
    "vote of statistics and i-vectors": ("statistics_ivector_vote", {}),
    "network over an encoder": (
        "pretrained_attention_blstm_fcn",
        {"classify__max_epochs": 1},
    ),
    "the paper's network": ("attention_blstm_fcn", {"classify__max_epochs": 1}),
}
N_CALLS = 10
N_RECORDINGS = 40
BOUNDARY = "boundary-of-bench-service"


def main():
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", choices=["start", "load", "child"])
    parser.add_argument("corpus", help="folder of EmoDB")
    parser.add_argument("encoder", help="ONNX file of an encoder")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--only", help="start: a system by its name")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    {"start": measure_starts, "load": measure_load, "child": start_one}[arguments.work](
        arguments
    )


def fit(name, parameters, arguments):
    """Return a system that is fitted, and the recordings of the corpus."""
    from skser import datasets
    from skser.systems import SYSTEMS

    corpus = datasets.load_emodb(arguments.corpus)
    takes_model = name.startswith(("pretrained", "recommended"))
    model = {"model": arguments.encoder} if takes_model else {}
    system = SYSTEMS[name](random_state=0, **model).set_params(**parameters)
    some = range(0, len(corpus.paths), 6)
    system.fit([corpus.paths[i] for i in some], [corpus.target[i] for i in some])
    return system, list(corpus.paths)


# How long until the first answer?


def measure_starts(arguments):
    """Print a line for each kind of system."""
    import skser

    print("| system | file, MB | until loaded, s | first answer, ms | later, ms | MB |")
    print("|---|---|---|---|---|---|")
    for kind, (name, parameters) in KINDS.items():
        if arguments.only not in (None, name):
            continue
        try:
            system, paths = fit(name, parameters, arguments)
        except ImportError as error:
            print(f"| {kind} | not installed: {error} |")
            continue
        seconds = [soundfile.info(path).duration for path in paths]
        single = paths[int(np.argmin(np.abs(np.array(seconds) - 3)))]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "emotions.skser")
            skser.save(system, path)
            size = os.path.getsize(path) / 1e6
            command = [sys.executable, __file__, "child", single, path]
            lines = [run_child(command) for _ in range(3)]
        loaded, first, later, memory = np.median(lines, axis=0)
        print(
            f"| {kind} | {size:.1f} | {loaded:.1f} | {first:.0f} | {later:.0f} | "
            f"{memory:.0f} |",
            flush=True,
        )


def run_child(command):
    """Return what a child measures."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def start_one(arguments):
    """Load a system and predict one recording, as a child."""
    import skser

    system = skser.load(arguments.encoder)
    loaded = time.process_time()
    times = []
    for _ in range(N_CALLS + 1):
        start = time.process_time()
        system.predict([arguments.corpus])
        times.append(1000 * (time.process_time() - start))
    print(json.dumps([loaded, times[0], np.median(times[1:]), measure_memory("self")]))


def measure_memory(process):
    """Return the resident memory of a process in MB."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1000


def measure_processor(process):
    """Return the seconds of the processor that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# Many clients


def measure_load(arguments):
    """Start the service, let clients ask, stop it; print what came."""
    import skser

    system, paths = fit("recommended", {}, arguments)
    some = paths[:: len(paths) // N_RECORDINGS][:N_RECORDINGS]
    requests = [make_body(Path(path).read_bytes()) for path in some]
    expected = [system.predict_proba([path])[0].tolist() for path in some]
    with tempfile.TemporaryDirectory() as folder:
        model = os.path.join(folder, "emotions.skser")
        skser.save(system, model)
        server, port = start_service(model)
        try:
            ask_all(port, requests, expected, arguments.clients, 5)
            before, start = measure_memory(server.pid), measure_processor(server.pid)
            seen = ask_all(
                port, requests, expected, arguments.clients, arguments.seconds
            )
            after = measure_memory(server.pid)
            busy = measure_processor(server.pid) - start
            report(seen, arguments)
            print(f"processor: {1000 * busy / len(seen.times):.0f} ms per request")
            print(f"memory before and after: {before:.0f} MB, {after:.0f} MB")
            stop_while_busy(server, port, requests, expected)
        finally:
            server.kill()


def make_body(content):
    """Return a recording as the body of an upload."""
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="recording"; '
        'filename="a"\r\nContent-Type: application/octet-stream\r\n\r\n'
    )
    return head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def start_service(model):
    """Return the process of the service, once it is healthy, and its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port)]
    options = ["--log-level", "warning", "--timeout-graceful-shutdown", "30"]
    environment = dict(os.environ, MODEL=model)
    start = time.time()
    server = subprocess.Popen([*command, *options], cwd=SERVICE, env=environment)
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                print(f"healthy after {time.time() - start:.1f} s")
                return server, port
        except OSError:
            if server.poll() is not None:
                sys.exit("the service did not start")
            time.sleep(0.05)


class Seen:
    """What the clients have seen."""

    def __init__(self):
        self.times, self.outcomes = [], Counter()


def ask_all(port, requests, expected, n_clients, seconds):
    """Let clients ask for some seconds; return what they have seen."""
    seen, end = Seen(), time.time() + seconds

    def work(number):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        place = number
        while time.time() < end:
            place = (place + 1) % len(requests)
            ask(connection, requests[place], expected[place], seen)

    run_threads(work, n_clients)
    return seen


def ask(connection, body, expected, seen):
    """Send one request, and compare the answer."""
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    start = time.perf_counter()
    try:
        connection.request("POST", "/predict", body, {"Content-Type": kind})
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        seen.outcomes[type(error).__name__] += 1
        return
    seen.times.append(time.perf_counter() - start)
    if response.status != 200:
        seen.outcomes[response.status] += 1
    elif list(answer["posteriors"].values()) != expected:
        seen.outcomes["wrong"] += 1
    else:
        seen.outcomes["right"] += 1


def run_threads(work, number):
    """Run a function of a number in threads, and wait for all."""
    threads = [threading.Thread(target=work, args=[i]) for i in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def report(seen, arguments):
    """Print what the clients have seen."""
    n = sum(seen.outcomes.values())
    median, late = 1000 * np.quantile(seen.times, [0.5, 0.99])
    print(
        f"{arguments.clients} clients, {arguments.seconds:.0f} s: {n} requests, "
        f"{dict(seen.outcomes)}, {n / arguments.seconds:.1f} a second, "
        f"p50 {median:.0f} ms, p99 {late:.0f} ms"
    )


def stop_while_busy(server, port, requests, expected):
    """Tell the service to stop while it answers ten clients."""
    seen = Seen()

    def work(number):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        ask(connection, requests[number], expected[number], seen)

    stopper = threading.Timer(0.1, server.send_signal, [signal.SIGTERM])
    stopper.start()
    run_threads(work, 10)
    server.wait(60)
    print(f"stopped while busy: {dict(seen.outcomes)}, exit code {server.returncode}")


if __name__ == "__main__":
    main()

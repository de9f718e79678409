"""The tests, and so the package, need neither a network nor a home folder."""

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest


def test_other_machines_are_out_of_reach():
    # Addresses that are reserved for documentation.
    for address in ("192.0.2.1", "2001:db8::1"):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with (
            socket.socket(family) as client,
            pytest.raises(ConnectionRefusedError, match="without a network"),
        ):
            client.connect((address, 80))
    with pytest.raises(OSError, match=r"without a network|resolution|not known|fail"):
        socket.create_connection(("example.invalid", 80), timeout=5)


def test_this_machine_can_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("localhost", port), timeout=5) as client:
            assert client.getpeername()[1] == port


def test_the_home_folder_is_empty_read_only_and_not_the_users():
    home = Path.home()
    assert home.parent.name.startswith("skser-tests-")
    assert stat.S_IMODE(home.stat().st_mode) == 0o500
    assert list(home.rglob("*")) == []


@pytest.mark.slow
def test_training_and_saving_in_a_new_process_leave_nothing_at_home(tmp_path):
    code = (
        "import numpy as np, skser\n"
        "X = [np.random.default_rng(i).normal(size=(9, 4)) for i in range(8)]\n"
        "network = skser.AttentionBLSTMFCNClassifier(\n"
        "    recurrent_units=4, filters=(4,), kernel_sizes=(3,), hidden_units=(4,),\n"
        "    max_epochs=1)\n"
        "skser.save(network.fit(X, ['a', 'b'] * 4), 'model.skser')\n"
        "skser.AudioLoader(input_sample_rate=8000).transform([np.ones(9999)])\n"
        "print(skser.load('model.skser').predict(X)[0])\n"
    )
    before = set(os.listdir(tmp_path))
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    assert set(os.listdir(tmp_path)) - before == {"model.skser"}
    assert list(Path.home().rglob("*")) == []

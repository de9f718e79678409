"""README: its code runs as it stands there."""

import re
from pathlib import Path

import pytest
import sklearn
from sklearn.base import clone

from skser import datasets, systems

pytestmark = pytest.mark.slow

README = Path(__file__).parents[1] / "README.md"


def test_the_python_in_the_readme_runs(speech, small_system, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets, "load_emodb", lambda path: speech)
    quick = clone(small_system).set_params(classify__max_epochs=1)
    for name in ("attention_blstm_fcn", "recommended"):
        monkeypatch.setattr(systems, name, lambda **options: clone(quick))
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    assert len(blocks) >= 3
    namespace = {}
    with sklearn.config_context():
        for block in blocks:
            exec(block, namespace)
    assert len(namespace["results"]["test_UA"]) == 3
    assert namespace["weights"][0].ndim == 1
    assert set(namespace["result"].to_frame()["speaker"]) == set(speech.groups)

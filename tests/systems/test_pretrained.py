"""Systems over a pretrained encoder: their layers, their level, and their path."""

import subprocess
import sys

import numpy as np
import pytest

from skser import load, save
from skser.__main__ import main
from skser.systems import (
    pretrained_statistics,
    recommended,
    recommended_transductive,
    statistics_ivector_vote,
)


@pytest.fixture(scope="module")
def fitted(tiny_encoder, speech):
    return recommended(model=tiny_encoder).fit(speech.paths, speech.target)


def test_with_an_encoder_statistics_are_recommended_and_without_one_the_vote(
    tiny_encoder,
):
    with_encoder = recommended(model=tiny_encoder)
    assert repr(with_encoder) == repr(pretrained_statistics(model=tiny_encoder))
    assert repr(recommended()) == repr(statistics_ivector_vote())
    assert "speakers" in recommended_transductive(model=tiny_encoder).named_steps


def test_the_mean_of_the_three_layers_around_the_middle_counts(fitted, speech):
    rows = fitted[:3].transform(speech.paths[:2])
    assert rows.shape == (2, 6)
    frames = fitted[:2].transform(speech.paths[:2])
    np.testing.assert_allclose(rows, [f.mean(axis=0) for f in frames], rtol=1e-6)
    names = fitted["features"].get_feature_names_out()
    assert names[::2].tolist() == ["layer_2_0", "layer_3_0", "layer_4_0"]


@pytest.mark.parametrize("decibels", [-18, 12])
def test_gain_makes_no_difference(tiny_encoder, speech, decibels):
    system = recommended(model=tiny_encoder, input_sample_rate=16000)
    system.fit(speech.data, speech.target)
    louder = [10 ** (decibels / 20) * signal for signal in speech.data]
    np.testing.assert_allclose(
        system.predict_proba(louder), system.predict_proba(speech.data), atol=1e-4
    )


def test_a_saved_system_predicts_without_its_encoder_and_without_tensorflow(
    fitted, speech, tmp_path
):
    save(fitted, tmp_path / "system.skser")
    path = str(speech.paths[0])
    code = (
        "import sys, skser\n"
        f"system = skser.load({str(tmp_path / 'system.skser')!r})\n"
        f"print(system.predict([{path!r}])[0])\n"
        "assert not {'tensorflow', 'keras', 'torch'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == fitted.predict([path])[0]
    assert load(tmp_path / "system.skser").predict([path]) == fitted.predict([path])


def test_an_encoder_for_a_system_without_one_is_an_error(tiny_encoder, capsys):
    status = main(
        ["evaluate", "synthetic", "--system", "fcn", "--encoder", tiny_encoder]
    )
    assert status == 2
    assert "fcn takes no --encoder; these do: pretrained_" in capsys.readouterr().err

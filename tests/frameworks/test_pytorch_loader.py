"""Modules of PyTorch, loaded in their own environment."""

import pytest

from model_environments import asked, asked_as_in_example, assert_answers, example, framework_environment, run

NETWORK = """
import torch


class Two(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def forward(self, left, right):
        together = torch.stack([left, right], dim=1)
        return {"sum": self.layer(together)[:, 0], "larger": torch.maximum(left, right)}
"""
SAVED = """
import sys, zipfile, torch
sys.path.insert(0, sys.argv[1])
import network
two = network.Two()
with torch.no_grad():
    two.layer.weight[:] = 1.0
    two.layer.bias[:] = 0.5
torch.save(two, sys.argv[1] + "/whole.pt")
torch.save(two.state_dict(), sys.argv[1] + "/state.pt")
with zipfile.ZipFile(sys.argv[1] + "/two.zip", "w") as archive:
    code = open(sys.argv[1] + "/network.py").read()
    archive.writestr("two/model.py", code + "\\n\\ndef build():\\n    return Two()\\n")
    archive.write(sys.argv[1] + "/state.pt", "two/state.pt")
"""
INPUTS = [{"name": name, "dtype": "float32", "shape": [None]} for name in ("left", "right")]
OUTPUTS = [{"name": name, "dtype": "float32", "shape": [None]} for name in ("sum", "larger")]
ROWS = {"left": [1.0, 2.0], "right": [3.0, 0.0]}


@pytest.fixture(scope="module")
def python():
    return framework_environment("pytorch")


@pytest.fixture(scope="module")
def saved(python, tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    (folder / "network.py").write_text(NETWORK)
    run([python, "-c", SAVED, folder])
    return folder


def test_torchscript_answers_as_the_network_does(python, tmp_path):
    made = example("train_pytorch", python)
    assert_answers(asked_as_in_example(python, made, outputs=None), made)


def test_an_archive_of_code_and_weights_is_built(python, saved):
    said = asked(python, "pytorch", saved / "two.zip", ROWS, inputs=INPUTS)
    assert said["outputs"] == OUTPUTS
    assert said["answers"] == {"sum": [4.5, 2.5], "larger": [3.0, 2.0]}


def test_weights_alone_are_refused_with_what_to_do(python, saved):
    said = asked(python, "pytorch", saved / "state.pt", ROWS, inputs=INPUTS)
    assert "weights without the module they belong to: upload an archive with them and a model.py" in said["unloadable"]


def test_a_whole_module_needs_its_class(python, saved, tmp_path):
    path = tmp_path / "whole.pt"
    path.write_bytes((saved / "whole.pt").read_bytes())
    said = asked(python, "pytorch", path, ROWS, inputs=INPUTS)
    assert "the code of the module's class, network, is missing" in said["unloadable"]


def test_a_whole_module_of_torch_itself_is_served(python, tmp_path):
    run([python, "-c", "import sys, torch; torch.save(torch.nn.Flatten(), sys.argv[1])", tmp_path / "flat.pt"])
    inputs = [{"name": "input", "dtype": "float32", "shape": [None, 1, 2]}]
    said = asked(python, "pytorch", tmp_path / "flat.pt", {"input": [[[1.0, 2.0]]]}, inputs=inputs)
    assert said["answers"] == {"output": [[1.0, 2.0]]}


def test_inputs_must_be_declared(python, saved):
    assert "declare input_schema" in asked(python, "pytorch", saved / "two.zip", ROWS)["unloadable"]

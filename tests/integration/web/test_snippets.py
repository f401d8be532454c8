"""What an experiment's page offers to copy works as it is, for every preset."""

from __future__ import annotations

import json
import subprocess

import pytest

from reglab.api.web import snippets
from reglab.core.presets import PRESETS, build

SHORT = {"training.epochs": 2, "training.eval_every": 1, "sweep": {}, "seeds": [0]}


def document(name):
    preset = PRESETS[name]
    changes = {"dataset.name": preset.substitute} if preset.substitute else {}
    return snippets.lean(build(name, SHORT | changes).model_dump(mode="json"))


@pytest.mark.parametrize("name", PRESETS)
def test_the_python_script_runs(service, name, capsys):
    script = snippets.as_python(document(name), service.url)
    exec(compile(script, f"<the page of {name}>", "exec"), {"__name__": "script"})
    capsys.readouterr()


@pytest.mark.parametrize("name", PRESETS)
def test_command_and_json_are_the_same_submission(service, http, name):
    command = snippets.as_curl(document(name), service.url)
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    made = json.loads(done.stdout)
    again = http.post("experiments", json=json.loads(snippets.as_json(document(name)))).json()
    assert made["spec"] == again["spec"]
    for one in (made, again):
        http.delete(f"experiments/{one['id']}")

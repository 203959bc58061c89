"""Run by MLflow's own interpreter: ``python run.py SCENARIO RESULT_FILE`` with the scenario's input as JSON on stdin.

A scenario is a module of this folder with a function ``run(given)``. What it returns goes to the result file, as MLflow
itself writes to the standard output. The server and who calls it are in the environment, as users set them.
"""

import importlib
import json
import sys
from pathlib import Path


def main():
    """Run one scenario."""
    scenario, result_file = sys.argv[1:]
    result = importlib.import_module(scenario).run(json.load(sys.stdin))
    Path(result_file).write_text(json.dumps(result, default=plain), encoding="utf-8")


def plain(value):
    """A NumPy number as Python's own; anything else as text."""
    return value.item() if hasattr(value, "item") else str(value)


if __name__ == "__main__":
    main()

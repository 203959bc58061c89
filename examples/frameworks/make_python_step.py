"""A step that turns a score into a decision: one Python file. Needs numpy."""

from pathlib import Path

from example import Example, main, tensor

STEP = '''"""Decide by a score, for each row."""

import numpy as np
from mac.types import InferenceData


def process_data(input_data: InferenceData) -> InferenceData:
    score = input_data["score"]
    return {"score": score, "decision": np.where(score > 0.5, "refuse", "accept")}
'''


def make(folder: Path) -> Example:
    """Write it."""
    (folder / "decide.py").write_text(STEP)
    return Example(
        framework="python",
        file="decide.py",
        requirements=[],
        inputs=[tensor("score", "float64")],
        outputs=[tensor("score", "float64"), tensor("decision", "string")],
        rows={"score": [0.25, 0.75]},
        answers={"score": [0.25, 0.75], "decision": ["accept", "refuse"]},
    )


if __name__ == "__main__":
    main(make)

"""Texts and JSON values to a model in a process of its own and back, over one of the client's ways."""

import json
import sys

import numpy as np
from sides import GIVEN, Side, text

things = np.array(GIVEN["things"], dtype=object)
inputs = [("thing", things, "BYTES"), ("text", np.array(["a"] * len(things), dtype=object), "BYTES")]
answers = [Side(sys.argv[2]).infer("tells", inputs, ["kind", "told"], binary) for binary in (True, False)]
kinds, told = ([text(answer.as_numpy(name)) for answer in answers] for name in ("kind", "told"))
assert kinds[0] == kinds[1]
assert told[0] == told[1]
print(json.dumps({"kind": kinds[0], "told": [json.loads(each) for each in told[0]]}))

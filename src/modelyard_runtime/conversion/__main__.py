"""``python -m modelyard_runtime.conversion CONFIG.json ANSWER.json``."""

import sys

from modelyard_runtime.conversion.command import main

main(*sys.argv[1:])

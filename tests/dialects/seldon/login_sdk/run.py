"""Run by the SDK's own interpreter: ``python run.py SCENARIO GIVEN_FILE RESULT_FILE``; both files hold JSON.

A scenario is a function of ``sign_in`` or ``iam``. What it returns goes to the result file, as the SDK itself writes to
the standard output; standard input is that of people who are asked for a code.
"""

import json
import sys
from pathlib import Path

import iam
import sign_in


def main():
    """Run one scenario."""
    scenario, given, result = sys.argv[1:]
    run = getattr(sign_in, scenario, None) or getattr(iam, scenario)
    Path(result).write_text(json.dumps(run(json.loads(Path(given).read_text())), default=str))


if __name__ == "__main__":
    main()

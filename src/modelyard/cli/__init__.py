"""The command line. ``main`` is the console script; everything else is reached through it.

Standard output carries data and nothing else, standard error the talk. Exit codes: 0 done, 1 failed, 2 wrong
usage, 3 not signed in or not allowed.
"""

from modelyard.cli.root import main, run

__all__ = ["main", "run"]

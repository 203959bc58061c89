"""A process that runs jobs until none waits."""

import sys

from modelyard.server.membership import Membership, keep_what_is_loaded, run_member


def run(member: Membership) -> int:
    """Run them."""
    runner = member.application.build_runner(member.settings, member.name)
    keep_what_is_loaded()
    runner.run_all()
    return 0


if __name__ == "__main__":
    sys.exit(run_member(sys.argv[1:], run))

"""A process that keeps the processes of models running until none is wanted, or until told to end."""

import signal
import sys

from modelyard.server.membership import Membership, keep_what_is_loaded, run_member


def run(member: Membership) -> int:
    """Keep them running."""
    host = member.application.build_model_host(member.settings)
    keep_what_is_loaded()
    signal.signal(signal.SIGTERM, lambda *_: host.stop())
    host.run()
    return 0


if __name__ == "__main__":
    sys.exit(run_member(sys.argv[1:], run))

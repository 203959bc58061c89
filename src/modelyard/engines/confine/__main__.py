"""Gives up what a command must not have, then becomes it.

Run as ``python -I -S FILE DESCRIPTOR`` by a server; the descriptor holds ``Orders``, marshalled. It starts before each
process of a model: so it imports little, all of it in the standard library, and nothing of the server comes along.
"""

import marshal
import os
import sys

TYPE_CHECKING = False
if __name__ == "__main__":
    sys.path.append(__file__.removesuffix("/modelyard/engines/confine/__main__.py"))

from modelyard.engines.confine import landlock, namespaces, rights, seccomp  # noqa: E402
from modelyard.engines.confine.watching import watch_over  # noqa: E402

if TYPE_CHECKING:
    from modelyard.engines.confine.orders import Orders


def main(descriptor: int) -> None:
    """Read the orders and follow them; never returns."""
    with open(descriptor, "rb") as file:
        orders: Orders = marshal.load(file)  # noqa: S302  # from the server's own memory
    rights.die_with_parent(orders["parent"])
    os.umask(0o077)
    os.chdir(orders["folder"])
    if orders["own_namespaces"]:
        namespaces.enter(orders["folder"])
    elif orders["parent"] is not None:
        watch_over(orders["parent"])
    _give_up(orders)
    os.execve(orders["command"][0], orders["command"], orders["environment"])  # noqa: S606  # that is the purpose


def _give_up(orders: "Orders") -> None:
    locked = orders["rules"] and landlock.version() > 0
    rules = landlock.make_rules(orders["readable"], orders["writable"]) if locked else None
    program = seccomp.make_filter(_own_signals(orders)) if orders["rules"] else b""
    rights.limit(orders["limits"])
    if orders["uid"] is None:
        rights.give_up_capabilities()
    else:
        rights.become(orders["uid"])
    rights.die_with_parent(None)  # another user: the kernel forgot
    rights.no_new_privileges()
    if rules is not None:
        landlock.restrict(rules)
    if program:
        seccomp.apply(program)


def _own_signals(orders: "Orders") -> int | None:
    """Where neither Landlock nor a process namespace keeps signals from others, seccomp does."""
    seen = orders["parent"] is not None and not orders["own_namespaces"]
    return os.getpid() if seen and landlock.version() < landlock.SCOPES_SINCE else None


if __name__ == "__main__":
    main(int(sys.argv[1]))

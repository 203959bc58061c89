"""The root of the command tree. Commands are imported when they are used, so that the help is there at once."""

import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Group

from modelyard import __version__
from modelyard.cli.failures import ExitCode, report

FLOW = Group("The way of a model", sort_key=1)
PEOPLE = Group("People and rights", sort_key=2)
SERVER = Group("The server and this program", sort_key=3)

EPILOGUE = """Examples:
  modelyard login http://127.0.0.1:8080
  modelyard workspace create fraud
  modelyard model upload ccfraud examples/models/ccfraud.onnx -w fraud
  modelyard pipeline create ccfraud --step ccfraud -w fraud
  modelyard deploy ccfraud -w fraud
  modelyard infer ccfraud examples/data/ccfraud_smoke.df.json -w fraud
  modelyard logs ccfraud -w fraud

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not signed in or not allowed."""

app = App(
    name="modelyard",
    help="A trained model goes in; a governed, logged, monitored endpoint comes out.",
    help_format="plaintext",
    help_epilogue=EPILOGUE,
    version=__version__,
)


def _add(group: Group, name: str, path: str, summary: str) -> None:
    app.command(f"modelyard.cli.{path}", name=name, group=group, help=summary, sort_key=len(list(app)))


_add(FLOW, "workspace", "workspace:app", "Workspaces and who works in them.")
_add(FLOW, "model", "model:app", "Models and their versions.")
_add(FLOW, "pipeline", "pipeline:app", "Pipelines: which models run after which.")
_add(FLOW, "deploy", "deployment:deploy_app", "Bring a pipeline to life.")
_add(FLOW, "status", "deployment:status_app", "Show what runs.")
_add(FLOW, "deployment", "rollout:app", "Roll a deployment back, by hand or by itself.")
_add(FLOW, "infer", "infer:app", "Ask a deployed pipeline.")
_add(FLOW, "logs", "logs:app", "Read what a pipeline was asked and what it answered.")
_add(FLOW, "undeploy", "deployment:undeploy_app", "Stop a pipeline.")
_add(PEOPLE, "login", "login:login_app", "Sign in and keep it for the commands that follow.")
_add(PEOPLE, "logout", "login:logout_app", "Forget the sign-in on this machine.")
_add(PEOPLE, "whoami", "login:whoami_app", "Show who the server says you are.")
_add(PEOPLE, "user", "user:app", "Users: invite, switch on and off.")
_add(PEOPLE, "group", "group:app", "Groups of users: make, list, fill, delete.")
_add(PEOPLE, "access", "access:app", "Who may do what with which thing: grant, revoke, list, explain.")
_add(PEOPLE, "token", "token:app", "Personal access tokens: make, list, revoke.")
_add(PEOPLE, "service-account", "service_account:app", "Accounts of programs: make, list, delete.")
_add(PEOPLE, "audit", "audit:app", "Who did what: search, export and verify the audit log.")
_add(SERVER, "serve", "serve:app", "Run the server until it is told to stop.")
_add(SERVER, "doctor", "doctor:app", "Look for what may keep the server from working on this machine.")
_add(SERVER, "keys", "keys:app", "Signing keys: make, list, retire.")
_add(SERVER, "completion", "completion:app", "Complete commands and options with the tab key.")


def run(tokens: Sequence[str]) -> int:
    """Run one command line and return its exit code; every failure has been told on standard error by then."""
    try:
        code = app(tokens, exit_on_error=False, result_action="return_value")
    except CycloptsError:  # cyclopts has told it
        return ExitCode.USAGE
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stderr.close()
        return ExitCode.OK
    except Exception as error:  # noqa: BLE001 - the last line of defence between a person and a traceback
        return report(error)
    return code if isinstance(code, int) else ExitCode.OK


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))

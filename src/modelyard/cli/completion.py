"""``modelyard completion``"""

from typing import Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.completion.detect import ShellDetectionError

from modelyard.cli.failures import UsageError
from modelyard.cli.options import examples
from modelyard.cli.root import app as root

app = App(
    name="completion",
    help_epilogue=examples(
        "completion --install", "completion bash > ~/.local/share/bash-completion/completions/modelyard"
    ),
)

Shell = Literal["bash", "zsh", "fish"]


@app.default
def completion(shell: Shell | None = None, /, *, install: Annotated[bool, Parameter(negative="")] = False) -> None:
    """Complete commands and options with the tab key.

    Parameters
    ----------
    shell
        By default the one you are in.
    install
        Put the script where the shell looks for it, instead of writing it to standard output.
    """
    try:
        _complete(shell, install=install)
    except ShellDetectionError as error:
        raise UsageError("It is not clear which shell this is. Give its name: bash, zsh or fish.") from error


def _complete(shell: Shell | None, *, install: bool) -> None:
    if install:
        path = root.install_completion(shell=shell)
        print(f"Installed {path}. New shells complete `modelyard`.")
    else:
        print(root.generate_completion(shell=shell))

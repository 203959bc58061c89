"""Whether models that bring code are run on this machine, as the settings say."""

from collections.abc import Callable
from functools import partial

from modelyard.engines.sandbox import Level, available_level, why_not_higher
from modelyard.settings import Settings


def code_refusal(settings: Settings) -> Callable[[], str | None]:
    """Gives the reason why they are not, None where they are; the first call tries the sandbox."""
    return partial(_refusal, Level.named(settings.sandbox_minimum))


def _refusal(minimum: Level) -> str | None:
    reached = available_level()
    if reached >= minimum:
        return None
    return (
        f"models that bring code are not run on this server: its sandbox reaches {reached.word}, and {minimum.word} is "
        f"required ({why_not_higher()}); upload an ONNX model, or let the operator see to sandbox_minimum"
    )

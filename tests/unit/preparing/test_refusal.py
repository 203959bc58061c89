"""Whether models that bring code are taken."""

import pytest

from modelyard.bootstrap import isolation
from modelyard.core.catalogue.frameworks import FRAMEWORKS
from modelyard.core.catalogue.upload_rules import check_isolation
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.engines.sandbox import Level
from modelyard.settings import Settings


@pytest.mark.parametrize("reached", list(Level))
@pytest.mark.parametrize("minimum", ["process", "restricted", "isolated"])
def test_code_is_refused_below_the_minimum_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, reached: Level, minimum: str
) -> None:
    monkeypatch.setattr(isolation, "available_level", lambda: reached)
    monkeypatch.setattr(isolation, "why_not_higher", lambda: "no namespaces")
    refusal = isolation.code_refusal(Settings(sandbox_minimum=minimum))()  # type: ignore[arg-type]
    assert (refusal is None) == (reached >= Level.named(minimum))
    if refusal is not None:
        with pytest.raises(DomainError, match="no namespaces") as caught:
            check_isolation(FRAMEWORKS["sklearn"], refusal)
        assert caught.value.kind is ErrorKind.FAILED_PRECONDITION

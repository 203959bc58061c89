"""How a runner asks a deployment: the one place that knows an inference protocol."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from modelyard.core.automation.payloads import Record
from modelyard.core.automation.running import Work

_OUTPUTS_ALONE = "?dataset%5B%5D=out"
_ROWS = msgspec.json.Decoder(list[dict[str, Record]])


@dataclass(frozen=True, slots=True)
class Wire:
    """Records in, records out, at one deployment."""

    path: str

    def request(self, records: Sequence[Record]) -> bytes:
        """The body that asks for these rows."""
        return msgspec.json.encode(records)

    def outputs(self, body: bytes) -> list[Record]:
        """What the deployment gave for each row."""
        return [row["out"] for row in _ROWS.decode(body)]

    def message(self, body: bytes) -> str:
        """Why it refused."""
        try:
            error = msgspec.json.decode(body)
            return str(error.get("msg") or error.get("message") or error.get("error"))
        except (msgspec.DecodeError, AttributeError):
            return body[:200].decode(errors="replace")


def wire_to(work: Work) -> Wire:
    """The way to the deployment of a job."""
    return Wire(f"/v1/api/pipelines/infer/{work.namespace}/{work.pipeline}{_OUTPUTS_ALONE}")

"""Language models through the unmodified Wallaroo SDK."""

import subprocess
import sys
from pathlib import Path

from scenarios import Scenario

_SCRIPT = Path(__file__).parents[3] / "examples" / "frameworks" / "make_language_model.py"


def test_the_sdk_completes_and_chats_streamed_and_whole(sdk: Scenario, tmp_path: Path) -> None:
    subprocess.run([sys.executable, _SCRIPT, tmp_path], check=True, timeout=60)
    said = sdk("generating", file=str(tmp_path / "words.zip"))
    assert said["configured"] is True
    assert said["whole"] == " wine"
    assert said["used"] == 1, "as the configuration says"
    assert "".join(said["stream"]) == said["whole"]
    assert "".join(said["talk"]) == said["chat"]
    assert len(said["talk"]) > 2
    assert "n is not supported" in said["refused"]
    assert said["chat"] in said["logged"]
    assert {"time", "in.messages", "in.parameters", "out.text", "out.finish_reason", "out.usage"} <= set(
        said["columns"]
    )

"""What a builder is told."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class CustomInferenceConfig:
    """``model_path`` is the folder with all that was uploaded."""

    model_path: Path
    framework: str = "custom"
    modules_to_include: set[str] = field(default_factory=lambda: {"*.py"})

"""Small files that are replaced as a whole."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def write_whole(path: Path, text: str) -> None:
    """Replace a text file in one step, so that nobody ever reads half of it."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def write_json(path: Path, content: Any) -> None:
    """Replace a JSON file in one step."""
    write_whole(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")

# SPDX-License-Identifier: GPL-3.0-or-later
"""One ZIP file of what was exported."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

from ..files.part_files import part_for


def write_zip(root: Path, names: Sequence[str]) -> None:
    """Put the files ``names`` in ``root`` into one ZIP file beside the folder. Its bytes depend only on these files."""
    target = root.with_name(f"{root.name}.zip")
    part = part_for(target)
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
            for name in names:
                info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                info.external_attr = 0o644 << 16
                archive.writestr(info, (root / name).read_bytes())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)

# SPDX-License-Identifier: GPL-3.0-or-later
"""One ZIP file of what was exported. Only a ZIP file that an export has written is replaced or deleted."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

from ..channels.tables import FILES  # Every export contains it, of 3D models too.
from ..files.part_files import part_for
from ..messages.errors import FieldError

_DATE = (1980, 1, 1, 0, 0, 0)


def zip_beside(root: Path) -> Path:
    """The ZIP file of the exported folder ``root``."""
    return root.with_name(f"{root.name}.zip")


def require_own_zip(root: Path) -> None:
    """Raises FieldError when the ZIP file of ``root`` would replace a file that no export has written."""
    target = zip_beside(root)
    if (target.exists() or target.is_symlink()) and not _is_own(target):
        raise FieldError(
            "zip", f"{target} was not written by an export, so it is not replaced.", hint="Move or rename it."
        )


def write_zip(root: Path, names: Sequence[str]) -> Path | None:
    """Put the files ``names`` in ``root`` into one ZIP file beside the folder, which is returned.

    Its bytes depend only on these files. Without names, the ZIP file of an earlier export is deleted.
    Raises as ``require_own_zip``.
    """
    require_own_zip(root)
    target = zip_beside(root)
    if not names:
        target.unlink(missing_ok=True)
        return None
    part = part_for(target)
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
            for name in (*names, FILES):
                info = zipfile.ZipInfo(name, _DATE)
                info.external_attr = 0o644 << 16
                archive.writestr(info, (root / name).read_bytes())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def update_zip(root: Path, names: Sequence[str]) -> Path | None:
    """As ``write_zip``, but only where an earlier export has written the ZIP file, which would be out of date."""
    return write_zip(root, names) if _is_own(zip_beside(root)) else None


def _is_own(path: Path) -> bool:
    """Whether an export has written the file: it contains the list, and its members have the date that exports give them."""
    if path.is_symlink() or not path.is_file():
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False
    has_list = any(one.filename == FILES for one in members)
    return has_list and all(one.date_time == _DATE for one in members)

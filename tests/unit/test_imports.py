# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports follow the order of the folders, and code that must run without Blender never imports it."""

import subprocess
import sys

import pytest

from tools.imports import (
    DOCUMENT,
    ORDER,
    ROOT,
    WITH_BLENDER,
    document_with_diagram,
    folder_of,
    package_sources,
    wrong_imports,
)


def test_the_architecture_diagram_matches_the_imports():
    message = "python -m tools.imports writes it"
    assert DOCUMENT.read_text(encoding="utf-8") == document_with_diagram(), message


def test_no_import_violates_the_design():
    assert wrong_imports(package_sources()) == []


def test_the_whole_package_is_checked():
    assert {folder_of(path) for path in package_sources()} == {"", *ORDER}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("fal_bridge/engine.py", "import bpy\n"),
        ("imaging/compose.py", "from mathutils import Matrix\n"),
        ("fal_bridge/engine.py", "def later():\n    import bpy.types\n"),
        ("files/writing.py", "import importlib\nimportlib.import_module('bpy')\n"),
        ("command_line/main.py", "import bpy\n"),
        ("command_line/commands/set.py", "import bpy\n"),
        ("photo_set/cloud_stage.py", "import bpy\n"),
        ("photo_set/cloud_stage.py", "from ..studio.stage import StudioStage\n"),
        ("photo_set/pipeline.py", "def later():\n    from .. import panels\n"),
        ("fal_bridge/engine.py", "from ..photo_set.plan import SetPlan\n"),
        ("fal_bridge/network/sdk.py", "from ...photo_set.plan import SetPlan\n"),
        ("imaging/set_page.py", "from ..fal_bridge import jobs\n"),
        ("studio/rig.py", "from ..operators import build_studio\n"),
        ("operators/build_studio.py", "from ..panels import studio\n"),
        ("catalogue/run.py", "from ..command_line import sets\n"),
        ("files/writing.py", "from photoreal_set.files.kinds import kind_of\n"),
        ("files/writing.py", "import messages\n"),
        ("__init__.py", "from . import operators\n"),
        ("__init__.py", "import bpy\n"),
        ("angles.py", ""),
        ("lights/rigs.py", ""),
    ],
)
def test_a_wrong_import_is_found(path: str, text: str):
    assert wrong_imports({path: text})


def test_correct_imports_are_accepted():
    sources = {
        "__init__.py": "def register():\n    import bpy\n    from . import operators\n",
        "command_line/main.py": "from ..photo_set.plan import SetPlan\ndef run():\n    import bpy\n",
        "command_line/commands/set.py": "from ..sets import run_set\nfrom ...messages import errors\n",
        "photo_set/pipeline.py": "from . import prompts\nfrom ..imaging.set_page import build_report\n",
        "studio/rig.py": "import bpy\nfrom ..optics.angles import ANGLES\nfrom . import compat\n",
        "panels/studio.py": "from ..operators.build_studio import x\nfrom ..window import properties\n",
        "fal_bridge/network/sdk.py": "import httpx\nfrom ...messages.errors import InputError\nfrom ..jobs import Job\n",
    }
    assert wrong_imports(sources) == []


def test_the_bpy_free_part_loads_without_blender():
    names = [
        path.removesuffix(".py").replace("/", ".").removesuffix("__init__").strip(".")
        for path in package_sources()
        if folder_of(path) not in WITH_BLENDER | {""}
    ]
    code = (
        "import importlib, sys\n"
        "sys.modules['bpy'] = None\n"  # From here on `import bpy` raises ImportError.
        "from command_line.bootstrap import load_package\n"
        "load_package()\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module('photoreal_set.' + name)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

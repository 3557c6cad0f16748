# SPDX-License-Identifier: GPL-3.0-or-later
"""Names made from what people type are names of files on every system."""

import pytest

from photoreal_set.files.names import is_device_name, safe_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Vase 2", "Vase 2"),
        ("a/b:c", "a-b-c"),
        (" .. ", "product"),
        ("x" * 90, "x" * 60),
        ("con", "_con"),
        ("Aux.v2", "_Aux.v2"),
        ("console", "console"),
    ],
)
def test_a_safe_name_fits_every_system(text: str, name: str):
    assert safe_name(text, otherwise="product") == name
    assert not is_device_name(name)

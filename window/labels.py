# SPDX-License-Identifier: GPL-3.0-or-later
"""How choices of ``photo_set.choices`` and ``imaging.choices`` are shown: a new one needs a row where there is a table."""

# Label and tooltip.
DEVICE_LABELS = {
    "auto": ("Automatic", "A GPU if Cycles finds one, else the CPU"),
    "cpu": ("CPU", "Processor only"),
    "cuda": ("CUDA", "NVIDIA GPU"),
    "optix": ("OptiX", "NVIDIA RTX GPU"),
    "hip": ("HIP", "AMD GPU"),
    "metal": ("Metal", "Apple GPU"),
    "oneapi": ("oneAPI", "Intel GPU"),
}

BACKGROUND_TIPS = {
    "white": "Exact white, as marketplaces require",
    "grey": "Neutral gray",
    "black": "Exact black, for jewelry, glass and dark-field light",
    "transparent": "An alpha channel instead of a background",
}
QUALITY_TIPS = {
    "draft": "Fast and noisy, for a first look",
    "reference": "The quality of the references",
    "final": "For publication",
}

LOCK_TIPS = {
    "none": "Photos stay as the image model made them",
    "labels": "Labels, logos, patterns and text come from the render",
    "edges": "Print, silhouette and edges come from the render",
    "all": "The whole product comes from the render",
}
FIDELITY_TIPS = {
    "off": "Accept every photo",
    "report": "Show what differs, and change nothing",
    "gate": "Align photos, request rejected ones again, and hold back what stays rejected",
}


# The names of choices are spelled as on the command line; labels as everywhere in Blender.
SPELLING = {"grey": "Gray", "jewellery": "Jewelry"}


def label_of(name: str) -> str:
    """The label of a choice that needs no table: its name with spaces and capitals."""
    return SPELLING.get(name) or name.replace("-", " ").title()

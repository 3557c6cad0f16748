# SPDX-License-Identifier: GPL-3.0-or-later
"""What a photo by fal.ai is made from besides the render and the hero's photo: an exact guide, a mask, and the prompt."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from ..fal_bridge.endpoints.registry import REGISTRY
from ..fal_bridge.jobs import Kind, Role
from ..imaging.compose import png
from ..imaging.guides import edit_mask
from ..messages.errors import FieldError
from ..optics.angles import Angle
from .choices import Engine
from .folder import SetFolder
from .prompts import guided_prompt, photo_prompt

if TYPE_CHECKING:
    from .plan import SetPlan


def photo_inputs(plan: "SetPlan", folder: SetFolder, angle: Angle) -> dict[str, Any]:
    """The members of a ``Generation`` for the guide and the mask of an angle; the mask is written for it."""
    slots = plan.endpoint(Kind.PHOTO).slots
    files: dict[Role, tuple[Path, ...]] = {}
    if plan.guide:
        files[Role.GUIDE] = (folder.root / "guides" / f"{angle.name}.png",)
    if plan.with_mask or (Role.MASK in slots and slots[Role.MASK].is_needed):
        name = f"guides/{angle.name}-mask.png"
        with Image.open(folder.root / "masks" / f"{angle.name}.png", formats=("PNG",)) as mask:
            folder.store(name, png(edit_mask(mask)))
        files[Role.MASK] = (folder.root / name,)
    return {"files": files, "settings": guide_settings(plan)}


def guide_settings(plan: "SetPlan") -> dict[str, Any]:
    """The inputs of the endpoint that follow from the guide."""
    return dict(plan.endpoint(Kind.PHOTO).guides.get(plan.guide.value, {})) if plan.guide else {}


def planned_roles(plan: "SetPlan") -> list[Role]:
    """What files a photo is made from besides pictures."""
    return [role for role, is_used in ((Role.GUIDE, plan.guide), (Role.MASK, plan.with_mask)) if is_used]


def photo_text(plan: "SetPlan", angle: Angle, *, has_hero: bool) -> str:
    """The prompt for the photo of an angle."""
    if not plan.endpoint(Kind.PHOTO).images[1]:  # The endpoint does not see what the product looks like.
        product = plan.source.text or plan.product
        return guided_prompt(product, angle, plan.background.value, plan.prompt, plan.look)
    return photo_prompt(angle, plan.background.value, plan.prompt, plan.look, has_hero=has_hero)


def extended(plan: "SetPlan", prompt: str, addition: str) -> str:
    """The prompt of a photo with a sentence behind it, unless the endpoint does not accept that much text."""
    longer = f"{prompt} {addition}" if addition else prompt
    return longer if len(longer) <= plan.endpoint(Kind.PHOTO).prompt_length else prompt


def check_photo_inputs(plan: "SetPlan") -> None:
    """Raises FieldError for a guide or a mask that the photo endpoint does not take, and for one that it needs."""
    if plan.engine is not Engine.FAL:
        for field, is_given in (("guide", plan.guide), ("with_mask", plan.with_mask)):
            if is_given:
                raise FieldError(
                    field, "Guides and masks are sent with photos by fal.ai.", hint="Leave it out."
                )
        return
    endpoint = plan.endpoint(Kind.PHOTO)
    if plan.guide and plan.guide.value not in endpoint.guides:
        takers = [row.id for row in REGISTRY.values() if plan.guide.value in row.guides]
        raise FieldError(
            "guide",
            f"{endpoint.id} does not accept {_GUIDE_NAMES[plan.guide.value]}.",
            hint=f"For example, {takers[0]} does." if takers else "Leave it out.",
        )
    if Role.GUIDE in endpoint.slots and endpoint.slots[Role.GUIDE].is_needed and not plan.guide:
        choice = " or ".join(endpoint.guides)
        raise FieldError("guide", f"{endpoint.id} needs a guide.", hint=f"Choose {choice}.")
    if plan.with_mask and Role.MASK not in endpoint.slots:
        raise FieldError(
            "with_mask",
            f"{endpoint.id} does not accept a mask.",
            hint="For example, openai/gpt-image-2/edit does.",
        )


_GUIDE_NAMES = {"depth": "a depth picture", "canny": "a picture of edges"}

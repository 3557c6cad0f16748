# SPDX-License-Identifier: GPL-3.0-or-later
"""From arguments to a plan that has been checked."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..fal_bridge.endpoints.published import check_endpoints
from ..fal_bridge.errors import BadKeyError
from ..fal_bridge.jobs import Kind
from ..fal_bridge.network.picture_addresses import fetch_picture, is_address
from ..fal_bridge.network.platform_api import Platform
from ..fal_bridge.network.service import Service
from ..imaging.choices import Background, Preview
from ..messages.errors import InputError
from ..messages.progress import Reporter
from ..optics.angles import Angle
from ..optics.rig_choice import Panorama, chosen_rig
from ..photo_set.choices import NO_VIDEO, Engine
from ..photo_set.plan import MODEL_SUFFIXES, SetPlan, Source, SourceKind, angles_for, source_from
from .service import require_online, service_at


def plan_of(options: argparse.Namespace, reporter: Reporter) -> SetPlan:
    try:
        service = service_at(options.fal_url)
    except BadKeyError:  # A broken key is no reason to refuse what is free.
        has_model = any(Path(text).suffix.lower() in MODEL_SUFFIXES for text in options.source)
        if options.engine != Engine.CYCLES or options.video == Engine.FAL or not has_model:
            raise
        service = None
    return replace(_plan(options, reporter, source_of(options, service), service), variant=options.variant)


def plan_of_any(options: argparse.Namespace, reporter: Reporter) -> SetPlan:
    """How the arguments make pictures, with a product that stands for any: of its source nothing is meant."""
    return _plan(options, reporter, Source(kind=SourceKind.TEXT, text="any"), service_at(options.fal_url))


def _plan(
    options: argparse.Namespace, reporter: Reporter, source: Source, service: Service | None
) -> SetPlan:
    engine = _engine(options.engine, service, reporter)
    video = engine if options.video is None else None if options.video == NO_VIDEO else Engine(options.video)
    return SetPlan(
        source=source,
        out=options.out,
        engine=engine,
        video=video,
        model_endpoint=options.model_endpoint,
        concept_endpoint=options.concept_endpoint,
        photo_endpoint=options.photo_endpoint,
        video_endpoint=options.video_endpoint,
        option_texts={kind: dict(getattr(options, f"{kind}_option")) for kind in Kind},
        with_hero=options.with_hero,
        look=options.look,
        seconds=options.seconds,
        loop=options.loop,
        photo_size=options.photo_size,
        upscale_endpoint=options.upscale_endpoint,
        prompt=options.prompt,
        seed=options.seed,
        keep_uploads=options.keep_uploads,
        webhook=options.webhook,
        service=service,
        inline_bytes=options.data_uri_kb * 1024,
        **studio_of(options, source),
    )


def studio_of(options: argparse.Namespace, source: Source) -> dict[str, Any]:
    """What the studio's arguments say, as members of a plan."""
    return {
        "angles": angles_for(options.angles, source, cameras_reader(options.external_data)),
        "external_data": tuple(options.external_data),
        "lens_mm": options.lens,
        "resolution": options.resolution,
        "samples": options.samples,
        "device": options.device,
        "background": Background(options.background),
        "rig": chosen_rig(options.rig, rotation=options.rig_rotation, intensity=options.rig_intensity),
        "quality": options.quality,
        "f_stop": options.f_stop,
        "film_look": options.film_look,
        "motion": options.motion,
        "passes": options.passes,
        "preview": Preview(options.preview) if options.preview else None,
    }


def source_of(options: argparse.Namespace, service: Service | None) -> Source:
    """What the arguments name; photos with an address of their own are fetched to be looked at and kept."""
    paths, addresses = [], {}
    for text in options.source:
        path = Path(text)
        if is_address(text):
            if service is None:
                raise InputError(
                    "Photos need fal.ai, and no key is set.", hint="Set FAL_KEY or FAL_KEY_FILE."
                )
            path = fetch_picture(text, options.scratch, service)
            addresses[path] = text
        paths.append(path)
    return replace(source_from(paths, options.text), addresses=addresses)


def check_light(panorama: Panorama) -> None:
    """Raises InputError for a file that is no light map."""
    from ..studio.rig import read_panorama

    read_panorama(panorama)


def check_device(device: str) -> None:
    """Raises InputError when Cycles has no such device here."""
    if device not in ("auto", "cpu"):  # Those are everywhere: Blender need not be loaded.
        from ..studio.machine import use_device

        use_device(device)


def cameras_reader(external_data: Sequence[Path]) -> Callable[[Path], list[Angle]]:
    """What reads the cameras of a .blend, which may read from the folders ``external_data`` besides its own."""

    def cameras_of_blend(path: Path) -> list[Angle]:
        from ..studio.session import cameras_of_blend as read

        return read(path, external_data)

    return cameras_of_blend


def _engine(wanted: str | None, service: Service | None, reporter: Reporter) -> Engine:
    if wanted:
        return Engine(wanted)
    if service is not None:
        why = "an emulator of it is named" if service.is_emulator else "a key is configured"
        reporter.tell("note", text=f"Photos by fal, because {why} (--engine cycles is free).")
        return Engine.FAL
    reporter.tell("note", text="Photos by Cycles, free, because no fal key is configured.")
    return Engine.CYCLES


def checked(plan: SetPlan, reporter: Reporter, *, online_mode: bool) -> SetPlan:
    """The plan with all its endpoints understood. Raises what could only fail later, when money is spent."""
    if plan.uses_fal:
        require_online(online_mode)
    if plan.service is not None and plan.endpoint_ids:
        with Platform(plan.service) as platform:
            known = check_endpoints(
                plan.endpoint_ids, platform, lambda text: reporter.tell("warning", text=text)
            )
        plan = replace(plan, endpoints=known)
    plan.check()
    return plan

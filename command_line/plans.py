# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of a command to a plan that has been checked."""

import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from ..fal_bridge.endpoints.endpoint import Endpoint
from ..fal_bridge.endpoints.published import check_endpoints
from ..fal_bridge.errors import BadKeyError, UnknownEndpointError
from ..fal_bridge.jobs import Kind
from ..fal_bridge.network.lifecycle import DAY_SECONDS
from ..fal_bridge.network.picture_addresses import fetch_picture, is_address
from ..fal_bridge.network.platform_api import Platform
from ..fal_bridge.network.service import Service
from ..gltf.document import Gltf, read_gltf
from ..imaging.choices import Background, Guide, Lock, Preview
from ..messages import events
from ..messages.errors import FieldError, InputError
from ..messages.progress import Reporter
from ..optics.angles import Angle
from ..optics.rig_choice import Panorama, chosen_rig
from ..optics.spin import Direction, Spin
from ..photo_set.choices import NO_VIDEO, Engine, Fidelity
from ..photo_set.plan import CheckedPlan, SetPlan
from ..photo_set.plan_angles import angles_for
from ..photo_set.source import MODEL_SUFFIXES, Source, SourceKind, missing_key_error, source_from
from ..photo_set.unused_options import members_of, unused_members
from ..photo_set.variants import variants_for
from .arguments import option_of
from .option_values import CeilingOptions, Context, FreezeOptions, PictureOptions, PlanOptions, StudioOptions
from .service import require_online, service_at


def plan_of(options: PlanOptions, context: Context) -> SetPlan:
    """The plan of one set, not checked yet. Photos that have a web address are downloaded."""
    try:
        service = service_at(options.service.fal_url)
    except BadKeyError:  # What is free works without a valid key.
        has_model = any(Path(text).suffix.lower() in MODEL_SUFFIXES for text in options.source)
        pictures = options.pictures
        if pictures.engine != Engine.CYCLES or pictures.video == Engine.FAL or not has_model:
            raise
        service = None
    source = source_of_arguments(options.source, options.text, service, context.scratch)
    if service is None and source.kind is not SourceKind.MODEL:
        raise missing_key_error(source)
    plan = _plan(options, source, service, context.reporter)
    reader = materials_reader(options.external_data)
    return replace(plan, **variants_for(options.variant, options.color, source, options.out, reader))


def plan_of_any(options: FreezeOptions, reporter: Reporter) -> SetPlan:
    """How a catalogue makes its pictures, with a stand-in for the product that has no meaning."""
    stand_in = Source(kind=SourceKind.TEXT, text="any")
    return _plan(options, stand_in, service_at(options.service.fal_url), reporter)


def _plan(
    options: PlanOptions | FreezeOptions, source: Source, service: Service | None, reporter: Reporter
) -> SetPlan:
    engine = _engine(options.pictures.engine, service, reporter)
    return SetPlan(
        source=source,
        out=options.out,
        service=service,
        **{
            **_pictures_of(options.pictures),
            **studio_of(options.studio, source, options.external_data),
            "engine": engine,
            "video": _video_engine(options.pictures.video, engine),
        },
    )


def _video_engine(wanted: str | None, engine: Engine) -> Engine | None:
    if wanted is None:
        return engine
    return None if wanted == NO_VIDEO else Engine(wanted)


def _pictures_of(options: PictureOptions) -> dict[str, Any]:
    """What fal.ai makes, and how, as members of a plan."""
    return {
        **_members_in(options),
        "fidelity": Fidelity(options.fidelity),
        "lock": Lock(options.lock),
        "option_texts": {kind: dict(getattr(options, f"{kind}_option")) for kind in Kind},
        "inline_bytes": options.data_uri_kb * 1024,
        "guide": Guide(options.guide) if options.guide else None,
        "keep_uploads": options.expiration is None,
        "expiration": options.expiration or DAY_SECONDS,
    }


def studio_of(options: StudioOptions, source: Source, external_data: tuple[Path, ...]) -> dict[str, Any]:
    """How Cycles renders ``source``, as members of a plan."""
    return {
        **_members_in(options),
        "angles": angles_for(options.angles, source, cameras_reader(external_data)),
        "external_data": external_data,
        "lens_mm": options.lens,
        "background": Background(options.background),
        "rig": chosen_rig(options.rig, rotation=options.rig_rotation, intensity=options.rig_intensity),
        "preview": Preview(options.preview) if options.preview else None,
        "spin": _spin_of(options),
    }


def _spin_of(options: StudioOptions) -> Spin | None:
    """The spin that is asked for. Raises FieldError for an option that says how to make one that is not."""
    chosen: dict[str, Any] = {
        "elevation": options.spin_elevation,
        "start": options.spin_start,
        "direction": Direction(options.spin_direction) if options.spin_direction else None,
    }
    given = {name: value for name, value in chosen.items() if value is not None}
    if options.spin is not None:
        return replace(Spin(count=options.spin), **given)
    if given:
        raise FieldError(
            f"spin_{next(iter(given))}",
            "It has no effect without a spin.",
            hint="Add --spin 72, or leave it out.",
        )
    return None


def _members_in(options: PictureOptions | StudioOptions) -> dict[str, Any]:
    """The options that are members of a plan by the same name."""
    members = {item.name for item in fields(SetPlan)}
    return {item.name: getattr(options, item.name) for item in fields(options) if item.name in members}


def source_of_arguments(
    names: Sequence[str], description: str, service: Service | None, scratch: Path
) -> Source:
    """The source that the arguments name; photos that have a web address are downloaded to ``scratch``."""
    paths, addresses = [], {}
    for text in names:
        path = Path(text)
        if is_address(text):
            if service is None:
                raise InputError(
                    "Photos need fal.ai, and no key is set.", hint="Set FAL_KEY or FAL_KEY_FILE."
                )
            path = fetch_picture(text, scratch, service)
            addresses[path] = text
        paths.append(path)
    return replace(source_from(paths, description), addresses=addresses)


def check_light(panorama: Panorama) -> None:
    """Raises InputError for a file that is not a light map."""
    from ..studio.rig import read_panorama

    read_panorama(panorama)


def check_device(device: str) -> None:
    """Raises InputError when Cycles has no such device here."""
    if device not in ("auto", "cpu"):  # Every machine has these, so Blender is not loaded.
        from ..studio.machine import use_device

        use_device(device)


def cameras_reader(external_data: Sequence[Path]) -> Callable[[Path], list[Angle]]:
    """Reads the cameras of a .blend file, which may read from the folders ``external_data`` besides its own."""

    def cameras_of_blend(path: Path) -> list[Angle]:
        from ..studio.session import cameras_of_blend as read

        return read(path, external_data)

    return cameras_of_blend


def materials_reader(external_data: Sequence[Path]) -> Callable[[Path], Gltf]:
    """Reads what a .blend file says of its materials, which may read from ``external_data`` besides its own folder."""

    def materials_of_blend(path: Path) -> Gltf:
        from ..studio.blend_file import convert_to_glb

        with tempfile.TemporaryDirectory(prefix="photoreal-") as folder:
            target = Path(folder) / "materials.glb"
            convert_to_glb(path.absolute(), target, external_data)
            return read_gltf(target, name=path.name, without_binary=True)

    return materials_of_blend


def _engine(wanted: str | None, service: Service | None, reporter: Reporter) -> Engine:
    if wanted:
        return Engine(wanted)
    if service is not None:
        why = "an emulator of it is given" if service.is_emulator else "a key is configured"
        reporter.tell(events.Note(text=f"Photos by fal.ai, because {why} (--engine cycles is free)."))
        return Engine.FAL
    reporter.tell(events.Note(text="Photos by Cycles, free of charge, because no fal.ai key is configured."))
    return Engine.CYCLES


def checked(
    plan: SetPlan, reporter: Reporter, *, online_mode: bool, may_lack_endpoint: bool = False
) -> CheckedPlan:
    """The plan with the schemas of its endpoints. Raises for what would otherwise fail only after money is spent.

    ``may_lack_endpoint``: an endpoint that fal.ai no longer has is only warned about. Finished results can still be
    fetched; more of them have no price.
    """
    if plan.uses_fal:
        require_online(online_mode)
    if plan.service is not None and plan.endpoint_ids:
        try:
            plan = replace(plan, endpoints=_published_endpoints(plan.endpoint_ids, plan.service, reporter))
        except UnknownEndpointError as error:
            if not may_lack_endpoint:
                raise
            reporter.tell(events.Warning(text=error.message))
    return plan.check()


def tell_unused(plan: SetPlan, ceilings: CeilingOptions, reporter: Reporter) -> None:
    """Warn about options that change nothing for this plan."""
    warn_unused(unused_members(members_of(plan), plan.endpoint_ids), plan.endpoint_ids, ceilings, reporter)


def warn_unused(
    members: Sequence[str],
    kinds: Collection[Kind],
    ceilings: CeilingOptions,
    reporter: Reporter,
    *,
    what: str = "set",
) -> None:
    """Name members of a plan that change nothing, and ceilings where nothing is paid: no ``kinds`` of requests."""
    names = ["expiration" if name == "keep_uploads" else name for name in members]
    if not kinds:
        names += [item.name for item in fields(ceilings) if getattr(ceilings, item.name)]
    if names:
        options = ", ".join(map(option_of, dict.fromkeys(names)))
        text = f"No effect on this {what}, because fal.ai makes nothing of it that uses them: {options}."
        reporter.tell(events.Warning(text=text))


def _published_endpoints(
    ids: Mapping[Kind, str], service: Service, reporter: Reporter
) -> Mapping[str, Endpoint]:
    with Platform(service) as platform:
        return check_endpoints(ids, platform, lambda text: reporter.tell(events.Warning(text=text)))

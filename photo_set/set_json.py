# SPDX-License-Identifier: GPL-3.0-or-later
"""``set.json``: the types, bounds and meanings of its members, in one place.

Each member has a type, a ``Value`` (its rule, and the same as JSON Schema) and a description. ``MANIFEST`` is the rule
that every manifest read from disk must pass; ``photo_set.schema`` makes ``docs/set.schema.json``. Members not named
here are allowed. ``plan`` and ``source`` have stricter rules in ``plan_record``, because they decide what is made.
"""

from typing import (
    Annotated,
    Any,
    NotRequired,
    Required,
    TypedDict,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from ..files.values import Rule, list_of, mapping_of, optional, record_of
from ..optics.angles import MAX_ANGLES, angle_name
from .choices import MAX_PHOTOS
from .set_json_channels import ChannelRecord
from .set_json_costs import CostRecord
from .set_json_fidelity import (
    AskedRecord,
    CalibrationRecord,
    ConsistencyRecord,
    FidelityRecord,
    IdentityRecord,
    RetryRecord,
)
from .set_json_values import (
    AMOUNT,
    ANGLE,
    ANGLES,
    COUNT,
    DECISION,
    FOLDER_OR_NONE,
    HASH,
    LABELS,
    LENGTH,
    MATRIX,
    MAX_FILES_AT_FAL,
    MAX_FINDINGS,
    MAX_NAMES,
    MAX_TAKES,
    MAX_VARIANTS,
    MAX_VIDEOS,
    NAME,
    NEEDED,
    NO_AMOUNT,
    NO_TEXT,
    PATH,
    PHOTO_TAKES,
    PLAN,
    REAL,
    SCHEMA,
    SET_STATE,
    SEVERITY,
    SIZE,
    START_TAKE,
    STATE,
    TAKE,
    TAKE_OR_NONE,
    TEXT,
    TEXTS,
    TRUTH,
    FileRecord,
    Items,
    Value,
)
from .spin_json import SPIN_RULE, SPIN_SCHEMA


class SourceFile(TypedDict):
    name: Annotated[str, NAME, "name of the file, also of its copy in source/"]
    sha256: Annotated[str, HASH, "hash of its content"]


class SourceRecord(TypedDict, total=False):
    """What the product is made from."""

    kind: Annotated[str, TEXT, '"model", "photos" or "text"']
    text: Annotated[str, TEXT, "description of the product"]
    files: Annotated[list[SourceFile], Items(MAX_PHOTOS, name="file"), "the 3D file, or the photos"]


class PaidRecord(FileRecord, total=False):
    """A file that may come from a paid request."""

    state: Annotated[str, STATE, "how far it is"]
    endpoint: Annotated[str, TEXT, "the endpoint that made it"]
    request_id: Annotated[str, TEXT, "its request at fal.ai"]
    price: Annotated[float | None, NO_AMOUNT, "US dollars; null when not known"]
    error: Annotated[str, TEXT, "why it is missing"]
    original: Annotated[str, PATH, "the file as received"]


class Enlargement(PaidRecord, total=False):
    """How a photo was enlarged."""

    state: Annotated[str, STATE, NEEDED, "how far it is"]


class ReviewRecord(TypedDict, total=False):
    """What a person has decided about a photo."""

    decision: Annotated[
        str, DECISION, NEEDED, "what was decided; another photo is requested unless it is accepted"
    ]
    by: Annotated[str, TEXT, NEEDED, "the reviewer"]
    when: Annotated[str, TEXT, "ISO 8601, UTC"]
    reason: Annotated[str, TEXT, "why"]


class MadeRecord(PaidRecord, total=False):
    """A photo, a video, a concept picture or a 3D model."""

    engine: Annotated[str, TEXT, '"cycles" or "fal"']
    prompt: Annotated[str, TEXT, "the prompt that it was made with"]
    samples: Annotated[int, COUNT, "Cycles samples"]
    seconds: Annotated[float, AMOUNT, "length of a video, or time that a render took"]
    take: Annotated[int, TAKE, "its number among all takes"]
    preview: Annotated[FileRecord | None, "animated preview of a video"]
    with_alpha: Annotated[FileRecord | None, "the video with an alpha channel"]
    prores: Annotated[FileRecord | None, "the video with an alpha channel, as ProRes 4444"]
    enlargement: Annotated[Enlargement, "how the photo was enlarged"]
    review: Annotated[ReviewRecord, "what a person has decided about it"]
    fidelity: Annotated[FidelityRecord, "what the comparison with the render has found"]
    identity: Annotated[IdentityRecord, "whether the video shows the product all the time"]


class Pending(MadeRecord, total=False):
    """Another take that was requested, while the set still shows an earlier one."""

    state: Annotated[str, STATE, NEEDED, "how far it is"]


class Camera(TypedDict):
    """The camera of a render, as Blender has it."""

    matrix_world: Annotated[list[list[float]], MATRIX, "4 rows of 4 numbers, in meters"]
    lens_mm: Annotated[float, LENGTH, "focal length in mm"]
    sensor_mm: Annotated[float, LENGTH, "sensor width in mm"]
    shift_x: Annotated[float, REAL, "lens shift"]
    shift_y: Annotated[float, REAL, "lens shift"]
    clip_start: Annotated[float, REAL, "meters"]
    clip_end: Annotated[float, REAL, "meters"]
    ortho_scale: NotRequired[Annotated[float, AMOUNT, "width in meters, of an orthographic camera"]]


class FindingRecord(TypedDict, total=False):
    """Something that is wrong with the 3D model or a picture, or worth knowing."""

    severity: Required[Annotated[str, SEVERITY, "how bad it is"]]
    text: Required[Annotated[str, TEXT, "one sentence"]]
    kind: Annotated[str, TEXT, "what was checked"]
    where: Annotated[str, TEXT, "the object, the material or the angle"]
    count: Annotated[int | None, Value(optional(COUNT.rule), {"type": ["integer", "null"]}), "how many"]
    setting: Annotated[str, TEXT, "the member of `plan` that avoids it"]
    value: Annotated[str, TEXT, "the value of that member"]


class RenderRecord(FileRecord, total=False):
    """The reference that Cycles has rendered."""

    path: Annotated[str, PATH, NEEDED, "relative to the set folder"]
    samples: Required[Annotated[int, COUNT, "Cycles samples"]]


class AngleRecord(TypedDict, total=False):
    """One camera angle and its pictures."""

    name: Required[Annotated[str, ANGLE, "name of the angle"]]
    azimuth: Annotated[float, REAL, "degrees, counter-clockwise from above; 0 is in front"]
    elevation: Annotated[float, REAL, "degrees above the horizon"]
    fill: Annotated[float, REAL, "share of the frame that the product fills"]
    camera: Annotated[Camera, "the camera"]
    render: Annotated[RenderRecord, "the reference"]
    mask: Annotated[str, PATH, "8-bit mask; 255 is the product"]
    shared_mask: Annotated[bool, TRUTH, "true: the mask and the passes are those of the first variant"]
    photo: Annotated[MadeRecord, "the photo"]
    pending: Annotated[Pending, "another photo that was requested"]
    depth: Annotated[FileRecord, "depth pass"]
    normal: Annotated[FileRecord, "normal pass"]
    guide: Annotated[FileRecord, "the depth or the edges that the photo model is held by"]
    calibration: Annotated[CalibrationRecord, "what photos by fal.ai are compared with"]
    takes: Annotated[int, TAKE, "photos requested so far, without retries"]
    asked: Annotated[AskedRecord, "what a reviewer wants to be different in another photo"]
    retries: Annotated[
        list[RetryRecord], Items(MAX_TAKES, name="retry"), "further photos after rejected ones"
    ]


class VideoInput(FileRecord, total=False):
    """A video by Cycles that an endpoint turns into the video of the set; without a path, it is still to be rendered."""

    motion: Required[Annotated[str, TEXT, '"turntable", "light-sweep" or "detail-reveal"']]
    seconds: Required[Annotated[int, COUNT, "its length"]]
    frames: Required[Annotated[int, COUNT, "number of frames"]]
    width: Annotated[int, COUNT, NEEDED, "pixels, as the endpoint wants them"]
    height: Annotated[int, COUNT, NEEDED, "pixels"]


class OldVideo(TypedDict):
    """A video that an older version of Photoreal Set has replaced."""


class VideoRecord(MadeRecord, total=False):
    """A video."""

    motion: Required[Annotated[str, TEXT, '"turntable", "light-sweep" or "detail-reveal"']]
    state: Annotated[str, STATE, NEEDED, "how far it is"]
    takes: Annotated[int, TAKE, "videos requested so far"]
    start_take: Annotated[int | None, START_TAKE, "the take of the hero's photo that it starts from"]
    pending: Annotated[Pending, "another video that was requested"]
    stand_in: Annotated[
        str, TEXT, "the angle whose photo it starts from instead of the hero's as it was received"
    ]
    input: Annotated[str, TEXT, "hash of the video by Cycles that it was made from"]
    photos: Annotated[list[str], ANGLES, "the angles whose photos it was made from"]
    missing: Annotated[list[str], ANGLES, "angles without a photo when it was made"]
    photo_takes: Annotated[
        dict[str, int], PHOTO_TAKES, "the takes of the photos that it is made from, by angle"
    ]
    earlier: Annotated[list[OldVideo], Items(MAX_TAKES), "earlier videos, in sets of older versions"]


class Take(MadeRecord, total=False):
    """One of several pictures for the same name."""

    take: Annotated[int, TAKE, NEEDED, "its number"]


class TakeList(TypedDict):
    """All takes for one name. Has no other members."""

    chosen: Annotated[int, TAKE_OR_NONE, "the take that the set shows; 0 for none"]
    wanted: Annotated[str, TEXT, "the take that the plan asks for"]
    list: Annotated[list[Take], Items(MAX_TAKES, name="take"), "the takes, oldest first"]


class TakesRecord(TypedDict, total=False):
    photos: Annotated[dict[str, TakeList], Items(MAX_NAMES), "by angle"]
    videos: Annotated[dict[str, TakeList], Items(MAX_NAMES), "by motion"]
    concepts: Annotated[dict[str, TakeList], Items(MAX_NAMES), "by name"]


class ModelRecord(MadeRecord, total=False):
    """The 3D model."""

    takes: Annotated[int, TAKE, "models requested so far"]
    concept_takes: Annotated[int, TAKE, "concept pictures requested so far"]
    earlier: Annotated[list[MadeRecord], Items(MAX_TAKES, name="model"), "earlier models"]
    variant: Annotated[str, TEXT, "material variant"]
    colors: Annotated[dict[str, str], TEXTS, "colors (#RRGGBB) by material"]
    pose: Annotated[
        str, TEXT, '"rest" (as its nodes say), "start" or seconds of an animation; "frame": of a .blend file'
    ]
    clip: Annotated[str, TEXT, "the animation that the pose is taken from"]
    concept: Annotated[MadeRecord, "the picture that it was made from"]
    triangles: Annotated[int, COUNT, "number of triangles"]
    size_m: Annotated[list[float], SIZE, "width, depth and height in meters"]
    standing_matrix: Annotated[list[list[float]], MATRIX, "how the product was placed in the studio"]
    triage: Annotated[list[FindingRecord], Items(MAX_FINDINGS, name="finding"), "what is wrong with it"]
    source_triage: Annotated[
        list[FindingRecord], Items(MAX_FINDINGS, name="finding"), "what is wrong with the source file"
    ]


class Tool(TypedDict, total=False):
    name: Annotated[str, TEXT, '"Photoreal Set"']
    version: Annotated[str, TEXT, "its version"]
    blender: Annotated[str, TEXT, "Blender's version"]


class FilesAtFal(TypedDict, total=False):
    """Files in the storage of fal.ai: the results of a request, or an uploaded picture."""

    kind: Annotated[str, TEXT, '"result" or "upload"']
    labels: Annotated[list[str], LABELS, "what they were made or sent for"]
    files: Annotated[int, COUNT, "number of files"]
    until: Annotated[
        str | None,
        NO_TEXT,
        "ISO 8601, UTC, when fal.ai deletes them; null: as long as your account keeps files",
    ]
    readable_by: Annotated[str, TEXT, '"anyone" who knows their addresses, or only with your "key"']
    request: Annotated[str, TEXT, "the request at fal.ai"]


class VariantPicture(FileRecord, total=False):
    """The best picture that a variant has of an angle."""

    name: Required[Annotated[str, ANGLE, "name of the angle"]]
    kind: Annotated[str, TEXT, '"photo" or "render"']


class VariantRecord(TypedDict, total=False):
    """One variant of the product."""

    name: Required[Annotated[str, TEXT, "what it is called"]]
    folder: Required[Annotated[str, FOLDER_OR_NONE, 'its set folder; "" for the first, which is in this one']]
    material: Annotated[str, TEXT, 'material variant of the 3D file; "" for its default materials']
    colors: Annotated[dict[str, str], TEXTS, "colors (#RRGGBB) by material"]
    state: Annotated[str, SET_STATE, "how far it is; the first has that of the set"]
    error: Annotated[str, TEXT, "why it could not be made"]
    angles: Annotated[list[VariantPicture], Items(MAX_ANGLES, name="angle"), "its pictures"]


class Manifest(TypedDict, total=False):
    """The manifest of a set folder."""

    schema: Required[Annotated[int, SCHEMA, "version of this format"]]
    source: Required[Annotated[SourceRecord, "what the product is made from"]]
    state: Required[Annotated[str, SET_STATE, "how far the set is"]]
    model: Required[Annotated[ModelRecord, "the 3D model"]]
    angles: Required[Annotated[list[AngleRecord], Items(MAX_ANGLES, name="angle"), "the angles"]]
    videos: Required[Annotated[list[VideoRecord], Items(MAX_VIDEOS, name="video"), "the videos"]]
    product: Annotated[str, TEXT, "name of the product"]
    created: Annotated[str, TEXT, "ISO 8601, UTC"]
    tool: Annotated[Tool, "what made the set"]
    plan: Annotated[dict[str, Any] | None, PLAN, "everything that `resume` needs"]
    cost: Annotated[CostRecord, "what the set costs"]
    error: Annotated[str, TEXT, "what ended the last run"]
    at_fal: Annotated[
        list[FilesAtFal], Items(MAX_FILES_AT_FAL), "files that fal.ai still has, as far as the last run knows"
    ]
    takes: Annotated[TakesRecord, "all photos, videos and concept pictures"]
    spin: Annotated[dict[str, Any], Value(SPIN_RULE, SPIN_SCHEMA), "the frames of a full turn"]
    variants: Annotated[
        list[VariantRecord], Items(MAX_VARIANTS, name="variant"), "the variants, if there are several"
    ]
    channels: Annotated[
        list[ChannelRecord], Items(MAX_NAMES, name="channel"), "what exports for shops have found"
    ]
    video_input: Annotated[VideoInput, "the video by Cycles that the video of the set is made from"]
    findings: Annotated[
        list[FindingRecord], Items(MAX_FINDINGS, name="finding"), "what is wrong with the finished pictures"
    ]
    consistency: Annotated[ConsistencyRecord, "whether the photos by fal.ai belong together"]


CLOSED: frozenset[type] = frozenset({SourceFile, TakeList})  # Records without other members.


def members_of(kind: type) -> dict[str, tuple[Any, tuple[Any, ...], bool]]:
    """Of a record: the type of each member, its annotations, and whether it is required."""
    found = {}
    required: frozenset[str] = getattr(kind, "__required_keys__", frozenset())
    for name, hint in get_type_hints(kind, include_extras=True).items():
        while get_origin(hint) in (Required, NotRequired):
            (hint,) = get_args(hint)
        inner, *annotations = get_args(hint)
        found[name] = inner, tuple(annotations), name in required or NEEDED in annotations
    return found


def rule_for(kind: type) -> Rule[dict[str, Any]]:
    """The rule for a record."""
    needed: dict[str, Rule[Any]] = {}
    more: dict[str, Rule[Any]] = {}
    for name, (hint, annotations, is_required) in members_of(kind).items():
        (needed if is_required else more)[name] = _rule(hint, annotations)
    return record_of(needed, more, may_have_others=kind not in CLOSED)


def _rule(hint: Any, annotations: tuple[Any, ...]) -> Rule[Any]:
    for item in annotations:
        if isinstance(item, Value):
            return item.rule
    items = next((item for item in annotations if isinstance(item, Items)), None)
    if items is not None:
        inner = rule_for(get_args(hint)[-1])
        if get_origin(hint) is dict:
            return mapping_of(angle_name, inner, items.maximum)  # Motions are named by the same rule.
        return list_of(inner, items.maximum, min_count=items.minimum, name=items.name)
    if is_typeddict(hint):
        return rule_for(hint)
    return optional(rule_for(next(part for part in get_args(hint) if is_typeddict(part))))


SOURCE_FILES = list_of(rule_for(SourceFile), MAX_PHOTOS, name="file")
FINDINGS = list_of(rule_for(FindingRecord), 3 * MAX_FINDINGS, name="finding")
MANIFEST = rule_for(Manifest)

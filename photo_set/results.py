# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stages of a run share: the plan, and the single writer of its results."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from ..fal_bridge.errors import CeilingReachedError, StoppedError, UncertainSubmitError
from ..fal_bridge.money import journal_costs
from ..fal_bridge.stored_files import StoredFiles, texts_in
from ..files.writing import copy_atomically, write_atomically
from ..gltf.findings import Finding, Severity
from ..messages import events
from ..messages.errors import STOPPED_EXIT_CODE, InputError, PhotorealError
from ..messages.progress import Reporter
from ..optics.angles import Angle
from ..processes.stop import Stop
from .activity import Activity
from .at_fal import record_files_at_fal
from .estimates import Estimate, price_sentence
from .folder import Record, SetFolder, SetState, angle_record
from .labels import label_of_variant, photo_label
from .part_states import part_states
from .plan import SetPlan
from .set_costs import costs_of, requests_record
from .set_json import (
    AngleRecord,
    MadeRecord,
    ModelRecord,
    Pending,
    VideoInput,
    VideoRecord,
)
from .set_json_costs import CostRecord
from .source import SourceKind
from .takes import COUNTERS, Shelf, Takes
from .variants import Variant
from .verdict import all_findings, record_verdict, worst_of
from .video_plan import render_order


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended. ``exit_code`` is that of the command line, ``worst`` the severity of the worst finding."""

    state: SetState
    exit_code: int
    folder: Path
    worst: Severity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetResults:
    """One set being made. Safe from several threads."""

    plan: SetPlan
    folder: SetFolder
    reporter: Reporter
    stop: Stop
    variant: Variant | None = None  # Of another set, unless it is the first.
    has_worked: threading.Event = field(
        default_factory=threading.Event
    )  # Whether something was rendered, sent or fetched.
    activity: Activity = field(default_factory=Activity)
    _told_as_public: set[str] = field(default_factory=set)  # Request ids.
    _refused_bills: set[str] = field(default_factory=set)  # Request ids whose bill was reported.

    def keep_source(self) -> None:
        """Copy the source photos, and the light map when there is one, into the set."""
        if panorama := self.plan.rig.panorama:
            original = Path(panorama.path)
            copy_atomically(original, self.folder.root / "source" / original.name)
        source = self.plan.source
        if source.kind is SourceKind.PHOTOS:
            for name, path in zip(source.kept_names, source.files, strict=True):
                copy_atomically(path, self.folder.root / "source" / name)

    def has_model(self) -> bool:
        """Whether the 3D model exists, is unchanged, and has the materials that the plan asks for."""
        materials = {"variant": self.plan.variant or None, "colors": dict(self.plan.colors) or None}
        return self.folder.has(self.folder.record["model"], **materials)

    def record_model(self, path: Path, made_by: Record, *, source_triage: Sequence[Finding] = ()) -> None:
        """``source_triage``: findings about the source file; the model itself is checked when it is rendered."""
        entry = {**self.folder.entry(path), **made_by}
        if self.plan.variant:
            entry["variant"] = self.plan.variant
        if self.plan.colors:
            entry["colors"] = dict(self.plan.colors)
        entry["source_triage"] = [finding.record() for finding in source_triage]
        with self.folder.change() as record:
            record["model"] = cast(ModelRecord, {**kept_of_takes(record["model"]), **entry})

    def record_lost_model(self, error: PhotorealError) -> None:
        """Record that the paid request for the model will not give one."""
        with self.folder.change() as record:
            lost: Record = {**kept_of_takes(record["model"]), "state": "failed", "error": str(error)}
            record["model"] = cast(ModelRecord, lost)

    def angle(self, angle: Angle) -> AngleRecord:
        """The entry of an angle of the plan in ``set.json``."""
        return next(entry for entry in self.folder.record["angles"] if entry["name"] == angle.name)

    def video(self) -> VideoRecord:
        """The entry of the plan's video in ``set.json``; empty when there is none."""
        entries = self.folder.record["videos"]
        return next(
            (entry for entry in entries if entry["motion"] == self.plan.motion), cast(VideoRecord, {})
        )

    def order_video_input(self) -> None:
        """Record what Cycles has to render for the video endpoint, so that any process can render it."""
        order = render_order(self.plan) if self.plan.video is not None else {}
        with self.folder.change() as record:
            known: Mapping[str, Any] = record.pop("video_input", {})
            if order:
                is_same = all(known.get(name) == value for name, value in order.items())
                record["video_input"] = cast(VideoInput, known if is_same else order)

    @property
    def video_input(self) -> Path | None:
        """The video by Cycles that the video of the set is made from, once it is rendered."""
        entry = self.folder.record.get("video_input")
        return self.folder.root / entry["path"] if entry and self.folder.has(entry) else None

    def record_video_input(self, made_with: str, path: Path) -> None:
        with self.folder.change() as record:
            entry = {**record["video_input"], **self.folder.entry(path), "made_with": made_with}
            record["video_input"] = cast(VideoInput, entry)

    @property
    def takes(self) -> Takes:
        """Every photo, video and concept picture of the set."""
        return Takes(self.folder)

    def label_of(self, shelf: Shelf, name: str) -> str:
        """What a photo or a video is called in messages."""
        label = photo_label(name) if shelf is Shelf.PHOTOS else "video"
        return label_of_variant(self.variant.name, label) if self.variant else label

    def tell_restored(self, shelf: Shelf, name: str, request_id: str) -> None:
        """Report that a listed take is kept again, if this is one: its file is gone or was changed."""
        if self.takes.knows(shelf, name, request_id):
            self.has_worked.set()
            label = self.label_of(shelf, name)
            text = f"{label}: the file was missing or changed. It is made again, and nothing is paid for it."
            self.reporter.tell(events.Note(text=text))

    def stand_in(self, shelf: Shelf, name: str, request_id: str) -> Path | None:
        """The file of the take of a request whose result is lost; None without one. Reports that it is kept."""
        take = self.takes.found(shelf, name, request_id)
        if take is None:
            return None
        gone = f"{self.label_of(shelf, name)}: the file as received is gone, and fal.ai does not provide it again."
        self.reporter.tell(events.Note(text=f"{gone} {take['path']} is kept, and nothing is bought again."))
        return self.folder.root / str(take["path"])

    def await_photo(self, angle: Angle) -> None:
        """Record that the photo is expected, unless there is one already."""
        with self.folder.change() as record:
            angle_record(record, angle.name).setdefault(
                "photo", {"engine": self.plan.engine.value, "state": "waiting"}
            )

    def record_photo(self, angle: Angle, facts: Record, picture: bytes) -> Record:
        """Keep the photo that the plan asks for, as the chosen take."""
        take = self.takes.add(Shelf.PHOTOS, angle.name, facts, {"": picture})
        self.end_waiting(angle)
        return take

    def record_lost_photo(self, angle: Angle, facts: Record, *, is_given_up: bool) -> None:
        """Record why the photo did not come; an earlier take stays the photo of the angle.

        ``is_given_up``: the user continues without this request, so an earlier take is all that is wanted.
        """
        self.reporter.tell(events.Warning(text=facts["error"]))
        facts = {"engine": self.plan.engine.value, **facts}
        with self.folder.change() as record:
            entry = angle_record(record, angle.name)
            if entry.get("photo", {}).get("path"):
                entry.pop("pending", None)
                if not is_given_up:
                    entry["pending"] = cast(Pending, facts)
            else:
                entry["photo"] = cast(MadeRecord, facts)

    def end_waiting(self, angle: Angle) -> None:
        """Record that no photo is expected for the angle any more."""
        if "pending" in self.angle(angle):
            with self.folder.change() as record:
                angle_record(record, angle.name).pop("pending")

    def record_video(self, facts: Record, files: Mapping[str, Path], *, is_wanted: bool = True) -> None:
        """Keep a video; ``is_wanted``: the one that the plan asks for, so that no other is expected."""
        self.takes.add(Shelf.VIDEOS, facts["motion"], facts, files, is_wanted=is_wanted)
        if is_wanted:
            self.end_waiting_for_video()

    def record_lost_video(self, facts: Record, *, is_given_up: bool = False) -> None:
        """Record why the video did not come; an earlier take stays the video of its motion. As for a photo."""
        self.reporter.tell(events.Warning(text=facts["error"]))
        with self.folder.change() as record:
            earlier: Mapping[str, Any] = next(
                (one for one in record["videos"] if one["motion"] == facts["motion"]), {}
            )
            others = [one for one in record["videos"] if one["motion"] != facts["motion"]]
            waiting: Record = {} if is_given_up else {"pending": facts}
            shown: Record = {**_counters_of(earlier), **facts}
            if earlier.get("path"):
                shown = {**_without_pending(earlier), **waiting}
            record["videos"] = [*others, cast(VideoRecord, shown)]

    def end_waiting_for_video(self) -> None:
        """Record that no video of the plan's motion is expected any more."""
        if "pending" in self.video():
            with self.folder.change() as record:
                for entry in record["videos"]:
                    if entry["motion"] == self.plan.motion:
                        entry.pop("pending", None)

    def progress(self, stage: str, done: int, of: int, label: str = "", *, is_kept: bool = False) -> None:
        """``is_kept``: an earlier run has made all of the stage, which is reported one by one to programs only."""
        if not is_kept:
            self.has_worked.set()
        self.activity.start(stage, done, of, label)
        self.reporter.tell(
            events.Progress(
                stage=stage,
                done=done,
                of=of,
                label=label,
                kept=is_kept or None,
                eta_seconds=self.activity.eta_seconds,
            )
        )

    def record_estimate(self, estimate: Estimate | None, to_come: Estimate | None = None) -> None:
        """Record and report what the whole set is expected to cost; ``None``: nothing. ``to_come`` as of ``Bill``."""
        expected = estimate.record() if estimate else {"min": 0.0, "max": 0.0}
        with self.folder.change() as record:
            cost: Record = {**record["cost"], "estimate": expected, "currency": "USD"}
            record["cost"] = cast(CostRecord, cost)
        if estimate and (text := price_sentence(estimate, to_come)):
            self.reporter.tell(events.Note(text=text))

    def check_journal(self) -> None:
        """Raises InputError when requests that the manifest names are not in the journal: they would be paid again."""
        if self._lost_requests(self._paid()):
            raise InputError(
                f"The journal of paid requests in {self.folder.journal} is missing or incomplete, so what is finished "
                "would be paid again.",
                hint="Copy the set again, including hidden files. In a new folder everything is generated and charged again.",
            )

    def _paid(self) -> list[journal_costs.Cost]:
        """The costs of the set and of its other variants."""
        return costs_of(self.folder.root, self.folder.record["product"])

    def _lost_requests(self, paid: list[journal_costs.Cost]) -> set[str]:
        return set(_request_ids(self.folder.record)) - {cost.row["request_id"] for cost in paid}

    def record_account(self) -> None:
        """Record what the journal knows about the account: costs of all attempts of all runs, and files at fal.ai."""
        found = record_files_at_fal(self.folder)
        paid = self._paid()
        if self.variant is None:  # The first variant reports the files and bills of the others too.
            self._tell_of_public_files(found)
        if self._lost_requests(paid):
            return  # The recorded costs say more than a journal with gaps.
        if self.variant is None:
            self._tell_of_refused_bills(paid)
        if paid:
            write_atomically(self.folder.root / "costs.csv", journal_costs.as_csv(paid).encode())
        with self.folder.change() as record:
            record["cost"]["actual"] = float(journal_costs.total(paid))
            record["cost"] |= {"requests": requests_record(paid)} if paid else {}
            record["cost"].pop("unknown", None)
            if unknown := sum(cost.amount is None for cost in paid):
                record["cost"]["unknown"] = unknown  # Requests that may have cost something.

    def _tell_of_public_files(self, found: Sequence[StoredFiles]) -> None:
        for files in found:
            if files.was_restricted and files.is_public and files.request_id not in self._told_as_public:
                self._told_as_public.add(files.request_id)
                text = (
                    f"{', '.join(files.labels)}: its result at fal.ai can be read by anyone, although it was asked to be "
                    "private. `cleanup` hides it."
                )
                self.reporter.tell(events.Warning(text=text))

    def _tell_of_refused_bills(self, paid: list[journal_costs.Cost]) -> None:
        for cost in paid:
            request_id = cost.row["request_id"]
            if cost.refused_units and request_id not in self._refused_bills:
                self._refused_bills.add(request_id)
                text = (
                    f"{cost.row['job']}: fal.ai reports {cost.refused_units!r} billed units, which cannot be right, so "
                    f"the estimate counts. Check request {request_id} in your fal.ai dashboard."
                )
                self.reporter.tell(events.Warning(text=text))

    def record_end(self, error: PhotorealError) -> None:
        """Record that ``error`` ended the run."""
        states: dict[type[PhotorealError], SetState] = {
            UncertainSubmitError: SetState.HELD,
            StoppedError: SetState.PARTIAL,
        }
        with self.folder.change() as record:
            record["state"] = states.get(type(error), SetState.FAILED).value
            record["error"] = str(error)

    def outcome(self, *, is_at_ceiling: bool) -> Outcome:
        """How the run ended, according to the manifest; also recorded there."""
        record = self.folder.record
        states = part_states(
            record, has_video=self.plan.video is not None, has_spin=self.plan.spin is not None
        )
        if "uncertain" in states:
            state, code = SetState.HELD, UncertainSubmitError.exit_code
        elif all(state == "done" for state in states):
            state, code = SetState.DONE, 0
        elif self.stop.is_asked:
            state, code = SetState.PARTIAL, STOPPED_EXIT_CODE
        else:
            some = any(state == "done" for state in states)
            state, code = (SetState.PARTIAL if some else SetState.FAILED), PhotorealError.exit_code
            if is_at_ceiling:
                code = CeilingReachedError.exit_code
        with self.folder.change() as changed:
            changed["state"] = state.value
            changed.pop("error", None)
        record_verdict(self.folder, self.plan.angles, self.reporter)
        worst = worst_of(all_findings(self.folder.record))
        return Outcome(state=state, exit_code=code, folder=self.folder.root, worst=worst)


def _request_ids(value: Any) -> Iterator[str]:
    """The ids of all requests that a manifest or a part of it names."""
    return filter(None, texts_in(value, "request_id"))


def kept_of_takes(entry: Mapping[str, Any]) -> Record:
    """What remains of a model entry when the model is replaced: counters, and the earlier models."""
    return {name: entry[name] for name in ("takes", "concept_takes", "earlier") if name in entry}


def _without_pending(entry: Mapping[str, Any]) -> Record:
    return {name: value for name, value in entry.items() if name != "pending"}


def _counters_of(video: Mapping[str, Any]) -> Record:
    return {name: video[name] for name in COUNTERS if name in video and name != "pending"}

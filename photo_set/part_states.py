# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the parts of a set are, according to its manifest."""

from .folder import SetFolder, SetState
from .rejection import is_rejected
from .set_json import Manifest
from .spin_json import is_complete


def part_states(record: Manifest, *, has_video: bool, has_spin: bool) -> list[str]:
    """The states of all pictures and videos of a set; "done" is what each should be.

    ``has_video``, ``has_spin``: whether the set is planned with them.
    """
    states = [entry.get("photo", {}).get("state", "waiting") for entry in record["angles"]]
    states += [entry["pending"]["state"] for entry in record["angles"] if "pending" in entry]
    states += ["rejected" for entry in record["angles"] if is_rejected(entry.get("photo"))]
    for entry in record["angles"]:
        if enlargement := entry.get("photo", {}).get("enlargement"):
            states.append(enlargement["state"])
    states += variant_states(record)
    if has_video:
        states += [entry["state"] for entry in record["videos"]] or ["waiting"]
        states += [entry["pending"]["state"] for entry in record["videos"] if "pending" in entry]
        states += ["rejected" for entry in record["videos"] if is_rejected(entry)]
    if has_spin:
        states.append("done" if is_complete(record.get("spin")) else "waiting")
    return states


def settle_state(folder: SetFolder) -> None:
    """Record whether a set is complete with the takes that it shows now. One that failed or waits for a decision stays so."""
    plan = folder.record.get("plan")
    if plan is None or folder.record["state"] not in (SetState.DONE, SetState.PARTIAL):
        return
    with folder.change() as record:
        has_video, has_spin = bool(plan.get("video")), bool(plan.get("spin"))
        states = part_states(record, has_video=has_video, has_spin=has_spin)
        complete = all(state == "done" for state in states)
        record["state"] = (SetState.DONE if complete else SetState.PARTIAL).value


def variant_states(record: Manifest) -> list[str]:
    """How far the variants except the first are, as states of pictures."""
    states = {
        SetState.DONE.value: "done",
        SetState.FAILED.value: "failed",
        SetState.HELD.value: "uncertain",
    }
    entries = [entry for entry in record.get("variants", []) if entry["folder"]]
    return [states.get(entry.get("state", ""), "waiting") for entry in entries]

# SPDX-License-Identifier: GPL-3.0-or-later
"""Place Film."""

from bpy.types import Context, Operator

from ..window import pump as runtime
from . import checks


class PHOTOREAL_OT_place_film(Operator):
    bl_idname = "photoreal.place_film"
    bl_label = "Film to Sequencer"
    bl_description = "Add the film to this scene's video sequencer, from the current frame on"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012  Blender's own form.

    @classmethod
    def poll(cls, context: Context) -> bool:
        found = runtime.set_of(context.scene)
        has_film = found is not None and any(film.path for film in found.films)
        return checks.allow(cls, None if has_film else checks.Problem(reason="This set has no film"))

    def execute(self, context: Context) -> set[str]:
        from ..window.placing import place_film

        found = runtime.set_of(context.scene)
        assert found is not None
        try:
            for film in found.films:
                if film.path:
                    place_film(context.scene, film.path, f"{found.product} {film.motion}")
        except RuntimeError as error:
            self.report({"ERROR"}, f"The film cannot be loaded: {str(error).strip()}")
            return {"CANCELLED"}
        return {"FINISHED"}

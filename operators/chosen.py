# SPDX-License-Identifier: GPL-3.0-or-later
"""What the artist has chosen where a menu was opened: objects or collections, in a viewport or the Outliner."""

from bpy.types import Collection, Context, Object


def chosen_objects(context: Context) -> list[Object]:
    """The selected objects. In the Outliner they are chosen as identifiers, elsewhere they are selected."""
    layer = context.view_layer
    listed = [one for one in getattr(context, "selected_ids", ()) if isinstance(one, Object)]
    return listed or (list(layer.objects.selected) if layer else [])


def chosen_collections(context: Context) -> list[Collection]:
    """The collections that are selected in the Outliner, or else the active one."""
    listed = [one for one in getattr(context, "selected_ids", ()) if isinstance(one, Collection)]
    return listed or ([context.collection] if context.collection else [])

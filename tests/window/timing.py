# SPDX-License-Identifier: GPL-3.0-or-later
"""What the extension does on the main thread of a Blender with a window, timed call by call.

``WATCH`` and ``ENABLE`` are for ``Desktop.python``. Each time is a pair of seconds: by the clock, and of our own
thread, which does not grow when the machine is busy with other things.
"""

MODULE = "bl_ext.user_default.photoreal_set"

# From here on ``driver_namespace['photoreal_spent']`` has the times of every pump, operator and draw.
WATCH = f"""
import time
from {MODULE} import operators, panels
from {MODULE}.window import pump
spent = bpy.app.driver_namespace.setdefault('photoreal_spent', {{}})
def timed(name, function):
    def call(*given, **named):
        clock, own = time.perf_counter(), time.thread_time()
        try:
            return function(*given, **named)
        finally:
            spent.setdefault(name, []).append([time.perf_counter() - clock, time.thread_time() - own])
    return call
def timed_method(cls, name):
    call = timed(f'{{cls.__name__}}.{{name}}', getattr(cls, name))
    def method(self, context):  # Blender counts the arguments.
        return call(self, context)
    setattr(cls, name, method)
again = timed('pump', pump.pump)
if bpy.app.timers.is_registered(pump.pump):
    bpy.app.timers.unregister(pump.pump)
pump.pump = again
for cls in (*panels.CLASSES, *operators.CLASSES):
    if issubclass(cls, (bpy.types.Panel, bpy.types.AddonPreferences)):
        timed_method(cls, 'draw')
    elif issubclass(cls, bpy.types.Operator) and hasattr(cls, 'execute'):
        timed_method(cls, 'pay' if hasattr(cls, 'pay') else 'execute')
"""

# Seconds to enable the extension, before its modules are loaded.
ENABLE = f"""
import addon_utils, sys, time
addon_utils.disable({MODULE!r})
for name in [name for name in sys.modules if name.startswith({MODULE!r})]:
    del sys.modules[name]
clock, own = time.perf_counter(), time.thread_time()
addon_utils.enable({MODULE!r})
answer = [time.perf_counter() - clock, time.thread_time() - own]
"""

# Seconds that the studio takes to follow a setting, the median of several changes of each.
LIVE = """
import statistics, time
settings = bpy.context.scene.photoreal
CHANGES = {
    'rig_rotation': [float(step) for step in range(1, 10)],
    'rig_intensity': [1.0 + step / 10.0 for step in range(1, 10)],
    'background': ['grey', 'black', 'white'] * 3,
    'lens': [50.0 + step for step in range(9)],
    'resolution': [512 + step for step in range(9)],
    'channel': ['google', 'amazon-main', 'none'] * 3,
}
answer = {}
for name, values in CHANGES.items():
    before, pairs = getattr(settings, name), []
    for value in values:
        clock, own = time.perf_counter(), time.thread_time()
        setattr(settings, name, value)
        pairs.append([time.perf_counter() - clock, time.thread_time() - own])
    setattr(settings, name, before)
    answer[name] = [statistics.median(column) for column in zip(*pairs)]
"""

# SPDX-License-Identifier: GPL-3.0-or-later
"""Every state of every panel, for pictures: code for ``Desktop.python``, each on top of the one before.

Runs and sets are simulated, so that a failure or a lost response needs no waiting.
"""

from tests.window.timing import MODULE

PREPARE = f"""
import types
from pathlib import Path
from {MODULE} import panels
from {MODULE}.catalogue.glance import CatalogueView
from {MODULE}.window import pump, runs
from {MODULE}.background_run.run_view import Kind, RunView
from {MODULE}.background_run.set_view import Held, Picture, SetView, Take, Video
settings = bpy.context.scene.photoreal
FOLDER = Path('/desk/sets/jar')
NAMES = ('front', 'three-quarter', 'side', 'top', 'detail')
REFUSED = 'fal.ai refused the picture: its checker found something that it does not accept. Change the prompt.'

def only(*names):
    # Opened, whatever an artist finds closed: Blender remembers that under the panel's name.
    subs = [cls for cls in panels.CLASSES if issubclass(cls, bpy.types.Panel) and hasattr(cls, 'bl_parent_id')]
    for cls in reversed(subs):
        if cls.is_registered:
            bpy.utils.unregister_class(cls)
    for cls in subs:
        parent = cls.bl_parent_id.removesuffix('_open')
        is_part = parent != 'PHOTOREAL_PT_main'
        if (parent if is_part else cls.__name__).removeprefix('PHOTOREAL_PT_') in names:
            cls.bl_options, cls.bl_idname = set(), cls.__name__ + '_open'
            cls.bl_parent_id = parent + '_open' if is_part else parent
            bpy.utils.register_class(cls)

def job(name, state, **facts):
    return {{'event': 'job', 'label': name, 'state': state, **facts}}

def sample(name, task='photos'):
    return {{'event': 'working', 'task': task, 'label': name, 'text': '', 'done': 1, 'of': 5, 'sample': 24, 'samples': 64,
        'eta_seconds': 130}}

def takes(count):
    picture = Path('/desk/picture.png')
    return tuple(
        Take(number=number, photo=picture, stamp='1', made_by='flux-kontext/dev', price=0.025, verdict='accept')
        for number in range(1, count + 1)
    )

def rendering(*names):
    return [{{'event': 'progress', 'stage': 'references', 'done': done, 'of': 5, 'label': name}} for done, name in enumerate(names)]

def end(code, state):
    return [{{'event': 'finished', 'state': state, 'exit': code}}, {{'event': 'exited', 'code': code}}]

def a_run(*events):
    view = RunView(kind=Kind.SET, folder=FOLDER)
    view.expect(list(NAMES))
    for event in ({{'event': 'started', 'product': 'Enamel Jar', 'set': str(FOLDER)}}, *events):
        view.take(event)
    def nothing():
        import queue
        raise queue.Empty
    child = types.SimpleNamespace(events=types.SimpleNamespace(get_nowait=nothing), stop=lambda: None)
    forget()
    runs.state.runs.append(runs.Run(child=child, view=view, home=runs.home_of(bpy.context.scene)))

def of(sku, event):
    return {{**event, 'sku': sku}}

def a_catalogue(*events, pending=0):
    a_run()
    view = RunView(kind=Kind.CATALOGUE, folder=FOLDER, product='Autumn')
    view.expect(['Cup', 'Pot', 'Lamp'])
    for event in ({{'event': 'started', 'product': 'products.csv', 'set': str(FOLDER)}}, *events):
        view.take(event)
    runs.state.runs[0].view = view
    runs.state.catalogues[FOLDER] = CatalogueView(folder=FOLDER, products=(), pending=pending)

def a_set(state='done', **changes):
    picture = Path('/desk/picture.png')
    pictures = [
        Picture(name=name, render=picture, photo=picture if name != 'detail' else None, stamp='1',
            state='failed' if name == 'detail' else 'done', error='', price=0.025, engine='fal',
            takes=takes(3 if name == 'front' else 1) if name != 'detail' else (), take=3 if name == 'front' else 1)
        for name in NAMES
    ]
    facts = dict(folder=FOLDER, product='Enamel Jar', state=state, error='', pictures=tuple(pictures),
        videos=(Video(motion='turntable', path=picture, state='done', error=''),), held=(), spent=0.66)
    runs.state.sets.take(FOLDER, SetView(**{{**facts, **changes}}))

def rejected_picture():
    picture = Path('/desk/picture.png')
    reason = 'A part of the product is missing, upper left.'
    return Picture(name='front', render=picture, photo=picture, stamp='1', state='done', error='', price=0.025,
        engine='fal', verdict='retry', reason=reason, is_rejected=True)

def forget():
    runs.state.runs.clear()
    runs.state.to_place.clear()
    runs.state.elsewhere.clear()
    runs.state.shown_takes.clear()
    runs.state.sets.take(FOLDER, None)
"""

STATES = {
    "source-file": "only('source')\nsettings.source_kind, settings.source = 'FILE', ''",
    "source-file-chosen": "settings.source = '/desk/products/Enamel Jar.glb'",
    "source-selection": "settings.source_kind = 'OBJECTS'",
    "source-photos": "settings.source_kind = 'PHOTOS'\nsettings.photos.clear()\nfor number in range(4): settings.photos.add().path = f'/desk/{number}.jpg'",
    "source-text": "settings.source_kind, settings.words = 'TEXT', 'a walnut desk clock with brass hands'",
    "studio": "only('studio')\nsettings.source_kind = 'FILE'",
    "studio-panorama": "settings.rig, settings.panorama = 'panorama', '/desk/sky.exr'",
    "angles-usual": "only('angles')\nsettings.rig = 'softbox'\nsettings.angles.clear()",
    "angles-list": "bpy.ops.photoreal.edit_angles()",
    "angles-cameras-of-file": "settings.angles_from = 'CAMERAS'",
    "angles-cameras-of-scene": "settings.source_kind = 'OBJECTS'",
    "angles-no-camera": "settings.source_kind = 'TEXT'",
    "photos-cycles": "only('photos')\nsettings.angles_from, settings.source_kind, settings.engine = 'LIST', 'FILE', 'cycles'",
    "photos-fal": "settings.engine, settings.use_seed = 'fal', True\nbpy.ops.photoreal.new_prompt()",
    "video-none": "only('video')\nsettings.engine = 'cycles'",
    "video-cycles": "settings.video = 'cycles'",
    "video-fal": "settings.video = 'fal'",
    "jobs-nothing": "only('jobs')\nsettings.video = 'none'\nforget()",
    "jobs-starting": "a_run()",
    "jobs-rendering": "a_run(*rendering('three-quarter', 'front', 'side'))",
    "jobs-at-fal": "a_run(job('three-quarter photo', 'queued', queue_position=3), job('front photo', 'running'), "
    "job('side photo', 'uploading'), job('top photo', 'done'), job('film', 'prepared'))\na_set('partial')",
    "jobs-stopping": "runs.state.runs[0].view.is_stopping = True",
    "jobs-failed": "a_run(job('front photo', 'failed', error=REFUSED), job('side photo', 'done'), *end(2, 'partial'))\na_set('partial')",
    "jobs-crashed": "a_run({'event': 'exited', 'code': -11, 'output': ['Segmentation fault']})\na_set('partial')",
    "jobs-uncertain": "a_run(job('front photo', 'uncertain'), *end(5, 'held'))\n"
    "a_set('held', held=(Held(key='0123abcd', label='front photo'),))",
    "jobs-cancelled": "a_run(job('front photo', 'cancelled'), job('side photo', 'done'), *rendering('top'), *end(130, 'partial'))\na_set('partial')",
    "jobs-left-at-fal": "a_run(job('front photo', 'left'), job('side photo', 'done'), *end(130, 'partial'))\na_set('partial', pending=1)",
    "jobs-catalogue": "forget()\na_catalogue(of('Cup', job('front photo', 'running')), of('Pot', job('side photo', 'queued')), "
    "*(of('Lamp', event) for event in rendering('front', 'side')))",
    "jobs-catalogue-left": "a_catalogue(of('Cup', job('front photo', 'left')), of('Pot', job('side photo', 'left')), "
    "*(of('Lamp', event) for event in rendering('front', 'side')), *end(130, 'partial'), pending=2)\nruns.state.runs[0].is_seen = True",
    "jobs-done": "a_run(*(job(f'{name} photo', 'done') for name in NAMES), *end(0, 'done'))\na_set()",
    "jobs-waits-to-place": "runs.state.to_place.append(runs.state.runs[0])",
    "gallery-empty": "only('gallery')\nforget()",
    "gallery-rejected": "a_run(*end(2, 'partial'))\na_set('partial', pictures=(rejected_picture(),))",
    "gallery": "a_run(*end(0, 'done'))\na_set(problems=('Lid: 212 faces look inwards.', 'Label: its texture is missing.', 'A', 'B'))",
    "gallery-other-take": "bpy.ops.photoreal.step_take(name='front', step=-1)",
    "head-working": "only()\nsettings.source = '/desk/products/Enamel Jar.glb'\n"
    "a_run(*rendering('three-quarter', 'front'), sample('front', 'references'))\nruns.state.runs[0].view.began -= 60.0",
    "head-waits-for-another-run": "a_run()\nview = runs.state.runs[0].view\nview.state = 'starting'\n"
    "view.take({'event': 'note', 'text': 'Another run uses /desk/sets/jar: this one continues when that has ended.'})",
    "head-done": "a_run(*(job(f'{name} photo', 'done') for name in NAMES), *end(0, 'done'))\na_set()",
    "head-failed": "forget()\na_run({'event': 'finished', 'state': 'failed', 'exit': 1, 'field': 'out', "
    "'error': 'The folder /desk/sets cannot be written. Choose another one.'}, {'event': 'exited', 'code': 1})",
    "head-elsewhere": "forget()\nfrom bl_ext.user_default.photoreal_set.photo_set.living_run import KnownRun\n"
    "runs.state.elsewhere.append(KnownRun(folder=Path('/desk/sets/chair'), log=FOLDER, process=1, began=0.0, asked_by=None))",
}

# SPDX-License-Identifier: GPL-3.0-or-later
"""map export: the picture is a well-formed one; it, the screen and every form of map tell the same numbers, those of qemu-img."""
import contextlib
import json
import re
import subprocess
import sys
from pathlib import Path
from xml.dom import minidom

sys.path.insert(0, str(Path(__file__).parent))

import pytest  # noqa: E402
import support  # noqa: E402
from images import create, qemu_img, scatter, write  # noqa: E402
from support import MIB, blkscope  # noqa: E402

SHARE = r'([A-Za-z][A-Za-z0-9+ -]*?) (\d+) bytes'
# On the screen sizes have a unit where they are exact in it.
UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB']
SIZE = rf'([A-Za-z][A-Za-z0-9+ -]*?) (\d+(?:\.\d+)?) ({"|".join(UNITS)})'


def size_in_bytes(number, unit):
    size = float(number) * 1024 ** UNITS.index(unit)
    assert size == int(size)
    return int(size)


def share(part, whole):
    hundredths = part * 10000 // whole
    return '100%' if part == whole else f'{hundredths // 100}.{hundredths % 100:02}%' if hundredths else '<0.01%'


def test_squares_add_up(work):
    path = create(work / 'a<&b.qcow2', 5 * MIB)
    scatter(path, 5 * MIB, 1)
    result = blkscope('-c', 'map export a.svg', path.name, cwd=work)
    assert (result.out, result.err, result.status) == ('a.svg written\n', '', 0)
    svg = minidom.parse(str(work / 'a.svg'))
    titles = [title.firstChild.data for title in svg.getElementsByTagName('title')]
    end, sums = -1, {}
    for title in titles:
        first, last = (int(number, 16) for number in re.match(r'(0x\w+)\.\.(0x\w+)', title).groups())
        shares = dict(re.findall(f', {SHARE}', title))
        assert first == end + 1 and last - first + 1 == sum(map(int, shares.values()))
        end = last
        for kind, count in shares.items():
            sums[kind] = sums.get(kind, 0) + int(count)
    assert end == 5 * MIB - 1
    texts = [text.firstChild.data for text in svg.getElementsByTagName('text')]
    assert texts[0].startswith('a<&b.qcow2, 5 MiB')
    assert legend(texts) == sums


def legend(texts):
    """Name and bytes; the share beside them is theirs."""
    entries = [re.fullmatch(f'{SHARE} (.*)', text).groups() for text in texts if ' bytes ' in text and not text.endswith(' a square')]
    whole = sum(int(count) for _, count, _ in entries)
    assert all(percent == share(int(count), whole) for _, count, percent in entries)
    return {name: int(count) for name, count, _ in entries}


def chain(work):
    """Six layers, so that the deepest two are one share."""
    qemu_img('create', '-q', '-f', 'raw', 'base.raw', '8M', cwd=work)
    with open(work / 'base.raw', 'r+b') as file:
        file.write(b'x' * 900000)
    below, form = 'base.raw', 'raw'
    for i in range(5):
        image = create(work / f'{i}.qcow2', f'{9 + i}M', backing=below, backing_format=form)
        write(image, f'write -P {i + 1} {i + 1}M 512k', f'write -z {i * 1024 + 1600}k 64k', *(['write -c 11M 64k'] if i > 2 else []))
        below, form = image.name, 'qcow2'
    return image


def many_kinds(work, **options):
    image = create(work / 'a.qcow2', 8 * MIB, **options)
    scatter(image, 8 * MIB, 3, compressed='data_file' not in options)
    return image


def raw(work):
    image = work / 'a.raw'
    with open(image, 'wb') as file:
        file.truncate(16 * MIB + 1024)
        for at in (0, 3 * MIB, 16 * MIB):
            file.seek(at)
            file.write(b'x' * 1000)
    return image


def snapshots(work):
    image = many_kinds(work)
    qemu_img('snapshot', '-c', 'one', image)
    write(image, 'write 1M 2M')
    return image


def huge(work):
    image = create(work / 'a.qcow2', '16T')
    write(image, 'write 8T 64k', 'write -z 9T 1G')
    return image


IMAGES = {'chain': chain, 'many kinds': many_kinds, 'raw': raw, 'snapshots': snapshots, 'huge': huge,
          'extended': lambda work: many_kinds(work, extended_l2='on'), 'data file': lambda work: many_kinds(work, data_file='d.raw')}


def numbers_of(name, folder, *args):
    """From map --extents, by share; the other forms are held against it."""
    out = blkscope('--json', *args, '-c', 'map --extents', name, cwd=folder).out
    sums = {}
    for extent in map(json.loads, out.splitlines()):
        kind, depth = extent['kind'], extent['depth']
        if kind in ('data', 'compressed') and depth:
            kind = 'backing' if depth == 1 else f'backing {depth}' if depth < 4 else 'backing 4+'
        sums[kind] = sums.get(kind, 0) + extent['length']
    return sums, len(out.splitlines())


def check_forms(name, folder, *args):
    sums, extents = numbers_of(name, folder, *args)
    length = sum(sums.values())
    summary = json.loads(blkscope('--json', *args, '-c', 'map --summary', name, cwd=folder).out)
    assert (summary.pop('extents'), summary.pop('length')) == (extents, length)
    assert {kind.replace('backing-', 'backing '): count for kind, count in summary.items() if count} == sums
    text = blkscope(*args, '-c', 'map --summary', name, cwd=folder).out
    assert sorted(re.findall(r'(\S+%)', text)) == sorted(share(count, length) for count in sums.values())

    assert blkscope(*args, '-c', 'map export a.svg', name, cwd=folder).status == 0
    svg = minidom.parse(str(folder / 'a.svg'))
    assert legend([text.firstChild.data for text in svg.getElementsByTagName('text')]) == sums

    screen = blkscope('--headless', '--no-config', *args, '-c', 'focus map', '-c', 'keys z', '-c', 'screen', name, cwd=folder,
                      env=support.screen_environment(COLUMNS='250', LINES='40')).out
    seen = re.search(r'all: +(.*?)│\n│ +(.*?)│\n│ +(.*?)│', screen)
    entries = re.findall(rf'(?:^|  )(?:\S )?{SIZE} (\S+%)', '  '.join(seen.groups()))
    assert {kind: size_in_bytes(number, unit) for kind, number, unit, _ in entries} == sums, screen
    assert all(percent == share(size_in_bytes(number, unit), length) for _, number, unit, percent in entries)
    return sums


def check_reference(extents, sums):
    stored = sum(count for kind, count in sums.items() if kind.startswith('backing') or kind in ('data', 'compressed'))
    assert stored == sum(extent['length'] for extent in extents if extent['data'])
    assert sums.get('unallocated', 0) == sum(extent['length'] for extent in extents if not extent['present'])
    for depth, kind in ((1, 'backing'), (2, 'backing 2'), (3, 'backing 3')):
        assert sums.get(kind, 0) == sum(extent['length'] for extent in extents if extent['data'] and extent['depth'] == depth)


@pytest.mark.parametrize('name', IMAGES)
def test_every_form_tells_the_same(work, name):
    image = IMAGES[name](work)
    args = ['--refs=follow', '-f', 'raw'] if image.suffix == '.raw' else ['--refs=follow']
    sums = check_forms(image.name, work, *args)
    theirs = qemu_img('map', '--output=json', *args[1:], image.name, cwd=work).stdout
    check_reference(json.loads(theirs), sums)


@contextlib.contextmanager
def served(image):
    """By qemu-nbd, on a Unix socket: a child that is gone when the test is."""
    socket = image.parent / 'nbd'
    process = subprocess.Popen(['qemu-nbd', '-r', '-t', '-f', 'qcow2', '-A', '-k', socket, '--pid-file', image.parent / 'pid', image],
                               env=support.environment())
    try:
        while not (image.parent / 'pid').exists() or not socket.exists():
            assert process.poll() is None
        yield f'nbd:unix:{socket}'
    finally:
        process.kill()
        process.wait()


def test_every_form_tells_the_same_of_an_export(work):
    with served(many_kinds(work)) as name:
        check_forms(name, work)


HOST_SHARES = {'compressed data': 'compressed', 'refcount table': 'refcounts', 'refcount block': 'refcounts', 'L1 table': 'L1', 'L2 table': 'L2', 'snapshot table': 'snapshot',
               'bitmap directory': 'bitmap', 'bitmap table': 'bitmap', 'bitmap data': 'bitmap'}


@pytest.mark.parametrize('name', ['many kinds', 'snapshots', 'leaks'])
def test_the_order_of_the_file(work, name):
    """The same numbers as map --host and the screen; squares that add up to the file."""
    image = many_kinds(work) if name == 'leaks' else IMAGES[name](work)
    if name == 'leaks':
        with open(image, 'r+b') as file:
            file.seek(2 * 65536 + 2 * 200)
            file.write(b'\0\1')
            file.truncate(201 * 65536)
    assert blkscope('-c', 'map export --host a.svg', image.name, cwd=work).out == 'a.svg written\n'
    svg = minidom.parse(str(work / 'a.svg'))
    sums = legend([text.firstChild.data for text in svg.getElementsByTagName('text')])
    size = image.stat().st_size
    assert sum(sums.values()) == size
    titles = [title.firstChild.data for title in svg.getElementsByTagName('title')]
    ends = [tuple(int(number, 16) for number in re.match(r'(0x\w+)\.\.(0x\w+)', title).groups()) for title in titles]
    assert ends[0][0] == 0 and ends[-1][1] == size - 1 and all(a[1] + 1 == b[0] for a, b in zip(ends, ends[1:]))

    expected = {}
    for run in map(json.loads, blkscope('--json', '-c', 'map --host', image.name, cwd=work).out.splitlines()):
        use = run['use']
        share = 'snapshot' if use.endswith(', only in snapshots') and use.startswith(('data', 'compressed')) else use.split(',')[0]
        share = HOST_SHARES.get(share, share)
        expected[share] = expected.get(share, 0) + min(run['length'], size - run['start'])
    assert sums == expected
    assert ('leaked' in sums) == (name == 'leaks') and ('snapshot' in sums) == (name == 'snapshots')

    screen = blkscope('--headless', '--no-config', '-c', 'focus map', '-c', 'keys z', '-c', 'do map-host', '-c', 'screen', image.name, cwd=work,
                      env=support.screen_environment(COLUMNS='250', LINES='40')).out
    seen = re.search(r'all: +(.*?)│\n│ +(.*?)│\n│ +(.*?)│', screen) or re.search(r'all: +(.*?)│\n│ +(.*?)│', screen) or re.search(r'all: +(.*?)│', screen)
    entries = re.findall(rf'(?:^|  )(?:\S )?{SIZE}', '  '.join(seen.groups()))
    assert {kind: size_in_bytes(number, unit) for kind, number, unit in entries} == sums, screen


def test_a_raw_image_has_no_order_of_the_file(work):
    result = blkscope('-f', 'raw', '-c', 'map export --host a.svg', raw(work).name, cwd=work)
    assert (result.status, result.out) == (1, '') and 'leave --host out' in result.err
    assert not (work / 'a.svg').exists()


def test_nothing_is_overwritten(work):
    path = create(work / 'a.qcow2', MIB)
    (work / 'b.svg').write_text('mine')
    result = blkscope('-c', 'map export b.svg', path.name, cwd=work)
    assert (result.err, result.status) == ("blkscope: map: 'b.svg' is there already; only a program started with -w replaces a file (sandbox)\n", 1)
    assert (work / 'b.svg').read_text() == 'mine'
    before = path.read_bytes()
    assert 'only a program started with -w' in blkscope('-c', 'map export --force b.svg', path.name, cwd=work).err
    assert blkscope('-w', '-c', 'map export b.svg', path.name, cwd=work).err == "blkscope: map: 'b.svg' is there already; --force replaces it\n"
    assert (work / 'b.svg').read_text() == 'mine'
    result = blkscope('-w', '-c', 'map export --force a.qcow2', path.name, cwd=work)
    assert (result.err, result.status) == ("blkscope: map: 'a.qcow2' is a file of the image\n", 1)
    assert path.read_bytes() == before
    assert blkscope('-w', '-c', 'map export --force b.svg', path.name, cwd=work).status == 0
    assert minidom.parse(str(work / 'b.svg'))
    assert blkscope('-w', '-c', 'map export --host --force b.svg', path.name, cwd=work).status == 0
    assert 'of file' in (work / 'b.svg').read_text()
    assert 'No such file' in blkscope('-c', 'map export none/b.svg', path.name, cwd=work).err
    for wrong in ('--force', '--host', '--host --host c.svg', '--nothing c.svg', 'c.svg --host'):
        assert blkscope('-w', '-c', f'map export {wrong}', path.name, cwd=work).status == 1
    assert sorted(file.name for file in work.iterdir()) == ['a.qcow2', 'b.svg']

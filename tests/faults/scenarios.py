# SPDX-License-Identifier: GPL-3.0-or-later
"""Representative scripts for the campaign of faults: what they need, what they run, and what must be true afterwards."""
import hashlib
import re
import subprocess
from dataclasses import dataclass, field

import support
from support import KIB, MIB


def qemu_img(folder, *args, check=True):
    return subprocess.run(['qemu-img', *map(str, args)], cwd=folder, check=check, capture_output=True, text=True, timeout=60, env=support.environment())


def qemu_io(folder, image, *commands):
    result = support.reference('-t', 'unsafe', image, cwd=folder, input=''.join(f'{command}\n' for command in commands))
    assert result.status == 0, result


def make_chain(folder):
    """raw <- qcow2 with a snapshot and compressed clusters <- qcow2 with subclusters and a bitmap."""
    support.make_image(folder / 'base.raw', MIB)
    qemu_img(folder, 'create', '-q', '-f', 'qcow2', '-b', 'base.raw', '-F', 'raw', '-o', 'cluster_size=4096', 'middle.qcow2', '2M')
    qemu_io(folder, 'middle.qcow2', 'write -c -P 3 64k 4k', 'write -c -P 4 68k 4k', 'write -P 5 128k 40k', 'write -z 200k 20k')
    qemu_img(folder, 'snapshot', '-c', 'before', 'middle.qcow2')
    qemu_io(folder, 'middle.qcow2', 'write -P 6 130k 8k')
    qemu_img(folder, 'create', '-q', '-f', 'qcow2', '-b', 'middle.qcow2', '-F', 'qcow2', '-o', 'cluster_size=16k,extended_l2=on', 'top.qcow2', '2M')
    qemu_img(folder, 'bitmap', '--add', 'top.qcow2', 'days')
    qemu_io(folder, 'top.qcow2', 'write -P 7 256k 30k', 'write -z 300k 6k')
    (folder / 'commands').write_text('length\nread -P 7 256k 4k\n')


FOUND_GOOD = set()  # what was looked at before need not be once more: thousands of faults leave some hundred different images


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def hashes(folder):
    return {path.name: digest(path) for path in sorted(folder.iterdir()) if path.suffix in ('.raw', '.qcow2')}


def sound(folder, *names):
    for name in names:
        content = digest(folder / name)
        if content not in FOUND_GOOD:
            result = qemu_img(folder, 'check', name, check=False)
            assert result.returncode in (0, 3), f'{name}: {result.stdout}{result.stderr}'
            FOUND_GOOD.add(content)


@dataclass
class Scenario:
    name: str
    prepare: callable
    args: list
    lines: list
    images: list = field(default_factory=list)  # qcow2 images that must be sound afterwards
    writes: bool = False
    made: list = field(default_factory=list)  # files that may be there afterwards, and are whole if they are
    status: int = 0  # of a run without a fault: 1 where something differs
    through: bool = True  # what was reported as written is there, whatever the end

    def script(self):
        return ''.join(f'{line}\n' for line in self.lines)


READS = Scenario('reads', make_chain, ['--refs=follow', 'top.qcow2'], [
    'info', 'length', 'chain', 'header', 'map', 'map --json', 'map --extents', 'map --summary', 'map --host', 'check', 'snapshots', 'bitmaps', 'bitmaps days',
    'explain 256k', 'explain --host 64k', 'alloc 0 2M', 'read -v 256k 64', 'read -P 7 256k 30k', 'read -P 3 64k 4k', 'read -v 131000 200', 'readv -P 5 140k 4k 8k',
    'aio_read -P 7 256k 8k', 'aio_read -q 0 1M', 'aio_flush', 'search -n 3 000000000080', 'search -x 0707', 'compare', 'source commands',
    'map export picture.svg', 'close', 'open middle.qcow2', 'compare -s before', 'read -q 0 2M', 'read-as raw', 'read -v 0 16', 'close'], status=1)


def make_written(folder):
    make_chain(folder)
    qemu_img(folder, 'create', '-q', '-f', 'qcow2', '-b', 'top.qcow2', '-F', 'qcow2', '-o', 'cluster_size=512,refcount_bits=64', 'disk.qcow2', '4M')
    qemu_io(folder, 'disk.qcow2', 'write -P 9 3M 40k')
    qemu_img(folder, 'snapshot', '-c', 'first', 'disk.qcow2')


# No two of them write to the same place.
WRITING = ['write -P 11 0 70k', 'write -P 12 100001 3333', 'write -c -P 13 512k 4k', 'write -z 600k 10k', 'write -zu 640k 10k', 'writev -P 14 700k 1k 2k',
           'multiwrite -P 15 800k 4k ; 810k 512', 'aio_write -P 16 900k 20k', 'aio_write -P 17 1M 20k', 'aio_write -z 1100k 4k', 'aio_flush', 'discard 3M 8k',
           'flush', 'length']
LATER = ['write -P 18 1200k 64k', 'truncate 5M', 'write -P 19 4900k 30k', 'check', 'check -r leaks', 'write -P 20 1400k 5k', 'read -P 11 0 70k', 'reopen -r',
         'reopen -w', 'write -P 21 1500k 5k']
MAKING = ['close', 'create -q -f qcow2 -b disk.qcow2 -F qcow2 -o cluster_size=4096 new.qcow2', 'create -q new.raw 1M', 'open -w new.qcow2', 'write -P 22 1600k 5k', 'close']

THROUGH = Scenario('through', make_written, ['-w', '--refs=follow', 'disk.qcow2'], [*WRITING, *LATER, *MAKING], images=['disk.qcow2'], writes=True,
                   made=['new.qcow2'])
BACK = Scenario('back', make_written, ['-w', '-t', 'writeback', '-d', 'unmap', '--refs=follow', 'disk.qcow2'], [*WRITING, *LATER], images=['disk.qcow2'],
                writes=True, through=False)
OVERLAY = Scenario('overlay', make_written, ['-s', '-w', '--refs=follow', 'disk.qcow2'], [
    'write -P 11 0 70k', 'write -z 600k 10k', 'overlay', 'overlay diff', 'write -P 12 100k 3k', 'overlay undo', 'overlay redo', 'overlay commit -y', 'length',
    'write -P 13 200k 1k', 'overlay discard -y', 'read -P 11 0 70k'], images=['disk.qcow2'], writes=True, through=False)
REPAIR = Scenario('repair', None, ['-w', 'broken.qcow2'], ['check -r all', 'write -P 30 1M 4k', 'read -P 30 1M 4k', 'check'], images=[], writes=True)
SCREEN = Scenario('screen', make_chain, ['--headless', '--no-config', '--refs=follow', 'blkdebug::top.qcow2'], [
    'screen', 'focus map', 'do map-next-extent', 'do map-list', 'do map-list', 'do map-host', 'do map-sizes', 'do map-zoom-in', 'screen', 'focus hex', 'do hex-follow',
    'goto 256k', 'do hex-next-extent', 'do page-down', 'do last', 'find 0000', 'do hex-host', 'mark a 64k', 'to-mark a', 'screen', 'differences', 'focus pending',
    'break read_aio A', 'aio_read 256k 4k', 'do pending-events', 'screen', 'resume A', 'aio_flush', 'theme dark', 'do help', 'screen', 'do overlay-close',
    'zoom', 'layout stacked upper 40%', 'save-script saved', 'screen'])


GROWING = Scenario('growing', None, ['-w', 'small.qcow2'], ['write -P 1 200k 4k', 'truncate 8M', 'check -r leaks', 'write -P 2 1M 4k'], images=['small.qcow2'],
                   writes=True)


def make_small(folder):
    qemu_img(folder, 'create', '-q', '-f', 'qcow2', '-o', 'cluster_size=512', 'small.qcow2', '4M')
    qemu_io(folder, 'small.qcow2', 'write -P 3 0 100k')


def break_image(folder):
    qemu_img(folder, 'create', '-q', '-f', 'qcow2', '-o', 'cluster_size=4096', 'broken.qcow2', '4M')
    qemu_io(folder, 'broken.qcow2', 'write -P 31 0 100k', 'write -P 32 3M 50k')
    with open(folder / 'broken.qcow2', 'r+b') as file:
        # the refcounts of everything: a leak, and clusters that count for free
        file.seek(2 * 4 * KIB + 2 * 6)
        file.write(bytes(12) + b'\0\2' * 3)


REPAIR.prepare, GROWING.prepare = break_image, make_small
ALL = {scenario.name: scenario for scenario in (READS, THROUGH, BACK, OVERLAY, REPAIR, GROWING, SCREEN)}


def reported(scenario, out):
    """(offset, bytes, value) of every write that was said to be done, by the offset that no other command has."""
    patterns = {}
    for line in scenario.lines:
        if line in ('close', 'overlay commit -y'):
            break  # what follows is written elsewhere, or dropped
        words = line.replace(' ; ', ' ').split()
        if words[0] in ('write', 'aio_write', 'writev'):
            value = int(words[words.index('-P') + 1]) if '-P' in words else 0
            patterns[number(words[-2] if words[0] != 'writev' else words[3])] = value
    return [(int(offset), int(done), patterns[int(offset)]) for done, offset in re.findall(r'wrote (\d+)/\d+ bytes at offset (\d+)', out)
            if int(offset) in patterns]


def number(text):
    return int(text[:-1]) * {'k': KIB, 'M': MIB}[text[-1]] if text[-1] in 'kM' else int(text)


def verify_data(scenario, folder, image, out):
    commands = [f'read -P {value} {offset} {length}' for offset, length, value in reported(scenario, out)]
    case = (image, *commands, *hashes(folder).items())
    if case in FOUND_GOOD:
        return
    result = support.reference('-r', '-U', image, cwd=folder, input=''.join(f'{command}\n' for command in commands))
    assert 'failed' not in result.out + result.err, f'what was reported is not there\n{result}'
    FOUND_GOOD.add(case)

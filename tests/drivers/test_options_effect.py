# SPDX-License-Identifier: GPL-3.0-or-later
"""
Options do what they are for: with each, the reference program does something else than without it, and ours does the same.

A case is run with two values of an option.  What comes of it (`Case.look`) has to differ between them, or it shows nothing.
"""
import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import support  # noqa: E402
from filters import image, said, script  # noqa: E402
from support import MIB, extents  # noqa: E402

PROGRAMS = {'theirs': support.reference, 'ours': support.drop_in}
RAW = {'driver': 'raw', 'file': {'driver': 'file', 'filename': 'a.raw'}}
QCOW2 = {'driver': 'qcow2', 'file': {'driver': 'file', 'filename': 'a.qcow2'}}
DATA_FILE = {'driver': 'qcow2', 'file': {'driver': 'file', 'filename': 'd.qcow2'}}


def qemu_img(folder, *args):
    subprocess.run(['qemu-img', *args], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def write(folder, name, *commands):
    result = support.reference('-t', 'unsafe', *script(*commands), name, cwd=folder)
    assert result.status == 0 and 'failed' not in result.out, result


# ---- what is looked at ----

def what_was_said(folder, result):
    return said(result)


def data_in_files(folder, result):
    """Which parts of each file are not holes."""
    return {path.name: extents(path) for path in sorted(folder.iterdir()) if path.suffix in ('.raw', '.qcow2')}


def bytes_of(name):
    return lambda folder, result: (folder / name).read_bytes()


def features(folder, result):
    """Incompatible features in the header: 1 dirty, 2 corrupt."""
    return int.from_bytes((folder / 'a.qcow2').read_bytes()[72:80], 'big')


# ---- images ----

def written(folder):
    (folder / 'a.raw').write_bytes(b'\x11' * MIB)
    image(folder / 'a.qcow2')
    write(folder, 'a.qcow2', 'write -P 1 0 1M')


def with_data_files(folder):
    for name in ('d.raw', 'other.raw'):
        (folder / name).write_bytes(b'\x22' * MIB)
    qemu_img(folder, 'create', '-q', '-f', 'qcow2', '-o', 'data_file=d.raw', 'd.qcow2', '1M')
    write(folder, 'd.qcow2', 'write -P 1 0 512k')
    (folder / 'other.raw').write_bytes(b'\x22' * MIB)
    qemu_img(folder, 'create', '-q', '-f', 'qcow2', 'other.qcow2', '1M')


def many_tables(folder):
    """Clusters of 512 bytes: an L2 table says where 32 KiB are, a refcount block counts 128 KiB of the file."""
    qemu_img(folder, 'create', '-q', '-f', 'qcow2', '-o', 'cluster_size=512', 'a.qcow2', '4M')
    write(folder, 'a.qcow2', 'write 0 4M')


# ---- cases ----

@dataclass
class Case:
    top: dict  # options of the nodes
    values: tuple  # two: further options, which make a difference
    commands: list
    look: Callable = data_in_files
    make: Callable = written
    args: list = field(default_factory=list)
    status: int = None  # that both programs end with; None: any


def nested(options):
    """Dotted keys into the nodes that they are for."""
    result = {}
    for key, value in options.items():
        *path, last = key.split('.') if key.split('.')[0] in ('file', 'data-file', 'image') else (key,)
        at = result
        for name in path:
            at = at.setdefault(name, {})
        at[last] = value
    return result


def merged(below, above):
    result = dict(below)
    for key, value in above.items():
        result[key] = merged(result[key], value) if isinstance(value, dict) and isinstance(result.get(key), dict) else value
    return result


DISCARD = ['discard 0 512k']
ZEROES = ['write -P 0 0 512k', 'write -P 0 600k 100k', 'write -P 5 800k 4k']
UNMAP = {'discard': 'unmap'}

CASES = {
    'discard': Case(QCOW2, ({'discard': 'ignore'}, UNMAP), DISCARD),
    'discard, raw': Case(RAW, ({'discard': 'ignore'}, UNMAP), DISCARD),
    'discard, of the file': Case(merged(RAW, UNMAP), ({'file.discard': 'ignore'}, {'file.discard': 'unmap'}), DISCARD),
    'pass-discard-request': Case(merged(QCOW2, UNMAP), ({'pass-discard-request': False}, {'pass-discard-request': True}), DISCARD),
    'pass-discard-request, of zeroes': Case(merged(QCOW2, UNMAP), ({'pass-discard-request': False}, {'pass-discard-request': True}), ['write -z -u 0 512k']),
    'pass-discard-other': Case(QCOW2, ({'pass-discard-other': False}, {'pass-discard-other': True}), ['truncate 2T']),
    'pass-discard-other, where discards are ignored': Case(merged(QCOW2, {'discard': 'ignore'}), ({'pass-discard-other': False}, {'pass-discard-other': True}),
                                                           ['truncate 2T']),
    'detect-zeroes, off and on': Case(QCOW2, ({'detect-zeroes': 'off'}, {'detect-zeroes': 'on'}), ZEROES, bytes_of('a.qcow2')),
    'detect-zeroes, on and unmap': Case(merged(QCOW2, UNMAP), ({'detect-zeroes': 'on'}, {'detect-zeroes': 'unmap'}), ZEROES),
    'detect-zeroes, raw, off and unmap': Case(merged(RAW, UNMAP), ({'detect-zeroes': 'off'}, {'detect-zeroes': 'unmap'}), ZEROES),
    'detect-zeroes, raw, on and unmap': Case(merged(RAW, UNMAP), ({'detect-zeroes': 'on'}, {'detect-zeroes': 'unmap'}), ZEROES),
    'detect-zeroes, of the file': Case(RAW, ({}, {'file.detect-zeroes': 'unmap', 'file.discard': 'unmap'}), ZEROES),
    'lazy-refcounts': Case(QCOW2, ({'lazy-refcounts': False}, {'lazy-refcounts': True}), ['discard 0 64k', 'write 0 64k', 'flush', 'sigraise 9'], features, status=-9),
    'read-only': Case(QCOW2, ({'read-only': False}, {'read-only': True}), ['write 0 512'], what_was_said, args=['-r']),
    'read-only, of the file': Case(RAW, ({'file.read-only': False}, {'file.read-only': True}), ['write 0 512'], what_was_said),
    'data-file.filename': Case(DATA_FILE, ({'data-file.driver': 'file', 'data-file.filename': 'd.raw'}, {'data-file.driver': 'file', 'data-file.filename': 'other.raw'}),
                               ['write -P 9 64k 64k', 'read -P 0x22 0 4k'], bytes_of('other.raw'), with_data_files),
    'data-file.driver': Case(DATA_FILE, ({'data-file': {'driver': 'file', 'filename': 'other.qcow2'}},
                                         {'data-file': {'driver': 'qcow2', 'file': {'driver': 'file', 'filename': 'other.qcow2'}}}),
                             ['write -P 9 64k 64k', 'read -P 9 64k 64k'], bytes_of('other.qcow2'), with_data_files),
    'data-file.read-only': Case(DATA_FILE, tuple({'data-file': {'driver': 'file', 'filename': 'd.raw', 'read-only': on}} for on in (False, True)), ['write 0 512'],
                                what_was_said, with_data_files),
    'data-file.discard': Case(merged(DATA_FILE, UNMAP), tuple({'data-file': {'driver': 'file', 'filename': 'd.raw', 'discard': how}} for how in ('ignore', 'unmap')),
                              DISCARD, data_in_files, with_data_files),
    'data-file.detect-zeroes': Case(DATA_FILE, tuple({'data-file': {'driver': 'file', 'filename': 'd.raw', 'discard': 'unmap', 'detect-zeroes': how}}
                                                     for how in ('off', 'unmap')), ZEROES, data_in_files, with_data_files),
    'data-file.size': Case(DATA_FILE, ({'data-file': {'driver': 'raw', 'file': {'driver': 'file', 'filename': 'd.raw'}}},
                                       {'data-file': {'driver': 'raw', 'offset': 65536, 'size': 65536, 'file': {'driver': 'file', 'filename': 'd.raw'}}}),
                           ['write -P 9 0 512'], bytes_of('d.raw'), with_data_files),
}


def run(which, folder, case, value):
    folder.mkdir()
    case.make(folder)
    name = 'json:' + json.dumps(merged(case.top, nested(value)))
    result = PROGRAMS[which]('-t', 'writeback', *case.args, *script(*case.commands), name, cwd=folder)
    assert case.status in (None, result.status), result
    return case.look(folder, result)


@pytest.mark.parametrize('name', CASES)
def test_it_has_its_effect(work, name):
    case = CASES[name]
    theirs, ours = ([run(which, work / f'{which}-{i}', case, value) for i, value in enumerate(case.values)] for which in PROGRAMS)
    assert theirs[0] != theirs[1], 'the case shows nothing'
    assert ours == theirs


REOPENED = ['discard', 'discard, raw', 'pass-discard-request', 'pass-discard-request, of zeroes', 'pass-discard-other', 'detect-zeroes, off and on',
            'detect-zeroes, on and unmap', 'detect-zeroes, raw, off and unmap', 'detect-zeroes, raw, on and unmap', 'lazy-refcounts', 'read-only, writing']
CASES_REOPENED = {**CASES, 'read-only, writing': Case(QCOW2, ({'read-only': False}, {'read-only': True}), ['write 0 512'], what_was_said)}


@pytest.mark.parametrize('name', REOPENED)
@pytest.mark.parametrize('order', [(0, 1), (1, 0)], ids=['on', 'off'])
def test_reopening_changes_it(work, name, order):
    """The image is opened with one value, and has the effect of the other one then."""
    case = CASES_REOPENED[name]
    began, then = (case.values[i] for i in order)
    if name == 'read-only, writing' and order == (1, 0):
        case, began = dataclasses.replace(case, args=['-r']), {'read-only': True}
    words = ','.join(f'{key}={({True: "on", False: "off"}).get(value, value)}' for key, value in {**case.top, **then}.items() if not isinstance(value, dict) and key != 'driver')
    again = dataclasses.replace(case, commands=[f'reopen -o {words}', *case.commands])
    theirs, ours = ([run(which, work / f'{which}-{i}', how, began) for i, how in enumerate((case, again))] for which in PROGRAMS)
    assert theirs[0] != theirs[1], 'the case shows nothing'
    assert ours == theirs


@pytest.mark.parametrize('lazy', ['on', 'off'])
def test_reopening_settles_what_lazy_refcounts_left(work, lazy):
    """The image is dirty by then, and stays so only if refcounts go on being lazy."""
    commands = ['discard 0 64k', 'write 0 64k', 'flush', f'reopen -o lazy-refcounts={lazy}', 'sigraise 9']
    theirs, ours = (run(which, work / which, dataclasses.replace(CASES['lazy-refcounts'], commands=commands), {'lazy-refcounts': True}) for which in PROGRAMS)
    assert ours == theirs == (lazy == 'on')


# ---- memory for tables: how often they are read ----

strace = shutil.which('strace')
READ_TWICE = [f'read {32 * i}k 512' for i in range(10)] * 2
DISCARD_TWICE = [f'discard {256 * i + j}k 1k' for j in (0, 1) for i in range(12)]
SIZES = {
    'l2-cache-size': (({'l2-cache-size': 16384}, {'l2-cache-size': 1024}), READ_TWICE),
    'refcount-cache-size': (({'refcount-cache-size': 65536}, {'refcount-cache-size': 2048}), DISCARD_TWICE),
    'cache-size, of L2 tables': (({'cache-size': 65536}, {'cache-size': 3072}), READ_TWICE),
    'cache-size, less what refcounts take': (({'cache-size': 65536}, {'cache-size': 65536, 'refcount-cache-size': 64512}), READ_TWICE),
    'cache-size, of refcounts': (({'cache-size': MIB}, {'cache-size': 65536}), DISCARD_TWICE),
    'cache-size, less what L2 tables can use': (({'cache-size': MIB, 'l2-cache-size': MIB - 2048}, {'cache-size': 65536, 'l2-cache-size': 65536 - 2048}),
                                                DISCARD_TWICE),
}


def number(data, at, size):
    return int.from_bytes(data[at:at + size], 'big')


def tables_of(path):
    """Offsets of L2 tables and of refcount blocks."""
    data = path.read_bytes()
    l1, table = number(data, 40, 8), number(data, 48, 8)
    l1_size, table_size = number(data, 36, 4), number(data, 56, 4) << number(data, 20, 4)
    return [{number(data, start + 8 * i, 8) & ~(1 << 63) for i in range(count)} - {0} for start, count in ((l1, l1_size), (table, table_size // 8))]


def calls(log):
    """Lines of strace's log, each call in one."""
    begun = {}
    for line in log.read_text().splitlines():
        pid, _, call = line.partition(' ')
        if '<unfinished' in call:
            begun[pid] = call.partition('<unfinished')[0]
        else:
            yield begun.pop(pid, '') + call.partition('resumed>')[2] if 'resumed>' in call else call.lstrip()


def traced_calls(which, folder, options, commands, names, *args):
    link = folder / 'qemu-io'
    link.symlink_to(support.BLKSCOPE if which == 'ours' else support.REFERENCE)
    argv = [strace, '-f', '-o', 'log', '-e', f'trace={names}', link, *args, *script(*commands), 'json:' + json.dumps(options)]
    result = subprocess.run(argv, cwd=folder, env=support.traced(BLKSCOPE_AIO='threads'), capture_output=True, text=True, timeout=support.DEADLINE)
    assert 'failed' not in result.stdout + result.stderr, result
    return list(calls(folder / 'log'))


def reads(which, folder, value, commands):
    """Where the file was read, and how many bytes."""
    found = [re.search(r'^pread(?:64|v2?)\(.*, (\d+)(?:, \w+)?\)\s+= (\d+)$', call)
             for call in traced_calls(which, folder, merged(QCOW2, value), commands, 'pread64,preadv,preadv2')]
    return [(int(match[1]), int(match[2])) for match in found if match]


def tables_read(which, folder, value, commands):
    """How often an L2 table was read, how often a refcount block."""
    folder.mkdir()
    many_tables(folder)
    kinds = tables_of(folder / 'a.qcow2')
    offsets = [offset for offset, size in reads(which, folder, value, commands)]
    return [sum(offset in kind for offset in offsets) for kind in kinds]


@pytest.mark.skipif(not strace, reason='strace is not installed')
@pytest.mark.skipif(support.FLAVOUR == 'valgrind', reason='valgrind can not be watched')
@pytest.mark.parametrize('name', SIZES)
def test_tables_stay_in_memory(work, name):
    values, commands = SIZES[name]
    theirs, ours = ([tables_read(which, work / f'{which}-{i}', value, commands) for i, value in enumerate(values)] for which in PROGRAMS)
    assert theirs[0] != theirs[1], 'the case shows nothing'
    assert ours == theirs


@pytest.mark.skipif(not strace, reason='strace is not installed')
@pytest.mark.skipif(support.FLAVOUR == 'valgrind', reason='valgrind can not be watched')
@pytest.mark.parametrize('name', ['l2-cache-size', 'refcount-cache-size'])
def test_reopening_changes_memory_for_tables(work, name):
    (large, small), commands = SIZES[name]
    theirs, ours = ([tables_read(which, work / f'{which}-{i}', began, [f'reopen -o {name}={then[name]}', *commands])
                     for i, (began, then) in enumerate([(small, large), (large, small)])] for which in PROGRAMS)
    assert theirs[0] != theirs[1], 'the case shows nothing'
    assert ours == theirs


@pytest.mark.skipif(not strace, reason='strace is not installed')
@pytest.mark.skipif(support.FLAVOUR == 'valgrind', reason='valgrind can not be watched')
@pytest.mark.parametrize('size', [512, 65536])
def test_tables_are_read_in_pieces(work, size):
    """l2-cache-entry-size: 512 bytes of a table say where 4 MiB are."""
    pieces = {}
    for which in PROGRAMS:
        folder = work / which
        folder.mkdir()
        image(folder / 'a.qcow2', size=16 * MIB)
        write(folder, 'a.qcow2', *(f'write {place}M 64k' for place in (0, 4, 12)))
        ((table,), _) = tables_of(folder / 'a.qcow2')
        found = reads(which, folder, {'l2-cache-entry-size': size}, ['read 12M 512', 'read 0 512', 'read 4M 512', 'read 12M 512'])
        pieces[which] = [(offset - table, n) for offset, n in found if table <= offset < table + 65536]
    assert pieces['ours'] == pieces['theirs'] == ([(1536, 512), (0, 512), (512, 512)] if size == 512 else [(0, 65536)])


@pytest.mark.skipif(not strace, reason='strace is not installed')
@pytest.mark.skipif(support.FLAVOUR == 'valgrind', reason='valgrind can not be watched')
def test_tables_that_nobody_uses_leave_memory(work):
    """It is the program that sleeps: intervals are whole seconds.  The reference's qemu-io keeps the table whatever the interval."""
    commands = ['read 0 512', 'sleep 3500', 'read 0 512']
    assert [tables_read('ours', work / str(interval), {'cache-clean-interval': interval}, commands)[0] for interval in (0, 1)] == [1, 2]


# ---- what reaches the file ----

@pytest.mark.skipif(not strace, reason='strace is not installed')
@pytest.mark.skipif(support.FLAVOUR == 'valgrind', reason='valgrind can not be watched')
@pytest.mark.parametrize('option, names, look', [
    ('no-flush', 'fsync,fdatasync', lambda found: any('sync(' in call for call in found)),
    ('direct', 'openat', lambda found: any('a.raw' in call and 'O_DIRECT' in call for call in found))])
@pytest.mark.parametrize('place', ['', 'file.'])
def test_how_files_are_used(work, option, names, look, place):
    seen = {}
    for which in PROGRAMS:
        for on in (False, True):
            folder = work / f'{which}-{on}'
            folder.mkdir()
            written(folder)
            options = merged(RAW, nested({f'{place}cache.{option}': on}))
            seen[which, on] = look(traced_calls(which, folder, options, ['write 0 4k', 'flush'], names, '-t', 'writeback'))
    assert seen['theirs', False] != seen['theirs', True], 'the case shows nothing'
    assert [seen['ours', on] for on in (False, True)] == [seen['theirs', on] for on in (False, True)]


@pytest.mark.skipif(not strace, reason='strace is not installed')
@pytest.mark.skipif(support.FLAVOUR == 'valgrind', reason='valgrind can not be watched')
@pytest.mark.parametrize('options', [QCOW2, DATA_FILE], ids=['qcow2', 'data file'])
@pytest.mark.parametrize('command', ['discard 0 512k', 'write -z -u 0 512k'])
def test_clusters_in_a_row_are_discarded_in_one(work, options, command):
    made = {'theirs': 0, 'ours': 0}
    for which in made:
        folder = work / which
        folder.mkdir()
        written(folder)
        with_data_files(folder)
        found = traced_calls(which, folder, merged(options, UNMAP), [command], 'fallocate')
        made[which] = sum('PUNCH_HOLE' in call for call in found)
    assert made['ours'] == 1 <= made['theirs']


# ---- what overlap-check prevents ----

def with_everything(folder):
    image(folder / 'a.qcow2')
    write(folder, 'a.qcow2', 'write 0 64k')
    qemu_img(folder, 'snapshot', '-c', 's', 'a.qcow2')
    write(folder, 'a.qcow2', 'write 0 64k')
    qemu_img(folder, 'bitmap', '--add', 'a.qcow2', 'b0')


def places(data):
    """Where each structure begins."""
    snapshots, at, extensions = number(data, 64, 8), 104, {}
    if number(data, 100, 4) > 104:
        at = number(data, 100, 4)
    while number(data, at, 4):
        extensions[number(data, at, 4)] = at + 8
        at += 8 + (number(data, at + 4, 4) + 7) // 8 * 8
    entry = (1 << 63) - 1
    return {'active-l1': number(data, 40, 8), 'active-l2': number(data, number(data, 40, 8), 8) & entry, 'refcount-table': number(data, 48, 8),
            'refcount-block': number(data, number(data, 48, 8), 8), 'snapshot-table': snapshots, 'inactive-l1': number(data, snapshots, 8),
            'inactive-l2': number(data, number(data, snapshots, 8), 8) & entry, 'bitmap-directory': number(data, extensions[0x23852875] + 16, 8)}


def offered(folder, structure):
    """An image whose refcounts say that the structure's cluster is free."""
    with_everything(folder)
    data = bytearray((folder / 'a.qcow2').read_bytes())
    at = places(data)
    count = at['refcount-block'] + 2 * (at[structure] >> 16)
    data[count:count + 2] = bytes(2)
    (folder / 'a.qcow2').write_bytes(data)


def table_in_header(folder):
    """An image whose L1 table lies where the header does; the entry that is written is bytes 40 to 48 of that, which are 0."""
    qemu_img(folder, 'create', '-q', '-f', 'qcow2', '-o', 'cluster_size=512', 'a.qcow2', '256k')
    data = bytearray((folder / 'a.qcow2').read_bytes())
    data[40:48] = bytes(8)
    (folder / 'a.qcow2').write_bytes(data)


STRUCTURES = {'main-header': 'qcow2_header', 'active-l1': 'active L1 table', 'active-l2': 'active L2 table', 'refcount-table': 'refcount table',
              'refcount-block': 'refcount block', 'snapshot-table': 'snapshot table', 'inactive-l1': 'inactive L1 table', 'inactive-l2': 'inactive L2 table',
              'bitmap-directory': 'bitmap directory'}


@pytest.mark.parametrize('structure', STRUCTURES)
def test_each_structure_is_guarded(work, structure):
    """With its switch alone the write is refused and the image marked as corrupt; with all others it is not."""
    header = structure == 'main-header'
    seen = {}
    for which in PROGRAMS:
        for on in (False, True):
            folder = work / f'{which}-{on}'
            folder.mkdir()
            table_in_header(folder) if header else offered(folder, structure)
            options = merged(QCOW2, {'overlap-check.template': 'none' if on else 'all', f'overlap-check.{structure}': on})
            command = 'write -P 3 160k 512' if header else 'write -P 3 128k 64k'
            result = PROGRAMS[which]('-t', 'writeback', *script(command), 'json:' + json.dumps(options), cwd=folder)
            seen[which, on] = features(folder, result), re.findall(r'overlaps with (.*?)\)', result.err), 'failed' in result.out
    assert seen['ours', True] == seen['theirs', True] == (2, [STRUCTURES[structure]], True)
    assert STRUCTURES[structure] not in seen['theirs', False][1]
    assert seen['ours', False][1:] == seen['theirs', False][1:]


# ---- who may open it, and how ----

@pytest.mark.parametrize('share', [False, True])
def test_force_share(work, share):
    """Beside somebody who writes, who shares may read."""
    written(work)
    answers = []
    with subprocess.Popen([support.REFERENCE, '-f', 'qcow2', 'a.qcow2'], cwd=work, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout.read1(9) == b'qemu-io> '
        name = 'json:' + json.dumps({**QCOW2, 'force-share': share, 'read-only': True})
        answers = [said(program('-r', *script('read 0 4k'), name, cwd=work)) for program in PROGRAMS.values()]
        writer.stdin.close()
    assert answers[0] == answers[1]
    assert (answers[0][2] == 0) == share


@pytest.mark.skipif(os.geteuid() != 0, reason='only root can be somebody else')
@pytest.mark.parametrize('options', ['', ',read-only=on', ',file.auto-read-only=off,file.read-only=on', ',auto-read-only=on', ',auto-read-only=off',
                                     ',file.auto-read-only=on', ',read-only=on,auto-read-only=on', ',read-only=off,auto-read-only=on'])
@pytest.mark.parametrize('mode', [[], ['-r']], ids=['for writing', 'for reading'])
def test_auto_read_only(work, options, mode):
    """A file that this user may only read."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        folder.chmod(0o755)
        written(folder)
        for path in folder.iterdir():
            path.chmod(0o444)
        program = shutil.copy(support.BLKSCOPE, folder / 'qemu-io')
        args = [*mode, *script('read 0 4k', 'write 0 4k'), '--image-opts', f'driver=raw,file.driver=file,file.filename=a.raw{options}']
        answers = [support.run(args, program=which, name='qemu-io', cwd=folder, user=65534, group=65534, extra_groups=[]) for which in (support.REFERENCE, program)]
    if mode and 'read-only=off,auto' in options:  # who only reads gets it; ours does not name the file when it is written all the same
        assert [answer.out.startswith('read 4096/4096') and 'wrote' not in answer.out for answer in answers] == [True, True]
    else:
        assert said(answers[0]) == said(answers[1])


@pytest.mark.parametrize('switches', [[], ['-s'], ['-w', '-s']], ids=' '.join)
@pytest.mark.parametrize('name', [['--image-opts', 'driver=raw,file.filename=a.raw,read-only=off'], ['--image-opts', 'driver=raw,file.filename=a.raw,file.read-only=off'],
                                  ['json:{"driver":"raw","read-only":false,"file":{"driver":"file","filename":"a.raw"}}'],
                                  ['json:{"driver":"blkdebug","image":{"driver":"raw","read-only":"off","file":{"driver":"file","filename":"a.raw"}}}']])
def test_an_option_alone_opens_nothing_for_writing(work, switches, name):
    """Under our own name that takes -w."""
    written(work)
    result = support.blkscope(*switches, '--no-sandbox', *script('write 0 512'), *name, cwd=work)
    assert result.status == 1 and result.err.endswith('read-only=off opens the image for writing: give -w for that, and no -s\n'), result
    assert (work / 'a.raw').read_bytes() == b'\x11' * MIB
    assert support.blkscope('-w', *script('write 0 512'), *name, cwd=work).status == 0


def test_an_option_against_w_is_named(work):
    written(work)
    result = support.blkscope('-w', *script('length'), '--image-opts', 'driver=raw,file.filename=a.raw,read-only=on', cwd=work)
    assert result.err == "blkscope: can't open: Block node is read-only\n  an option says read-only=on: leave out that, or -w\n"

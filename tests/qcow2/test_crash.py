# SPDX-License-Identifier: GPL-3.0-or-later
"""
A crash at any point: every write to the file is recorded with the syncs between them; images are made as a crash may leave them, with any of
the writes since the last sync missing or torn.  They open, nothing is corrupt, and what was flushed is there.

SEED=N plays other scripts, ROUNDS=N takes more crash points of each.
"""
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import images  # noqa: E402
import support  # noqa: E402
from images import create, qemu_img  # noqa: E402
from support import KIB, MIB  # noqa: E402

SECTOR = 512
SIZE = 2 * MIB
SEED = int(os.environ.get('SEED', '1'))
POINTS = int(os.environ.get('ROUNDS', '12'))
CALLS = 'read,write,writev,pwrite64,pwritev,pwritev2,fdatasync,fsync,fallocate,ftruncate'
strace = shutil.which('strace')
pytestmark = pytest.mark.skipif(not strace, reason='strace is not installed')


def record(work, image, commands, args):
    """Feeds the commands one by one, so that the log shows where each begins."""
    log = work / 'strace.log'
    link = work / 'qemu-io'
    link.unlink(missing_ok=True)
    link.symlink_to(support.BLKSCOPE)
    env = support.traced(BLKSCOPE_AIO='threads')
    argv = [strace, '-f', '-xx', '-s', str(4 * MIB), '-o', log.name, '-e', f'trace={CALLS}', link, *args, image.name]
    process = subprocess.Popen(argv, cwd=work, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = b''

    def wait_prompt():
        nonlocal said
        while not said.endswith(b'qemu-io> '):
            piece = process.stdout.read1(65536)
            assert piece, said
            said += piece
    for command in commands:
        wait_prompt()
        process.stdin.write(command.encode() + b'\n')
        process.stdin.flush()
        said = b''
    said, _ = process.communicate(timeout=support.DEADLINE)
    assert process.returncode == 0, said
    return log.read_text()


def unescape(text):
    return bytes.fromhex(text.replace('\\x', ''))


def parse(log, commands):
    """
    In order of completion: ('command', n), ('told', guest offset of a write that was reported, how many commands were there), ('write', offset, bytes, whether it is on the disk at once), ('zero', offset, bytes),
    ('size', bytes) and ('sync', how many of the steps had ended when it began).
    """
    started, steps, command = {}, [], 0
    for line in log.splitlines():
        pid, call = line.split(None, 1)
        begun = len(steps)
        if call.endswith('<unfinished ...>'):
            started[pid] = call[:-len('<unfinished ...>')], len(steps)
            continue
        resumed = re.match(r'<\.\.\. \w+ resumed>(.*)', call)
        if resumed:
            call, begun = started.pop(pid)
            call += resumed[1]
        name = call.split('(')[0]
        if name == 'read' and call.startswith('read(0,') and not call.endswith('= 0'):
            steps.append(('command', command))
            command += 1
        elif name in ('write', 'writev') and call.startswith((name + '(1,',)):
            text = b''.join(unescape(piece) for piece in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', call))
            steps += [('told', int(offset), command) for offset in re.findall(rb'wrote (?:\d+/\d+) bytes at offset (\d+)', text)]
        elif name.startswith('pwrite'):
            data = b''.join(unescape(piece) for piece in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', call))
            numbers = re.search(r'(?:\], \d+|", \d+), (\d+)(, \w+)?\s*\)\s+= (\d+)$', call)
            assert numbers and len(data) == int(numbers[3]), call[-200:]
            steps.append(('write', int(numbers[1]), data, 'DSYNC' in (numbers[2] or '')))
        elif name == 'fallocate':
            _, mode, offset, length = call.split('(')[1].split(')')[0].split(', ')
            assert call.endswith('= 0') and ('ZERO_RANGE' in mode) != ('PUNCH_HOLE' in mode) or mode == '0', call
            if mode != '0':
                steps.append(('write' if 'KEEP_SIZE' not in mode else 'zero', int(offset), bytes(int(length)), False))
        elif name == 'ftruncate':
            steps.append(('size', int(call.split(', ')[1].split(')')[0])))
        elif name in ('fdatasync', 'fsync'):
            steps.append(('sync', begun))
    assert command == len(commands)
    return steps


def put(data, offset, piece):
    if len(data) < offset + len(piece):
        data.extend(bytes(offset + len(piece) - len(data)))
    data[offset:offset + len(piece)] = piece


def apply(data, step):
    if step[0] == 'size':
        size = step[1]
        del data[size:]
        data.extend(bytes(size - len(data)))
    elif step[0] == 'zero':
        put(data, step[1], bytes(max(0, min(len(step[2]), len(data) - step[1]))))
    else:
        put(data, step[1], step[2])


def apply_torn(data, step, rand):
    """Some sectors of it."""
    if step[0] != 'write':
        return
    offset, piece = step[1], step[2]
    at = 0
    while at < len(piece):
        end = min(len(piece), at + SECTOR - (offset + at) % SECTOR)
        if rand.random() < 0.5:
            put(data, offset + at, piece[at:end])
        at = end


def crashed(before, steps, rand):
    """The file after some of the steps: what was synced is there, of the others some."""
    synced = max((step[1] for step in steps if step[0] == 'sync'), default=0)
    data = bytearray(before)
    keep = rand.choice([0.0, 0.1, 0.5, 0.9, 1.0])
    for i, step in enumerate(steps):
        if step[0] in ('command', 'sync', 'told'):
            continue
        if i < synced or (step[0] == 'write' and step[3]) or rand.random() < keep:
            apply(data, step)
        elif rand.random() < 0.3:
            apply_torn(data, step, rand)
    return data


# ---- what must be there ----

COMMAND = re.compile(r'(aio_)?(write|discard) (?:-[zucqf] )*(?:-P (\d+) )?(\d+) (\d+)')


class Guest:
    """What the disk holds after commands, and which bytes are not known."""

    def __init__(self, contents):
        self.bytes, self.unsure = bytearray(contents), bytearray(len(contents))

    def play(self, command, certain):
        match = COMMAND.match(command)
        if not match:
            return
        start, length = int(match[4]), int(match[5])
        self.bytes[start:start + length] = bytes([0 if ' -z ' in command else int(match[3] or 0)]) * length
        self.unsure[start:start + length] = bytes([not certain or match[2] == 'discard']) * length


def find_told(commands, steps):
    """The numbers of aio_write commands that were reported."""
    told = set()
    for step in steps:
        if step[0] == 'told':
            matches = ((i, COMMAND.match(commands[i])) for i in range(step[2]))
            told.add(max(i for i, match in matches if match and match[2] == 'write' and int(match[4]) == step[1]))
    return told


def expected(contents, commands, begun, writethrough, told):
    """After the crash in the command before number begun: what was flushed, or written through."""
    guest = Guest(contents)
    ended = commands[:max(begun - 1, 0)]
    flushed = max((i for i, command in enumerate(ended) if command == 'flush'), default=-1)
    complete = max((i for i, command in enumerate(ended) if command == 'aio_flush'), default=-1)
    for i, command in enumerate(commands[:begun]):
        through = writethrough and (i in told or i < len(ended) and (not command.startswith('aio_') or i < complete))
        guest.play(command, i < flushed or through)
    return guest


def differing(one, other):
    """Where they differ, piece by piece: most are the same."""
    for at in range(0, SIZE, 4 * KIB):
        if one[at:at + 4 * KIB] != other[at:at + 4 * KIB]:
            yield from (i for i in range(at, at + 4 * KIB) if one[i] != other[i])


def verify(work, data, guest, rand):
    image = work / 'crashed.qcow2'
    image.write_bytes(data)
    result = qemu_img('check', image.name, cwd=work, check=False)
    assert result.returncode in (0, 3), result.stdout + result.stderr
    qemu_img('convert', '-O', 'raw', image.name, 'crashed.raw', cwd=work)
    seen = (work / 'crashed.raw').read_bytes()
    wrong = next((i for i in differing(seen, guest.bytes) if not guest.unsure[i]), None)
    assert wrong is None, f'{wrong}: {seen[wrong]} instead of {guest.bytes[wrong]}'
    if rand.random() < 0.1:  # and it can be written to
        assert support.drop_in(*(word for command in random_commands(rand, 4096, 5, KINDS) for word in ('-c', command)), image.name, cwd=work).status == 0
        result = qemu_img('check', image.name, cwd=work, check=False)
        assert result.returncode in (0, 3), result.stdout + result.stderr


def run_script(work, image, commands, rand, points, args):
    before = image.read_bytes()
    qemu_img('convert', '-O', 'raw', image.name, 'before.raw', cwd=work)
    contents = (work / 'before.raw').read_bytes()
    steps = parse(record(work, image, commands, args), commands)
    assert any(step[0] == 'told' for step in steps)
    places = [i + 1 for i, step in enumerate(steps) if step[0] != 'command']
    for point in sorted(rand.sample(places, min(points, len(places)))):
        begun = sum(1 for step in steps[:point] if step[0] == 'command')
        data = crashed(before, steps[:point], rand)
        try:
            verify(work, data, expected(contents, commands, begun, '-t' not in args, find_told(commands, steps[:point])), rand)
        except AssertionError as error:
            raise AssertionError(f'after step {point} of {len(steps)}, in {commands[:begun][-3:]}: {error}') from None


# ---- scripts ----

KINDS = ('write', 'write', 'write', 'write -z', 'write -z -u', 'discard')


def random_commands(rand, cluster, count, kinds=('write',)):
    commands = []
    for i in range(count):
        offset = rand.randrange(SIZE)
        length = min(rand.choice([1, 512, 4 * KIB, cluster // 3 + 1, cluster, cluster, 5 * cluster + 5, 40 * cluster]), SIZE - offset, 300 * KIB)
        kind = rand.choice(kinds)
        if kind == 'aio':
            commands += batch(rand, offset, min(max(length, 2000), SIZE - offset))
        elif kind == 'write -c':
            offset = offset // cluster * cluster
            commands.append(f'write -c -P {i % 200 + 1} {offset} {cluster}')
        else:
            commands.append(f'{kind} {f"-P {i % 200 + 1} " if kind == "write" else ""}{offset} {length}')
        if rand.random() < 0.2:
            commands.append('flush')
    return commands


def batch(rand, offset, length):
    """Neighbours at once."""
    cuts = sorted({0, length, *(rand.randrange(length + 1) for _ in range(5))})
    parts = [f'aio_write {rand.choice(["-z ", "-z -u ", ""])}' for _ in cuts[1:]]
    return [*(f'{part}{"" if "-z" in part else f"-P {rand.randrange(1, 256)} "}{offset + start} {end - start}'
              for part, start, end in zip(parts, cuts, cuts[1:])), 'aio_flush']


SMALL = {'cluster_size': 512, 'refcount_bits': 64}
WRITEBACK, WRITETHROUGH, DISCARD = ('-t', 'writeback'), (), ('-t', 'writeback', '-d', 'unmap')
CASES = [(SMALL, WRITEBACK), (SMALL, WRITETHROUGH), (SMALL, DISCARD), ({'cluster_size': 512}, WRITEBACK), ({'cluster_size': 4096}, WRITEBACK),
         ({'cluster_size': 4096}, WRITETHROUGH), ({'cluster_size': 4096}, DISCARD), ({}, WRITEBACK), ({}, WRITETHROUGH),
         ({'cluster_size': 4096, 'compat': '0.10'}, WRITEBACK), ({'cluster_size': '16k', 'extended_l2': 'on'}, WRITEBACK),
         ({'cluster_size': '16k', 'extended_l2': 'on'}, DISCARD), ({'extended_l2': 'on'}, WRITETHROUGH)]


def name_of(value):
    return ','.join(f'{key}={v}' for key, v in value.items()) or 'default' if isinstance(value, dict) else ' '.join(value) or 'writethrough'


@pytest.mark.parametrize('backed', [False, True], ids=['alone', 'backed'])
@pytest.mark.parametrize('options, args', CASES, ids=name_of)
def test_a_crash_leaks_at_worst(work, options, args, backed):
    rand = random.Random(f'{SEED}{options}{args}{backed}')
    cluster = {'16k': 16 * KIB}.get(options.get('cluster_size'), options.get('cluster_size', 64 * KIB))
    if backed:
        images.scatter(create(work / 'base', SIZE - 70000, cluster_size=1024), SIZE - 70000, 5, cluster=1024)
    image = create(work / 'crash.qcow2', SIZE, **options, **({'backing': 'base'} if backed else {}))
    whole = SIZE // cluster
    images.write(image, *(f'write -c -P {i % 200 + 50} {i * cluster} {cluster}' for i in rand.sample(range(whole), min(20, whole // 2))),
                 *random_commands(rand, cluster, 6))
    if not backed or cluster > 512:
        qemu_img('snapshot', '-c', 's', image.name, cwd=work)
    images.write(image, *random_commands(rand, cluster, 6), *(['write -P 77 0 1M'] if options == SMALL else []))
    kinds = (*KINDS, 'aio')
    run_script(work, image, random_commands(rand, cluster, 24, kinds), rand, POINTS, args)

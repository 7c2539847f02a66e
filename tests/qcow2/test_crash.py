# SPDX-License-Identifier: GPL-3.0-or-later
"""
A crash at any point: every write to the file is recorded with the syncs between them; images are made as a crash may leave them, with any of
the writes since the last sync missing or torn.  They open, nothing is corrupt, and what was flushed is there.
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
CALLS = 'read,pwrite64,pwritev,pwritev2,fdatasync,fsync,fallocate,ftruncate'
strace = shutil.which('strace')
pytestmark = pytest.mark.skipif(not strace, reason='strace is not installed')


def record(work, image, commands):
    """Feeds the commands one by one, so that the log shows where each begins."""
    log = work / 'strace.log'
    link = work / 'qemu-io'
    link.unlink(missing_ok=True)
    link.symlink_to(support.BLKSCOPE)
    # Leaks can't be looked for in a program that is traced.
    env = support.environment(BLKSCOPE_AIO='threads', ASAN_OPTIONS=os.environ.get('ASAN_OPTIONS', '') + ':detect_leaks=0')
    argv = [strace, '-f', '-xx', '-s', str(4 * MIB), '-o', log.name, '-e', f'trace={CALLS}', link, '-t', 'writeback', image.name]
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
    return bytes(int(pair, 16) for pair in text.split('\\x')[1:])


def parse(log, commands):
    """('command', n), ('write', offset, bytes), ('zero', offset, bytes), ('size', bytes) and ('sync',) in order of completion."""
    started, steps, command = {}, [], 0
    for line in log.splitlines():
        pid, call = line.split(None, 1)
        if call.endswith('<unfinished ...>'):
            started[pid] = call[:-len('<unfinished ...>')]
            continue
        resumed = re.match(r'<\.\.\. \w+ resumed>(.*)', call)
        if resumed:
            call = started.pop(pid) + resumed[1]
        name = call.split('(')[0]
        if name == 'read' and call.startswith('read(0,') and not call.endswith('= 0'):
            steps.append(('command', command))
            command += 1
        elif name.startswith('pwrite'):
            data = b''.join(unescape(piece) for piece in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', call))
            numbers = re.search(r'(?:\], \d+|", \d+), (\d+)(?:, \w+)?\)\s+= (\d+)$', call)
            assert numbers and len(data) == int(numbers[2]), call[-200:]
            steps.append(('write', int(numbers[1]), data))
        elif name == 'fallocate':
            _, mode, offset, length = call.split('(')[1].split(')')[0].split(', ')
            assert call.endswith('= 0') and ('ZERO_RANGE' in mode) != ('PUNCH_HOLE' in mode), call
            steps.append(('write' if 'KEEP_SIZE' not in mode else 'zero', int(offset), bytes(int(length))))
        elif name == 'ftruncate':
            steps.append(('size', int(call.split(', ')[1].split(')')[0])))
        elif name in ('fdatasync', 'fsync'):
            steps.append(('sync',))
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
    """The file after some of the steps: those before the last sync are there, of the others some."""
    syncs = [i for i, step in enumerate(steps) if step[0] == 'sync']
    last = syncs[-1] if syncs else -1
    data = bytearray(before)
    keep = rand.choice([0.0, 0.3, 0.6, 0.9])
    for i, step in enumerate(steps):
        if step[0] in ('command', 'sync'):
            continue
        if i < last or rand.random() < keep:
            apply(data, step)
        elif rand.random() < 0.3:
            apply_torn(data, step, rand)
    return data


def written_by(commands):
    for command in commands:
        match = re.match(r'(?:aio_)?write (?:-z |-u |-c )*(?:-P \d+ )?(\d+) (\d+)|(?:aio_)?discard (\d+) (\d+)', command)
        if match:
            start, length = (int(group) for group in match.groups() if group is not None)
            yield start, length


def verify(work, data, stable, unsure):
    image = work / 'crashed.qcow2'
    image.write_bytes(data)
    result = qemu_img('check', image.name, cwd=work, check=False)
    assert result.returncode in (0, 3), result.stdout + result.stderr
    qemu_img('convert', '-O', 'raw', image.name, 'crashed.raw', cwd=work)
    seen, expected = bytearray((work / 'crashed.raw').read_bytes()), bytearray(stable)
    for start, length in unsure:
        seen[start:start + length] = expected[start:start + length] = bytes(length)
    assert seen == expected, next(i for i in range(SIZE) if seen[i] != expected[i])


def run_script(work, commands, rand, points, prepare, **options):
    image = create(work / 'crash.qcow2', SIZE, **options)
    prepare(image)
    before = image.read_bytes()
    steps = parse(record(work, image, commands), commands)
    # What is flushed after each flush, from the reference's reading of the same commands.
    shutil.copy(image, work / 'twin.qcow2')
    (work / 'twin.qcow2').write_bytes(before)
    stable = {}
    flushes = [-1] + [i for i, command in enumerate(commands) if command == 'flush']
    for previous, flush in zip([None, *flushes], flushes):
        if previous is not None:
            images.write(work / 'twin.qcow2', *(c.replace('aio_write', 'write') for c in commands[previous + 1:flush + 1]))
        qemu_img('convert', '-O', 'raw', 'twin.qcow2', 'stable.raw', cwd=work)
        stable[flush] = (work / 'stable.raw').read_bytes()
    places = [i for i, step in enumerate(steps) if step[0] in ('write', 'sync', 'size')]
    for point in sorted(rand.sample(places, min(points, len(places)))):
        begun = sum(1 for step in steps[:point] if step[0] == 'command')
        done = max((flush for flush in flushes if flush < begun - 1), default=-1)
        data = crashed(before, steps[:point], rand)
        verify(work, data, stable[done], list(written_by(commands[done + 1:begun])))


def random_commands(rand, cluster, count, kinds=('write',)):
    commands = []
    for i in range(count):
        offset = rand.randrange(SIZE)
        length = min(rand.choice([1, 512, 4 * KIB, cluster // 3 + 1, cluster, 5 * cluster + 5]), SIZE - offset)
        kind = rand.choice(kinds)
        commands.append(f'{kind} {f"-P {i % 200 + 1} " if kind == "write" else ""}{offset} {length}')
        if rand.random() < 0.25:
            commands.append('flush')
    return commands


KINDS = ('write', 'write', 'write', 'write -z', 'write -z -u', 'discard')


@pytest.mark.parametrize('options', [{'cluster_size': 512, 'refcount_bits': 64}, {'cluster_size': 4096}, {}, {'extended_l2': 'on'}],
                         ids=lambda options: ','.join(f'{key}={value}' for key, value in options.items()) or 'default')
def test_a_crash_leaks_at_worst(work, options):
    rand = random.Random(f'{options}')
    cluster = {'extended_l2': 64 * KIB}.get(next(iter(options), ''), options.get('cluster_size', 64 * KIB))

    def prepare(image):
        whole = SIZE // cluster
        images.write(image, *(f'write -c -P {i % 200 + 50} {i * cluster} {cluster}' for i in rand.sample(range(whole), min(20, whole // 2))),
                     *random_commands(rand, cluster, 6))
        qemu_img('snapshot', '-c', 's', image.name, cwd=work)
        images.write(image, *random_commands(rand, cluster, 6))
    run_script(work, random_commands(rand, cluster, 24, KINDS), rand, 30, prepare, **options)

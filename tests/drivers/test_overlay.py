# SPDX-License-Identifier: GPL-3.0-or-later
"""The temporary layer at random, with undo, redo, commit and discard, against a model in memory; and where there is no room for it."""
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import support  # noqa: E402
from support import KIB, MIB  # noqa: E402

ROUNDS = int(os.environ.get('ROUNDS', 0)) or 6
SEED = int(os.environ.get('SEED', 0))


class Model:
    """What the image and the layer hold, and the commands that led there."""

    def __init__(self, rand, size):
        self.rand, self.disk = rand, rand.randbytes(size)
        self.now, self.undo, self.redo = self.disk, [], []
        self.commands, self.expected = [], []

    def change(self, command, data):
        self.commands.append(command)
        if len(data) == len(self.now) and command.startswith('truncate'):
            return  # no step
        self.undo.append(self.now)
        self.redo, self.now = [], data

    def write(self):
        if not self.now:
            return
        start = self.rand.randrange(len(self.now))
        length = min(len(self.now) - start, self.rand.choice([1, 511, 512, 4 * KIB, 70000]))
        if self.rand.random() < 0.1:
            start, length = 0, len(self.now)
        zero, value = self.rand.random() < 0.3, self.rand.randrange(256)
        how = self.rand.choice(['-z', '-z -u']) if zero else f'-P {value}'
        data = bytes(length) if zero else bytes([value]) * length
        self.change(f'write {how} {start} {length}', self.now[:start] + data + self.now[start + length:])

    def resize(self):
        size = self.rand.choice([0, 512, 4 * KIB, len(self.now) + 512, len(self.now) * 2, len(self.now) // 1024 * 512])
        if size <= 4 * MIB:
            how = self.rand.choice(['', '', '-m metadata ', '-m falloc ', '-m full ']) if size > len(self.now) else ''
            self.change(f'truncate {how}{size}', self.now[:size] + bytes(max(0, size - len(self.now))))

    def step(self, command, taken, given):
        self.commands.append(f'overlay {command}')
        if taken:
            given.append(self.now)
            self.now = taken.pop()

    def settle(self, command):
        self.commands.append(f'overlay {command}')
        self.disk, self.now = (self.now, self.now) if command.startswith('commit') else (self.disk, self.disk)
        self.undo, self.redo = [], []

    def look(self):
        if self.now:
            self.commands.append(f'read -v 0 {min(len(self.now), MIB)}')
            self.expected.append(self.now[:MIB])

    def go_on(self):
        kind = self.rand.choices(['write', 'resize', 'undo', 'redo', 'commit', 'discard', 'look'], [8, 2, 4, 3, 1, 0.5, 1])[0]
        if kind in ('undo', 'redo'):
            self.step(kind, *((self.undo, self.redo) if kind == 'undo' else (self.redo, self.undo)))
        elif kind in ('commit', 'discard'):
            self.settle('commit -y' if kind == 'commit' else kind)
        else:
            getattr(self, kind)()


def dumps(out):
    """The bytes that each read showed."""
    found, data = [], bytearray()
    for line in out.splitlines():
        row = re.match(r'[0-9a-f]{8,}:  ((?:[0-9a-f]{2} )+) ', line)
        if row:
            data += bytes.fromhex(row[1])
        elif line.startswith('read '):
            found.append(bytes(data))
            data.clear()
    return found


@pytest.mark.parametrize('kind', ['raw', 'qcow2'])
@pytest.mark.parametrize('seed', range(SEED, SEED + ROUNDS))
def test_what_commands_make_of_it(work, kind, seed):
    rand = random.Random(f'{seed} {kind}')
    model = Model(rand, rand.choice([64 * KIB, 1000 * KIB, MIB, 512 * 77]))
    (work / 'disk.raw').write_bytes(model.disk)
    if kind == 'qcow2':
        subprocess.run(['qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', 'disk.raw', 'disk.qcow2'], cwd=work, check=True)
    for _ in range(120):
        model.go_on()
    model.look()
    (work / 'script').write_text('\n'.join(model.commands) + '\n')
    result = support.blkscope('-w', '-s', '-f', kind, '--script', 'script', f'disk.{kind}', cwd=work)
    assert dumps(result.out) == model.expected, result.err
    subprocess.run(['qemu-img', 'convert', '-f', kind, '-O', 'raw', f'disk.{kind}', 'out'], cwd=work, check=True)
    assert (work / 'out').read_bytes() == model.disk
    if kind == 'qcow2':
        subprocess.run(['qemu-img', 'check', '-q', 'disk.qcow2'], cwd=work, check=True)


def test_a_committed_size_shows_nothing_old(work):
    """Cut off in the middle of a cluster, then longer again: what was cut off is zeroes in the image, too."""
    (work / 'disk.raw').write_bytes(b'a' * KIB)
    subprocess.run(['qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', 'disk.raw', 'disk.qcow2'], cwd=work, check=True)
    commands = ['truncate 512', 'overlay commit -y', 'truncate 1M', 'read -P 0 512 512', 'overlay commit -y', 'read -P 0 512 512']
    result = support.blkscope('-w', '-s', *[word for command in commands for word in ('-c', command)], 'disk.qcow2', cwd=work)
    assert result.status == 0, result
    assert subprocess.run(['qemu-io', '-r', '-c', 'read -P 97 0 512', '-c', 'read -P 0 512 1023k', 'disk.qcow2'], cwd=work).returncode == 0


def test_many_steps_and_back(work):
    """More than are kept: the oldest are gone, the others lead back."""
    (work / 'disk.raw').write_bytes(bytes(MIB))
    commands = [f'write -P {i % 255 + 1} {i * 512} 512' for i in range(1500)] + ['overlay undo'] * 1001 + ['read -v 0 1M']
    (work / 'script').write_text('\n'.join(commands) + '\n')
    result = support.blkscope('-w', '-s', '-f', 'raw', '--script', 'script', 'disk.raw', cwd=work)
    expected = b''.join(bytes([i % 255 + 1]) * 512 for i in range(500))
    assert dumps(result.out) == [expected + bytes(MIB - len(expected))]
    assert 'too much to be kept for undoing' in result.err


def in_small_disk(work, commands):
    """The layer is on a disk of 1 MiB, in a mount namespace of its own."""
    (work / 'small').mkdir(exist_ok=True)
    words = [word for command in commands for word in ('-c', command)]
    size = '1536k' if support.FLAVOUR == 'tsan' else '1m'  # ThreadSanitizer keeps 512 KiB of its own in TMPDIR
    shell = f'mount -t tmpfs -o size={size} tmpfs "$0" && exec env TMPDIR="$0" "$@"'
    result = subprocess.run(['unshare', '-rm', 'bash', '-c', shell, work / 'small', support.BLKSCOPE, '-w', '-s', '-f', 'raw', *words, work / 'disk.raw'],
                            capture_output=True, text=True, env=support.environment(), timeout=support.DEADLINE)
    if 'mount:' in result.stderr or 'unshare' in result.stderr:
        pytest.skip(f'no tmpfs can be mounted here: {result.stderr.strip()}')
    return result


def test_a_layer_that_does_not_fit(work):
    """Writes fail with the disk's reason, nothing that was there changes, and what fits goes on."""
    (work / 'disk.raw').write_bytes(b'a' * (8 * MIB))
    result = in_small_disk(work, ['write -P 1 0 64k', 'write -P 2 1M 4M', 'read -P 1 0 64k', 'read -P 97 6M 1M', 'overlay', 'overlay discard',
                                  'read -P 97 0 8M', 'write -P 3 0 64k', 'overlay commit -y'])
    assert 'write failed: No space left on device' in result.stdout and 'Pattern verification failed' not in result.stdout, result
    assert f'the temporary file in {work}/small has no room for more (No space left on device); TMPDIR names another folder' in result.stderr
    assert (work / 'disk.raw').read_bytes() == bytes([3]) * (64 * KIB) + b'a' * (8 * MIB - 64 * KIB)


@pytest.mark.parametrize('mode', ['falloc', 'full'])
def test_what_is_preallocated_is_set_aside(work, mode):
    """768 KiB of a disk of 1 MiB are the image's new end; so they are there when all else is full.  Dropping the layer gives them back."""
    (work / 'disk.raw').write_bytes(b'a' * MIB)
    result = in_small_disk(work, [f'truncate -m {mode} 1792k', 'map', 'write -P 1 0 512k', 'write -P 2 1M 768k', 'read -P 2 1M 768k', 'read -P 97 512k 512k',
                                  'overlay discard', 'write -P 3 0 960k', 'length'])
    assert '768 KiB (0xc0000) bytes     allocated at offset 1 MiB (0x100000)' in result.stdout
    assert result.stdout.count('write failed: No space left on device') == 1 and result.stdout.endswith('1 MiB\n'), result
    assert 'Pattern verification failed' not in result.stdout


@pytest.mark.parametrize('mode', ['falloc', 'full'])
def test_what_is_done_again_is_set_aside_again(work, mode):
    """Undone, the room is free; done again, any number of times, it is not."""
    (work / 'disk.raw').write_bytes(b'a' * MIB)
    result = in_small_disk(work, [f'truncate -m {mode} 1792k', 'overlay undo', 'write -P 3 0 896k', 'overlay discard', 'length',
                                  f'truncate -m {mode} 1792k', *['overlay undo', 'overlay redo'] * 2, 'write -P 1 0 512k', 'length',
                                  'write -P 2 1M 768k', 'read -P 2 1M 768k', 'read -P 97 512k 512k'])
    assert result.stdout.count('write failed: No space left on device') == 1 and '917504/917504' in result.stdout, result
    assert '\n1 MiB\n' in result.stdout and '\n1.750 MiB\n' in result.stdout and 'Pattern verification failed' not in result.stdout, result


@pytest.mark.parametrize('mode', ['falloc', 'full'])
def test_what_can_not_be_set_aside_is_refused(work, mode):
    """As in the reference program; nothing of it is left."""
    (work / 'disk.raw').write_bytes(b'a' * (MIB + 512))
    result = in_small_disk(work, [f'truncate -m {mode} 9M', 'length', 'map', 'write -P 1 0 448k', 'write -P 2 448k 448k', 'truncate 2M', 'read -P 0 1025k 1023k'])
    what = 'Could not preallocate new data' if mode == 'falloc' else 'Could not write zeros for preallocation'
    assert f'blkscope: Failed to resize underlying file: {what}: No space left on device' in result.stderr, result
    assert result.stdout.startswith('1 MiB\n1 MiB (0x100200) bytes not allocated') and 'failed' not in result.stdout, result


@pytest.mark.parametrize('size', [MIB, 65 * KIB, 64 * KIB, 0])
def test_preallocated_as_in_the_reference_program(work, size):
    (work / 'disk.raw').write_bytes(b'a' * size)
    for mode in ('metadata', 'falloc', 'full'):
        commands = support.commands(['write -P 2 0 512', f'truncate -m {mode} 200k', f'truncate -m {mode} 3M', 'length', 'map', 'read -P 0 1M 2M', 'truncate 64k',
                                     f'truncate -m {mode} 200k', 'map', 'read -P 0 64k 136k', 'truncate -m off 1M', 'map', 'write -P 3 190k 20k',
                                     'read -P 3 190k 20k'])
        runs = [run('-s', '-f', 'raw', *commands, 'disk.raw', cwd=work) for run in (support.reference, support.drop_in)]
        theirs, ours = (re.sub(r'(?m)^.*allocated at offset.*\n', '', support.without_times(run.out)) for run in runs)
        assert (theirs, runs[0].err) == (ours, runs[1].err), (mode, runs)


def test_a_full_disk_is_told_of_once_each_time(work):
    (work / 'disk.raw').write_bytes(b'a' * (8 * MIB))
    fails, fits = 'write -P 2 1M 4M', 'write -P 1 0 64k'
    for commands, times in (([fails, fails], 1), ([fails, 'overlay discard', fits, fails], 2)):
        result = in_small_disk(work, commands)
        assert result.stdout.count('write failed: No space left') == 2 and result.stderr.count('has no room for more') == times, result


@pytest.mark.parametrize('folder', ['/dev/shm', '/var/tmp'])
def test_a_layer_over_a_huge_image(work, folder):
    """The temporary file is as large as what was written, on any file system."""
    image = {'driver': 'null-co', 'size': 1 << 62, 'read-zeroes': True}
    commands = ['write -P 7 3E 1M', 'read -P 7 3E 1M', 'write -P 8 1 1', 'read -P 0 2E 1M', 'overlay diff', 'overlay undo', 'read -P 0 0 64k',
                'overlay discard', 'read -P 0 3E 1M']
    words = [word for command in commands for word in ('-c', command)]
    result = support.blkscope('-w', '-s', *words, 'json:' + json.dumps(image), env=support.environment(TMPDIR=folder), cwd=work)
    assert result.status == 0 and 'Pattern verification failed' not in result.out, result
    assert '1048577 bytes (1 MiB) different' in result.out, result


def test_steps_that_do_not_fit_are_forgotten(work):
    """Old bytes of the layer have no room any more: the write is done, and can't be undone."""
    (work / 'disk.raw').write_bytes(b'a' * (2 * MIB))
    result = in_small_disk(work, [*(f'write -P {i} 0 448k' for i in (1, 2, 3)), 'read -P 3 0 448k', 'overlay undo', 'overlay'])
    assert 'Pattern verification failed' not in result.stdout and 'too much to be kept for undoing' in result.stderr, result
    assert (work / 'disk.raw').read_bytes() == b'a' * (2 * MIB)


def test_a_commit_that_fails_half_way(work):
    """The image's disk fails after some writes: the layer keeps all, and once more writes the rest."""
    (work / 'disk.raw').write_bytes(b'a' * MIB)
    name = 'json:{"driver":"raw","file":{"driver":"blkdebug","image":{"driver":"file","filename":"disk.raw"}}}'
    commands = [*[f'write -P {i + 1} {i * 64}k 32k' for i in range(8)], 'overlay commit -y', 'read -P 3 128k 32k', 'overlay', 'length']
    limits = 'ulimit -f 256; trap "" XFSZ; exec "$0" "$@"'  # nothing beyond 256 KiB can be written to a file
    words = [word for command in commands for word in ('-c', command)]
    result = subprocess.run(['bash', '-c', limits, support.BLKSCOPE, '-w', '-s', *words, name], cwd=work, capture_output=True, text=True,
                            env=support.environment(), timeout=support.DEADLINE)
    assert result.returncode != 0 and 'Pattern verification failed' not in result.stdout
    again = support.blkscope('-w', '-s', *[word for command in commands[:9] for word in ('-c', command)], name, cwd=work)
    assert again.status == 0, again
    data = (work / 'disk.raw').read_bytes()
    assert all(data[i * 64 * KIB:i * 64 * KIB + 32 * KIB] == bytes([i + 1]) * (32 * KIB) for i in range(8))

# SPDX-License-Identifier: GPL-3.0-or-later
"""A comparison on the map follows what others do to either image: soon after, it is the same as one that begins then."""
import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path[:0] = [str(Path(__file__).parent.parent / folder) for folder in ('sandbox', 'nbd')]

import support  # noqa: E402
from images import create, qemu_img, write  # noqa: E402
from servers import qemu_nbd  # noqa: E402
from session import session  # noqa: E402
from support import KIB, MIB  # noqa: E402

SEED = int(os.environ.get('SEED', 0))
ROUNDS = int(os.environ.get('ROUNDS', 6))
ARGS = ('--headless', '--no-config', '--no-history')
LOOKS = ('goto 0', 'focus map', 'keys L', 'screen', 'keys L', 'screen', 'do map-host', 'screen', 'do map-host')


def picture(running):
    """The list of differences and the map in both orders, without the lines that tell of the session."""
    text = ''.join(running.run(line) for line in LOOKS)
    return [line for line in text.replace('blkscope> ', '').split('\n') if not line.startswith((' MOVE', ' TYPE'))]


def begin(running, with_what):
    for line in ('goto 0', 'focus map', f'differences {with_what}', 'keys z'):
        running.run(line)


def fresh(args, with_what, cwd):
    with session(*ARGS, *args, cwd=cwd) as running:
        begin(running, with_what)
        return picture(running)


def wait_until_same(running, args, with_what, cwd, what):
    deadline = time.monotonic() + support.DEADLINE
    expected = fresh(args, with_what, cwd)
    while (seen := picture(running)) != expected:
        assert time.monotonic() < deadline, f'{what}\n{support.difference(chr(10).join(expected), chr(10).join(seen))[:6000]}'


def step(rand, image, other):
    """What somebody does to one of them; what it was."""
    path = rand.choice([image, other])
    size = path.stat().st_size if path.suffix == '.raw' else None
    choice = rand.choice(['write', 'write', 'zero', 'grow', 'shrink', 'replace'])
    if path.suffix == '.raw':
        with open(path, 'r+b') as file:
            if choice in ('write', 'zero'):
                file.seek(rand.randrange(size + 100))
                file.write((b'x' if choice == 'write' else bytes(1)) * rand.randrange(1, 200000))
            elif choice in ('grow', 'shrink'):
                file.truncate(max(1, size + (1 if choice == 'grow' else -1) * rand.randrange(size // 2)))
    else:
        at = rand.randrange(4 * MIB // 4096) * 4096
        if choice in ('write', 'zero'):
            write(path, f'write {"-z" if choice == "zero" else f"-P {rand.randrange(256)}"} {at} {rand.choice([4096, 64 * KIB, 300 * KIB])}')
        elif choice == 'grow':
            qemu_img('resize', '-q', path, f'+{rand.choice([1, 8, 3000])}M')
        elif choice == 'shrink':
            qemu_img('resize', '-q', '--shrink', path, 5 * MIB)
    if choice == 'replace' and path == other:
        made = path.with_suffix('.new')
        made.write_bytes(path.read_bytes()[:rand.randrange(1, 3 * MIB)] if path.suffix == '.raw' else path.read_bytes())
        if rand.random() < 0.5:
            path.unlink()
        made.rename(path)
    return f'{choice} {path.name}'


@pytest.mark.parametrize('names', [('a.raw', 'b.raw'), ('a.qcow2', 'b.raw'), ('a.raw', 'b.qcow2'), ('a.qcow2', 'b.qcow2')])
def test_either_image_changes(work, names):
    rand = random.Random(f'{SEED} {names}')
    image, other = (work / name for name in names)
    for path in (image, other):
        if path.suffix == '.raw':
            path.write_bytes(bytes(8 * MIB))
        else:
            create(path, 8 * MIB)
    args = ('-U', '-f', image.suffix[1:], image.name)
    done = []
    with session(*ARGS, *args, cwd=work) as running:
        begin(running, other.name)
        for _ in range(ROUNDS):
            done += [step(rand, image, other) for _ in range(rand.randrange(1, 4))]
            wait_until_same(running, args, other.name, work, f'SEED={SEED}: {done}')


def head(running):
    return ''.join(running.run(line) for line in ('keys L', 'screen', 'keys L'))


def wait_for(running, text):
    deadline = time.monotonic() + support.DEADLINE
    while text not in (seen := head(running)):
        assert time.monotonic() < deadline, seen


def test_the_other_one_is_gone_for_a_while(work):
    """Nothing is told of what can't be looked at; once there is something with its name again, that is compared."""
    image, other = create(work / 'a.qcow2', 4 * MIB), create(work / 'b.qcow2', 4 * MIB)
    write(other, 'write -P 1 1M 64k')
    with session(*ARGS, image.name, cwd=work) as running:
        begin(running, other.name)
        assert '1 range differs from b.qcow2, 64 KiB' in head(running)
        other.rename(work / 'c.qcow2')
        wait_for(running, "Could not open 'b.qcow2': No such file or directory")
        assert '\u2260' not in running.run('screen')
        create(other, 4 * MIB)
        wait_for(running, '0 ranges differ from b.qcow2')
        write(other, 'write -P 1 2M 128k')
        wait_for(running, '1 range differs from b.qcow2, 128 KiB')


def test_all_of_the_other_one_changes_while_something_is_compared_again(work):
    """What all of it is ends where the longer one does, also when it is told in the middle of a comparison."""
    image, other = create(work / 'a.qcow2', 4 * MIB), create(work / 'b.qcow2', 4 * MIB)
    write(image, 'write -P 1 0 64k')
    with qemu_nbd(work / 'socket', '-f', 'qcow2', image) as server, session(*ARGS, '-f', 'raw', f'nbd+unix:///?socket={work}/socket', cwd=work) as running:
        begin(running, other.name)
        assert '1 range differs from b.qcow2, 64 KiB' in head(running)
        server.send_signal(signal.SIGSTOP)
        for at in (1, 2):
            write(other, f'write -P 2 {at}M 128k')
            for _ in range(20):
                running.run('sleep 20')  # by then it has begun to compare, and waits for the server
        server.send_signal(signal.SIGCONT)
        wait_for(running, '3 ranges differ from b.qcow2, 320 KiB')


def test_the_backing_file_of_an_image_that_is_written_changes(work):
    """By who asks for no lock: what is below is read anew, and compared again."""
    base = work / 'base.raw'
    base.write_bytes(b'\1' * 4 * MIB)
    image = create(work / 'a.qcow2', None, backing=base.name, backing_format='raw')
    write(image, 'write -P 1 0 1M')
    with session(*ARGS, '-w', '--refs=follow', image.name, cwd=work) as running:
        begin(running, '')
        assert '0 ranges differ from the backing file' in head(running)
        with open(base, 'r+b') as file:
            file.seek(512 * KIB)
            file.write(b'\2' * 64 * KIB)
        wait_for(running, '1 range differs from the backing file, 64 KiB')
        running.run('write -P 2 512k 64k')
        wait_for(running, '0 ranges differ from the backing file')
        os.truncate(base, MIB)
        wait_for(running, '0 ranges differ from the backing file')
        assert 'Pattern verification failed' not in running.run('read -P 0 1M 3M')


def test_what_was_reopened_read_only_is_watched(work):
    image = create(work / 'a.qcow2', 4 * MIB)
    with session(*ARGS, '-w', image.name, cwd=work) as running:
        running.run('write -P 1 0 64k')
        running.run('reopen -r')
        assert 'failed' not in running.run('read -P 0 1M 64k')
        write(image, 'write -P 2 1M 1M')
        deadline = time.monotonic() + support.DEADLINE
        while 'failed' in (seen := running.run('read -P 2 1M 1M')):
            assert time.monotonic() < deadline, seen
        running.run('reopen -w')
        assert 'wrote' in running.run('write -P 1 0 64k')


def test_nobody_waits_for_what_stands_at_a_breakpoint(work):
    """The tables can't be read anew then; what changed is known when the request has gone on."""
    image = create(work / 'a.qcow2', 4 * MIB)
    write(image, 'write -P 1 0 1M')
    with session(*ARGS, f'blkdebug::{image.name}', cwd=work) as running:
        for line in ('focus map', 'keys z', 'screen', 'read -P 0 2M 64k', 'break read_aio A', 'aio_read 0 4k', 'wait_break A'):
            running.run(line)
        write(image, 'write -P 2 2M 1M')
        for _ in range(20):
            assert '65536/65536' in running.run('sleep 20; read 2M 64k')
        running.run('resume A')
        deadline = time.monotonic() + support.DEADLINE
        while 'failed' in (seen := running.run('read -P 2 2M 1M')):
            assert time.monotonic() < deadline, seen

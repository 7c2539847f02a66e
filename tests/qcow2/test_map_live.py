# SPDX-License-Identifier: GPL-3.0-or-later
"""What other programs do to an image that is open with -U is what the screen shows soon after: the same as one that opens it then."""
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / 'sandbox'))

import support  # noqa: E402
from images import create, name_another_base, qemu_img, with_another_base, write  # noqa: E402
from session import session  # noqa: E402
from support import KIB, MIB  # noqa: E402

SEED = int(os.environ.get('SEED', 0))
ROUNDS = int(os.environ.get('ROUNDS', 5))
LOOKS = ('map --extents', 'map --host', 'snapshots', 'bitmaps', 'length', 'goto 0', 'focus map', 'keys z', 'screen', 'keys t', 'screen', 'keys t', 'keys z')
ARGS = ('-U', '--headless', '--no-config', '--no-history')


def picture(running):
    """What commands say of the image, and the map in both orders; the lines above and below it tell of the session, too."""
    text = ''.join(running.run(line) for line in LOOKS)
    return [line for line in text.replace('blkscope> ', '').split('\n') if not line.startswith((' MOVE', ' TYPE'))]


def fresh(image, *args):
    with session(*ARGS, *args, image.name, cwd=image.parent) as running:
        return picture(running)


def wait_until_same(running, image, what, *args):
    deadline = time.monotonic() + support.DEADLINE
    expected = fresh(image, *args)
    while (seen := picture(running)) != expected:
        assert time.monotonic() < deadline, f'{what}\n{support.difference(chr(10).join(expected), chr(10).join(seen))[:6000]}'


def qcow2_step(rand, image, snapshots, bitmaps):
    size = qemu_size(image)
    at = rand.randrange(size // 4096) * 4096
    length = min(rand.choice([4096, 64 * KIB, 300 * KIB, 2 * MIB]), size - at)
    choice = rand.choice(['write', 'write', 'write', 'zero', 'discard', 'take', 'apply', 'delete', 'grow', 'shrink', 'bitmap', 'no bitmap'])
    if choice == 'write':
        write(image, f'write -P {rand.randrange(256)} {at} {length}')
    elif choice == 'zero':
        write(image, f'write -z {rand.choice(["", "-u"])} {at} {length}')
    elif choice == 'discard':
        write(image, f'discard {at} {length}')
    elif choice == 'take' or (choice in ('apply', 'delete') and not snapshots):
        snapshots.append(f's{len(snapshots)}-{rand.randrange(1000)}')
        qemu_img('snapshot', '-c', snapshots[-1], image)
    elif choice == 'apply':
        qemu_img('snapshot', '-a', rand.choice(snapshots), image, check=False)
    elif choice == 'delete':
        name = rand.choice(snapshots)
        snapshots.remove(name)
        qemu_img('snapshot', '-d', name, image)
    elif choice == 'grow':
        qemu_img('resize', '-q', image, f'+{rand.choice([1, 8, 3000])}M', check=False)
    elif choice == 'shrink':
        qemu_img('resize', '-q', '--shrink', image, max(MIB, size // 2 // MIB * MIB), check=False)
    elif choice == 'bitmap' or not bitmaps:
        bitmaps.append(f'b{len(bitmaps)}-{rand.randrange(1000)}')
        qemu_img('bitmap', '--add', image, bitmaps[-1])
    else:
        qemu_img('bitmap', '--remove', image, bitmaps.pop())
    return f'{choice} {at} {length}'


def qemu_size(image):
    return int(support.blkscope('-U', '-c', 'length', '--json', image).out.split(':')[1].strip(' }\n'))


@pytest.mark.parametrize('options', [{}, {'cluster_size': 4096}, {'extended_l2': 'on'}])
def test_qcow2(work, options):
    rand = random.Random(f'{SEED} {options}')
    image = create(work / 'a.qcow2', 24 * MIB, **options)
    snapshots, bitmaps, done = [], [], []
    with session(*ARGS, image.name, cwd=work) as running:
        picture(running)
        for _ in range(ROUNDS):
            for _ in range(rand.randrange(1, 4)):
                done.append(qcow2_step(rand, image, snapshots, bitmaps))
            wait_until_same(running, image, f'SEED={SEED}: {done}')


def test_raw(work):
    rand = random.Random(SEED)
    image = work / 'a.raw'
    image.write_bytes(bytes(4 * MIB))
    done = []
    with session(*ARGS, '-f', 'raw', image.name, cwd=work) as running:
        picture(running)
        for _ in range(ROUNDS):
            step = rand.choice(['write', 'grow', 'cut', 'punch', 'beyond', 'nothing'])
            at = rand.randrange(8 * MIB)
            done.append(f'{step} {at}')
            with open(image, 'r+b') as file:
                if step in ('write', 'beyond'):
                    file.seek(at if step == 'write' else image.stat().st_size + at)
                    file.write(b'x' * rand.randrange(1, 100000))
                elif step == 'punch':
                    subprocess.run(['fallocate', '-p', '-o', str(at // 4096 * 4096), '-l', '65536', image], check=True)
                else:
                    file.truncate({'grow': image.stat().st_size + at, 'cut': min(at, image.stat().st_size), 'nothing': 0}[step])
            wait_until_same(running, image, f'SEED={SEED}: {done}', '-f', 'raw')


def wait_until_told(running, text):
    deadline, said = time.monotonic() + support.DEADLINE, ''
    while text not in said:
        assert time.monotonic() < deadline, said
        said += running.run('screen')


def test_a_file_that_is_replaced_is_told_of(work):
    image, other = create(work / 'a.qcow2', MIB), create(work / 'b.qcow2', 2 * MIB)
    with session(*ARGS, image.name, cwd=work) as running:
        running.run('length')  # it is open
        image.chmod(0o600)  # of the same file still
        other.rename(image)
        wait_until_told(running, 'a.qcow2 has been replaced by another file')
        assert '1 MiB' in running.run('length')
    with session(*ARGS, image.name, cwd=work) as running:
        running.run('length')
        image.unlink()
        wait_until_told(running, 'a.qcow2 has been moved or deleted')


def test_an_image_of_another_layout_in_its_place_is_told_of(work):
    image, other = create(work / 'a.qcow2', MIB), create(work / 'b.qcow2', MIB, cluster_size=4096)
    with session(*ARGS, image.name, cwd=work) as running:
        running.run('length')
        image.write_bytes(other.read_bytes())
        wait_until_told(running, 'a.qcow2 has been overwritten by an image of another layout')


def test_compressed_data_in_the_place_of_other(work):
    """What was decompressed is not the answer any more where others have put something else."""
    image = create(work / 'a.qcow2', MIB)
    write(image, 'write -c -P 1 0 64k')
    with session(*ARGS, image.name, cwd=work) as running:
        assert 'read 4096/4096' in running.run('read -P 1 0 4k')
        write(image, 'discard 0 64k', 'write -c -P 2 0 64k', 'write -P 3 64k 64k')
        deadline, said = time.monotonic() + support.DEADLINE, 'Pattern'
        while 'Pattern' in said:
            assert time.monotonic() < deadline, said
            running.run('screen')
            said = running.run('read -P 3 64k 4k')
        assert 'Pattern' not in running.run('read -P 2 0 4k')


def test_an_image_that_names_another_file_is_told_of(work):
    image = with_another_base(work)
    with session(*ARGS, image.name, cwd=work) as running:
        running.run('length')
        name_another_base(image)
        wait_until_told(running, 'or names other files now')


def test_lines_that_keep_coming_see_it_too(work):
    """Between two of them there is time to read the tables again, however soon the next one comes."""
    image = create(work / 'image.qcow2', 4 * MIB)
    with session(*ARGS, image.name, cwd=work) as running:
        for round_ in range(1, 4):
            running.run('read -q 0 64k')
            write(image, f'write -P {round_} {round_}M 64k')
            running.run('read -q 0 64k')
            write(image, f'write -P {round_ + 100} {round_ * 64}k 64k')
            deadline = time.monotonic() + support.DEADLINE
            while 'failed' in running.run(f'read -q -P {round_ + 100} {round_ * 64}k 64k'):
                assert time.monotonic() < deadline

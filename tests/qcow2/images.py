# SPDX-License-Identifier: GPL-3.0-or-later
"""Images for the tests, made by qemu-img and qemu-io, and the comparison with what qemu-io reads from them."""
import random
import struct
import subprocess

import support
from support import KIB, MIB, difference, without_times

BACKING_FORMAT, FEATURE_NAMES = 0xe2792aca, 0x6803f857
BITMAPS, CRYPTO, DATA_FILE = 0x23852875, 0x0537be77, 0x44415441
EXTENSIONS = 0x70  # where qemu-img's version 3 header ends


def qemu_img(*args, cwd=None, check=True, **options):
    return subprocess.run(['qemu-img', *map(str, args)], check=check, cwd=cwd, capture_output=True, text=True, timeout=60,
                          env=support.environment(), **options)


def create(path, size, *, backing=None, backing_format=None, **options):
    text = ','.join(f'{key}={value}' for key, value in options.items())
    qemu_img('create', '-q', '-f', 'qcow2', *(['-o', text] if text else []),
             *(['-b', backing, '-F', backing_format or 'qcow2'] if backing else []), path.name, *([size] if size is not None else []), cwd=path.parent)
    return path

def with_another_base(folder):
    """An image above base.qcow2, and other.qcow2, which others name instead later."""
    for name in ('base.qcow2', 'other.qcow2'):
        create(folder / name, MIB)
    return create(folder / 'a.qcow2', MIB, backing='base.qcow2', backing_format='qcow2')


def name_another_base(image):
    qemu_img('rebase', '-u', '-b', 'other.qcow2', '-F', 'qcow2', image)


def reference_io(path, *commands, read_only=True):
    """qemu-io's output and messages; the image is named as it is in its own folder."""
    args = [word for command in commands for word in ('-c', command)]
    return support.reference(*(['-r'] if read_only else []), *args, path.name, cwd=path.parent)


def our_io(path, *commands):
    args = [word for command in commands for word in ('-c', command)]
    return support.drop_in('-r', *args, path.name, cwd=path.parent)


def write(path, *commands):
    result = support.reference('-t', 'unsafe', path.name, cwd=path.parent, input=''.join(f'{command}\n' for command in commands))
    assert result.status == 0, result


def timeless(text):
    """As without_times(), but dumps, which are long and have no times, are left alone."""
    return '\n'.join(without_times(line) if 'sec' in line else line for line in text.split('\n'))


def same(path, *commands):
    """Both programs say the same, to the byte."""
    theirs, ours = reference_io(path, *commands), our_io(path, *commands)
    for what in ('out', 'err'):
        a, b = (timeless(getattr(result, what)) for result in (theirs, ours))
        assert a == b, f'{what} of {commands}\n{difference(a, b)[:4000]}'
    assert theirs.status == ours.status
    return ours


def scatter(path, size, seed, *, compressed=True, cluster=64 * KIB):
    """Writes of every kind all over the image: compressed ones first, for they can't overwrite."""
    rand = random.Random(seed)
    commands = []
    for first in range(size // cluster if compressed else 0):
        if rand.random() < 0.4:
            commands.append(f'write -c -P {first % 100 + 100} {first * cluster} {cluster}')
    for i in range(24):
        offset = rand.randrange(size)
        length = min(rand.choice([1, 511, 512, 4 * KIB, cluster // 3, cluster, 3 * cluster]), size - offset)
        commands.append(rand.choice([f'write -P {i + 1} {offset} {length}', f'write -z {offset} {length}',
                                     f'write -z -u {offset} {length}', f'discard {offset} {length}']))
    write(path, *commands)


def reads(size, seed, count=12):
    """Reads of every alignment; all of a small image is among them, and samples of a large one."""
    rand = random.Random(seed)
    if size <= MIB:
        yield f'read -v 0 {size}'
    else:
        yield f'read 0 {size}'
        count *= 2
    for _ in range(count):
        offset = rand.randrange(size)
        yield f'read -v {offset} {min(rand.choice([1, 100, 512, 4096, 70000, 300000]), size - offset)}'


def same_everywhere(path, size, seed=0):
    same(path, *reads(size, seed), 'map', f'alloc 0 {size}', 'info', 'length')


# ---- bytes of the file ----

def patch(path, *edits):
    """(offset, struct format or None for bytes, value)"""
    with open(path, 'r+b') as file:
        for offset, format, value in edits:
            file.seek(offset)
            file.write(value if format is None else struct.pack('>' + format, value))


def field(path, offset, format='Q'):
    with open(path, 'rb') as file:
        file.seek(offset)
        return struct.unpack('>' + format, file.read(struct.calcsize(format)))[0]


def l1_table(path):
    return field(path, 40)


def l2_table(path, index=0):
    return field(path, l1_table(path) + 8 * index) & 0x00fffffffffffe00


def extensions(*items):
    """(type, data[, length]), and the end."""
    out = b''
    for type, data, *length in items:
        out += struct.pack('>II', type, length[0] if length else len(data)) + data + bytes(-len(data) % 8)
    return out + bytes(8)

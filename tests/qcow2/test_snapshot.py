# SPDX-License-Identifier: GPL-3.0-or-later
"""Internal snapshots, opened read-only in place of the active state."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import images  # noqa: E402
from images import create, qemu_img, write  # noqa: E402
from support import MIB, blkscope  # noqa: E402


@pytest.fixture
def image(work):
    path = create(work / 'a.qcow2', MIB)
    write(path, 'write -P 1 0 256k')
    qemu_img('snapshot', '-c', 'first', path)
    write(path, 'write -P 2 128k 256k')
    qemu_img('snapshot', '-c', 'second', path)
    qemu_img('resize', '-q', path, '2M')
    write(path, 'write -z 0 1M')
    return path


def opened(path, snapshot, *commands):
    args = [word for command in (f'open -o snapshot={snapshot} {path.name}', *commands) for word in ('-c', command)]
    return blkscope(*args, cwd=path.parent)


@pytest.mark.parametrize('name, id, expected', [('first', '1', [(1, 0, '256k'), (0, '256k', '768k')]),
                                                ('second', '2', [(1, 0, '128k'), (2, '128k', '256k'), (0, '384k', '640k')])])
def test_by_id_and_by_name(image, name, id, expected):
    for which in (name, id):
        result = opened(image, which, 'length', *(f'read -q -P {pattern} {offset} {length}' for pattern, offset, length in expected))
        assert (result.out, result.err, result.status) == ('1 MiB\n', '', 0)


def test_the_map_is_that_of_the_snapshot(image):
    ours = opened(image, 'first', 'map').out
    qemu_img('snapshot', '-a', 'first', image)
    assert ours == images.reference_io(image, 'map').out


def test_unknown_snapshot(image):
    result = opened(image, 'third', 'length')
    assert "There is no snapshot 'third' in the image" in result.err and result.status == 1


def test_active_state_is_the_default(image):
    images.same(image, 'length', 'map', 'read -v 0 2M', 'info')


def test_vm_state_of_a_snapshot(work):
    path = create(work / 'a.qcow2', MIB)
    write(path, 'write -b -P 9 0 128k')
    qemu_img('snapshot', '-c', 'first', path)
    write(path, 'write -b -P 8 0 128k')
    assert opened(path, 'first', 'read -q -b -P 9 0 128k').status == 0
    images.same(path, 'read -b -P 8 0 128k')

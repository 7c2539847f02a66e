# SPDX-License-Identifier: GPL-3.0-or-later
"""search: how far it looks."""
import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / 'qcow2'))

import images  # noqa: E402
from support import KIB, MIB, blkscope  # noqa: E402

UNREADABLE = 4 * MIB


@pytest.fixture
def image(work):
    """Matches in a row across reads at the beginning, one more, and a sector behind both that can't be read."""
    path = work / 'a.raw'
    data = bytearray(b'.') * (8 * MIB)
    data[1000:1005] = b'aaaaa'
    data[64 * KIB - 2:MIB + 64 * KIB] = b'a' * (MIB + 2)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize('lines, expected', [
    (1, '0x3e8..0x3ec (5 matches in a row)\n'),
    (2, f'0x3e8..0x3ec (5 matches in a row)\n{64 * KIB - 2:#x}..{MIB + 64 * KIB - 1:#x} ({MIB + 2} matches in a row)\n'),
])
def test_it_ends_with_the_last_line_that_is_wanted(image, lines, expected):
    broken = (f'open -o driver=raw,file.driver=blkdebug,file.image.filename={image.name},file.inject-error.0.event=none,'
              f'file.inject-error.0.iotype=read,file.inject-error.0.sector={UNREADABLE // 512},file.inject-error.0.once=off')
    result = blkscope('-c', broken, '-c', f'search -n {lines} a', cwd=image.parent)
    assert (result.out, result.err, result.status) == (expected, '', 0)
    result = blkscope('-c', broken, '-c', 'search -n 3 a', cwd=image.parent)
    assert 'could not be read' in result.err and result.status == 1


def test_data_without_bytes_behind_it_is_not_read(work):
    """A preallocated image counts all of itself as data, and its file has bytes for next to nothing of that."""
    image = work / 'a.qcow2'
    images.create(image, 64 * MIB, preallocation='metadata')
    images.write(image, 'write -P 0x61 1M 64k')
    host = next(e for e in json.loads(images.qemu_img('map', '--output=json', image).stdout) if e['start'] <= 32 * MIB < e['start'] + e['length'])
    broken = (f'open -o driver=qcow2,file.driver=blkdebug,file.image.filename={image.name},file.inject-error.0.event=none,'
              f'file.inject-error.0.iotype=read,file.inject-error.0.sector={(host["offset"] + 32 * MIB - host["start"]) // 512},file.inject-error.0.once=off')
    result = blkscope('-c', broken, '-c', 'search aa 1M', '-c', 'read 32M 64k', cwd=work)
    assert result.out == '0x100000..0x10fffe (65535 matches in a row)\nread failed: Input/output error\n' and result.err == ''
    zeroes = blkscope('-c', 'search -x 00', image.name, cwd=work)
    assert zeroes.out == f'0x0..0xfffff ({MIB} matches in a row)\n0x110000..0x3ffffff ({63 * MIB - 64 * KIB} matches in a row)\n'

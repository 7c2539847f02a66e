# SPDX-License-Identifier: GPL-3.0-or-later
"""search: how far it looks."""
import pytest

from support import KIB, MIB, blkscope

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

# SPDX-License-Identifier: GPL-3.0-or-later
"""map export: the picture is a well-formed one, with the totals of map --summary."""
import re
import sys
from pathlib import Path
from xml.dom import minidom

sys.path.insert(0, str(Path(__file__).parent))

from images import create, scatter  # noqa: E402
from support import MIB, blkscope  # noqa: E402


def test_squares_add_up(work):
    path = create(work / 'a<&b.qcow2', 5 * MIB)
    scatter(path, 5 * MIB, 1)
    result = blkscope('-c', 'map export a.svg', path.name, cwd=work)
    assert (result.out, result.err, result.status) == ('a.svg written\n', '', 0)
    svg = minidom.parse(str(work / 'a.svg'))
    titles = [title.firstChild.data for title in svg.getElementsByTagName('title')]
    end, sums = -1, {}
    for title in titles:
        first, last = (int(number, 16) for number in re.match(r'(0x\w+)\.\.(0x\w+)', title).groups())
        shares = dict(re.findall(r', ([a-z-]+) (\d+) bytes', title))
        assert first == end + 1 and last - first + 1 == sum(map(int, shares.values()))
        end = last
        for kind, count in shares.items():
            sums[kind] = sums.get(kind, 0) + int(count)
    assert end == 5 * MIB - 1
    texts = [text.firstChild.data for text in svg.getElementsByTagName('text')]
    assert texts[0].startswith('a<&b.qcow2, 5 MiB')
    assert {text.split()[0]: int(text.split()[1]) for text in texts[1:]} == sums


def test_nothing_is_overwritten(work):
    path = create(work / 'a.qcow2', MIB)
    (work / 'b.svg').write_text('mine')
    result = blkscope('-c', 'map export b.svg', path.name, cwd=work)
    assert (result.err, result.status) == ("blkscope: map: 'b.svg' is there already; only a program started with -w replaces a file (sandbox)\n", 1)
    assert (work / 'b.svg').read_text() == 'mine'
    before = path.read_bytes()
    assert 'only a program started with -w' in blkscope('-c', 'map export --force b.svg', path.name, cwd=work).err
    assert blkscope('-w', '-c', 'map export b.svg', path.name, cwd=work).err == "blkscope: map: 'b.svg' is there already; --force replaces it\n"
    assert (work / 'b.svg').read_text() == 'mine'
    result = blkscope('-w', '-c', 'map export --force a.qcow2', path.name, cwd=work)
    assert (result.err, result.status) == ("blkscope: map: 'a.qcow2' is a file of the image\n", 1)
    assert path.read_bytes() == before
    assert blkscope('-w', '-c', 'map export --force b.svg', path.name, cwd=work).status == 0
    assert minidom.parse(str(work / 'b.svg'))
    assert 'No such file' in blkscope('-c', 'map export none/b.svg', path.name, cwd=work).err

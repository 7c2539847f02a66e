# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded output of what the reference program can't be asked: the 2.4 dialect, our own name, commands it has not got.

Each golden/NAME.io (in the format of cases.py) has its golden/NAME.out.  UPDATE_GOLDEN=1 rewrites; the diff is for a reader.
"""
import os
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import cases  # noqa: E402
import support  # noqa: E402

FOLDER = Path(__file__).parent / 'golden'


def play(case, folder):
    case.prepare(folder)
    result = support.run(case.argv(), name=case.name_of_program, input=case.input(), cwd=folder)
    dialect = '2.4' if '2.4' in case.args else '7.2'
    out = support.without_times(result.out, dialect)
    if case.unordered:
        out = '\n'.join(sorted(out.replace(f'{case.name_of_program}> ', '').splitlines())) + '\n'
    text = [f'== {case.name.split(": ", 1)[1]}', f'status {result.status}', out.rstrip('\n')]
    if result.err:
        text += ['-- stderr', result.err.rstrip('\n')]
    untouched = folder.parent / 'untouched.img'
    support.make_image(untouched, cases.size_of(case.image))
    if support.same_bytes(folder / 'test.img', untouched):
        text.append('-- the image changed')
    return '\n'.join(text) + '\n'


@pytest.mark.parametrize('path', sorted(FOLDER.glob('*.io')), ids=lambda path: path.stem)
def test_golden(path, work):
    text = ''
    for number, case in enumerate(cases.load(path)):
        (work / str(number)).mkdir()
        text += play(case, work / str(number) / 'case') + '\n'
    expected = path.with_suffix('.out')
    if os.environ.get('UPDATE_GOLDEN') == '1':
        expected.write_text(text)
        return
    recorded = expected.read_text() if expected.exists() else ''
    if recorded != text:
        pytest.fail(support.difference(recorded, text).replace('reference', 'recorded', 1), pytrace=False)


def test_every_golden_file_has_its_script():
    assert {path.stem for path in FOLDER.glob('*.out')} == {path.stem for path in FOLDER.glob('*.io')}


def test_no_case_twice():
    names = [case.name for path in FOLDER.glob('*.io') for case in cases.load(path)]
    assert len(names) == len(set(names))


def test_seconds_of_the_2_4_dialect(work):
    """Taken out of the golden files, so checked here: 0.NNNN sec below a second, m:ss.cc from there on and with -C."""
    support.make_image(work / 'test.img')
    out = support.blkscope('--dialect=2.4', '-c', 'read 0 512', '-c', 'read -C 0 512', 'test.img', cwd=work).out
    assert re.search(r'^512 bytes, 1 ops; 0\.\d{4} sec \([\d.]+ [KMG]?i?B(?:ytes)?|bytes/sec and \d+\.\d{4} ops/sec\)$', out, re.M), out
    assert re.search(r'^512,1,\d+:\d\d:\d\d\.\d\d,\d+\.\d{3},\d+\.\d{3}$', out, re.M), out

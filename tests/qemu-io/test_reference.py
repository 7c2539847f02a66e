# SPDX-License-Identifier: GPL-3.0-or-later
"""The same script through the reference program and through ours under its name: output, messages, status and images are equal."""
import re
import string
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import cases  # noqa: E402
import differences  # noqa: E402
import support  # noqa: E402


def normalise(case, result):
    out, err = support.without_times(result.out), re.sub(r'#block\d+', '#blockN', result.err)
    if case.unordered:
        out = '\n'.join(sorted(line for line in out.replace('qemu-io> ', '').splitlines())) + '\n'
    for name in ['usage-line', *case.differs]:
        out, err = differences.BY_NAME[name](out, err)
    return out, err


def compare(case, work):
    results = {}
    for who, program in (('reference', support.REFERENCE), ('ours', support.BLKSCOPE)):
        folder = work / who
        case.prepare(folder)
        results[who] = support.run(case.argv(), program=program, name='qemu-io', input=case.input(), cwd=folder)
    theirs, ours = results['reference'], results['ours']
    their_out, their_err = normalise(case, theirs)
    our_out, our_err = normalise(case, ours)
    problems = []
    if their_out != our_out:
        problems.append('stdout:\n' + support.difference(their_out, our_out))
    if their_err != our_err:
        problems.append('stderr:\n' + support.difference(their_err, our_err))
    if theirs.status != ours.status and 'native-aio' not in case.differs:
        problems.append(f'status: {theirs.status} in the reference, {ours.status} in ours')
    for name in ('test.img', 'second.img', 'odd.img', 'src.bin'):
        different = support.same_bytes(work / 'reference' / name, work / 'ours' / name)
        if different:
            problems.append(f'{name}: {different}')
    if problems:
        pytest.fail('\n'.join([f'qemu-io {" ".join(case.argv())}', *case.lines, '', *problems]), pytrace=False)


@pytest.mark.parametrize('case', cases.load_all(), ids=lambda case: re.sub(r'[^\w.=-]+', '-', case.name))
def test_same_as_reference(case, work):
    compare(case, work)


COMMANDS = ['aio_flush', 'aio_read', 'aio_write', 'alloc', 'break', 'close', 'discard', 'flush', 'info', 'length', 'map', 'read',
            'readv', 'remove_break', 'reopen', 'resume', 'sigraise', 'sleep', 'truncate', 'write', 'writev',
            'open', 'help', 'abort']
LETTERS = string.ascii_letters + string.digits + '?-_'


@pytest.mark.parametrize('command', COMMANDS)
def test_every_option_letter(command, work):
    """Each command with each letter as an option, alone and with arguments: taken or refused alike."""
    # `truncate -m x` and `truncate -- x` end the reference with a segmentation fault.
    letters = re.sub('[m-]', '', LETTERS) if command == 'truncate' else LETTERS
    lines = [f'{command} -{letter}{rest}' for letter in letters
             for rest in ('', ' 1k', ' 1k 512', ' 1 1k 512')]
    if command.startswith('aio'):
        # One at a time: two that overlap may end in either order.
        lines = [part for line in lines for part in (line, 'aio_flush')]
    case = cases.Case(f'letters: {command}', lines=lines, unordered=command.startswith('aio'),
                      differs=['help-prose'] if command == 'help' else [])
    if command == 'open':
        case.args, case.open = '', 'none'
        case.lines = [f'open -{letter} {rest}' for letter in LETTERS for rest in ('missing.img', 'none missing.img', 'x y z')]
    compare(case, work)


def test_differences_are_explained():
    """Every name a case uses has its section in DIFFERENCES.md, and the other way round."""
    text = (Path(__file__).parent / 'DIFFERENCES.md').read_text()
    described = set(re.findall(r'^## ([\w-]+)$', text, re.M))
    assert described == set(differences.BY_NAME)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents tell what the program prints now: every command of the tutorial is run, and the pictures are made again."""
import os
import re
import subprocess

import pytest

import support

TUTORIAL = support.CHECKOUT / 'doc/tutorial.md'
DATE = re.compile(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d')


def sessions(text):
    """(command, what it prints) for each line that begins with a dollar sign, in order."""
    block = []
    for line in text.splitlines():
        if line.startswith('    $ '):
            block.append((line[6:], []))
        elif line.startswith('    ') and block:
            block[-1][1].append(line[4:])
    return block


def pattern(lines):
    """A pattern of what is to be printed: `...` is any lines, a date any date."""
    parts = []
    for line in lines:
        if line == '...':
            parts.append(r'(?:.*\n)*?')
        else:
            literal = [re.escape(part) for part in DATE.split(line)]
            parts.append(DATE.pattern.join(literal) + r'\n')
    return ''.join(parts)


@pytest.mark.skipif(support.FLAVOUR == 'valgrind', reason='the shell calls the program by its name')
def test_every_command_of_the_tutorial(work):
    found = sessions(TUTORIAL.read_text())
    assert len(found) >= 15
    env = support.environment(PATH=f'{support.links("blkscope")}:{os.environ["PATH"]}')
    wrong = []
    for command, printed in found:
        result = subprocess.run(['bash', '-c', command], cwd=work, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, timeout=support.DEADLINE)
        if not re.fullmatch(pattern(printed), result.stdout):
            wrong.append(f'$ {command}\n{result.stdout}')
    assert not wrong, f'{TUTORIAL} says something else than\n' + '\n'.join(wrong)


def test_pictures_are_current(work):
    """./dev shots would change nothing."""
    commands = sorted((support.CHECKOUT / 'doc/shots').glob('*.commands'))
    assert commands
    for name in ('text', 'label', 'swap'):
        (work / name).write_bytes({'text': (support.CHECKOUT / 'LICENSE').read_bytes(), 'label': b'demonstration\0\0\0', 'swap': b'SWAPSPACE2'}[name])
    support.blkscope('--stop-on-error', '--headless', '--script', support.CHECKOUT / 'doc/demo/commands', cwd=work)
    for script in commands:
        shown = support.blkscope('--headless', '--no-config', '--no-history', '--theme=dark', '--refs=follow', '--script', script, 'demo.qcow2',
                                 cwd=work, env=support.environment(COLUMNS='120', LINES='36', **support.SCREEN)).out
        kept = script.with_suffix('.svg').read_text()
        assert shown[shown.index('<svg'):] == kept, f'{script.stem}.svg is old: ./dev shots makes it again'

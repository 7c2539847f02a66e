# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents tell what the program prints now: every command of the tutorial is run, and the pictures are made again."""
import os
import re
import shlex
import subprocess

import pytest

import support

TUTORIAL = support.CHECKOUT / 'doc/tutorial.md'
DATE = re.compile(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d')


def sessions(text):
    """(command, what it prints) for each line that begins with a dollar sign, in order.  `keys ...` is part of what it prints."""
    block = []
    for line in text.splitlines():
        if line.startswith('    $ '):
            block.append((line[6:], []))
        elif line.startswith('    ') and block:
            block[-1][1].append(line[4:])
    return block


def press(command, lines, work):
    """Presses the keys of a session in full screen; returns the lines of the tutorial that were not on the screen by then."""
    steps = []
    for line in lines:
        if line.startswith('keys '):
            steps.append((line, []))
        else:
            steps[-1][1].append(line)
    _, *args = shlex.split(command)
    # The first screen is there before a key is pressed, as it is for who reads along.
    script = 'screen\n' + ''.join(f'{keys}\nscreen\n' for keys, _ in steps)
    shown = support.blkscope('--headless', '--no-config', '--no-history', *args, cwd=work, input=script,
                             env=support.environment(COLUMNS='80', LINES='24', **support.SCREEN)).out
    _, _, *screens = re.split(r'(?=^.* (?:MOVE|TYPE|HEX) )', shown, flags=re.M)
    assert len(screens) == len(steps), shown
    return [f'{command}: {keys}: {line}\n{screen}' for (keys, lines), screen in zip(steps, screens) for line in lines
            if not re.search(re.escape(line).replace(r'\.\.\.', '.*'), screen)]


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
    screens = 0
    for command, printed in found:
        if printed and printed[0].startswith('keys '):
            wrong += press(command, printed, work)
            screens += 1
            continue
        result = subprocess.run(['bash', '-c', command], cwd=work, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, timeout=support.DEADLINE)
        if not re.fullmatch(pattern(printed), result.stdout):
            wrong.append(f'$ {command}\n{result.stdout}')
    assert screens == 5, 'each question is answered in the full screen, too'
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

# SPDX-License-Identifier: GPL-3.0-or-later
"""
Names that would drive a terminal, wherever an image, a path, an option or a script can have one: none reaches the output as it is, whatever runs, in
lines, as JSON, on the screen or at the prompt.
"""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / 'pty')]

import support  # noqa: E402
from support import KIB, MIB  # noqa: E402
from steps import leave_console  # noqa: E402
from terminal import Terminal  # noqa: E402
from test_read_only import GENERAL, WORDS, tool  # noqa: E402

# The clipboard, the title, the same with controls of one byte, text that runs backwards, what isn't seen, and no UTF-8.
HOSTILE = '\x1b]52;c;aGk=\x07\x1b]0;own\x07\x9b31m\u202e\u2066\x7f\x85\u200b\U000e0041'.encode() + b'\xff\x9b31m'
TEXT = os.fsdecode(HOSTILE)
CONTROLS = re.compile('[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e0fff]')
WAITS_OR_ENDS = {'abort', 'quit', 'sigraise', 'sleep', 'wait_break'}


@pytest.fixture
def images(work):
    """A qcow2 image whose every name is hostile; one that is marked corrupt, one with features of such names that matter to nobody, one where they do."""
    base = b'b' + HOSTILE
    (work / os.fsdecode(base)).write_bytes(b'x' * MIB)
    (work / ('b' * len(base))).write_bytes(b'x' * MIB)
    tool('qemu-img', 'create', '-q', '-f', 'qcow2', '-b', work / ('b' * len(base)), '-F', 'raw', '-o', 'cluster_size=4096', work / 'd', '2M')
    tool('qemu-img', 'rebase', '-q', '-u', '-b', 'b' * len(base), '-F', 'raw', work / 'd')
    tool('qemu-img', 'snapshot', '-c', 'S' * len(HOSTILE), work / 'd')
    tool('qemu-img', 'bitmap', '--add', work / 'd', 'B' * len(HOSTILE))
    tool('qemu-io', '-c', 'write -P 6 65k 4k', work / 'd')
    data = (work / 'd').read_bytes()
    for old, new in ((b'b' * len(base), base), (b'S' * len(HOSTILE), HOSTILE), (b'B' * len(HOSTILE), HOSTILE)):
        assert old in data
        data = data.replace(old, new)
    (work / f'd{TEXT}').write_bytes(data)
    (work / 'corrupt').write_bytes(data[:79] + b'\2' + data[80:])
    (work / 'd').unlink()
    tool('qemu-img', 'create', '-q', '-f', 'qcow2', work / 'features', '2M')
    data = (work / 'features').read_bytes()
    for kind, bit, old in ((1, 6, b'\1\0lazy refcounts'), (0, 6, b'\0\1corrupt bit')):
        assert old in data
        data = data.replace(old.ljust(48, b'\0'), bytes([kind, bit]) + HOSTILE[:46].ljust(46, b'\0'))
    (work / 'features').write_bytes(data[:87] + b'\x40' + data[88:])
    (work / 'refused').write_bytes(data[:79] + b'\x40' + data[80:])
    return [f'd{TEXT}', 'corrupt', 'features', 'refused']


def unchanged(data):
    """Controls that are there, with what is around the first."""
    text = data.decode('utf-8', 'replace')
    found = CONTROLS.search(text)
    return found and text[max(0, found.start() - 80):found.end() + 80]


def script():
    listed = support.blkscope('--headless', '-c', 'help').out
    names = [name for name in re.findall(r'^([a-z_-]+)[ ,]', listed, re.M) if name not in WAITS_OR_ENDS]
    lines = [f'{name} {words}' for name in dict.fromkeys(names) for words in (*WORDS.get(name, GENERAL)[:4], TEXT, f'-{TEXT}')]
    lines = [line.replace('OUT', TEXT).replace('DISK', f'd{TEXT}').replace('OTHER', TEXT).replace('SCRIPT', TEXT) for line in lines]
    return '\n'.join([*lines, TEXT, 'screen', 'focus pending', 'screen', 'show help', 'screen', '']).encode('utf-8', 'surrogateescape')


@pytest.mark.parametrize('mode', [['--headless', '--no-config'], ['--headless', '--no-config', '--json'], ['--no-config'], ['--dialect=2.4']], ids=' '.join)
def test_no_command_says_them(work, images, mode):
    lines = script()
    for args in (*([image] for image in images), ['-s', images[0]], ['-f', 'raw', f'b{TEXT}'], [f'blkdebug::{images[0]}']):
        result = subprocess.run(['blkscope', *mode, *args], executable=support.BLKSCOPE, cwd=work, input=lines, capture_output=True, timeout=support.DEADLINE,
                                env=support.environment(), check=False)
        assert result.returncode in (0, 1), (args, result.stderr[-500:])
        for stream in (result.stdout, result.stderr):
            assert not unchanged(stream), (mode, args)
        assert len(result.stdout) > KIB or args == ['refused'], (mode, args)


@pytest.mark.parametrize('args', [[TEXT], ['-f', TEXT, 'x'], ['--object', f'secret,id={TEXT}', 'x'], ['--image-opts', f'driver=qcow2,{TEXT}=1,file.filename=x'],
                                  [f'--refs={TEXT}', 'x'], [f'--dialect={TEXT}'], ['-t', TEXT], [f'--{TEXT}'], [f'--refs{TEXT}'], [f'-{TEXT}'], [f'--json={TEXT}'],
                                  ['-i', TEXT], ['--script', TEXT], [f'nbd://{TEXT}'], [f'nbd+unix:///{TEXT}?socket={TEXT}'], [f'json:{{"{TEXT}'], [f'ssh://{TEXT}'],
                                  ['-c', TEXT], ['-c', f'read -{TEXT}'], [f'--theme={TEXT}', '--headless', '-c', 'screen']], ids=lambda args: args[0][:6])
def test_no_message_about_an_option_says_them(work, args):
    result = subprocess.run(['blkscope', *args], executable=support.BLKSCOPE, cwd=work, stdin=subprocess.DEVNULL, capture_output=True, timeout=support.DEADLINE,
                            env=support.environment(), check=False)
    assert result.returncode in (0, 1) and not unchanged(result.stdout) and not unchanged(result.stderr)


def test_nor_does_the_name_of_the_program(work):
    for args in (['-Q'], ['-c', 'read 0 q', 'x'], []):
        result = subprocess.run([f'b{TEXT}', *args], executable=support.BLKSCOPE, cwd=work, stdin=subprocess.DEVNULL, capture_output=True, timeout=support.DEADLINE,
                                env=support.environment(), check=False)
        assert not unchanged(result.stdout) and not unchanged(result.stderr), args


def test_json_has_the_names_all_the_same(work, images):
    """All that is text of them; what is no UTF-8 has no place in JSON."""
    bitmap = json.loads(support.blkscope('--json', '-c', 'bitmaps', images[0], cwd=work).out)
    assert bitmap['name'] == HOSTILE.decode('utf-8', 'replace')


def test_the_screen_and_the_prompt_do_not_say_them(work, images):
    pieces = [b'\x1b]52', b'\x1b]0;', b'own\x07', b'\xc2\x9b', b'\x9b31m', b'\xe2\x80\xae', b'\xe2\x81\xa6', b'\xc2\x85', b'\xf3\xa0\x81\x81']
    with Terminal(['--refs=follow', images[0]], cwd=work) as t:
        for line in ('info', 'snapshots', 'bitmaps', 'header', 'chain', 'check', 'nothing'):
            t.send(':', line, 'Enter')
            leave_console(t)
        t.send('\x1b[18~')  # F7
        t.wait('chain · 2 layers')
        t.send('Esc')
        t.wait('Tab next')
        t.send('q')
        t.exit_status()
        assert [piece for piece in pieces if piece in t.raw] == []
    with Terminal(['--plain', '--refs=follow', images[0]], cwd=work) as t:
        for line in ('info', 'snapshots', 'bitmaps', 'header', 'chain', 'check', 'quit'):
            t.send(line, 'Enter')
        t.exit_status()
        assert b'snapshot' in t.raw and [piece for piece in pieces if piece in t.raw] == []

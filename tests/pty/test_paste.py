# SPDX-License-Identifier: GPL-3.0-or-later
"""Pasted text, rubbish, and what is copied."""
import base64
import os
import select
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from steps import command, mouse, quit_by_key  # noqa: E402
from terminal import DEADLINE  # noqa: E402


def test_pasted_lines_run_nothing_until_enter(start):
    t = start()
    command(t, 'length')
    t.wait('> length')
    t.send('\x1b[200~sleep 60000\rquit\r\x1b[201~')
    t.wait('sleep 60000\\nquit\\n')
    t.send('Ctrl-U', 'length', 'Enter')
    t.wait('4 MiB')
    quit_by_key(t)
    assert t.exit_status() == 0
    t.assert_restored()


def test_pasted_rubbish_loses_nothing_behind_it(start):
    t = start()
    t.send(':')
    t.wait('TYPE')
    data = b'\x1b[200~' + bytes(byte for byte in range(256) if byte != 0x1b) * 100 + b'\x1b[201~'
    while data:
        data = data[os.write(t.leader, data[:4096]):]
        t.pump(0)
    t.send('Ctrl-U', 'length', 'Enter')
    t.wait('> length')
    os.write(t.leader, b'\xff\xc3\xe2\x82' * 50)  # typed: no keys, and no characters that wait for the rest
    t.send('Ctrl-U', 'sleep 1', 'Enter')
    t.wait('> sleep 1')


def test_pasted_text_presses_no_keys(start):
    t = start()
    t.send('\x1b[200~q\x1b[201~')
    t.wait('press : first')
    t.send('q')
    assert t.exit_status() == 0


def test_a_large_paste_is_taken_whole(start):
    t = start()
    t.send(':')
    t.wait('Esc leave')
    text = '\x1b[200~' + 'length\n' * 20000 + '\x1b[201~'
    data = text.encode()
    while data:
        n = os.write(t.leader, data[:4096])
        data = data[n:]
        t.pump(0)
    t.send('Ctrl-U', 'length', 'Enter')
    t.wait('4 MiB')
    quit_by_key(t)
    assert t.exit_status() == 0


def test_copied_text_is_harmless(work, start):
    """Of a name that Tab took from a folder: a control character of two bytes, and a byte that is no UTF-8."""
    (work / b'od\xc2\x9bd\xff'.decode(errors='surrogateescape')).touch()
    t = start(TERM='xterm-256color', cwd=work)
    t.send(':', 'source o', 'Tab', 'Enter')
    t.wait('> source o')
    row = next(i for i, line in enumerate(t.screen.display) if '> source o' in line)
    for code, x, final in ((0, 3, 'M'), (32, 9, 'M'), (0, 9, 'm')):
        mouse(t, code, x, row, final)
    t.raw_wait(b'\x1b]52;c;' + base64.b64encode(b'> source od?d? \n') + b'\x07')


def test_copying_reaches_the_terminal(start):
    t = start(TERM='xterm-256color')
    command(t, 'length')
    t.wait('4 MiB')
    t.send('\x1b[17~')  # F6
    t.raw_wait(b'\x1b]52;c;NCBNaUIK\x07')
    command(t, 'set clipboard off ; length')
    t.wait('off ; length')
    mark = len(t.raw)
    t.send('\x1b[17~')
    t.wait('not copied')
    assert b'\x1b]52' not in t.raw[mark:]


def test_rubbish_typed_does_no_harm(start, disk):
    import random
    before = disk.read_bytes()
    t = start()
    rng = random.Random(7)
    for _ in range(60):
        # Anything but the keys that leave: q, Ctrl-C, Ctrl-D, Ctrl-Z, Ctrl-\\.
        data = bytes(rng.choice([b for b in range(256) if b not in (0x71, 0x03, 0x04, 0x1a, 0x1c, 0x11, 0x13)]) for _ in range(200))
        os.write(t.leader, data)
        t.pump(0.02)
        if t.job.poll() is not None:
            break
    assert t.job.poll() is None, t.text()
    t.send('Ctrl-C', 'Esc', 'Esc')
    assert disk.read_bytes() == before


def test_commands_run_while_a_paste_goes_on(start, disk):
    t = start('-w', '-f', 'raw')
    t.send(':')
    os.set_blocking(t.leader, False)
    junk = b'read -q 0 512\r' * 1000
    end, left = time.monotonic() + DEADLINE, b'sleep 100\rtruncate 8M\r' + junk
    while disk.stat().st_size < 8 << 20:
        assert time.monotonic() < end, 'not one command ran'
        readable, writable, _ = select.select([t.leader], [t.leader], [], 1)
        if readable:
            os.read(t.leader, 65536)
        if writable:
            left = left[os.write(t.leader, left):] or junk

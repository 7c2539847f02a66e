# SPDX-License-Identifier: GPL-3.0-or-later
"""While commands run: output, Ctrl-C, requests that wait, a disk that does not answer."""
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import support  # noqa: E402
from steps import command, leave_console, quit_by_key  # noqa: E402
from terminal import Terminal  # noqa: E402


def test_ctrl_c_ends_a_command_and_nothing_else(start):
    t = start()
    command(t, 'sleep 60000')
    t.wait('> sleep 60000')
    t.send('Ctrl-C')
    command(t, 'length')
    t.wait('4 MiB')
    t.wait('> length')
    assert t.job.poll() is None


def memory(pid, what):
    with open(f'/proc/{pid}/status') as status:
        return next(int(line.split()[1]) for line in status if line.startswith(what))


@pytest.mark.skipif(bool(support.FLAVOUR), reason='minutes of output under a sanitizer')
def test_a_gigabyte_of_output_leaves_the_screen_alive_and_the_memory_flat(work):
    (work / 'big.img').write_bytes(b'')
    os.truncate(work / 'big.img', 256 << 20)
    with Terminal(['-f', 'raw', work / 'big.img'], cwd=work) as t:
        t.wait('console')
        command(t, 'read -v 0 256m')
        t.wait('Esc leave')  # in the last line: all of the frame is here
        leave_console(t)
        t.send('?')
        t.wait('close  / search')
        t.send('q')
        t.wait(lambda t: '256 MiB, 1 ops' in t, 'the end of the dump')
        assert memory(t.pid, 'VmHWM') < (256 + 100) << 10  # the buffer and little else


def test_ctrl_c_ends_a_dump_at_once(work):
    (work / 'big.img').write_bytes(b'')
    os.truncate(work / 'big.img', 512 << 20)
    with Terminal(['-f', 'raw', work / 'big.img'], cwd=work) as t:
        t.wait('console')
        command(t, 'read -v 0 512m')
        t.wait(lambda t: '00000000  ................' in t or '00 00 00 00' in t, 'rows of the dump')
        t.send('Ctrl-C')
        command(t, 'length')
        t.wait('512 MiB')
        t.wait('> length')
        assert '512 MiB, 1 ops' not in t


def test_the_screen_lives_while_a_command_runs(start):
    t = start()
    command(t, 'sleep 60000')
    t.wait('> sleep 60000')
    leave_console(t)
    t.send('?')
    t.wait('close  / search')
    t.send('q')
    t.wait_gone('close  / search')
    t.resize(30, 100)
    t.wait(lambda t: any(line[90:].strip() for line in t.screen.display) and 'sleep 60000' in t, 'the screen in its new size')
    t.send('Ctrl-C')
    t.wait_gone('Ctrl-C ends it')
    t.send('q')
    t.exit_status()
    t.assert_restored()


def test_suspended_request_is_resumed_from_its_row(debugged):
    t = debugged
    command(t, 'break read_aio A')
    t.wait('> break read_aio A')
    command(t, 'aio_read 64k 4k')
    t.wait("blkdebug: Suspended request 'A'")
    row = t.wait(lambda t: next((line for line in t.screen.display if '0x10000' in line and 'suspended' in line), None), 'the row')
    assert 'A' in row
    leave_console(t)
    # to the pending panel, whichever is in focus now; r is its own key
    for _ in range(4):
        t.send('r')
        t.pump(0.1)
        if "Resuming request 'A'" in t:
            break
        t.send('Tab')
    t.wait("blkdebug: Resuming request 'A'")
    t.wait('read 4096/4096 bytes at offset 65536')
    t.wait(lambda t: not any('suspended' in line and '0x10000' in line for line in t.screen.display), 'the row gone')


def test_quit_with_a_suspended_request(debugged):
    t = debugged
    command(t, 'break read_aio A')
    command(t, 'aio_read 64k 4k')
    t.wait("Suspended request 'A'")
    quit_by_key(t)
    t.exit_status()
    t.assert_restored()


def test_wait_break_ends_with_ctrl_c(debugged):
    t = debugged
    command(t, 'wait_break B')
    t.wait('> wait_break B')
    t.send('Ctrl-C')
    command(t, 'length')
    t.wait('4 MiB')


def test_a_script_may_end_while_panels_read(disk):
    for _ in range(10):
        result = support.run(['--headless', '-f', 'raw', '-c', 'map-zoom-in 99T', disk])
        assert result.status == 1
        assert result.err == 'map-zoom-in: 0x630000000000 is outside the image, which ends at 0x400000\n'


@pytest.mark.skipif(bool(support.FLAVOUR), reason='a sanitizer wants to be preloaded first, valgrind sees the system calls anyway')
def test_a_hung_disk_delays_only_its_own_request(start, work):
    """The request stands in flight, the screen and other requests go on, Ctrl-C leaves it behind, and the end says what it waits for."""
    preload = work / 'hung-disk.so'  # a copy: no space in the name of a preloaded library
    shutil.copy(Path(support.BLKSCOPE).parent / 'tests/pty/hung-disk.so', preload)
    t = start(LD_PRELOAD=str(preload), HUNG_FROM=str(2 << 20), BLKSCOPE_AIO='threads')
    command(t, 'read 2M 4k')
    t.wait('in flight')
    t.wait('Ctrl-C ends it')
    leave_console(t)
    t.send('Tab')
    command(t, '')
    t.send('Ctrl-C')
    t.wait('cancelled: read 2M 4k')
    command(t, 'read 0 4k')
    t.wait('read 4096/4096 bytes at offset 0')
    quit_by_key(t)
    t.wait('waiting for requests that the disk')
    t.send('Ctrl-C')
    assert t.killed_by() == signal.SIGINT
    t.assert_restored()

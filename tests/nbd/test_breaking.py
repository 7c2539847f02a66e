# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a session when its server stands still, goes away or comes back different."""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import support

sys.path[:0] = [str(Path(__file__).parent), *(str(Path(__file__).parent.parent / folder) for folder in ('pty', 'sandbox'))]

from servers import FLUSH, READ, Server, WRITE  # noqa: E402
from session import session  # noqa: E402
from terminal import Terminal  # noqa: E402
from test_look_again import wait_for  # noqa: E402


def options(work, more=''):
    return f'driver=raw,file.driver=nbd,file.path={work / "s"}{more}'


def start(work, *lines, more=''):
    words = [word for line in lines for word in ('-c', line)]
    return subprocess.Popen([support.BLKSCOPE, '--image-opts', *words, options(work, more)], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=support.environment())


def run(work, *lines, more=''):
    return support.blkscope('--image-opts', *[word for line in lines for word in ('-c', line)], options(work, more))


# ---- cancelling ----

class Dribbles(Server):
    """Sends the bytes of a read one by one, for ever."""
    def reply_data(self, connection, cookie, offset, data):
        with self.came:
            self.chunk(connection, cookie, 1, b'\0' * 8 + data[:0], flags=0)
        while not self.stopping:
            self.chunk(connection, cookie, 1, offset.to_bytes(8, 'big') + b'x', flags=0)
            time.sleep(0.2)


def test_interrupt_on_a_server_that_dribbles(work):
    """It always sends something, and never comes to an end: Ctrl-C does."""
    with Dribbles(work / 's') as server:
        process = start(work, 'read 0 4k')
        server.wait_for(READ)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=support.DEADLINE)


class Forgets(Server):
    """Does not answer the first read, and answers all others."""
    def reply_data(self, connection, cookie, offset, data):
        if offset == 0 and len(self.connections) == 1:
            return
        super().reply_data(connection, cookie, offset, data)


def test_forgotten_request(work):
    """The server answers later requests: the connection is not silent, but the one that it forgot is not waited for without end."""
    with Forgets(work / 's'):
        lines = ['aio_read 0 4k', 'sleep 700', 'read 4k 4k', 'sleep 700', 'read 8k 4k', 'sleep 700', 'read 12k 4k', 'aio_flush', 'length']
        result = run(work, *lines, more=',file.request-timeout=1')
    assert '1 MiB\n' in result.out and 'not an earlier one' in result.err, result


def test_cancelling_takes_nobody_along(work):
    """A read that is cancelled on a server that stands still ends; what else was under way is sent again."""
    class Stands(Server):
        def reply_data(self, connection, cookie, offset, data):
            if len(self.connections) > 1:
                super().reply_data(connection, cookie, offset, data)

    with Stands(work / 's') as server, Terminal(['--plain', '--image-opts', options(work)]) as terminal:
        terminal.wait('blkscope>')
        terminal.send('aio_read 64k 4k', 'Enter', 'read 0 4k', 'Enter')
        server.wait_for(READ, 2)
        terminal.send('Ctrl-C')
        terminal.wait('read 4096/4096 bytes at offset 65536')


# ---- the connection on the screen, and what is served after it ----

class Restarts(Server):
    """Hangs up when told, and serves another size from then on."""
    later = 1 << 20
    away = False

    def handshake(self, connection):
        if self.away:
            raise EOFError
        if len(self.connections) > 1:
            self.size = self.later
            self.data = bytearray(self.later)
        return super().handshake(connection)


@pytest.mark.parametrize('args', [[], ['-w']], ids=['read-only', 'writable'])
def test_lost_and_back_on_the_screen(work, args):
    with Restarts(work / 's') as server, Terminal([*args, '--image-opts', options(work, ',file.reconnect-delay=60')]) as terminal:
        terminal.wait('1 MiB')
        server.away, server.later = True, 3 << 20
        server.hang_up(server.connections[0])
        terminal.wait(lambda t: 'CONNECTION LOST' in t or 'LOST, TRYING AGAIN' in t, 'that the connection is lost')
        terminal.send(':', 'read 8k 4k', 'Enter')
        terminal.wait('LOST, TRYING AGAIN')
        server.away = False
        terminal.wait('read 4096/4096')
        terminal.wait(lambda t: 'LOST' not in t.text() and '3 MiB' in t.text(), 'the new size')
        terminal.send('read 2M 4k', 'Enter')
        terminal.wait('at offset 2097152')


def test_map_has_the_size_that_a_command_saw_first(work):
    """A read connects again, `length` takes over the new size before anyone was told of it: the map has it, too."""
    env = support.screen_environment(COLUMNS='160', LINES='48')
    with Restarts(work / 's') as server, session('--headless', '--no-config', '--image-opts', options(work), cwd=work, env=env) as running:
        wait_for(running, 'data 1 MiB 100%')
        server.later = 3 << 20
        server.hang_up(server.connections[0])
        wait_for(running, 'CONNECTION LOST')
        assert '3 MiB' in running.run('read -q 0 512; length')
        wait_for(running, 'data 3 MiB 100%')


class BackReadOnly(Restarts):
    def __init__(self, path):
        self.refused_twice = threading.Event()
        super().__init__(path)

    def handshake(self, connection):
        self.flags |= 2 if len(self.connections) > 1 else 0
        if len(self.connections) > 3:
            self.refused_twice.set()
        return super().handshake(connection)


@pytest.mark.parametrize('more', ['', ',file.reconnect-delay=600'], ids=['fails', 'waits'])
def test_why_connecting_again_failed_is_told_once(work, more):
    """It came back read-only: requests that fail of it, or wait for something better, have their reason."""
    why = 'NBD: connecting again failed: the export is not what it was: it has become read-only'
    with BackReadOnly(work / 's') as server, Terminal(['--plain', '-w', '--image-opts', options(work, more)], columns=120) as terminal:
        terminal.wait('blkscope>')
        server.hang_up(server.connections[0])
        terminal.send('read 0 4k', 'Enter')
        terminal.wait('it has become read-only')
        if more:  # tried again, and again
            assert server.refused_twice.wait(support.DEADLINE)
            terminal.send('Ctrl-C')
            terminal.wait('cancelled')
        else:
            terminal.wait('read failed: Input/output error')
            terminal.send('read 4k 4k', 'Enter')
            terminal.wait(lambda t: t.text().count('read failed: Input/output error') == 2, 'the second failure')
        assert ' '.join(terminal.text().split()).count(why) == 1, terminal.text()


class NeverReads(Server):
    def reply_data(self, *_):
        pass


def test_leaving_a_server_that_stands_still_is_not_told_as_a_loss(work):
    with NeverReads(work / 's') as server, Terminal(['--image-opts', options(work)], columns=120) as terminal:
        terminal.wait('1 MiB')
        server.wait_for(READ)
        terminal.send('q')
        assert terminal.exit_status() == 0
        assert 'is lost' not in terminal.text(), terminal.text()


class Holds(Server):
    """Answers a read at this offset when it is told to."""
    offset = 512 << 10

    def __init__(self, path):
        self.go_on = threading.Event()
        super().__init__(path)

    def reply_data(self, connection, cookie, offset, data):
        if offset == self.offset:
            self.go_on.wait(support.DEADLINE)
        super().reply_data(connection, cookie, offset, data)


@pytest.mark.parametrize('more', ['', ',file.request-timeout=0'])
def test_a_server_that_stalls_is_told_on_the_screen(work, more):
    with Holds(work / 's') as server, Terminal(['--image-opts', options(work, more)]) as terminal:
        terminal.wait('1 MiB')
        terminal.send(':', 'read 512k 4k', 'Enter')
        terminal.wait(lambda t: re.search(r'\[STALLED \d+ s\]', t.text()), 'that it has stalled')
        first = int(re.search(r'STALLED (\d+)', terminal.text())[1])
        terminal.wait(lambda t: f'[STALLED {first + 1} s]' in t.text(), 'the next second')
        server.go_on.set()
        terminal.wait('read 4096/4096')
        terminal.wait(lambda t: 'STALLED' not in t.text(), 'that it goes on')


def test_a_stall_is_told_by_info(work):
    with Holds(work / 's') as server, Terminal(['--plain', '--image-opts', options(work)]) as terminal:
        terminal.wait('blkscope>')
        terminal.send('aio_read 512k 4k', 'Enter', 'sleep 5100', 'Enter', 'info', 'Enter')
        terminal.wait('state: connected, no answer for ')
        server.go_on.set()
        terminal.wait('read 4096/4096')
        terminal.send('info', 'Enter')
        terminal.wait('state: connected\n')
    with Holds(work / 's'):
        assert json.loads(support.blkscope('--json', '--image-opts', '-c', 'info', options(work)).out)['connection']['stalled-seconds'] == 0


def test_a_write_that_waits_can_be_cancelled(work):
    """It is not sent when the server is back."""
    with Restarts(work / 's') as server, Terminal(['-w', '--image-opts', options(work, ',file.reconnect-delay=60')]) as terminal:
        terminal.wait('1 MiB')
        server.away = True
        server.hang_up(server.connections[0])
        terminal.send(':', 'write -P 7 8k 4k', 'Enter')
        terminal.wait('LOST, TRYING AGAIN')
        terminal.send('Ctrl-C')
        terminal.wait('cancelled')
        server.away = False
        terminal.send('read -P 0 8k 4k', 'Enter')
        terminal.wait('read 4096/4096')
        assert not [request for request in server.requests if request[0] == WRITE] and 'Pattern' not in terminal.text()


@pytest.mark.parametrize('number', [signal.SIGSTOP, signal.SIGKILL])
def test_screen_lives_when_qemu_nbd_does_not(work, number):
    image = work / 'disk.vdi'
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'vdi', image, '8M'], check=True)
    with Terminal([image]) as terminal:
        terminal.wait('vdi')
        terminal.send(':', 'info', 'Enter')
        pid = helper_of(terminal)
        os.kill(pid, number)
        try:
            terminal.send('read 7M 4k', 'Enter')
            if number == signal.SIGSTOP:
                terminal.wait('1 pending')
                terminal.send('Ctrl-C')
            terminal.wait('LOST')  # it may be tried again at that moment
        finally:
            if number == signal.SIGSTOP:
                os.kill(pid, signal.SIGCONT)


class DiesOnce(Server):
    died = False

    def reply_data(self, connection, cookie, offset, data):
        if not self.died:
            self.died = True
            raise EOFError
        super().reply_data(connection, cookie, offset, data)


def test_info_tells_of_the_connection(work):
    with DiesOnce(work / 's'):
        result = run(work, 'info', 'read 0 4k', 'info', 'read 0 4k', 'info')
    assert f'server: nbd+unix://?socket={work / "s"}\n    state: connected\n    encrypted: no\n    reconnects: 0\n' in result.out, result
    assert 'state: lost: ' in result.out and 'reconnects: 1\n' in result.out, result


def test_delay_can_be_changed(work):
    class Dies(Server):
        reads = 0

        def reply_data(self, connection, cookie, offset, data):
            self.reads += 1
            if self.reads in (1, 3):
                raise EOFError
            super().reply_data(connection, cookie, offset, data)

    with Dies(work / 's'):
        result = run(work, 'read 0 4k', 'read 0 4k', 'reopen -o file.reconnect-delay=60', 'read 4k 4k')
    assert result.out.count('read 4096/4096') == 2 and result.out.count('read failed') + result.err.count('read failed') == 1, result


def test_no_flush_after_reconnecting(work):
    """An export that does not flush any more is not written on as if it did."""
    class Forgetful(Server):
        def go(self, connection):
            if len(self.connections) > 1:
                self.flags &= ~4
            super().go(connection)

        def reply(self, connection, kind, *rest):
            if kind == FLUSH:
                raise EOFError
            super().reply(connection, kind, *rest)

    with Forgetful(work / 's'):
        result = support.blkscope('-w', '--image-opts', '-c', 'write 0 4k', '-c', 'flush', '-c', 'write 0 4k', options(work))
    assert result.out.count('wrote 4096/4096') == 1 and 'write failed' in result.out + result.err, result


class Loses(Server):
    """Keeps what was written in memory, and ends at the first request of a kind; without promises for single writes."""
    at = READ
    flags = Server.flags & ~8
    lost = False

    def reply(self, connection, kind, *rest):
        if kind == self.at and not self.lost:
            self.data[:] = bytes(self.size)
            self.lost = True
            raise EOFError
        super().reply(connection, kind, *rest)


MAY_BE_LOST = 'what was written after the last flush may be lost'
FAILS = 'This flush fails, as what was written before may be lost'


def writes(work, *lines, more='', cache='writeback'):
    return support.blkscope('-w', '-t', cache, '--image-opts', *[word for line in lines for word in ('-c', line)], options(work, more))


@pytest.mark.parametrize('more', ['', ',file.reconnect-delay=60'])
def test_what_a_server_lost_is_not_called_flushed(work, more):
    """It had answered the write; nobody else knows that the next server has never heard of it."""
    with Loses(work / 's'):
        result = writes(work, 'write -P 7 0 4k', 'read 64k 4k', 'flush', 'write -P 7 0 4k', 'flush', 'read -P 7 0 4k', more=more)
    assert result.status == 1 and result.out.count('flush failed') == 1 and 'Pattern' not in result.out, result
    assert result.err.count(MAY_BE_LOST) == result.err.count(FAILS) == 1, result


@pytest.mark.parametrize('lines', [['flush', 'read 64k 4k', 'flush'], ['read 64k 4k', 'write 0 4k', 'flush']], ids=';'.join)
def test_nothing_is_said_where_nothing_can_be_lost(work, lines):
    """It was flushed before, or nothing was written before."""
    with Loses(work / 's'):
        before = ['write 0 4k'] if lines[0] == 'flush' else []
        result = writes(work, *before, *lines, more=',file.reconnect-delay=60')
    assert result.status == 0 and 'lost: the server closed the connection\n' in result.err and 'may be lost' not in result.err, result


def test_what_may_be_lost_is_told_when_closing(work):
    with Loses(work / 's'):
        result = writes(work, 'write -P 7 0 4k', 'read 64k 4k', more=',file.reconnect-delay=60')
    assert result.status == 1 and MAY_BE_LOST in result.err and FAILS in result.err, result


def test_what_may_be_lost_is_told_when_the_screen_is_gone(work):
    with Loses(work / 's') as server:
        server.at = FLUSH  # before the screen reads
        with Terminal(['-w', '-t', 'writeback', '--image-opts', options(work)]) as terminal:
            terminal.wait('Tab next')
            terminal.send(':', 'write -P 7 0 4k', 'Enter')
            terminal.wait('wrote 4096/4096')
            terminal.send('quit', 'Enter')
            assert terminal.exit_status() == 1
            after = terminal.raw[terminal.raw.rindex(b'\x1b[?1049l'):].decode()
    assert MAY_BE_LOST in after and FAILS in after and 'blkscope: closing the image: Input/output error' in after


def test_each_that_waits_for_a_flush_is_told(work):
    """Two writes through, whose flushes are one: both may be lost."""
    with Loses(work / 's') as server:
        server.at = FLUSH
        result = writes(work, 'aio_write -f -P 7 0 4k', 'aio_write -f -P 7 64k 4k', 'aio_flush', 'write -f -P 7 128k 4k', more=',file.reconnect-delay=60')
        assert server.data[:4096] == bytes(4096)
    assert result.out.count('aio_write failed') == 2 and 'wrote 4096/4096 bytes at offset 131072' in result.out, result


def test_a_layer_is_kept_while_what_it_was_written_to_may_be_lost(work):
    with Loses(work / 's') as server:
        server.at = FLUSH
        result = support.blkscope('-w', '-s', '--image-opts', '-c', 'write -P 7 0 4k', '-c', 'overlay commit -y', '-c', 'overlay commit -y', '-c', 'read -P 7 0 4k',
                                  options(work, ',file.reconnect-delay=60'))
        assert server.data[:4096] == b'\7' * 4096
    assert 'commit' in result.err and '4 KiB written' in result.out and 'Pattern' not in result.out, result


def test_dies_within_a_large_write(work):
    class Half(Server):
        def request(self, connection):
            if len(self.connections) == 1 and self.take(connection, 28)[7] == WRITE:
                self.take(connection, 1 << 20)
                raise EOFError
            return super().request(connection)

    class Big(Half):
        size = 64 << 20

        def __init__(self, path):
            super().__init__(path)
            self.data = bytearray(self.size)

    with Big(work / 's') as server:
        result = support.blkscope('-w', '--image-opts', '-c', 'write -P 9 0 32M', options(work, ',file.reconnect-delay=60'))
        assert 'wrote 33554432/33554432' in result.out and bytes(server.data[:32 << 20]) == b'\t' * (32 << 20), result


# ---- qemu-nbd of our own: where it is looked for, and where its socket is ----

@pytest.fixture
def vdi(work):
    image = work / 'disk.vdi'
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'vdi', image, '8M'], check=True)
    return image


# ---- closing what it has written ----

def helper_of(terminal):
    terminal.wait('reconnects:')  # the last line: all of the number is there
    return int(terminal.text().split('qemu-nbd, process ')[1].split()[0])


@pytest.mark.parametrize('cache', ['writethrough', 'writeback'])
@pytest.mark.parametrize('mode', [['--plain'], []], ids=['plain', 'screen'])
def test_a_qemu_nbd_that_was_stopped_goes_on_to_close(vdi, cache, mode):
    """Nothing waits for it, and nothing is lost."""
    with Terminal([*mode, '-w', '-t', cache, vdi]) as terminal:
        terminal.wait('Tab next' if not mode else 'blkscope>')
        terminal.send(*[':'][:not mode], 'info', 'Enter')
        pid = helper_of(terminal)
        terminal.send('write -P 7 0 64k', 'Enter')
        terminal.wait('wrote 65536/65536')
        os.kill(pid, signal.SIGSTOP)
        terminal.send('quit', 'Enter')
        assert terminal.exit_status() == 0
        assert not Path(f'/proc/{pid}').exists() and b'waiting' not in terminal.raw
    assert subprocess.run(['qemu-io', '-r', '-c', 'read -P 7 0 64k', vdi], stdout=subprocess.PIPE).returncode == 0


@pytest.fixture
def slow_to_end(work):
    """The PATH of a qemu-nbd that serves its client and then takes its time; SIGTERM does not hurry it."""
    folder = work / 'bin'
    folder.mkdir()
    real = shutil.which('qemu-nbd')
    (folder / 'qemu-nbd').write_text(f'#!/bin/sh\ntrap "" TERM\nsh -c \'export LISTEN_PID=$$; exec {real} "$@"\' sh "$@"\nexec sleep 60\n')
    (folder / 'qemu-nbd').chmod(0o755)
    return f'{folder}:{os.environ["PATH"]}'


@contextlib.contextmanager
def ended_by(command, image, path, mode):
    """A terminal where that command waits for a qemu-nbd, and its process."""
    with Terminal([*mode, '-w', image], PATH=path) as terminal:
        terminal.wait('Tab next' if not mode else 'blkscope>')
        terminal.send(*[':'][:not mode], 'info', 'Enter')
        pid = helper_of(terminal)
        terminal.send(command, 'Enter')
        yield terminal, pid


@pytest.mark.parametrize('mode', [['--plain'], []], ids=['plain', 'screen'])
def test_a_qemu_nbd_that_takes_its_time_is_told_of(vdi, slow_to_end, mode):
    with ended_by('quit', vdi, slow_to_end, mode) as (terminal, pid):
        terminal.wait(f'qemu-nbd, process {pid}, has not ended yet: waiting for it')
        terminal.send('Ctrl-C')
        assert terminal.killed_by() == signal.SIGINT
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize('mode', [['--plain'], []], ids=['plain', 'screen'])
def test_closing_ends_on_ctrl_c(vdi, slow_to_end, mode):
    with ended_by('close', vdi, slow_to_end, mode) as (terminal, pid):
        terminal.wait(f'process {pid}, has not ended yet')
        terminal.send('Ctrl-C')
        terminal.wait(f'process {pid}, is killed: it did not')
        terminal.wait(lambda _: not Path(f'/proc/{pid}').exists(), 'the end of the process')


@pytest.mark.parametrize('path', [None, '', '.', '.:/nonexistent', ':'])
def test_not_looked_for_in_the_current_folder(work, vdi, path):
    fake = work / 'qemu-nbd'
    fake.write_text('#!/bin/sh\necho ran >ran\n')
    fake.chmod(0o755)
    env = support.environment(PATH=path or '')
    if path is None:
        del env['PATH']
    support.blkscope('-c', 'length', vdi, cwd=work, env=env)
    assert not (work / 'ran').exists()


@pytest.mark.parametrize('script', ['exit 0', 'echo oops >&2; exit 3', 'head -c 300000 /dev/zero | tr "\\0" x >&2', "printf '\\033[31mred' >&2; exit 1"])
def test_a_qemu_nbd_that_is_none(work, vdi, script):
    folder = work / 'bin'
    folder.mkdir()
    (folder / 'qemu-nbd').write_text(f'#!/bin/sh\n{script}\n')
    (folder / 'qemu-nbd').chmod(0o755)
    env = support.environment()
    result = support.blkscope('-c', 'length', vdi, env={**env, 'PATH': f'{folder}:{env["PATH"]}'})
    assert result.status == 1 and "can't open" in result.err and '\x1b' not in result.err, result


@pytest.mark.parametrize('folder', ['long/' * 40, 'nonexistent'])
def test_socket_elsewhere(work, vdi, folder):
    if folder != 'nonexistent':
        (work / folder).mkdir(parents=True)
    before = set(os.listdir('/tmp'))
    result = support.blkscope('-c', 'length', vdi, env=support.environment(TMPDIR=str(work / folder)))
    assert result.out == '8 MiB\n', result
    assert not [name for name in set(os.listdir('/tmp')) - before if name.startswith('blkscope-nbd-')]


def test_opened_often_leaves_nothing(work, vdi):
    """No descriptor, process or file more after many times than after one."""
    (work / 'tmp').mkdir()
    with Server(work / 's'):
        # The sandbox would refuse all but the first.
        process = subprocess.Popen([support.BLKSCOPE, '--no-sandbox'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0,
                                   env=support.environment(TMPDIR=str(work / 'tmp')))

        def rounds(count):
            for _ in range(count):
                process.stdin.write(f'open {vdi}\nclose\nopen nbd:unix:{work / "s"}\nclose\n'.encode())
            process.stdin.write(b'help close\n')
            text = b''
            while b'close' not in text:
                text += process.stdout.read(4096)
            return len(os.listdir(f'/proc/{process.pid}/fd'))

        first = rounds(2)
        assert rounds(40) == first
        children = Path(f'/proc/{process.pid}/task/{process.pid}/children').read_text()
        assert children == '' and list((work / 'tmp').iterdir()) == []
        process.kill()
        process.communicate()


def test_a_read_goes_on_where_nothing_is_known_of_one_piece(work):
    """Whether it can be asked for in one piece is a matter of the server that it is sent to."""
    class Changes(DiesOnce):
        def go(self, connection):
            self.flags = self.flags & ~128 | (128 if len(self.connections) == 1 else 0)
            super().go(connection)

    with Changes(work / 's'):
        result = run(work, 'read 0 4k', 'read 4k 4k')
    assert result.out.count('read failed') + result.err.count('read failed') == 1 and 'read 4096/4096 bytes at offset 4096' in result.out, result


def test_servers_that_were_refused_are_not_counted(work):
    class Wavers(DiesOnce):
        def go(self, connection):
            self.flags = 1 if len(self.connections) == 2 else Server.flags
            super().go(connection)

    with Wavers(work / 's') as server:
        result = run(work, 'read 0 4k', 'info', more=',file.reconnect-delay=60')
        assert len(server.connections) == 3
    assert 'read 4096/4096' in result.out and 'reconnects: 1\n' in result.out, result

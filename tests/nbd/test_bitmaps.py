# SPDX-License-Identifier: GPL-3.0-or-later
"""Dirty bitmaps that a server offers: found without being asked for, listed, shown on the map; and servers that lie about them."""
import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import support

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / 'pty')]

import servers  # noqa: E402
from servers import ACK, ERR_UNSUP, META, OPT_GO, OPT_SET_META, STATUS_CHUNK, Server  # noqa: E402
from terminal import Terminal  # noqa: E402

LIST_META = 9
PREFIX = 'qemu:dirty-bitmap:'
NAMES = ['b0', 'b1 \x1b[31m', 'x' * 200]


@pytest.fixture
def image(work):
    path = work / 'disk'
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', path, '8M'], check=True)
    for i, name in enumerate(NAMES):
        subprocess.run(['qemu-img', 'bitmap', '--add', path, name], check=True)
        subprocess.run(['qemu-io', '-c', f'write {i + 1}M 128k', '-c', f'write {i + 5}M 64k', path], check=True, capture_output=True)
    return path


def serve(work, image, *args):
    return servers.qemu_nbd(work / 's', '-r', '-f', 'qcow2', *args, image)


def documents(text):
    return [json.loads(line) for line in text.splitlines()]


def marked_by_theirs(work, name):
    options = f'driver=nbd,path={work / "s"},x-dirty-bitmap={PREFIX}{name}'
    out = subprocess.run(['qemu-img', 'map', '--output=json', '--image-opts', options], check=True, capture_output=True, text=True).stdout
    return [{'start': run['start'], 'length': run['length']} for run in json.loads(out) if not run['data']]


def ask(work, *commands, args=()):
    return support.blkscope('-f', 'raw', *args, *support.commands(commands), f'nbd:unix:{work / "s"}')


@pytest.mark.parametrize('depth', [[], ['-A']])
def test_all_that_are_offered_are_listed(work, image, depth):
    with serve(work, image, *depth, *[word for name in NAMES for word in ('-B', name)]):
        listed = {row['name']: row for row in documents(ask(work, 'bitmaps', args=['--json']).out)}
        assert set(listed) == set(NAMES)
        for name in NAMES:
            found = documents(ask(work, f"bitmaps '{name}'", args=['--json']).out)
            assert found == marked_by_theirs(work, name) != []
            assert listed[name] == {'name': name, 'granularity': None, 'flags': '', 'dirty': sum(run['length'] for run in found)}
        text = ask(work, 'bitmaps', 'bitmaps nothing')
        assert '\x1b' not in text.out and "There is no bitmap 'nothing' in the image" in text.err
        beside = ask(work, 'map --json')
    with serve(work, image, *depth):
        assert ask(work, 'map --json').out == beside.out, 'the map is what it was'


def test_beside_the_one_that_an_option_shows(work, image):
    with serve(work, image, '-B', 'b0', '-B', NAMES[2]):
        options = f'driver=nbd,path={work / "s"},x-dirty-bitmap={PREFIX}b0'
        result = support.blkscope('--json', '-c', 'bitmaps', '-c', 'bitmaps b0', '--image-opts', options)
        rows = documents(result.out)
        assert {row['name'] for row in rows[:2]} == {'b0', NAMES[2]} and rows[2:] == marked_by_theirs(work, 'b0')


@pytest.mark.parametrize('window', [False, True])
def test_none_where_there_is_none(work, image, window):
    """No -B; a window of the export is not what its bitmaps are about."""
    with serve(work, image, *(['-B', 'b0'] if window else [])):
        where = f'driver=raw,{"offset=1M," if window else ""}file.driver=nbd,file.path={work / "s"}'
        result = support.blkscope('-c', 'bitmaps', '--image-opts', where)
        assert result.out == ('' if window else 'no bitmaps\n')
    with servers.nbdkit(work / 's', 'memory', '1M'):
        assert ask(work, 'bitmaps').out == 'no bitmaps\n'


def test_on_the_map(work, image):
    with serve(work, image, '-B', 'b0', '-B', NAMES[2]), Terminal(['-f', 'raw', f'nbd:unix:{work / "s"}'], rows=48, columns=160) as terminal:
        terminal.wait('data 576 KiB')
        for command, *wanted in [('map-only -b b0', 'only bitmap b0 ', 'data 576 KiB'), ('map-only', 'data 576 KiB'),
                                 (f'map-only -b {NAMES[2]}', 'only bitmap xxx', 'data 192 KiB'), ('map-only -b nothing', "there is no bitmap 'nothing'"),
                                 ('map-only -b b0 1', 'one layer, or -b and one bitmap'), ('map-only 0', 'only layer 0', 'data 576 KiB')]:
            terminal.send(':', command, 'Enter')
            for text in wanted:
                terminal.wait(text)
        assert 'only bitmap' not in terminal.text()


# ---- servers that say what they like ----

class Lists(Server):
    names = ()
    ends = True

    def option(self, connection, option, data):
        if option == LIST_META:
            for name in self.names:
                self.answer(connection, option, META, struct.pack('>L', 0) + name)
            if self.ends:
                self.answer(connection, option, ACK)
            return False
        if option == OPT_SET_META:
            asked = data[4 + struct.unpack('>L', data[:4])[0] + 4:]
            for number in range(struct.unpack('>L', data[4 + struct.unpack('>L', data[:4])[0]:][:4])[0]):
                length = struct.unpack('>L', asked[:4])[0]
                self.answer(connection, option, META, struct.pack('>L', number + 1) + asked[4:4 + length])
                asked = asked[4 + length:]
            self.answer(connection, option, ACK)
            return False
        return super().option(connection, option, data)

    def reply_status(self, connection, cookie, runs):
        data = struct.pack('>L', 1) + b''.join(struct.pack('>LL', *run) for run in runs)
        self.chunk(connection, cookie, STATUS_CHUNK, data)


def with_names(work, names, *commands, **members):
    server = type('Given', (Lists,), {'names': names, **members})
    with server(work / 's'):
        return ask(work, 'length', *commands, args=['--no-sandbox'])


def test_no_more_than_some_are_kept(work):
    result = with_names(work, [f'{PREFIX}{i}'.encode() for i in range(5000)] * 2)
    assert result.out == '1 MiB\n' and result.status == 0, result


@pytest.mark.parametrize('names', [[PREFIX.encode()], [b'qemu:allocation-depth', b'base:allocation'], [PREFIX.encode() + b'a' * 4000],
                                   [PREFIX.encode() + b'\xff\x1b[31m'], [PREFIX.encode() + b'a'] * 100])
def test_names_of_any_kind(work, names):
    result = with_names(work, names, 'bitmaps')
    assert result.out.startswith('1 MiB\n') and '\x1b' not in result.out + result.err, result


@pytest.mark.parametrize('name', [b'', PREFIX.encode() + b'a' * 5000])
def test_names_that_can_not_be(work, name):
    result = with_names(work, [name])
    assert result.status == 1 and 'invalid NBD_REP_META_CONTEXT reply length' in result.err, result


def test_offered_and_not_answered(work):
    """It has the bitmap and never says anything about it: an error, and the rest goes on."""
    result = with_names(work, [PREFIX.encode() + b'a'], 'bitmaps', 'bitmaps a', 'read -P 0 0 512')
    assert 'Protocol error' in result.out and "bitmap 'a'" in result.out + result.err or 'Protocol error' in result.out + result.err, result
    assert 'read 512/512' in result.out


def test_a_list_without_end(work):
    with type('Endless', (Lists,), {'names': [b'a'], 'ends': False})(work / 's'):
        options = f'driver=raw,file.driver=nbd,file.path={work / "s"},file.request-timeout=1'
        result = support.blkscope('--no-sandbox', '-c', 'length', '--image-opts', options)
    assert result.status == 1 and 'did not finish the handshake in time' in result.err, result


def test_a_list_that_is_refused(work):
    class Refuses(Server):
        def option(self, connection, option, data):
            if option == LIST_META:
                self.answer(connection, option, 0x80000002, b'no lists for you \x1b[31m')
                return False
            return super().option(connection, option, data)

    with Refuses(work / 's'):
        result = ask(work, 'length', 'bitmaps', args=['--no-sandbox'])
    assert result.out == '1 MiB\nno bitmaps\n' and not result.err, result


def test_an_export_that_is_refused_after_the_list(work):
    class Refuses(Lists):
        names = [PREFIX.encode() + b'a']

        def option(self, connection, option, data):
            if option == OPT_GO:
                self.answer(connection, option, ERR_UNSUP + 5, b'never heard of it')
                return False
            return super().option(connection, option, data)

    with Refuses(work / 's'):
        result = ask(work, 'length', args=['--no-sandbox'])
    assert result.status == 1 and 'Requested export not available' in result.err and 'never heard of it' in result.err, result


def test_a_lost_server_still_has_its_bitmaps(work):
    """What can't be asked any more is not gone."""
    class Goes(Lists):
        names = [PREFIX.encode() + b'a']

        def handshake(self, connection):
            return len(self.connections) == 1 and super().handshake(connection)

        def reply_data(self, *_):
            raise EOFError

    with Goes(work / 's'):
        result = ask(work, 'read 0 512', 'read 0 512', 'bitmaps', args=['--no-sandbox'])
    assert 'no bitmaps' not in result.out and 'Input/output error' in result.out.split('read failed')[-1] + result.err, result

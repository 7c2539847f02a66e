# SPDX-License-Identifier: GPL-3.0-or-later
"""Protocols that a qemu-nbd of ours speaks: HTTP from a server of the test's own, folders as FAT disks, and what can't be reached."""
import http.server
import os
import random
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import support
from support import KIB, MIB, blkscope, drop_in, reference

sys.path.insert(0, str(Path(__file__).parent))

from test_formats import Session, ended, helpers  # noqa: E402

NAME = re.compile(r'#block\d+')
MILLISECONDS = re.compile(r'after \d+ ms')  # until a connection is refused


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp('www')
    (folder / 'disk.raw').write_bytes(random.Random(1).randbytes(512 * KIB) + bytes(512 * KIB))
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', 'disk.qcow2', '1M'], cwd=folder, check=True)
    subprocess.run(['qemu-io', '-c', 'write -P 7 100k 64k', 'disk.qcow2'], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (folder / 'fat').mkdir()
    (folder / 'fat' / 'HELLO.TXT').write_text('hello, disk')
    return folder


class Site(str):
    """A URL; `stuck` is set when somebody asks for the second half of something below /stuck/, which does not come."""
    def __new__(cls, url, stuck):
        self = super().__new__(cls, url)
        self.stuck = stuck
        return self


@pytest.fixture(scope='module')
def site(files):
    """The address of a server on loopback that knows byte ranges."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'
        stuck, let_go = threading.Event(), threading.Event()

        def answer(self, with_body):
            path = files / self.path.lstrip('/').removeprefix('stuck/')
            if not path.is_file():
                self.send_error(404)
                return
            data, wanted = path.read_bytes(), re.match(r'bytes=(\d+)-(\d*)', self.headers.get('Range', ''))
            start, end = (int(wanted[1]), min(int(wanted[2] or len(data)) + 1, len(data))) if wanted else (0, len(data))
            self.send_response(206 if wanted else 200)
            self.send_header('Accept-Ranges', 'bytes')
            self.send_header('Content-Length', str(end - start))
            if wanted:
                self.send_header('Content-Range', f'bytes {start}-{end - 1}/{len(data)}')
            self.end_headers()
            if with_body and self.path.startswith('/stuck/') and start >= len(data) // 2:
                self.stuck.set()
                self.let_go.wait(support.DEADLINE)
            elif with_body:
                self.wfile.write(data[start:end])

        def do_HEAD(self):
            self.answer(False)

        def do_GET(self):
            self.answer(True)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Site(f'http://127.0.0.1:{server.server_port}', Handler.stuck)
        Handler.let_go.set()
        server.shutdown()


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGINT])
def test_a_helper_that_is_stuck_ends(files, site, work, number):
    """With us, however we end; it may hear no SIGTERM while it waits in its own client."""
    site.stuck.clear()
    with Session(work, '-f', 'raw', f'{site}/stuck/disk.raw') as session:
        (pid, _), = helpers(f'{site}/stuck')
        session.say('aio_read 768k 4k')
        assert site.stuck.wait(support.DEADLINE)
        session.process.send_signal(number)
        session.process.wait(support.DEADLINE)
        assert ended(pid)


@pytest.mark.parametrize('kind', ['vmdk', 'vdi', 'qed'])
def test_formats_on_a_web_server(files, site, kind):
    name = f'disk.{kind}'
    subprocess.run(['qemu-img', 'create', '-q', '-f', kind, name, '8M'], cwd=files, check=True)
    subprocess.run(['qemu-io', '-f', kind, '-c', 'write -P 7 100k 3M', name], cwd=files, check=True, stdout=subprocess.DEVNULL)
    look = ['-c', 'length', '-c', 'read -v 100k 32', '-c', 'read -P 7 100k 3M', '-c', 'read -P 0 4M 4M', '-c', 'map']
    same(files, '-r', *look, f'{site}/{name}')
    same(files, '-r', '-f', kind, *look, f'{site}/{name}')
    same(files, '-r', '--image-opts', *look, f'driver={kind},file.driver=http,file.url={site}/{name}')
    assert same(files, '-r', '-f', 'vhdx', '-c', 'length', f'{site}/{name}').status == 1


def said(result):
    return support.without_times(result.out), MILLISECONDS.sub('after N ms', NAME.sub('#block', result.err)), result.status


def same(folder, *args):
    theirs, ours = reference(*args, cwd=folder), drop_in(*args, cwd=folder)
    assert said(theirs) == said(ours), args
    return ours


LOOK = ['-c', 'length', '-c', 'read -v 100k 32', '-c', 'read 0 1M', '-c', 'map', '-c', 'info']


@pytest.mark.parametrize('name', ['disk.raw', 'disk.qcow2', 'nofile'])
def test_an_image_on_a_web_server(files, site, name):
    result = same(files, '-r', *LOOK, f'{site}/{name}')
    assert 'CURL' in result.err or result.out.startswith('1 MiB')


@pytest.mark.parametrize('options', ['driver=http,url=SITE/disk.raw,readahead=64k', 'driver=http,url=SITE/disk.raw,foo=1',
                                     'driver=vvfat,dir=fat', 'driver=raw,file.driver=http,file.url=SITE/disk.raw', 'driver=qcow2,file.driver=http,file.url=SITE/disk.qcow2',
                                     'driver=qcow2,file.driver=http,file.url=SITE/disk.raw'])
def test_by_options(files, site, options):
    same(files, '-r', *LOOK, '--image-opts', options.replace('SITE', site))


def test_it_is_read_only(files, site):
    assert 'does not support writes' in same(files, '-f', 'raw', '-c', 'length', f'{site}/disk.raw').err
    result = blkscope('-c', 'reopen -w', '-c', 'length', f'{site}/disk.raw')
    assert result.status == 1 and 'read-only' in result.err and result.out == '1 MiB\n'


def test_it_ends_with_the_image(files, site):
    result = blkscope('-c', 'info', '-c', 'close', '-c', 'length', f'{site}/disk.qcow2')
    process = int(re.search(r'server: qemu-nbd, process (\d+)', result.out)[1])
    assert not os.path.exists(f'/proc/{process}')


@pytest.mark.parametrize('name', ['fat:fat', 'fat:16:fat', 'fat:floppy:fat', 'fat:nofolder'])
def test_a_folder_as_a_disk(files, name):
    name = name.replace('nofolder', str(files / 'nofolder'))
    same(files, '-r', '-f', 'raw', '-c', 'length', '-c', 'read 0 64k', '-c', 'map', '-c', 'info', name)
    if 'nofolder' not in name:
        found = blkscope('-c', 'search "hello, disk"', name, cwd=files)
        theirs = reference('-r', '-f', 'raw', '-c', f'read -v {found.out.split()[0]} 11', name, cwd=files)
        assert 'hello..disk' in theirs.out  # a dump has letters only


def test_a_folder_is_never_written(files):
    assert same(files, '-c', 'length', 'fat:fat').err.endswith('Image is read-only\n')
    for args in (['-w', 'fat:rw:fat'], ['fat:rw:fat'], ['-w', '--image-opts', 'driver=vvfat,dir=fat,rw=on']):
        result = blkscope('-c', 'write 0 512', *args, cwd=files)
        assert result.status == 1 and 'vvfat is read only here' in result.err


@pytest.mark.parametrize('name', ['http://127.0.0.1:1/x', 'ftp://127.0.0.1:1/x', 'ssh://127.0.0.1:1/x', 'ssh:x', 'nvme://0000:00:00.0/1', 'tftp://127.0.0.1:1/x', 'gluster://127.0.0.1:1/v/x'])
def test_what_can_not_be_reached(files, name):
    assert same(files, '-r', '-c', 'length', name).status == 1


@pytest.mark.parametrize('name', ['http://127.0.0.1:1/x', 'ssh://h/x', 'fat:/', 'rbd:pool/image', 'json:{"driver":"http","url":"http://127.0.0.1:1/x"}'])
@pytest.mark.parametrize('policy', ['ask', 'follow', 'none'])
def test_names_in_an_image_start_nothing(work, name, policy):
    """A qemu-nbd that was started would leave its name in a file."""
    subprocess.run(['qemu-img', 'create', '-q', '-u', '-f', 'qcow2', '-F', 'raw', '-b', name, 'top.qcow2', '1M'], cwd=work, check=True)
    fake = work / 'bin' / 'qemu-nbd'
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\ntouch {work}/started\n')
    fake.chmod(0o755)
    blkscope('--refs', policy, '-c', 'read 0 512', 'top.qcow2', cwd=work, env=support.environment(PATH=f'{fake.parent}:/usr/bin:/bin'))
    assert not (work / 'started').exists()


def test_the_package_is_named(work):
    fake = work / 'qemu-nbd'
    fake.write_text("#!/bin/sh\nfor last; do :; done\necho 'qemu: module block-block-ssh not found' >&2\n"
                    'echo "qemu-nbd: Failed to blk_new_open \'$last\': Unknown driver \'ssh\'" >&2\nexit 1\n')
    fake.chmod(0o755)
    result = blkscope('-c', 'length', 'ssh://host/x', env=support.environment(PATH=f'{work}:/usr/bin:/bin'))
    assert result.status == 1 and 'package qemu-block-extra' in result.err
    result = blkscope('-c', 'length', 'ssh://host/x', env=support.environment(PATH='/nonexistent'))
    assert result.status == 1 and 'package qemu-utils' in result.err


SSH = 'ssh://127.0.0.1:1/x'
ISCSI = 'iscsi://127.0.0.1:1/iqn.x/0'


@pytest.mark.parametrize('name, options', [
    ('SITE/disk.raw', ['driver=raw,file.readahead=64k', 'file.readahead=64k', 'driver=http,timeout=7,sslverify=off,cookie=a', 'driver=raw,file.foo=1',
                       'driver=raw,offset=512,size=1024,file.timeout=9', 'driver=raw,file.node-name=x,file.cache.direct=on']),
    ('SITE/disk.qcow2', ['driver=qcow2,file.readahead=64k', 'file.readahead=64k']),
    (SSH, ['driver=ssh,host-key-check.mode=none', 'driver=raw,file.host-key-check.mode=none', 'driver=ssh,host-key-check.mode=foo', 'driver=ssh,user=u',
           'driver=ssh,server.host=h', 'driver=ssh,path=/p', 'driver=ssh,host_key_check=no', 'driver=ssh,foo=1']),
    ('ssh://u@127.0.0.1:1/x?host_key_check=no', ['driver=ssh,host-key-check.mode=none']), ('ssh://127.0.0.1', ['driver=ssh,host-key-check.mode=none']),
    ('ssh:x', ['driver=ssh,host-key-check.mode=none']),
    (ISCSI, ['driver=iscsi,initiator-name=iqn.y', 'driver=iscsi,timeout=1', 'driver=iscsi,lun=1', 'driver=iscsi,foo=1']),
    ('iscsi://u%p@127.0.0.1:1/iqn.x/0', ['driver=iscsi,timeout=1']), ('iscsi://127.0.0.1:1/iqn.x', ['driver=iscsi,timeout=1']),
    ('iscsi:x', ['driver=iscsi,timeout=1']), ('iser://127.0.0.1:1/iqn.x/0', ['driver=iser,timeout=1']),
    ('rbd:p/i', ['driver=rbd,conf=/nonexistent', 'driver=rbd,user=u,conf=/nonexistent', 'driver=rbd,foo=1']), ('rbd:p', ['driver=rbd,conf=/nonexistent']),
    ('rbd:p/i@s:conf=/nonexistent:id=foo', ['driver=rbd,user=x']), ('rbd:p/n/i\\:x@s:conf=/nonexistent', ['driver=rbd,user=x']),
    ('rbd:p/i:conf', ['driver=rbd,user=x']),
    ('gluster://127.0.0.1:1/v/f', ['driver=gluster,debug=4', 'driver=gluster,logfile=/dev/null']),
    ('gluster+unix:///v/f?socket=/nonexistent', ['driver=gluster,debug=4']),
    ('nvme://0000:00:00.0/1', ['driver=nvme,namespace=4', 'driver=nvme,foo=1'])])
def test_a_name_and_options_beside_it(files, site, name, options):
    """Nobody answers for most of them: the reason tells that they were understood."""
    for given in options:
        args = ['-c', f'open -r -o {given} {name.replace("SITE", site)}', '-c', 'read -v 0 16']
        theirs, ours = reference(*args, cwd=files), drop_in(*args, cwd=files)
        text = ours.err.replace('\\n', '\n')  # of more than one line, kept to one
        assert (support.without_times(theirs.out), theirs.status) == (support.without_times(ours.out), ours.status), (given, theirs.err, ours.err)
        assert ' '.join(theirs.err.split()) == ' '.join(text.split()), given


@pytest.mark.parametrize('name, given', [('nfs://127.0.0.1/x/y', 'driver=nfs,debug=1'), ('gluster://127.0.0.1:1/v', 'driver=gluster,debug=1'),
                                         ('nvme://0000:00:00.0', 'driver=nvme,foo=1'), ('rbd:p/i:mon_host=h', 'driver=rbd,user=u')])
def test_names_that_say_too_little_or_too_much(name, given):
    result = blkscope('-c', f'open -o {given} {name}')
    assert result.status == 1 and re.search("given by a name or by options|names no |can't be had beside options", result.err), result.err


def test_a_large_read_over_http(files, site):
    with open(files / 'long.raw', 'wb') as file:
        file.truncate(8 * MIB)
    same(files, '-r', '-f', 'raw', '-c', 'read -P 0 0 8M', '-c', 'read 5M 1M', f'{site}/long.raw')

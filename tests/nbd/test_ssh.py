# SPDX-License-Identifier: GPL-3.0-or-later
"""Images behind ssh: a server on loopback that the test starts, in a mount namespace whose home folder has the one key that it takes."""
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import support

sys.path.insert(0, str(Path(__file__).parent))

from servers import free_port, running_tcp  # noqa: E402

MISSING = [name for name in ('dropbear', 'dropbearkey', 'ssh-agent', 'ssh-add', 'ssh-keygen') if not shutil.which(name)]
pytestmark = [pytest.mark.skipif(bool(MISSING), reason=f'not installed: {" ".join(MISSING)}'),
              pytest.mark.skipif(os.geteuid() != 0, reason='only root may give a server another home folder')]

SERVER = '''mount -t tmpfs -o mode=700 tmpfs "$HOME" && mkdir -m700 "$HOME/.ssh" && install -m600 id.pub "$HOME/.ssh/authorized_keys" &&
            exec dropbear -F -E -s -j -k -p "127.0.0.1:$0" -r hostkey -P "$PWD/pid"'''


def serve(folder, port):
    env = support.environment(HOME=os.path.expanduser('~root'))
    return running_tcp(['unshare', '-m', 'bash', '-c', SERVER, port], port, cwd=folder, env=env)


class Host:
    def __init__(self, folder, port, env):
        self.folder, self.port, self.env = folder, port, env

    def options(self, name, check='mode=none'):
        checks = ','.join(f'file.host-key-check.{part}' for part in check.split(','))
        return f'driver=qcow2,file.driver=ssh,file.server.host=127.0.0.1,file.server.port={self.port},file.path={self.folder / name},file.user=root,{checks}'


@pytest.fixture(scope='module')
def host(tmp_path_factory):
    probe = subprocess.run(['unshare', '-m', 'mount', '-t', 'tmpfs', 'tmpfs', os.path.expanduser('~root')], capture_output=True, text=True)
    if probe.returncode:
        pytest.skip(f'no home folder of its own for the server: {probe.stderr.strip()}')
    folder = tmp_path_factory.mktemp('ssh')
    subprocess.run(['dropbearkey', '-t', 'ed25519', '-f', 'hostkey'], cwd=folder, check=True, capture_output=True)
    subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', 'id'], cwd=folder, check=True)
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', 'disk.qcow2', '4M'], cwd=folder, check=True)
    subprocess.run(['qemu-io', '-c', 'write -P 7 100k 64k', 'disk.qcow2'], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    port = free_port()
    with serve(folder, port), subprocess.Popen(['ssh-agent', '-D', '-a', 'agent'], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as agent:
        try:
            agent.stdout.readline()  # it listens
            env = support.environment(SSH_AUTH_SOCK=str(folder / 'agent'))
            subprocess.run(['ssh-add', '-q', 'id'], cwd=folder, env=env, check=True)
            yield Host(folder, port, env)
        finally:
            agent.terminate()


def test_read_map_and_structure(host):
    result = support.blkscope('--image-opts', *support.commands(['read -P 7 100k 64k', 'read -P 0 0 100k', 'map', 'check', 'explain 100k', 'info']),
                              host.options('disk.qcow2'), env=host.env)
    assert result.status == 0 and 'Pattern verification failed' not in result.out, result
    assert 'No errors were found' in result.out and 'L2' in result.out
    assert support.blkscope('-c', 'map', host.folder / 'disk.qcow2').out in result.out


def test_as_the_reference_program(host):
    for name in 'theirs', 'ours':
        shutil.copy(host.folder / 'disk.qcow2', host.folder / name)
    commands = support.commands(['write -P 8 100k 20k', 'read -v 100k 32', 'write -P 9 64k 128k', 'read -v 64k 16', 'flush', 'map', 'length'])
    theirs, ours = (run('--image-opts', *commands, host.options(name), env=host.env) for run, name in ((support.reference, 'theirs'), (support.drop_in, 'ours')))
    assert support.without_times(theirs.out) == support.without_times(ours.out) and theirs.err == ours.err and theirs.status == ours.status
    assert support.same_bytes(host.folder / 'theirs', host.folder / 'ours') is None


def test_a_file_there_does_not_grow(host):
    """What needs a cluster behind its end is an error."""
    shutil.copy(host.folder / 'disk.qcow2', host.folder / 'full')
    result = support.blkscope('-w', '--image-opts', '-c', 'write 1M 64k', host.options('full'), env=host.env)
    assert result.out.startswith('write failed') and result.status == 1, result
    subprocess.run(['qemu-img', 'check', '-q', 'full'], cwd=host.folder, check=True)


@pytest.mark.parametrize('name, check', [('nothing.qcow2', 'mode=none'), ('disk.qcow2', 'mode=hash,type=sha256,hash=00'), ('disk.qcow2', 'mode=nonsense'),
                                         ('disk.qcow2', 'mode=hash,type=sha256')])
def test_what_can_not_be_opened(host, name, check):
    theirs, ours = (run('--image-opts', '-c', 'length', host.options(name, check), env=host.env) for run in (support.reference, support.drop_in))
    assert theirs == ours and ours.status == 1


def test_a_name_with_an_option_beside_it(host):
    url = f'ssh://root@127.0.0.1:{host.port}{host.folder}/disk.qcow2'
    result = support.blkscope('-c', f'open -o driver=qcow2,file.host-key-check.mode=none {url}', '-c', 'read -P 7 100k 64k', env=host.env)
    other = support.blkscope('-c', f'open -o driver=ssh,host-key-check.mode=none {url}', '-c', 'read -v 0 4', env=host.env)
    assert '51 46 49 fb' in other.out and other.status == 0, (result, other)


def test_without_the_key(host):
    result = support.blkscope('--image-opts', '-c', 'length', host.options('disk.qcow2'), env={**host.env, 'SSH_AUTH_SOCK': '/nonexistent'})
    assert result.status == 1 and 'authenticat' in result.err, result


def test_a_server_that_ends(host):
    """What is asked for then is an error, and nothing hangs."""
    port = free_port()
    with serve(host.folder, port) as server:
        options = Host(host.folder, port, host.env).options('disk.qcow2').replace('driver=qcow2,file.', '').replace(',file.', ',')
        with subprocess.Popen([support.BLKSCOPE, '--image-opts', options], env=host.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT) as client:
            client.stdin.write(b'read -v 0 4\n')
            client.stdin.flush()
            while b'ops/sec' not in client.stdout.readline():
                pass
            for session in Path(f'/proc/{server.pid}/task/{server.pid}/children').read_text(encoding='ascii').split():
                os.kill(int(session), signal.SIGKILL)
            out, _ = client.communicate(b'read 64k 4k\n', timeout=support.DEADLINE)
        assert b'read failed: Input/output error' in out and client.returncode == 1, out

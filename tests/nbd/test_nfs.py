# SPDX-License-Identifier: GPL-3.0-or-later
"""
Images behind NFS: nfs-ganesha in a network namespace of its own, as its clients ask port 111 for it.  Its packages start services, so ./dev setup takes
only their files.
"""
import contextlib
import ctypes
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

import support
from support import MIB

PACKAGES = support.CHECKOUT / 'build/unpacked'
LIBRARIES = ':'.join(str(folder) for pattern in ('*/usr/lib/*-linux-gnu', '*/lib/*-linux-gnu', '*/usr/lib/ganesha') for folder in PACKAGES.glob(pattern))
CLONE_NEWNET = 0x40000000


def find(name):
    folders = ':'.join(str(folder) for folder in PACKAGES.glob('*/**/*bin'))
    return shutil.which(name) or shutil.which(name, path=folders)


GANESHA, RPCBIND = find('ganesha.nfsd'), find('rpcbind')
VFS = next((folder for root in ('/', PACKAGES / 'nfs-ganesha-vfs') for folder in Path(root).glob('usr/lib/*-linux-gnu/ganesha')), None)


def lacks():
    if os.geteuid() != 0:
        return 'only root may make a network of its own'
    if not GANESHA or not RPCBIND or not VFS:
        return 'nfs-ganesha or rpcbind could not be fetched'
    env = support.environment(LD_LIBRARY_PATH=LIBRARIES)
    found = [line for program in (GANESHA, RPCBIND) for line in subprocess.run(['ldd', program], capture_output=True, text=True, env=env).stdout.splitlines()]
    missing = sorted({line.split()[0] for line in found if 'not found' in line})
    if missing:
        return f'nfs-ganesha has no {" ".join(missing)} here'
    probe = subprocess.run(['unshare', '-nmp', '--fork', 'true'], capture_output=True, text=True)
    return f'no network of its own: {probe.stderr.strip()}' if probe.returncode else ''


LACKS = lacks()
pytestmark = pytest.mark.skipif(bool(LACKS), reason=LACKS)

CONFIGURATION = '''
NFS_CORE_PARAM {{ Protocols = 3; Enable_NLM = false; Enable_RQUOTA = false; Plugins_Dir = {plugins}; }}
NFSv4 {{ Graceless = true; UseGetpwnam = true; RecoveryRoot = {folder}/recovery; }}
NFS_KRB5 {{ Active_krb5 = false; }}
EXPORT {{ Export_Id = 1; Path = {folder}/share; Pseudo = /share; Access_Type = RW; Squash = None; SecType = sys; FSAL {{ Name = VFS; }} }}
EXPORT {{ Export_Id = 2; Path = {folder}/closed; Pseudo = /closed; Access_Type = RO; Squash = Root; SecType = sys; FSAL {{ Name = VFS; }} }}
'''

# $1 ganesha.nfsd, $2 rpcbind.  rpcbind wants a user, both a /run to write to.  Says "ready" each time when the server answers.
SERVER = r'''
/usr/bin/python3 -c 'import fcntl, socket, struct; fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"lo", 0x41))' &&
mount -t tmpfs tmpfs /run && mkdir -p /run/ganesha /run/rpcbind && mount --bind passwd /etc/passwd || exit 1
answers() { until (exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null; do kill -0 "$1" || exit 1; read -rt 0.02 <> <(:); done; }
"$2" -f -i -w > rpcbind.log 2>&1 & answers $! 111
start() { "$1" -F -L "$PWD/ganesha.log" -f "$PWD/ganesha.conf" -p /run/ganesha/pid > ganesha.out 2>&1 & server=$!; answers $server 2049; echo ready; }
start "$1"
while read -r word; do
    case $word in
    kill) kill -9 "$server"; wait "$server"; echo killed ;;
    start) start "$1" ;;
    esac
done 2>/dev/null
'''


class Share:
    """The folder that is served, and its server."""

    def __init__(self, folder, process):
        self.folder, self.process = folder / 'share', process
        self.url = f'nfs://127.0.0.1{self.folder}'
        self.namespace = os.open(f'/proc/{process.pid}/ns/net', os.O_RDONLY | os.O_CLOEXEC)
        self.setns = ctypes.CDLL(None, use_errno=True).setns

    def enter(self):
        if self.setns(self.namespace, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), 'setns')

    def run(self, which, *args, **how):
        return which(*args, preexec_fn=self.enter, **how)

    def tell(self, word, answer):
        self.process.stdin.write(f'{word}\n')
        self.process.stdin.flush()
        assert self.process.stdout.readline() == f'{answer}\n'


@pytest.fixture(scope='module')
def share(tmp_path_factory):
    folder = tmp_path_factory.mktemp('nfs')
    for name in 'share', 'closed', 'recovery':
        (folder / name).mkdir()
        (folder / name).chmod(0o755)
    (folder / 'ganesha.conf').write_text(CONFIGURATION.format(folder=folder, plugins=VFS))
    (folder / 'passwd').write_text(Path('/etc/passwd').read_text() + '_rpc:x:65533:65534::/run/rpcbind:/usr/sbin/nologin\n')
    (folder / 'share/odd.raw').write_bytes(random.Random(1).randbytes(1000001))
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', 'disk.qcow2', '4M'], cwd=folder / 'share', check=True)
    subprocess.run(['qemu-io', '-c', 'write -P 7 100k 64k', 'disk.qcow2'], cwd=folder / 'share', check=True, stdout=subprocess.DEVNULL)
    shutil.copy(folder / 'share/disk.qcow2', folder / 'closed/secret.qcow2')
    (folder / 'closed/secret.qcow2').chmod(0o600)
    env = support.environment(LD_LIBRARY_PATH=LIBRARIES)
    with subprocess.Popen(['unshare', '-nmp', '--fork', '--kill-child', 'bash', '-c', SERVER, 'bash', GANESHA, RPCBIND], cwd=folder, env=env,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            if process.stdout.readline() != 'ready\n':
                pytest.skip(f'nfs-ganesha does not start here: {log(folder)}')
            made = Share(folder, process)
            probe = made.run(support.reference, '-r', '-f', 'raw', '-c', 'length', f'{made.url}/odd.raw')
            if probe.status:
                pytest.skip(f'nfs-ganesha does not serve a folder here: {probe.err} {log(folder)}')
            yield made
            os.close(made.namespace)
        finally:
            process.kill()


def log(folder):
    with contextlib.suppress(OSError):
        return (folder / 'ganesha.log').read_text().splitlines()[-3:]
    return 'no log'


def test_as_the_reference_program(share):
    """Also a size that is not whole sectors, which both round up for what reads and not for what is written."""
    commands = support.commands(['length', 'read -v 999990 11', 'write -P 9 4000 20000', 'write -z 64k 64k', 'write -P 8 999936 65', 'read -P 8 999936 65',
                                 'aio_read 0 900k', 'aio_flush', 'write 1000000 512', 'read 1000000 512', 'flush', 'map'])
    before, runs = (share.folder / 'odd.raw').read_bytes(), []
    for which in support.reference, support.drop_in:
        (share.folder / 'written').write_bytes(before)
        result = share.run(which, '-f', 'raw', *commands, f'{share.url}/written')
        runs.append((support.without_times(result.out), result.err, result.status, (share.folder / 'written').read_bytes()))
    assert runs[0] == runs[1]
    assert runs[0][3][4000:24000] == b'\x09' * 20000


def test_a_qcow2_image_there(share):
    """Read as any file is, never written unasked; what needs a cluster behind the end fails, and leaves a whole image."""
    image = share.folder / 'disk.qcow2'
    before = image.read_bytes(), image.stat().st_mtime_ns
    args = support.commands(['read -P 7 100k 64k', 'read -P 0 0 100k', 'map', 'check', 'write 0 4k'])
    result = share.run(support.blkscope, *args, f'{share.url}/disk.qcow2')
    assert 'Pattern verification failed' not in result.out and 'No errors were found' in result.out and 'wrote' not in result.out, result
    assert support.blkscope('-c', 'map', image).out in result.out
    assert (image.read_bytes(), image.stat().st_mtime_ns) == before
    shutil.copy(image, share.folder / 'full')
    result = share.run(support.blkscope, '-w', *support.commands(['write -P 8 100k 4k', 'write 1M 64k', 'read -P 8 100k 4k']), f'{share.url}/full')
    assert result.out.count('wrote') == 1 and 'write failed' in result.out and 'Pattern' not in result.out, result
    subprocess.run(['qemu-img', 'check', '-q', share.folder / 'full'], check=True)


@pytest.mark.parametrize('name', ['{share}/none', '{share}/../closed/none', '{closed}/secret.qcow2', '/nowhere/x', '{share}/odd.raw?nonsense=1', '{share}/odd.raw?uid=x'])
def test_what_is_not_there(share, name):
    name = name.format(share=share.folder, closed=share.folder.parent / 'closed')
    theirs, ours = (share.run(which, '-r', '-f', 'raw', '-c', 'length', f'nfs://127.0.0.1{name}') for which in (support.reference, support.drop_in))
    assert theirs == ours and ours.status == 1


def test_options(share):
    options = f'driver=raw,file.driver=nfs,file.server.type=inet,file.server.host=127.0.0.1,file.path={share.folder}/odd.raw,file.readahead-size=65536'
    assert share.run(support.blkscope, '--image-opts', '-c', 'read -v 0 16', options).status == 0
    assert share.run(support.blkscope, '-f', 'raw', '-c', 'read -v 0 16', f'{share.url}/odd.raw?readahead=65536&uid=0').status == 0


def test_a_server_that_dies_and_comes_back(share):
    """NFS waits: a request is answered when the server is there again."""
    (share.folder / 'one').write_bytes(bytes(MIB) + b'\x05' * MIB)
    args = [support.BLKSCOPE, '-w', '-f', 'raw', f'{share.url}/one']
    with subprocess.Popen(args, env=support.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=share.enter) as client:
        client.stdin.write(b'read -P 5 1M 4k\n')
        client.stdin.flush()
        while b'ops/sec' not in client.stdout.readline():
            pass
        share.tell('kill', 'killed')
        client.stdin.write(b'write -P 6 0 4k\n')
        client.stdin.flush()
        share.tell('start', 'ready')
        out, _ = client.communicate(b'read -P 6 0 4k\nflush\n', timeout=support.DEADLINE)
    assert client.returncode == 0 and b'wrote 4096/4096' in out and b'Pattern' not in out, out
    assert (share.folder / 'one').read_bytes()[:4097] == b'\x06' * 4096 + b'\0'

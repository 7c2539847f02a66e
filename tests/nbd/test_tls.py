# SPDX-License-Identifier: GPL-3.0-or-later
"""Encrypted connections: certificates and pre-shared keys, over TCP and Unix sockets; who is not meant is not talked to, and the message says why."""
import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

import support
from support import MIB

sys.path.insert(0, str(Path(__file__).parent))

import servers  # noqa: E402
from test_formats import Session  # noqa: E402

SERVER = 'tls_www_server\nencryption_key\nsigning_key\n'
CLIENT = 'cn = client\ntls_www_client\nencryption_key\nsigning_key\n'
OLD = 'activation_date = "2019-01-01 00:00:00"\nexpiration_date = "2020-01-01 00:00:00"\n'


def authority(folder):
    folder.mkdir()
    certificate(folder, 'ca', 'cn = authority\nca\ncert_signing_key\n')
    return folder


def certificate(folder, name, lines, ca=None):
    (folder / f'{name}.info').write_text(lines)
    key = folder / f'{name}-key.pem'
    subprocess.run(['certtool', '--generate-privkey', '--ecc', '--outfile', key], check=True, capture_output=True)
    sign = ['--generate-certificate', '--load-ca-certificate', ca / 'ca-cert.pem', '--load-ca-privkey', ca / 'ca-key.pem'] if ca else \
        ['--generate-self-signed']
    subprocess.run(['certtool', *sign, '--load-privkey', key, '--template', folder / f'{name}.info', '--outfile', folder / f'{name}-cert.pem'],
                   check=True, capture_output=True)


def server_folder(parent, name, ca, lines):
    folder = parent / name
    folder.mkdir()
    (folder / 'ca-cert.pem').write_bytes((ca / 'ca-cert.pem').read_bytes())
    certificate(folder, 'server', lines + SERVER, ca)
    return folder


@pytest.fixture(scope='module')
def pki(tmp_path_factory):
    """Folders: `ca` has the authority and a client, `good`, `old` and `wrong` servers it signed, `other` is another authority with its client."""
    top = tmp_path_factory.mktemp('pki')
    ca, other = authority(top / 'ca'), authority(top / 'other')
    for folder in (ca, other):
        certificate(folder, 'client', CLIENT, folder)
    server_folder(top, 'good', ca, 'cn = localhost\ndns_name = localhost\nip_address = 127.0.0.1\n')
    server_folder(top, 'old', ca, 'cn = localhost\ndns_name = localhost\n' + OLD)
    server_folder(top, 'wrong', ca, 'cn = example.com\ndns_name = example.com\n')
    for name in ('psk', 'psk2'):
        (top / name).mkdir()
        subprocess.run(['psktool', '-u', 'alice', '-p', top / name / 'keys.psk'], check=True, capture_output=True)
    return top


@contextlib.contextmanager
def serving(work, transport, *args):
    """An nbdkit; gives the beginning of a URI up to its parameters, and options."""
    if transport == 'unix':
        with servers.nbdkit(work / 's', '--tls=require', *args, 'memory', '1M'):
            yield f'nbds+unix:///?socket={work / "s"}', f'driver=nbd,path={work / "s"}'
    else:
        port = servers.free_port()
        with servers.nbdkit_tcp(port, '--tls=require', *args, 'memory', '1M'):
            yield f'nbds://localhost:{port}/?', f'driver=nbd,host=localhost,port={port}'


def ask(uri, *args):
    return support.blkscope(*args, '-f', 'raw', '-c', 'length', uri)


def both(pki, folder, options):
    """Whether the reference program connects, and that ours does neither more nor less."""
    args = ['-r', '--object', f'tls-creds-x509,id=t0,dir={pki / folder},endpoint=client', '--image-opts', '-c', 'length', f'{options},tls-creds=t0']
    theirs, ours = support.reference(*args), support.drop_in(*args)
    assert (ours.out, ours.status) == (theirs.out, theirs.status), (theirs, ours)
    return ours


@pytest.mark.parametrize('transport', ['unix', 'tcp'])
@pytest.mark.parametrize('server, folder', [('good', 'ca'), ('old', 'ca'), ('wrong', 'ca'), ('good', 'other')])
def test_certificates(work, pki, transport, server, folder):
    name = 'tls-hostname=localhost' if transport == 'unix' else ''
    good = server == 'good' and folder == 'ca'
    with serving(work, transport, f'--tls-certificates={pki / server}') as (uri, options):
        result = both(pki, folder, f'{options},{name}'.rstrip(','))
        assert result.status == (0 if good else 1)
        if not good:
            assert f"not signed by {pki / folder}/ca-cert.pem, is not for 'localhost', or has expired" in result.err, result
        ours = ask(f'{uri}&tls-certificates={pki / folder}&{name}'.rstrip('&').replace('?&', '?'))
        assert ours.status == result.status and (ours.out == '1 MiB\n') == good, ours
        unchecked = ask(f'{uri}&tls-verify-peer=off'.replace('?&', '?'))
        assert unchecked.out == '1 MiB\n', unchecked


def test_name_in_the_certificate(work, pki):
    with serving(work, 'tcp', f'--tls-certificates={pki / "wrong"}') as (uri, options):
        assert both(pki, 'ca', f'{options},tls-hostname=example.com').status == 0
        assert ask(f'{uri}tls-certificates={pki / "ca"}&tls-hostname=example.com').out == '1 MiB\n'
        assert both(pki, 'ca', f'{options},tls-hostname=example.org').status == 1


def test_nothing_to_check_with(work, pki):
    """No connection, rather than one to anybody."""
    for transport in ('unix', 'tcp'):
        with serving(work, transport, f'--tls-certificates={pki / "good"}') as (uri, options):
            nothing = ask(uri.rstrip('?'))
            assert nothing.status == 1 and "certificate can't be checked: give tls-certificates=FOLDER" in nothing.err, nothing
            assert 'Unable to access credentials /nonexistent/ca-cert.pem' in ask(f'{uri}&tls-certificates=/nonexistent'.replace('?&', '?')).err
            if transport == 'unix':
                assert 'No hostname for certificate validation' in both(pki, 'ca', options).err


def test_authority_of_the_user(work, pki):
    """In the folder where libnbd looks for it."""
    home = work / 'home/.pki/libnbd'
    home.mkdir(parents=True)
    (home / 'ca-cert.pem').write_bytes((pki / 'ca/ca-cert.pem').read_bytes())
    with serving(work, 'tcp', f'--tls-certificates={pki / "good"}') as (uri, _):
        result = support.blkscope('-f', 'raw', '-c', 'length', uri, env=support.environment(HOME=str(work / 'home')))
    assert result.out == '1 MiB\n', result


@pytest.mark.parametrize('client', ['ca', 'other', None])
def test_client_certificates(work, pki, client):
    folder = work / 'pki'
    folder.mkdir()
    (folder / 'ca-cert.pem').write_bytes((pki / 'ca/ca-cert.pem').read_bytes())
    for name in ('client-cert.pem', 'client-key.pem') if client else ():
        (folder / name).write_bytes((pki / client / name).read_bytes())
    with serving(work, 'tcp', '--tls-verify-peer', f'--tls-certificates={pki / "good"}') as (uri, _):
        result = ask(f'{uri}tls-certificates={folder}')
    if client == 'ca':
        assert result.out == '1 MiB\n', result
    else:
        assert result.status == 1 and f'client-cert.pem and client-key.pem in {folder}' in result.err, result


@pytest.mark.parametrize('transport', ['unix', 'tcp'])
def test_pre_shared_keys(work, pki, transport):
    with serving(work, transport, f'--tls-psk={pki / "psk/keys.psk"}') as (uri, options):
        def tried(folder, name):
            args = ['-r', '--object', f'tls-creds-psk,id=t0,dir={pki / folder},username={name},endpoint=client', '--image-opts', '-c', 'length',
                    f'{options},tls-creds=t0']
            theirs, ours = support.reference(*args), support.drop_in(*args)
            assert (ours.out, ours.status) == (theirs.out, theirs.status), (theirs, ours)
            named = ask(f'{uri}&tls-psk-file={pki / folder / "keys.psk"}&tls-username={name}'.replace('?&', '?'))
            assert named.status == ours.status, named
            return ours

        assert tried('psk', 'alice').status == 0
        assert 'psk2/keys.psk may not have the key that the server knows' in tried('psk2', 'alice').err
        assert 'username bob was not found' in tried('psk', 'bob').err
        assert 'Unable to access credentials' in tried('nonexistent', 'alice').err


def test_only_one_side_encrypts(work, pki):
    with serving(work, 'tcp', f'--tls-certificates={pki / "good"}') as (uri, _):
        args = ['-r', '-c', 'length', uri.replace('nbds', 'nbd').rstrip('?')]
        theirs, ours = support.reference(*args), support.drop_in(*args)
        assert (ours.err, ours.status) == (theirs.err, theirs.status) and 'tls-creds' in ours.err
    with servers.nbdkit(work / 's', 'memory', '1M'):
        result = ask(f'nbds+unix:///?socket={work / "s"}&tls-verify-peer=off')
    assert result.status == 1 and 'Denied by server for option 5 (starttls)' in result.err, result


def test_what_the_server_reports(work, pki):
    """Its own words, as in the reference program."""
    port = servers.free_port()
    image = work / 'disk'
    with open(image, 'wb') as file:
        file.truncate(MIB)
    with servers.qemu_nbd_tcp(port, '-f', 'raw', '--object', f'tls-creds-x509,id=t,dir={pki / "good"},endpoint=server', '--tls-creds', 't', image):
        args = ['-r', '-c', 'length', f'nbd://localhost:{port}/ex']
        theirs, ours = support.reference(*args), support.drop_in(*args)
        assert (ours.err, ours.status) == (theirs.err, theirs.status) and 'server reported: ' in ours.err


def test_connected_again(work, pki):
    """In the sandbox, where libnbd reads the files again; and not with somebody else."""
    port = servers.free_port()
    options = f'driver=nbd,host=localhost,port={port},tls-certificates={pki / "ca"},reconnect-delay='

    def server(folder):
        return servers.nbdkit_tcp(port, '--tls=require', f'--tls-certificates={pki / folder}', 'memory', '1M')

    with server('good'):
        session = Session(work, '--image-opts', options + '60')
    with session, server('good'):
        session.ask('read 0 4k', 'read 4096/4096')
    with server('good'):
        session = Session(work, '--image-opts', options + '0')
    with session, server('wrong'):
        for _ in range(2):  # the one that was under way, and one for which a connection is made
            session.ask('read 0 4k', 'read failed: Input/output error')
        session.ask('info', 'or has expired')

# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of nodes, in every form they are given: the same messages and effects as in the reference program."""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import support  # noqa: E402
from filters import same, script, twins  # noqa: E402

EVERY = bool(os.environ.get('BLKSCOPE_MATRIX'))
TOPS = {'qcow2': 'driver=qcow2,file.driver=file,file.filename=a.qcow2', 'raw': 'driver=raw,file.driver=file,file.filename=a.raw',
        'backed': 'driver=qcow2,file.driver=file,file.filename=b.qcow2'}
OPTIONS = [
    'read-only=on', 'read-only=off', 'read-only=foo', 'read-only', 'noread-only', 'auto-read-only=on', 'auto-read-only=on,read-only=on',
    'auto-read-only=x', 'force-share=on', 'force-share=on,read-only=on', 'force-share=yes,read-only=yes', 'discard=unmap', 'discard=on',
    'discard=off', 'discard=ignore', 'discard=foo', 'discard=', 'detect-zeroes=on', 'detect-zeroes=off', 'detect-zeroes=unmap',
    'detect-zeroes=unmap,discard=unmap', 'detect-zeroes=foo', 'cache.direct=on', 'cache.direct=foo', 'cache.no-flush=on', 'cache.writeback=on',
    'cache.foo=1', 'cache=none', 'node-name=n', 'node-name=1n', 'node-name=', 'node-name=nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn', 'node-name=file',
    'node-name=n,file.node-name=n', 'file.node-name=f', 'file.read-only=on', 'file.read-only=on,read-only=on', 'file.discard=unmap,discard=unmap',
    'file.detect-zeroes=on', 'file.locking=on', 'file.locking=off', 'file.aio=threads', 'file.aio=foo', 'file.pr-manager=x',
    'file.x-check-cache-dropped=on', 'file.drop-cache=off', 'file.aio-max-batch=5', 'file.foo=1', 'foo=1', 'foo', 'driver=', 'driver=foo',
    'driver=host_device', 'file.driver=foo', 'file=x', 'file=', 'file.file=x', 'file.filename=', 'file.filename=nofile', 'size=512k', 'offset=512',
    'size=513', 'size=0', 'size=abc', 'offset=-1', 'backing=x', 'backing.driver=raw,backing.file.driver=file,backing.file.filename=a.raw',
    'backing.driver=null-co', 'backing.file.filename=a.raw', 'backing.file.filename=nofile', 'backing.foo=1',
    'backing.driver=raw,backing.file.filename=a.raw,backing.node-name=bb', 'backing.read-only=off', 'backing.driver=qcow2',
    'backing.file.filename=a.qcow2', 'lazy-refcounts=on', 'lazy-refcounts=foo', 'pass-discard-request=off', 'pass-discard-snapshot=on',
    'pass-discard-other=on', 'overlap-check=all', 'overlap-check=none', 'overlap-check=foo', 'overlap-check.template=foo', 'overlap-check.foo=on',
    'overlap-check.main-header=foo', 'l2-cache-size=64k', 'l2-cache-size=1', 'l2-cache-size=foo', 'refcount-cache-size=1M', 'cache-size=1M',
    'l2-cache-entry-size=4k', 'l2-cache-entry-size=100', 'l2-cache-entry-size=64k', 'l2-cache-entry-size=128k', 'l2-cache-entry-size=256',
    'cache-clean-interval=5', 'cache-clean-interval=4294967296', 'cache-clean-interval=foo', 'cache-clean-interval=-1', 'encrypt.format=aes',
    'encrypt.format=luks', 'encrypt.foo=1', 'encrypt.key-secret=x', 'data-file.filename=x.raw', 'data-file.driver=file,data-file.filename=x.raw',
    'detect-zeroes=on,file.filename=a.raw', 'x-foo=1', 'copy-on-read=on', 'if=none', 'format=raw', 'throttling.iops-total=1', 'read-pattern=fifo',
    'BDRV_OPT=1', 'driver.foo=1', 'file.driver.foo=1', 'node-name.x=1', 'discard.x=1']
ALONE = [
    '', 'driver=raw', 'file.filename=a.raw', 'driver=file,filename=a.raw', 'driver=file', 'driver=file,filename=', 'filename=a.raw',
    'file.driver=file', 'driver=raw,file.filename=a.raw,', 'driver=raw,,file.filename=a.raw', 'driver=raw,file.filename=a,,b.raw', '=x', 'a=',
    'driver=qcow2,file.driver=raw,file.file.filename=a.qcow2', 'driver=qcow2,file.driver=qcow2,file.file.filename=a.qcow2',
    'driver=raw,file.driver=qcow2,file.file.driver=file,file.file.filename=a.qcow2', 'driver=null-co,size=1M', 'driver=null-co,latency-ns=-1',
    'driver=null-aio,size=1M,read-zeroes=on', 'driver=null-co,foo=1', 'driver=null-co,filename=x', 'driver=null-aio,zeroes=x',
    'driver=blkdebug,image.filename=a.raw', 'driver=blkdebug,image=a', 'driver=blkdebug', 'driver=blkdebug,config=nofile,image.filename=a.raw',
    'driver=host_cdrom,filename=a.raw', 'driver=luks,file.filename=a.raw', 'driver=luks,file.filename=a.raw,key-secret=x']
JSON = [
    '{}', '{"driver":"raw"}', '{"driver":"raw","file":{"driver":"file","filename":"a.raw"}}',
    '{"driver":"raw","file.driver":"file","file.filename":"a.raw"}',
    '{"driver":"raw","file":{"driver":"file","filename":"a.raw"},"file.filename":"x.raw"}', '{"driver":"raw","file":"a.raw"}',
    '{"driver":"raw","file":null}', '{"driver":"raw","size":1024,"file":{"driver":"file","filename":"a.raw"}}',
    '{"driver":"raw","size":"1k","file":{"driver":"file","filename":"a.raw"}}',
    '{"driver":"raw","size":1.5,"file":{"driver":"file","filename":"a.raw"}}',
    '{"driver":"raw","size":-1,"file":{"driver":"file","filename":"a.raw"}}',
    '{"driver":"raw","size":true,"file":{"driver":"file","filename":"a.raw"}}',
    '{"driver":"raw","read-only":true,"file":{"driver":"file","filename":"a.raw"}}',
    '{"driver":"raw","read-only":"maybe","file":{"driver":"file","filename":"a.raw"}}',
    '{"driver":"raw","read-only":1,"file":{"driver":"file","filename":"a.raw"}}',
    '{"driver":"raw","cache":{"direct":true,"no-flush":false},"file":{"driver":"file","filename":"a.raw"}}',
    '{"driver":"qcow2","backing":null,"file":{"driver":"file","filename":"b.qcow2"}}',
    '{"driver":"qcow2","backing":"","file":{"driver":"file","filename":"b.qcow2"}}',
    '{"driver":"qcow2","backing":{"driver":"raw","file":{"driver":"file","filename":"x.raw"}},"file":{"driver":"file","filename":"b.qcow2"}}',
    '{"driver":"qcow2","overlap-check":{"template":"all"},"file":{"driver":"file","filename":"b.qcow2"}}',
    '{"driver":"qcow2","overlap-check":"all","overlap-check.template":"all","file":{"driver":"file","filename":"b.qcow2"}}', '{"driver":["raw"]}',
    '{"driver":{"a":1}}', '{"driver":null}', '[]', '"x"', '{"driver":"file","filename":"a.raw"} ', '{"driver":"file","filename":"a.raw"}x',
    '{"driver":"file","filename":"a.raw",}', '{driver:1}', '{"driver":"file","driver":"raw","filename":"a.raw"}',
    '{"node-name":"x","driver":"file","filename":"a.raw"}', '{"driver":"file","filename":"a.raw","locking":"auto"}',
    '{"driver":"file","filename":"a.raw","locking":true}', '{"driver":"file","filename":["a.raw"]}', '{"driver":"file","filename":"json:{}"}',
    '{"filename":"a.raw"}', '{"file":{"filename":"a.qcow2"}}', '{"file.filename":"a.qcow2"}',
    '{"driver":"blkdebug","image":{"driver":"file","filename":"a.raw"},"inject-error":[{"event":"read_aio","errno":28}]}',
    '{"driver":"blkdebug","image":{"driver":"file","filename":"a.raw"},"inject-error":{"event":"read_aio"}}']
REOPEN = [
    'read-only=on', 'read-only=off', 'auto-read-only=on', 'force-share=on', 'discard=unmap', 'discard=off', 'detect-zeroes=on',
    'detect-zeroes=unmap', 'detect-zeroes=foo', 'cache.direct=on', 'cache.no-flush=on', 'cache.no-flush=off', 'node-name=n', 'driver=raw',
    'driver=qcow2', 'file=x', 'file.driver=file', 'file.filename=x', 'file.filename=a.qcow2', 'file.locking=off', 'file.locking=auto',
    'file.read-only=on', 'file.discard=unmap', 'file.aio=threads', 'file.aio=io_uring', 'file.foo=1', 'foo=1', 'backing=', 'backing=x',
    'backing.driver=null-co', 'backing.read-only=off', 'backing.discard=unmap', 'lazy-refcounts=on', 'lazy-refcounts=foo', 'overlap-check=all',
    'l2-cache-size=128k', 'l2-cache-size=foo', 'l2-cache-entry-size=4k', 'cache-clean-interval=5', 'data-file=x', 'size=512k', 'offset=512',
    'pass-discard-other=on', 'refcount-cache-size=1M', 'detect-zeroes=unmap,discard=unmap', '=', 'x', 'file.x-check-cache-dropped=on',
    'throttling.iops-total=5']
DATA_FILES = ['data-file.filename=x.raw', 'data-file.driver=file,data-file.filename=x.raw', 'data-file=x', 'data-file.foo=1', 'data-file.filename=nofile',
              'data-file.driver=qcow2,data-file.file.filename=a.qcow2', 'data-file.read-only=on', 'data-file.driver=null-co', 'node-name=a']
OBJECTS = ['secret', 'secret,', 'secret,id', 'secret,id=', 'secret,id=a,,b,data=x', 'secret,,id=a', 'secret,id=a,data', 'secret,id=a,data=x,',
           'secret,id=a,data=x,,', 'secret,id=a,=x', 'id=a,data=x', 'qom-type=secret,id=a,data=x', '', 'foo', 'secret,id=1a,data=x',
           'secret,id=a,data=x,data=y', 'secret,id=a b,data=x', 'secret,id=a', 'secret,id=a,data=x,file=/etc/passwd', 'secret,id=a,file=/nofile',
           'secret,id=a,data=x,format=foo', 'secret,id=a,data=%%%,format=base64', 'secret,id=a,data=eA==,format=base64', 'secret,id=a,data=x,keyid=b',
           'secret,id=a,data=x,keyid=m', 'secret,id=a,data=eA==,format=base64,keyid=m,iv=AAAA', 'secret,id=a,data=x,iv=zzz', 'secret,id=s,data=',
           'secret,id=s,data=AAAA,format=base64,keyid=m,iv=AAAAAAAAAAAAAAAAAAAAAA==', 'secret,id=s,file=/tmp', 'secret,id=s,file=a.raw,format=base64',
           'secret,id=s,data=aaaa,keyid=m,iv=AAAAAAAAAAAAAAAAAAAAAA==', 'secret,id=a,data=x,foo=1', 'tls-creds-x509,id=a,dir=/nodir,endpoint=client',
           'tls-creds-psk,id=a,dir=/nodir,endpoint=client', 'tls-creds-psk,id=a,endpoint=foo', 'tls-creds-psk,id=a', 'tls-creds-x509,id=a',
           'tls-creds-x509,id=a,endpoint=client,verify-peer=foo', '{', '{"id":"a"}', '{"qom-type":"secret"}', '{"qom-type":"secret","id":"a","data":"x"}']
COMMANDS = script('read 0 4k', 'write -P 0 64k 64k', 'write -P 5 0 4k', 'discard 0 64k', 'map')


def some(values, step):
    """All of them, or every step-th; which ones differs from list to list."""
    return values if EVERY else values[len(values) % step::step]


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp('options')
    commands = ['truncate -s 1M a.raw x.raw', 'qemu-img create -q -f qcow2 a.qcow2 1M', 'qemu-img create -q -f qcow2 -b a.raw -F raw b.qcow2',
                'qemu-img create -q -f qcow2 -o data_file=d.raw d.qcow2 1M', 'qemu-img create -q -f qcow2 -o data_file=e.raw,data_file_raw=on e.qcow2 1M']
    for command in commands:
        subprocess.run(command.split(), cwd=folder, check=True)
    return folder


@pytest.fixture
def folder(made, work):
    return Path(shutil.copytree(made, work / 'theirs'))


def allocated(folder):
    """What the raw files take on the disk: where zeroes are detected they take less."""
    return {path.name: path.stat().st_blocks for path in folder.glob('*.raw')}


@pytest.mark.parametrize('top', TOPS)
@pytest.mark.parametrize('option', some(OPTIONS, 4))
def test_opened_with(folder, top, option):
    same(folder, *COMMANDS, '--image-opts', f'{TOPS[top]},{option}')


@pytest.mark.parametrize('image', ['d', 'e'])
@pytest.mark.parametrize('option', some(DATA_FILES, 2))
def test_data_files(folder, image, option):
    same(folder, *COMMANDS, '--image-opts', f'driver=qcow2,file.filename={image}.qcow2,{option}')


@pytest.mark.parametrize('options', some(ALONE, 3))
def test_options_alone(folder, options):
    same(folder, *COMMANDS, '--image-opts', options)


@pytest.mark.parametrize('json', some(JSON, 3))
def test_json(folder, json):
    same(folder, *script('length', 'read 0 4k', 'info'), f'json:{json}')


@pytest.mark.parametrize('args', [['a.qcow2'], ['-f', 'raw', 'a.raw'], ['b.qcow2'], ['-r', 'a.qcow2']], ids=' '.join)
@pytest.mark.parametrize('option', some(REOPEN, 4))
def test_reopened_with(folder, args, option):
    same(folder, *script(f'reopen -o {option}', 'write -z 0 64k', 'write -P 0 64k 64k', 'write -P 1 0 4k', 'discard 128k 64k', 'map', 'info'), *args)


@pytest.mark.parametrize('definition', OBJECTS)
def test_objects(folder, definition):
    same(folder, '--object', 'secret,id=m,data=0123456789abcdef0123456789abcdef', '--object', definition, *script('length'), 'a.qcow2')


@pytest.mark.parametrize('mode', ['off', 'on', 'unmap'])
def test_written_zeroes_take_as_much_as_there(folder, mode):
    """Zeroes over data, on a raw file and in an image, become holes or not."""
    args = [*script('write -P 1 0 1M', 'write -P 0 0 256k', 'write -P 0 512k 100k', 'write -z -u 700k 64k', 'discard 900k 64k'), '--image-opts',
            f'{TOPS["raw"]},discard=unmap,detect-zeroes={mode}']
    with twins(folder) as twin:
        support.reference(*args, cwd=folder)
        support.drop_in(*args, cwd=twin)
        assert allocated(folder) == allocated(twin)


def test_a_secret_that_is_encrypted(folder):
    """A luks image whose passphrase is given encrypted with a key of 32 bytes: AES-256, CBC."""
    (folder / 'key').write_bytes(bytes(range(32)))
    # 'sesame', padded, encrypted by openssl enc -aes-256-cbc with that key and an IV of zeroes
    secret = ['--object', 'secret,id=m,file=key', '--object', 'secret,id=s,data=Pr8Pj03otGX+4cc1Y5N6LA==,format=base64,keyid=m,iv=AAAAAAAAAAAAAAAAAAAAAA==']
    support.create_encrypted('-f', 'luks', '--object', 'secret,id=s,data=sesame', '-o', 'key-secret=s,iter-time=10', 'l.luks', '1M', cwd=folder)
    same(folder, *secret, *script('write -P 7 0 4k', 'read -P 7 0 4k'), '--image-opts', 'driver=luks,file.filename=l.luks,key-secret=s')


HUGE = ['9223372036854775808', '18446744073709551615', '15.9E', '18446744073709551616']
HUGE_OPTIONS = {
    'driver=qcow2,file.filename=a.qcow2': [
        'cache-size={0}', 'l2-cache-size={0}', 'refcount-cache-size={0}', 'l2-cache-entry-size={0}', 'cache-size={0},l2-cache-size=1M',
        'cache-size={0},l2-cache-size={0}', 'cache-size={0},refcount-cache-size=1M', 'cache-size=1M,l2-cache-size={0}',
        'cache-size=1M,refcount-cache-size={0}', 'cache-size={0},l2-cache-entry-size=3k', 'refcount-cache-size=1M,l2-cache-size={0}'],
    'driver=raw,file.filename=a.raw': ['size={0}', 'offset={0}'],
    'driver=blkdebug,image.driver=file,image.filename=a.raw': [f'{key}={{0}}' for key in ('align', 'max-transfer', 'opt-write-zero', 'max-write-zero',
                                                                                      'opt-discard', 'max-discard')],
}


@pytest.mark.parametrize('top', HUGE_OPTIONS)
def test_sizes_beyond_int64(folder, top):
    for size in HUGE if EVERY else HUGE[:2]:
        for option in HUGE_OPTIONS[top]:
            same(folder, *script('length'), '--image-opts', f'{top},{option.format(size)}')
    if 'qcow2' in top:
        same(folder, *script('length', 'reopen -o l2-cache-size=8E', 'reopen -o cache-size=8E'), 'a.qcow2')


def test_options_that_list_what_there_is(folder):
    """Ours has its own words and fewer objects; each that it lists is in the reference program's list, with all properties of that."""
    def both(*args):
        theirs, ours = support.reference(*args, cwd=folder), support.drop_in(*args, cwd=folder)
        assert (ours.status, ours.err) == (theirs.status, theirs.err) == (0, ''), args
        assert ours.out == support.blkscope(*args, cwd=folder).out
        return [re.findall(r'^  ([\w-]+)', out, re.M) for out in (theirs.out, ours.out)]

    for word in ('help', '?', 'help,id=x', 'nonesuch,help'):
        theirs, types = both('--object', word, '--nonesuch')
        assert types and set(types) <= set(theirs)
    for name in types:
        theirs, ours = both('--object', f'{name},help')
        assert set(theirs) - {'limits', 'loaded'} == set(ours) - {'limits'}, name
    for args in (['--trace', 'help'], ['-T', '?', '-c', 'length', 'nofile']):
        both(*args)
    same(folder, '--object', 'secret,id=a,data=a,,help', *script('length'), 'a.qcow2')

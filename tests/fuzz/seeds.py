#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Makes the seeds of the fuzz target for qcow2 from images of every kind, the smallest that have it: seeds.py FOLDER.  With --fields those of the
target for structures of disks, from what the tools make.
"""
import subprocess
import sys
import tempfile
from pathlib import Path

SMALL = {'cluster_size': 512}
SHAPES = {
    'plain': SMALL, 'v2': {**SMALL, 'compat': '0.10'}, 'refcount1': {**SMALL, 'refcount_bits': 1}, 'refcount64': {**SMALL, 'refcount_bits': 64},
    'zstd': {**SMALL, 'compression_type': 'zstd'}, 'lazy': {**SMALL, 'lazy_refcounts': 'on'}, 'data-file': {**SMALL, 'data_file': 'd.raw'},
    'extended': {'cluster_size': 16384, 'extended_l2': 'on'}, 'cluster4k': {'cluster_size': 4096},
    'encrypted': {**SMALL, 'encrypt.format': 'aes', 'encrypt.key-secret': 's'},
}
READ, WRITE, SNAPSHOT = 4, 5, 6  # see qcow2.c


def run(folder, *args):
    subprocess.run([str(arg) for arg in args], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def make(folder, shape, backing):
    options = ','.join(f'{key}={value}' for key, value in shape.items())
    secret = ['--object', 'secret,id=s,data=x'] if 'encrypt.format' in shape else []
    run(folder, 'qemu-img', 'create', '-q', '-f', 'qcow2', *secret, '-o', options, *(['-b', 'b.raw', '-F', 'raw'] if backing else []), 'a.qcow2', 32768)
    if secret:
        return
    compressed = ['-c', 'write -c -P 1 0 512', '-c', 'write -c -P 2 512 512'] if shape['cluster_size'] == 512 and 'data_file' not in shape else []
    if shape['cluster_size'] > 512:
        run(folder, 'qemu-io', '-c', 'write -P 3 1k 700', '-c', 'write -z 4k 1k', 'a.qcow2')
        return
    run(folder, 'qemu-io', *compressed, '-c', 'write -P 3 1k 700', '-c', 'write -z 4k 1k', '-c', 'write -P 4 20k 1k', '-c', 'write -z -u 20k 512', 'a.qcow2')
    if 'data_file' in shape or shape.get('refcount_bits') == 1:
        return
    run(folder, 'qemu-img', 'snapshot', '-c', 'one', 'a.qcow2')
    run(folder, 'qemu-io', '-c', 'write -P 5 1k 512', '-c', 'write -b 0 512', 'a.qcow2')
    if shape.get('compat') != '0.10':
        run(folder, 'qemu-img', 'bitmap', '--add', '--enable', 'a.qcow2', 'bits')


# As fields.c has them: the disk's size, a place, and what the disk begins with.
DISKS = {
    'ext4': ('64M', 'mkfs.ext4 -q -F disk'), 'xfs': ('320M', 'mkfs.xfs -q disk'), 'ntfs': ('16M', 'mkntfs -q -F disk'), 'fat12': ('2M', 'mkfs.fat -F 12 disk'),
    'fat32': ('64M', 'mkfs.fat -F 32 disk'), 'exfat': ('16M', 'mkfs.exfat disk'), 'btrfs': ('128M', 'mkfs.btrfs -q disk'), 'swap': ('4M', 'mkswap -q disk'),
    'luks1': ('4M', 'echo x | cryptsetup luksFormat -q --type luks1 --pbkdf-force-iterations 1000 disk -'),
    'luks2': ('20M', 'echo x | cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 disk -'),
    'gpt': ('4M', "printf 'label: gpt\\nsize=1M\\nsize=1M\\n' | sfdisk -q disk"), 'mbr': ('4M', "printf 'size=1M\\nsize=2M,type=5\\nsize=512K\\n' | sfdisk -q disk"),
    'iso': ('0', 'mkdir d; genisoimage -quiet -J -o disk d'), 'udf': ('8M', 'mkudffs disk'), 'squashfs': ('0', 'mkdir d; mksquashfs d disk -quiet -noappend'),
    **{name: ('0', f'rm disk; qemu-img create -q -f {name} disk 16M') for name in ('vmdk', 'vdi', 'vpc', 'vhdx', 'qed', 'parallels')},
}
HEADS = {'btrfs': 68, 'iso': 40, 'udf': 40, 'vhdx': 68}  # KiB; 8 else


def make_disks(out):
    for name, (size, how) in DISKS.items():
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(f'truncate -s {size} disk; {how}', shell=True, cwd=folder, check=True, stdout=subprocess.DEVNULL)
            data = (Path(folder) / 'disk').read_bytes()
            (out / name).write_bytes(len(data).to_bytes(8, 'little') + bytes(8) + data[:HEADS.get(name, 8) * 1024].rstrip(b'\0'))


def main():
    if sys.argv[1] == '--fields':
        return make_disks(Path(sys.argv[2]))
    out = Path(sys.argv[1])
    for name, shape in {**SHAPES, 'backing': SMALL}.items():
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / 'b.raw').write_bytes(bytes(32768))
            make(folder, shape, name == 'backing')
            data = (Path(folder) / 'a.qcow2').read_bytes().rstrip(b'\0')
            for way in (READ, WRITE, SNAPSHOT) if name == 'plain' else (WRITE,):
                (out / f'{name}-{way}').write_bytes(bytes([way]) + data)


main()

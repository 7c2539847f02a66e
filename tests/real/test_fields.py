# SPDX-License-Identifier: GPL-3.0-or-later
"""The hex panel's structures against what the tools of each format say of images that they made themselves."""
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from support import BLKSCOPE, KIB, MIB, environment

DUMP = Path(BLKSCOPE).parent / 'tests/unit/ui/fields-dump'
PATHS = environment(PATH='/usr/sbin:/usr/bin:/sbin:/bin')


def tool(*args, input=None):
    if not shutil.which(args[0], path=PATHS['PATH']):
        pytest.skip(f'{args[0]} is not installed')
    return subprocess.run([str(arg) for arg in args], env=PATHS, input=input, check=True, capture_output=True, text=True).stdout


def make(path, size, *args, **options):
    with open(path, 'wb') as file:
        file.truncate(size)
    tool(*args, path, **options)
    return path


class Fields(dict):
    """(structure, field) -> value as shown; what they point to is in targets."""

    def __init__(self, path):
        super().__init__()
        self.targets, self.offsets = {}, {}
        out = subprocess.run([DUMP, path], env=environment(), check=True, capture_output=True, text=True).stdout
        for line in out.splitlines():
            offset, _, where, name, value, target = line.split('\t')
            self.setdefault((where, name), value)
            self.targets.setdefault((where, name), int(target))
            self.offsets.setdefault((where, name), int(offset))

    def number(self, where, name):
        return int(re.match(r'-?\w+', self[where, name])[0].rstrip(','), 0)

    def numbers(self, where, names):
        return {name: self.number(where, name) for name in names}


def colon_values(text):
    """'Name:   value' lines."""
    return {name.strip(): value.strip() for name, value in re.findall(r'^([^:\n]+):(.*)$', text, re.M)}


EXT = {
    'inodes': 'Inode count', 'blocks (low)': 'Block count', 'reserved blocks (low)': 'Reserved block count', 'free blocks (low)': 'Free blocks',
    'free inodes': 'Free inodes', 'first data block': 'First block', 'blocks per group': 'Blocks per group', 'inodes per group': 'Inodes per group',
    'mounts since check': 'Mount count', 'mounts until check': 'Maximum mount count', 'first inode': 'First inode', 'inode size': 'Inode size',
    'reserved GDT blocks': 'Reserved GDT blocks', 'journal inode': 'Journal inode', 'extra inode bytes, at least': 'Required extra isize',
    'overhead blocks': 'Overhead clusters', 'checksum': 'Checksum',
}


@pytest.mark.parametrize('kind, block, size', [('ext4', 1024, 64 * MIB), ('ext4', 4096, 300 * MIB), ('ext2', 1024, 20 * MIB), ('ext3', 2048, 20 * MIB)])
def test_ext(tmp_path, kind, block, size):
    path = make(tmp_path / 'image', size, f'mkfs.{kind}', '-q', '-F', '-b', block, '-L', 'a label')
    fields, text = Fields(path), tool('dumpe2fs', path)
    says = colon_values(text.split('\n\n')[0])
    for ours, theirs in EXT.items():
        if theirs in says:
            assert fields.number('ext superblock', ours) == int(says[theirs], 0), ours
    assert fields['ext superblock', 'UUID'] == says['Filesystem UUID']
    assert fields['ext superblock', 'volume name'] == '"a label"'
    shown = ' '.join(fields['ext superblock', f'{sort} features'] for sort in ('compatible', 'incompatible', 'read-only compatible'))
    assert {word for word in shown.split() if not word.startswith('0x')} == set(says['Filesystem features'].replace('extents', 'extent').split())
    groups = re.findall(r'^Group (\d+):.*\n((?: .*\n)+)', text, re.M)
    assert groups
    for group, about in groups:
        where = f'ext group descriptor {group}'
        for name, pattern in (('block bitmap', r'Block bitmap at (\d+)'), ('inode bitmap', r'Inode bitmap at (\d+)'), ('inode table', r'Inode table at (\d+)')):
            at = int(re.search(pattern, about)[1])
            assert fields.number(where, name) == at and fields.targets[where, name] == at * block
        free, inodes, directories = map(int, re.search(r'(\d+) free blocks, (\d+) free inodes, (\d+) directories', about).groups())
        assert fields.numbers(where, ['free blocks', 'free inodes', 'directories']) == {'free blocks': free, 'free inodes': inodes, 'directories': directories}
        backup = re.search(r'Backup superblock at (\d+)', about)
        assert fields.offsets.get((f'ext superblock, backup in group {group}', 'inodes')) == (int(backup[1]) * block if backup else None)
        assert ((f'ext group descriptor 0, backup in group {group}', 'block bitmap') in fields) == bool(backup)


XFS_SB = {
    'block size': 'blocksize', 'data blocks': 'dblocks', 'log start': 'logstart', 'root inode': 'rootino', 'realtime extent size': 'rextsize', 'blocks per group': 'agblocks',
    'allocation groups': 'agcount', 'log blocks': 'logblocks', 'version and flags': 'versionnum', 'sector size': 'sectsize', 'inode size': 'inodesize',
    'inodes per block': 'inopblock', 'log2 block size': 'blocklog', 'log2 inode size': 'inodelog', 'log2 blocks per group': 'agblklog', 'inode per cent': 'imax_pct',
    'inodes': 'icount', 'free inodes': 'ifree', 'free blocks': 'fdblocks', 'inode alignment': 'inoalignmt', 'log stripe unit': 'logsunit', 'more features': 'features2',
    'read-only compatible features': 'features_ro_compat', 'incompatible features': 'features_incompat', 'CRC32': 'crc', 'sparse inode alignment': 'spino_align',
}
XFS_AGF = {
    'number of the group': 'seqno', 'blocks': 'length', 'free space by block: root': 'bnoroot', 'free space by size: root': 'cntroot', 'reference counts: root': 'refcntroot',
    'free list: first': 'flfirst', 'free list: last': 'fllast', 'free list: count': 'flcount', 'free blocks': 'freeblks', 'longest free extent': 'longest',
    'blocks of the trees': 'btreeblks', 'reference counts: levels': 'refcntlevel', 'CRC32': 'crc',
}
XFS_AGI = {
    'number of the group': 'seqno', 'blocks': 'length', 'inodes': 'count', 'inodes: root': 'root', 'inodes: levels': 'level', 'free inodes': 'freecount',
    'newest inode': 'newino', 'free inodes: root': 'free_root', 'free inodes: levels': 'free_level', 'CRC32': 'crc',
}


def test_xfs(tmp_path):
    path = make(tmp_path / 'image', 320 * MIB, 'mkfs.xfs', '-q', '-L', 'label')
    fields = Fields(path)
    for group in range(4):
        for where, command, names in (('superblock', 'sb', XFS_SB), ('free space header', 'agf', XFS_AGF), ('inode header', 'agi', XFS_AGI)):
            says = dict(re.findall(r'^(\w+) = (\S+)', tool('xfs_db', '-r', '-c', f'{command} {group}', '-c', 'p', path), re.M))
            for ours, theirs in names.items():
                numbers = [int(says[theirs], 0)] if says[theirs] != 'null' else [0xffffffff, 0xffffffffffffffff]
                assert fields.number(f'XFS {where} of group {group}', ours) in numbers, (group, ours)
    # A byte address of where a block and an inode are, as it converts them.
    for name, sort in (('log start', 'fsblock'), ('root inode', 'ino')):
        number = fields.number('XFS superblock of group 0', name)
        byte = tool('xfs_db', '-r', '-c', f'convert {sort} {number} byte', path)
        assert fields.targets['XFS superblock of group 0', name] == int(re.search(r'\((\d+)\)', byte)[1])


@pytest.mark.parametrize('bits, size, more', [(12, 2 * MIB, []), (16, 16 * MIB, []), (32, 64 * MIB, []), (32, 600 * MIB, ['-S', '4096'])])
def test_fat(tmp_path, bits, size, more):
    path = make(tmp_path / 'image', size, 'mkfs.fat', '-F', bits, '-n', 'A LABEL', '-i', '12345678', *more)
    fields, text = Fields(path), tool('fsck.fat', '-v', '-n', path)
    where = 'FAT32 boot sector' if bits == 32 else 'FAT boot sector'
    say = lambda pattern: int(re.search(pattern, text)[1])  # noqa: E731
    assert fields.number(where, 'bytes per sector') == say(r'(\d+) bytes per logical sector')
    assert fields.number(where, 'reserved sectors') == say(r'(\d+) reserved sector')
    assert fields[where, 'label'] == '"A LABEL"' and fields.number(where, 'volume ID') == 0x12345678
    clusters, fat = say(r'(\d+) data clusters'), say(r'First FAT starts at byte (\d+)')
    entries = [key[0] for key in fields if key[1] == 'next cluster' and ' copy 1,' in key[0]]
    assert len(entries) == clusters and entries[0] == f'FAT{bits} copy 1, of cluster 2'
    first, second = f'FAT{bits} copy 1, entry 0', f'FAT{bits} copy 1, entry 1'
    assert fields.offsets[first, 'media'] == fat
    assert fields.offsets[f'FAT{bits} copy 2, entry 0', 'media'] == fat + say(r'(\d+) bytes per FAT')
    # The byte of the boot sector is in the first one; the second says that all is well, which nothing is said about in FAT12.
    assert fields.number(first, 'media') % 256 == 0xf8 and fields[first, 'media'].endswith(' fixed disk')
    states = [fields[second, name] for where, name in fields if where == second]
    assert len(states) == 1 and states[0] in ('4095 0xfff', '65535 0xffff clean', '268435455 0xfffffff clean')
    if bits == 16:
        with open(path, 'r+b') as file:
            file.seek(fat + 3)
            file.write(b'\x7f')
        assert Fields(path)[second, 'mark of the end, state'] == '32767 0x7fff in use'
    root = fields.offsets['FAT directory entry 1 of the root', 'name']
    if bits == 32:
        assert root == say(r'Data area starts at byte (\d+)') == fields.targets[where, 'cluster of the root']
        assert fields['FAT32 FSInfo', 'free clusters'].startswith(str(clusters - 1))
        assert ('FAT32 backup FSInfo', 'free clusters') in fields and ('FAT32 backup boot sector', 'label') in fields
    else:
        assert root == say(r'Root directory starts at byte (\d+)')
    assert fields['FAT directory entry 1 of the root', 'attributes'].endswith(' label')


def test_a_chain_of_clusters_and_a_directory_of_fat(tmp_path):
    path = make(tmp_path / 'image', MIB, 'mkfs.fat', '-F', 12, '-s', 1)
    tool('mcopy', '-i', path, Path(__file__), '::')
    fields = Fields(path)
    assert 'test_fields.py'.startswith(fields['FAT long name entry 2 of the root', 'name, first part'])
    where = 'FAT directory entry 3 of the root' if ('FAT directory entry 3 of the root', 'name') in fields else 'FAT directory entry 2 of the root'
    assert fields.number(where, 'bytes') == Path(__file__).stat().st_size
    chain, cluster = [], fields.number(where, 'first cluster (low)')
    assert path.read_bytes()[fields.targets[where, 'first cluster (low)']:].startswith(Path(__file__).read_bytes()[:100])
    while not fields[f'FAT12 copy 1, of cluster {cluster}', 'next cluster'].endswith('end'):
        chain.append(cluster)
        cluster = fields.number(f'FAT12 copy 1, of cluster {cluster}', 'next cluster')
    assert len(chain) + 1 == -(-Path(__file__).stat().st_size // 512)


EXFAT = {
    'sectors': 'Volume Length(sectors)', 'sector of the FAT': 'FAT Offset(sector offset)', 'sectors per FAT': 'FAT Length(sectors)', 'clusters': 'Cluster Count',
    'sector of the cluster heap': 'Cluster Heap Offset (sector offset)', 'first cluster of the root': 'Root Cluster (cluster offset)', 'log2 bytes per sector': 'Sector Size Bits',
    'log2 sectors per cluster': 'Sector per Cluster bits',
}


def test_exfat(tmp_path):
    path = make(tmp_path / 'image', 16 * MIB, 'mkfs.exfat', '-L', 'a label')
    fields, says = Fields(path), colon_values(tool('dump.exfat', path))
    for where in ('exFAT boot sector', 'exFAT boot sector, backup'):
        for ours, theirs in EXFAT.items():
            assert fields.number(where, ours) == int(says[theirs]), ours
        assert fields.number(where, 'serial number') == int(says['Volume Serial'], 0)
    found = {where: re.sub(r' \d+ of the root', '', where) for where, _ in fields if 'of the root' in where}
    numbers = lambda sort, name: next(fields.number(where, name) for where, kind in found.items() if kind == sort)  # noqa: E731
    assert numbers('exFAT allocation bitmap entry', 'first cluster') == int(says['Bitmap start cluster'])
    assert numbers('exFAT allocation bitmap entry', 'bytes') == int(says['Bitmap size'])
    assert numbers('exFAT up-case table entry', 'first cluster') == int(says['Upcase table start cluster'])
    assert numbers('exFAT up-case table entry', 'bytes') == int(says['Upcase table size'])
    assert any(kind == 'exFAT label entry' and fields[where, 'label'] == 'a label' for where, kind in found.items())
    sums = [fields.number('exFAT boot checksum' + backup, 'checksum of the region') for backup in ('', ', backup')]
    total, bytes_ = 0, path.read_bytes()[:11 * 512]
    for i, byte in enumerate(bytes_):
        if i not in (106, 107, 112):
            total = ((total & 1) << 31) + (total >> 1) + byte & 0xffffffff
    assert sums == [total, total]


def test_ntfs(tmp_path):
    path = make(tmp_path / 'image', 16 * MIB, 'mkntfs', '-q', '-F')
    fields, says = Fields(path), colon_values(tool('ntfsinfo', '-m', '-f', path))
    where, cluster = 'NTFS boot sector', int(says['Cluster Size'])
    assert fields.number(where, 'bytes per sector') == int(says['Sector Size'])
    assert fields.number(where, 'cluster of the MFT') == int(says['LCN of Data Attribute for FILE_MFT'])
    assert fields.number(where, 'cluster of the MFT mirror') == int(says['LCN of Data Attribute for File_MFTMirr'])
    assert fields.targets[where, 'cluster of the MFT'] == fields.offsets['NTFS MFT record 0 $MFT', 'magic'] == int(says['LCN of Data Attribute for FILE_MFT']) * cluster
    assert fields.number('NTFS MFT record 0 $MFT', 'bytes allocated') == int(says['MFT Record Size'])
    assert fields['NTFS MFT record 5 root directory', 'flags'] == '0x3 in use directory'
    assert fields.offsets['NTFS backup boot sector', 'jump'] == fields.number(where, 'sectors') * 512
    for number in range(12):
        assert any(key[0].startswith(f'NTFS MFT record {number} ') and fields.number(*key) == number for key in fields if key[1] == 'number of the record')


BTRFS = {
    'address of this superblock': 'bytenr', 'generation': 'generation', 'root tree (logical)': 'root', 'bytes of the chunk array': 'sys_array_size', 'chunk tree (logical)': 'chunk_root',
    "chunk tree's generation": 'chunk_root_generation', 'log tree (logical)': 'log_root', 'bytes in all': 'total_bytes', 'bytes used': 'bytes_used', 'sector size': 'sectorsize',
    'node size': 'nodesize', 'stripe size': 'stripesize', 'root directory object': 'root_dir', 'devices': 'num_devices', 'read-only compatible features': 'compat_ro_flags',
    'incompatible features': 'incompat_flags', 'cache generation': 'cache_generation', 'this device: bytes': 'dev_item.total_bytes', 'this device: bytes used': 'dev_item.bytes_used',
    'this device: I/O alignment': 'dev_item.io_align', 'this device: sector size': 'dev_item.sector_size', 'this device: ID': 'dev_item.devid', "root tree's level": 'root_level',
}


def test_btrfs(tmp_path):
    path = make(tmp_path / 'image', 128 * MIB, 'mkfs.btrfs', '-q', '-L', 'a label')
    fields = Fields(path)
    for copy, where in ((0, 'btrfs superblock'), (1, 'btrfs superblock, copy 1')):
        says = dict(re.findall(r'^([\w.]+)(?: \(deprecated\))?\t+(\S+)', tool('btrfs', 'inspect-internal', 'dump-super', '-s', copy, path), re.M))
        for ours, theirs in BTRFS.items():
            assert fields.number(where, ours) == int(says[theirs], 0), ours
        for ours, theirs in {'UUID': 'fsid', 'this device: UUID': 'dev_item.uuid', "this device: file system's UUID": 'dev_item.fsid'}.items():
            assert fields[where, ours] == says[theirs]
    chunk = fields.targets['btrfs superblock', 'chunk tree (logical)']
    mapped = tool('btrfs-map-logical', '-l', fields.number('btrfs superblock', 'chunk tree (logical)'), path)
    assert str(chunk) in re.findall(r'physical (\d+)', mapped)


def test_iso(tmp_path):
    (tmp_path / 'files').mkdir()
    (tmp_path / 'files/a').write_text('a')
    tool('genisoimage', '-quiet', '-J', '-V', 'VOLUME', '-p', 'preparer', '-o', tmp_path / 'image', tmp_path / 'files')
    fields, says = Fields(tmp_path / 'image'), colon_values(tool('isoinfo', '-d', '-i', tmp_path / 'image'))
    where = 'ISO 9660 descriptor 1'
    assert fields[where, 'volume'] == f'"{says["Volume id"]}"' and fields[where, 'preparer'] == f'"{says["Data preparer id"]}"'
    assert fields.number(where, 'blocks') == int(says['Volume size is']) == fields.number(where, 'blocks (big-endian)')
    assert fields.number(where, 'block size') == int(says['Logical block size is'])
    assert fields['ISO 9660 descriptor 2', 'volume'] == 'VOLUME' and fields['ISO 9660 descriptor 3', 'type'].endswith('terminator')
    data = (tmp_path / 'image').read_bytes()
    digits, = re.findall(r'^(\d{16})', data[16 * 2048 + 813:][:17].decode('latin-1'))
    shown = f'{digits[:4]}-{digits[4:6]}-{digits[6:8]} {digits[8:10]}:{digits[10:12]}:{digits[12:14]}.{digits[14:]} UTC'
    assert fields[where, 'made'] == shown and fields[where, 'root: made'].endswith(' UTC')  # the test's time zone
    assert fields[where, 'expires'] == '0 not specified'
    root = data[fields.targets[where, 'root: extent']:]
    assert root[0] == 34 and root[32:34] == b'\x01\x00'  # the record of the directory itself


def test_udf(tmp_path):
    path = make(tmp_path / 'image', 8 * MIB, 'mkudffs', '-l', 'label')
    fields = Fields(path)
    main = fields.targets['UDF anchor', 'main sequence: block']
    assert fields['UDF recognition descriptor', 'identifier'].startswith('"NSR0')
    assert struct.unpack('<H', path.read_bytes()[main:main + 2]) == (1,)  # a primary volume descriptor


def test_squashfs(tmp_path):
    (tmp_path / 'files').mkdir()
    (tmp_path / 'files/a').write_text('a')
    tool('mksquashfs', tmp_path / 'files', tmp_path / 'image', '-quiet')
    fields, text = Fields(tmp_path / 'image'), tool('unsquashfs', '-s', tmp_path / 'image')
    for ours, theirs in {'block size': 'Block size', 'inodes': 'Number of inodes', 'fragments': 'Number of fragments', 'IDs': 'Number of ids', 'bytes used': 'Filesystem size'}.items():
        assert fields.number('squashfs superblock', ours) == int(re.search(theirs + r' (\d+)', text)[1])


@pytest.mark.parametrize('version', [1, 2])
def test_luks(tmp_path, version):
    path = make(tmp_path / 'image', 20 * MIB, 'cryptsetup', 'luksFormat', '-q', '--type', f'luks{version}', '--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', 1000,
                *(['--label', 'a label'] if version == 2 else []), input='pass\n')
    fields, text = Fields(path), tool('cryptsetup', 'luksDump', path)
    says = colon_values(text)
    if version == 1:
        assert fields['LUKS1 header', 'cipher'] == f'"{says["Cipher name"]}"' and fields['LUKS1 header', 'UUID'] == f'"{says["UUID"]}"'
        assert fields.number('LUKS1 header', 'payload sector') == int(says['Payload offset'])
        assert fields.number('LUKS1 header', 'key bytes') * 8 == int(says['MK bits'])
        assert fields['LUKS1 key slot 0', 'state'].endswith(' in use') and fields['LUKS1 key slot 1', 'state'].endswith('not in use')
        assert fields.number('LUKS1 key slot 0', 'sector of the key material') == int(re.search(r'Key material offset:\s+(\d+)', text)[1])
        return
    for where in ('LUKS2 header', 'LUKS2 second header'):
        assert fields[where, 'label'] == f'"{says["Label"]}"' and fields[where, 'UUID'] == f'"{says["UUID"]}"'
        assert fields.number(where, 'sequence number') == int(says['Epoch'])
        assert f'{fields.number(where, "header size, with the JSON area") - 4096} [bytes]' == says['Metadata area'].replace('16384', '12288')
    assert fields['LUKS2 JSON area', 'text'].startswith('"{') and ('LUKS2 JSON area, second', 'text') in fields


def lvm_crc(data):
    crc = 0xf597a6cf
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xedb88320 if crc & 1 else 0)
    return crc


LVM_TEXT = '''vg {
id = "abcdef-abcd-abcd-abcd-abcd-abcd-abcdef"
seqno = 7
}
'''.encode() + b'\0'


def make_lvm(path):
    """A physical volume, as pvcreate makes them on devices only."""
    device = 16 * MIB
    body = struct.pack('<I8s', 32, b'LVM2 001') + b'A1b2C3D4e5f6G7h8I9j0KlmnopqrstuV' + struct.pack('<Q', device)
    body += struct.pack('<4Q', MIB, 0, 0, 0) + struct.pack('<4Q', 4 * KIB, MIB - 4 * KIB, 0, 0) + struct.pack('<IIQQ', 2, 1, 0, 0)
    body = body.ljust(492, b'\0')
    area = struct.pack('<16sIQQ', b' LVM2 x[5A%r0N*>', 1, 4 * KIB, MIB - 4 * KIB) + struct.pack('<QQII', 1024, len(LVM_TEXT), lvm_crc(LVM_TEXT), 0)
    area = area.ljust(508, b'\0')
    disk = bytearray(device)
    disk[512:1024] = struct.pack('<8sQI', b'LABELONE', 1, lvm_crc(body)) + body
    disk[4096:4608] = struct.pack('<I', lvm_crc(area)) + area
    disk[4608:4608 + 20] = b'vg {\nseqno = 6\n}\n\0\0\0'
    disk[5120:5120 + len(LVM_TEXT)] = LVM_TEXT
    path.write_bytes(disk)
    return path


def test_lvm(tmp_path):
    path = make_lvm(tmp_path / 'image')
    fields = Fields(path)
    assert fields.targets['LVM raw location 1', 'offset of the text in the area'] == 5120
    assert 'seqno = 7' in fields['LVM metadata text', 'text'] and 'seqno = 6' in fields['LVM metadata text, not current', 'text']
    says = dict(re.findall(r'^ *(\S+) (?!at )(.+)$', tool('pvck', '--dump', 'headers', path), re.M))
    for where, name, theirs in (('label', 'sector of the label', 'label_header.sector'), ('label', 'CRC32', 'label_header.crc'),
                                ('PV header', 'device size', 'pv_header.device_size'), ('data area 1', 'offset', 'pv_header.disk_locn[0].offset'),
                                ('metadata area 1', 'offset', 'pv_header.disk_locn[2].offset'), ('metadata area 1', 'size', 'pv_header.disk_locn[2].size'),
                                ('PV header extension', 'version', 'pv_header_extension.version'), ('PV header extension', 'flags', 'pv_header_extension.flags'),
                                ('metadata area header', 'CRC32', 'mda_header_1.checksum'), ('metadata area header', 'start', 'mda_header_1.start'),
                                ('metadata area header', 'size', 'mda_header_1.size'), ('raw location 1', 'offset of the text in the area', 'mda_header_1.raw_locn[0].offset'),
                                ('raw location 1', 'size', 'mda_header_1.raw_locn[0].size'), ('raw location 1', 'CRC32', 'mda_header_1.raw_locn[0].checksum')):
        assert fields.number(f'LVM {where}', name) == int(says[theirs], 0), name
    assert fields['LVM PV header', 'PV UUID'] == f'"{says["pv_header.pv_uuid"]}"'


def test_swap(tmp_path):
    path = make(tmp_path / 'image', 4 * MIB, 'mkswap', '-q', '-L', 'a label', '-U', '12345678-1234-4321-9876-123456789abc')
    fields = Fields(path)
    assert fields.number('swap header', 'last page') == 4 * MIB // 4096 - 1
    assert fields['swap header', 'label'] == '"a label"' and fields['swap header', 'UUID'] == '12345678-1234-4321-9876-123456789abc'
    assert fields['swap header', 'magic'] == '"SWAPSPACE2"'


def test_partitions_of_both_sorts_with_what_is_in_them(tmp_path):
    path = tmp_path / 'image'
    with open(path, 'wb') as file:
        file.truncate(80 * MIB)
    tool('sfdisk', '-q', path, input='label: dos\n' + ''.join(f'{path}{line}\n' for line in (
        '1: size=10M,type=83,bootable', '2: size=60M,type=5', '5: size=8M,type=82', '6: size=20M,type=8e')))
    says = re.findall(r'^\S+?image(\d+) : start= *(\d+), size= *(\d+), type=(\w+)', tool('sfdisk', '-d', path), re.M)
    number, start = next((number, int(start)) for number, start, _, kind in says if kind == '8e')
    make_lvm(tmp_path / 'lvm')
    with open(path, 'r+b') as file:
        file.seek(start * 512)
        file.write((tmp_path / 'lvm').read_bytes())
    fields = Fields(path)
    assert len(says) == 4 and fields['MBR', 'partition 1: status'].endswith('bootable')
    for number_, start_, size, kind in says:
        if int(number_) > 4:
            where = f'extended boot record of partition {number_}'
            assert fields.targets[where, 'partition: first sector, from this one on'] == int(start_) * 512
            assert fields.number(where, 'partition: sectors') == int(size)
            assert fields.number(where, 'partition: type') == int(kind, 16)
        else:
            assert fields.number('MBR', f'partition {number_}: start') == int(start_)
            assert fields.number('MBR', f'partition {number_}: type') == int(kind, 16)
    assert fields.number(f'LVM metadata area 1, partition {number}', 'offset') == 4096
    assert fields.targets[f'LVM metadata area 1, partition {number}', 'offset'] == start * 512 + 4096


@pytest.mark.parametrize('lost', [False, True])
def test_gpt(tmp_path, lost):
    path = tmp_path / 'image'
    with open(path, 'wb') as file:
        file.truncate(20 * MIB)
    tool('sfdisk', '-q', path, input='label: gpt\nsize=4M,type=U,name="the first"\nsize=8M,type=L,name=ü\n')
    dump = tool('sfdisk', '-d', path)
    says = re.findall(r'^\S+?image(\d+) : start= *(\d+), size= *(\d+), type=([\w-]+), uuid=([\w-]+), name="(.*?)"', dump, re.M)
    if lost:  # the copy at the end is enough
        with open(path, 'r+b') as file:
            file.seek(512)
            file.write(bytes(40 * 512))
    start = int(says[1][1]) * 512
    make(tmp_path / 'ext', 8 * MIB, 'mkfs.ext4', '-q', '-F')
    with open(path, 'r+b') as file:
        file.seek(start)
        file.write((tmp_path / 'ext').read_bytes())
    fields = Fields(path)
    assert len(says) == 2
    for sort in ('GPT backup',) if lost else ('GPT', 'GPT backup'):
        assert fields[f'{sort} header', 'disk GUID'] == colon_values(dump)['label-id'].lower()
        assert fields.targets[f'{sort} header', 'this header'] == fields.offsets[f'{sort} header', 'signature']
        for number, first, size, kind, uuid, name in says:
            where = f'{sort} entry {number}'
            assert fields[where, 'type'].startswith(kind.lower() + ' ') and fields[where, 'partition GUID'] == uuid.lower()
            assert fields.number(where, 'first') == int(first) and fields.number(where, 'last') == int(first) + int(size) - 1
            assert fields[where, 'name'] == name.encode().decode('unicode_escape').encode('latin1').decode()
        assert fields[f'{sort} entry 1', 'type'].endswith('EFI system') and fields[f'{sort} entry 2', 'type'].endswith(' Linux')
    assert fields['ext superblock, partition 2', 'magic'] == '61267 0xef53'


IMAGES = {
    'vmdk': ('vmdk header', 'capacity, sectors', 512),
    'vdi': ('VDI header', 'disk size', 1),
    'vpc': ('VHD footer', 'current size', 1),
    'qed': ('qed header', 'image size', 1),
    'parallels': ('parallels header', 'sectors of the disk', 512),
}


@pytest.mark.parametrize('name', [*IMAGES, 'vhdx'])
def test_headers_of_image_files(tmp_path, name):
    path = tmp_path / 'image'
    tool('qemu-img', 'create', '-q', '-f', name, path, '16M')
    fields = Fields(path)
    if name == 'vhdx':
        assert fields['VHDX identifier', 'made by'].startswith('QEMU') and fields['VHDX region 1 of table 1', 'region'].endswith('BAT')
        metadata = path.read_bytes()[fields.targets['VHDX region 2 of table 1', 'offset']:]
        assert metadata.startswith(b'metadata') and fields['VHDX header 1', 'signature'] == '"head"'
        return
    where, field, unit = IMAGES[name]
    size = int(re.search(r'"virtual-size": (\d+)', tool('qemu-img', 'info', '--output=json', path))[1])
    assert fields.number(where, field) * unit == size
    if name == 'vmdk':
        assert path.read_bytes()[fields.targets[where, 'descriptor']:].startswith(b'# Disk DescriptorFile')
    if name == 'vpc':
        assert fields['VHD dynamic header', 'cookie'] == '"cxsparse"' and fields.offsets[where, 'cookie'] == path.stat().st_size - 512

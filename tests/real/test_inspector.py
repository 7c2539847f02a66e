# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hex panel's inspector says of bytes, against Python's own reading of them."""
import datetime
import math
import random
import struct
import subprocess
import unicodedata
import uuid
from pathlib import Path

from support import BLKSCOPE, environment

DUMP = Path(BLKSCOPE).parent / 'tests/unit/ui/fields-dump'
NUMBERS = {'u8': 'B', 'u16': 'H', 'u32': 'I', 'u64': 'Q', 'i8': 'b', 'i16': 'h', 'i32': 'i', 'i64': 'q'}
REALS = {'float': 'f', 'double': 'd'}


def time(seconds):
    try:
        when = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
    except OverflowError:
        return 'none'
    return f'{when.year:04}{when:-%m-%d %H:%M:%S} UTC'


def dos_time(bits):
    date, day_time = bits >> 16, bits & 0xffff
    try:
        when = datetime.datetime(1980 + (date >> 9), date >> 5 & 15, date & 31, day_time >> 11, day_time >> 5 & 63, (day_time & 31) * 2)
    except ValueError:
        return 'none'
    return f'{when:%Y-%m-%d %H:%M:%S}'


def character(text):
    code = f'U+{ord(text):04X}'
    if text == '\0':
        return {code}
    shown = {f"'{text}' {code}", f"'\\u{{{ord(text):x}}}' {code}"}  # what can't be seen is told by number
    return shown if text.isprintable() and text != '\\' else {None}  # escaped: see test_nothing_reaches_the_terminal_raw


def utf8(data):
    for n in range(1, min(4, len(data)) + 1):
        try:
            return character(data[:n].decode())
        except UnicodeDecodeError:
            pass
    return {'none'}


def utf16(data, order):
    for n in (2, 4):
        try:
            return character(data[:n].decode(f'utf-16-{"lb"[order]}e'))
        except UnicodeDecodeError as error:
            if 'surrogate' not in error.reason and 'end' not in error.reason and 'truncated' not in error.reason:
                break
    return {'none'}


def check(kind, shown, data, order):
    """data: what is there from the place on, all of it known."""
    end = '<>'[order]
    if kind in NUMBERS:
        assert int(shown) == struct.unpack_from(end + NUMBERS[kind], data)[0]
    elif kind in REALS:
        value = struct.unpack_from(end + REALS[kind], data)[0]
        assert math.isnan(value) and shown == 'nan' or struct.pack('<' + REALS[kind], float(shown)) == struct.pack('<' + REALS[kind], value)
    elif kind in ('unix 32', 'unix 64'):
        assert shown == time(struct.unpack_from(end + ('i' if kind == 'unix 32' else 'q'), data)[0])
    elif kind == 'FILETIME':
        value = struct.unpack_from(end + 'Q', data)[0]
        assert shown == (time(value // 10**7 - 11644473600) if value < 1 << 63 else 'none')
    elif kind == 'HFS+':
        assert shown == time(struct.unpack_from(end + 'I', data)[0] - 2082844800)
    elif kind == 'FAT':
        assert shown == dos_time(struct.unpack_from('<I', data)[0])
    elif kind in ('UUID', 'GUID'):
        assert shown == str(uuid.UUID(bytes=data[:16]) if kind == 'UUID' else uuid.UUID(bytes_le=data[:16]))
    else:
        wanted = utf8(data) if kind == 'UTF-8' else utf16(data, order)
        assert shown in wanted or wanted == {None}


SIZES = {'u8': 1, 'u16': 2, 'u32': 4, 'u64': 8, 'i8': 1, 'i16': 2, 'i32': 4, 'i64': 8, 'float': 4, 'double': 8, 'unix 32': 4, 'unix 64': 8, 'FILETIME': 8,
         'HFS+': 4, 'FAT': 4, 'UUID': 16, 'GUID': 16}


def inspect(tmp_path, data):
    """The last byte is one that has not been read."""
    path = tmp_path / 'bytes'
    path.write_bytes(data + b'?')
    out = subprocess.run([DUMP, '--inspect', path], env=environment(), check=True, capture_output=True).stdout.decode()
    assert not [ch for ch in out if unicodedata.category(ch) in ('Cc', 'Cf', 'Co', 'Cs') and ch not in '\t\n']
    for line in out.splitlines():
        at, kind, *orders = line.split('\t')
        yield int(at), kind, orders


def check_all(tmp_path, data):
    for at, kind, orders in inspect(tmp_path, data):
        for order, shown in enumerate(orders):
            size, left = SIZES.get(kind), len(data) - at
            if size and left + 1 < size:
                assert shown == '-', (at, kind)
            elif size and left < size:
                assert shown == '?', (at, kind)
            elif left >= 16:
                check(kind, shown, data[at:], order)


def test_random_bytes(tmp_path):
    chance = random.Random(1)
    check_all(tmp_path, chance.randbytes(1500))


def test_numbers_at_the_limits(tmp_path):
    reals = [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1, 1 / 3, 1e23]
    data = b''.join(struct.pack('<d', real) + struct.pack('>d', real) for real in reals)
    data += b''.join(struct.pack(order + 'f', real) for real in (1e-45, 3.4028234663852886e38, 0.1, 16777216, 1.17549435e-38, -math.nan) for order in '<>')
    check_all(tmp_path, data + bytes(16))


def test_times_at_the_limits(tmp_path):
    last, first = 253402300799, -62135596800
    seconds = [0, -1, last, last + 1, first, first - 1, (1 << 63) - 1, -(1 << 63), (1 << 31) - 1, -(1 << 31)]
    data = b''.join(struct.pack('<q', number) + struct.pack('>q', number) for number in seconds)
    data += b''.join(struct.pack('<Q', number) for number in (0, (last + 11644473600) * 10**7 + 9999999, (last + 11644473601) * 10**7, (1 << 63) - 1, 1 << 63, (1 << 64) - 1))
    data += b''.join(struct.pack('<HH', day_time, date) for date, day_time in ((0x21, 0), (0, 0), (0xff9f, 0xbf7d), (0x21, 0xc000), (0x5c5d, 0x7fff), (0x5c5e, 0)))
    check_all(tmp_path, data + bytes(16))


def test_characters_of_every_sort(tmp_path):
    text = 'aä€😀\ufffd\uffff\U0010ffff\0 '
    lone = b'\xd8\x00\x00\xd8\xdc\x00\x00\xdc\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80\xff\xfe'
    check_all(tmp_path, text.encode() + text.encode('utf-16-le') + text.encode('utf-16-be') + lone + bytes(16))


def test_nothing_reaches_the_terminal_raw(tmp_path):
    text = ''.join(chr(code) for code in range(0xa1)) + '\u202e\u200b\u2028\ufeff\ue000\U000e0001'
    says = {(kind, shown) for _, kind, orders in inspect(tmp_path, text.encode() + text.encode('utf-16-le')) for shown in orders}
    assert ('UTF-8', "'\\e' U+001B") in says and ('UTF-8', "'\\u{202e}' U+202E") in says
    assert ('UTF-16', "'\\x9b' U+009B") in says or ('UTF-16', "'\\xc2\\x9b' U+009B") in says

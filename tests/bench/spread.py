# SPDX-License-Identifier: GPL-3.0-or-later
"""Large qcow2 images with every other cluster allocated: complete tables, and holes where the data would be."""
import array
import struct

CLUSTER_BITS = 16
CLUSTER = 1 << CLUSTER_BITS
PER_TABLE = CLUSTER // 8
PER_BLOCK = CLUSTER // 2  # refcounts of 16 bits
COPIED = 1 << 63


def clusters(n, per):
    return -(-n // per)


def big_endian(values):
    words = array.array('Q', values)
    words.byteswap()
    return words.tobytes()


def make(path, size):
    """Tables come first, one after the other, then the data.  Returns the offset and the bytes of the L2 tables."""
    guest = size // CLUSTER
    tables = clusters(guest, PER_TABLE)
    data = guest // 2
    l1 = clusters(tables * 8, CLUSTER)
    known = 1 + l1 + tables + data
    blocks = clusters(known, PER_BLOCK)
    table = clusters(blocks * 8, CLUSTER)
    blocks = clusters(known + blocks + table, PER_BLOCK)
    l1_at, table_at = CLUSTER, CLUSTER * (1 + l1)
    block_at = table_at + table * CLUSTER
    l2_at = block_at + blocks * CLUSTER
    data_at = l2_at + tables * CLUSTER
    used = data_at // CLUSTER + data
    with open(path, 'wb') as file:
        file.write(struct.pack('>4sIQIIQIIQQIIQQQQII', b'QFI\xfb', 3, 0, 0, CLUSTER_BITS, size, 0, tables, l1_at, table_at, table, 0, 0, 0, 0,
                               0, 4, 112) + bytes(8))
        file.seek(l1_at)
        file.write(big_endian((l2_at + i * CLUSTER) | COPIED for i in range(tables)))
        file.seek(table_at)
        file.write(big_endian(block_at + i * CLUSTER for i in range(blocks)))
        file.seek(block_at)
        for i in range(blocks):
            ones = min(PER_BLOCK, used - i * PER_BLOCK)
            file.write(b'\0\1' * ones + bytes(2 * (PER_BLOCK - ones)))
        file.seek(l2_at)
        for i in range(tables):
            first = data_at + i * (PER_TABLE // 2) * CLUSTER
            here = min(PER_TABLE // 2, data - i * (PER_TABLE // 2))
            words = array.array('Q', bytes(CLUSTER))
            words[0:2 * here:2] = array.array('Q', range(first | COPIED, (first + here * CLUSTER) | COPIED, CLUSTER))
            words.byteswap()
            file.write(words.tobytes())
        file.truncate(used * CLUSTER)
    return l2_at, tables * CLUSTER

SPDX-License-Identifier: GPL-3.0-or-later
== plain
readv 0 512
readv 0 512 512
readv 0 1 2 3
readv 1M 1k 2k 3k 4k
readv 0 0
readv 0 0 0
readv 0 512 0 512
readv 4194303 1
readv 4194300 1 1 1 1
== quiet and machine readable
readv -q 0 512 512
readv -C 0 512 512
readv -Cq 0 512
readv -qC 0 1 2 3
== dump
readv -v 2M 16 16
readv -v 2M 3 5 7
readv -vq 2M 3 5 7
readv -v 0 0
== pattern
readv -P 0x11 0 512 1k
readv -P 0x12 0 512 1k
readv -P 0 1048570 3 3 1
readv -P 0 1048570 3 3 1 512
readv -P 0 1M 3 3 1 512
readv -P 256 0 1
readv -P x 0 1
readv -vP 3 2M 20
== refusals
readv
readv 0
readv -q
readv -q 0
readv -P 0 0
readv -x 0 1
readv -b 0 512
readv -s 0 -l 1 -P 0 0 512
readv x 1
readv 0 x
readv 0 1 x
readv 0 1 2 3 4x
readv 0 -1
readv 0 1.5k 1.5
== too large
readv 0 2147483137
readv 0 2147483136 512
readv 0 1G 1G
readv 0 1G 1G 1G
readv 0 2G
readv 0 8E
readv 0 99999999999999999999
readv 99999999999999999999 1
readv 7E 1
== beyond the end
readv 4M 1
readv 4194303 1 1
readv 4194000 100 100 100
readv 5M 1k 1k
readv -q 5M 1k 1k
readv -v 5M 1k 1k
readv -P 0 5M 1k 1k
== many buffers
readv 0 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1
readv -v 2M 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20

SPDX-License-Identifier: GPL-3.0-or-later
The read command: options, patterns, refusals.

== plain
read 0 512
read 0 4k
r 0 1
read 1 1
read 511 3
read 0 4M
read 4194303 1
read 1048570 20
read 2M 0
read 0 0
read 4M 0
== alias has the same usage
r
r 0
r 0 1 2
r -x 0 1
== quiet
read -q 0 4k
read -q -P 0x11 0 4k
read -q -P 0x12 0 4k
read -qq 0 4k
== machine readable
read -C 0 4k
read -C 3 1000
read -Cq 0 4k
read -C -P 5 0 16
== dump
read -v 0 16
read -v 2M 64
read -v 2097153 17
read -v 1048568 16
read -v 0 1
read -v 0 0
read -vq 2M 33
read -vC 2M 33
read -v 3M 100
== pattern
read -P 0x11 0 1M
read -P 17 0 1M
read -P 021 0 1M
read -P 0 1M 1M
read -P 0 0 1M
read -P 0x11 0 1048577
read -P 0x11 4095 2
read -P 0 0 0
== pattern range
read -P 0x11 -s 0 -l 512 0 4k
read -P 0x11 -l 512 0 4k
read -P 0x11 -s 512 0 4k
read -P 0x11 -s 1000 -l 1 0 4k
read -P 0 -s 512 -l 512 1048064 4k
read -P 0 -s 0 -l 512 1048064 4k
read -P 0x11 -s 4k -l 0 0 4k
read -P 0x11 -s 4k -l 1 0 4k
read -P 0x11 -s 4k 0 4k
read -P 0x11 -s 4097 0 4k
read -P 0x11 -l 4097 0 4k
read -P 0x11 -s 1 -l 4096 0 4k
read -P 0x11 -s 0x200 -l 1k 0 4k
read -P 0x11 -s x 0 4k
read -P 0x11 -l x 0 4k
read -P 0x11 -s -1 0 4k
read -P 0x11 -l -1 0 4k
read -s 0 0 4k
read -l 512 0 4k
read -s 0 -l 512 0 4k
== pattern and dump together
read -P 0x11 -v 0 32
read -P 0x12 -v 0 32
read -P 0x12 -vq 0 32
read -P 0x12 -vC 0 32
== pattern bytes
read -P 255 0 1
read -P 256 0 1
read -P -1 0 1
read -P 0xff 0 1
read -P 0x100 0 1
read -P x 0 1
read -P 1x 0 1
read -P 08 0 1
read -P 0 0 1
read -P 1k 0 1
read -P +17 0 1
read -P
read -P 0x 0 1
read -P 99999999999999999999 0 1
== last of repeated options
read -P 0 -P 0x11 0 1k
read -P 0x11 -P 0 0 1k
read -P 0x11 -s 0 -s 512 -l 1k -l 512 0 1k
== options after arguments
read 0 4k -P 0x11
read 0 -q 4k
read 0 4k -q
read -- 0 4k
read 0 -- 4k
read -- -P 0 4k
== bad options
read -x 0 1
read -z 0 4k
read -Pq 0 4k
read -q- 0 4k
read --help
read -
read - -
read -1 512
read 0 -1
read -h
== argument counts
read
read 0
read 0 1 2
read 0 1 2 3 4
read -q
read -q 0
read -P 0 0
== numbers that are none
read x 1
read 0 x
read 1x 1
read 0 1kk
read 0 1q
read 0x 1
read 0xg 1
read 0 0x
read 0 1.5
read 0 1.5k
read 0 0.5k
read 0 1.k
read .5k 1k
read 0 1e3
read 0 +1
read +0 1
read 0 1K
read 0 1b
read 0 0x10k
read 010 010
read 0 1,5k
read 0 1.5.5k
== too large
read 0 2147483136
read 0 2147483137
read 0 2147483648
read 0 2G
read 0 4G
read 0 1T
read 0 8E
read 0 7E
read 0 9223372036854775807
read 0 9223372036854775808
read 0 18446744073709551615
read 0 18446744073709551616
read 0 99999999999999999999999999
read 9223372036854775807 1
read 9223372036854775808 1
read 0xffffffffffffffff 1
read 0x7fffffffffffffff 0
read 7E 512
read 8E 512
read 16E 512
== beyond the end
read 4M 1
read 4M 512
read 4194303 2
read 4194304 0
read 4194305 0
read 5M 1k
read 1T 1k
read -q 4M 1
read -v 4M 1
read -C 4M 1
read -P 0 4M 1
read -vq 4194303 2
== vm state
read -b 0 512
read -b 0 1k
read -b 1 512
read -b 512 1
read -b 0 0
read -b -q 0 512
read -bP 0 0 512
read -bp 0 512
== accepted and ignored
read -p 0 512
read -p 1 511
read -ap 0 512
read -a 0 512
== a file that is no multiple of a sector
@ open: odd.img
length
read 0 1000
read -v 990 10
read -v 990 11
read -v 1000 1
read -v 1001 1
read -v 1023 1
read -v 1024 1
read -v 900 124
read -v 900 125
== quiet in the middle of a long image
@ image: 64M
read -qP 0x11 0 16M
read -P 0x11 0 16M
read -P 0 16M 16M
read 0 64M
read -vq 33554432 40
== numbers with suffixes
read 0 1k
read 0 1K
read 0 1m
read 1m 1M
read 0 0.25M
read 0.5m 0.5k
read 0 512b
read 0 512B
read 0 0.001k
read 0 0.0009765625k
read 0 0x200
read 0X200 0X200
read 0 1000
read 0 1023
read 0 1025
read 0 1500k

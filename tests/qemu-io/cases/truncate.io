SPDX-License-Identifier: GPL-3.0-or-later
== shorter, longer
truncate 1M
length
map
truncate 8M
length
map
t 2M
length
truncate 0
length
read 0 1
write 0 1
map
truncate 4M
map
read -P 0 0 4M
== odd sizes
truncate 1
length
truncate 511
length
truncate 513
length
read -v 500 13
read 500 14
truncate 1000001
length
map
write 1000000 1
read -v 1000000 1
== preallocation
truncate -m off 5M
map
truncate -m falloc 6M
map
truncate -m full 7M
map
truncate -m metadata 8M
truncate -m falloc 1M
truncate -m full 1M
length
truncate -m off 1M
length
read -P 0 512k 1
== bad preallocation
truncate -m nope 5M
truncate -m Off 5M
truncate -m
length
== refusals
truncate
truncate 1 2
truncate x
truncate 1x
truncate -x 1M
truncate -1
truncate 8E
truncate 99999999999999999999
truncate 1.5
truncate 1.5k
length
truncate -q 1M
length
== as large as a file can be
truncate 7E
length
== larger than a file system lets a file be
truncate 9223372036854775807
length
== while the rest is kept
truncate 3M
read -P 0x11 0 1M
read -v 2M 16
truncate 4M
read -P 0 3M 1M

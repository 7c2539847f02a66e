SPDX-License-Identifier: GPL-3.0-or-later
== read
@ unordered
aio_read 0 512
aio_flush
aio_read 0 512 1k 5
aio_flush
aio_read -q 0 512
aio_flush
aio_read -C 0 512 512
aio_flush
aio_read -v 2M 20 5
aio_flush
aio_read -vq 2M 20 5
aio_flush
aio_read -P 0x11 0 4k
aio_flush
aio_read -P 0x12 0 4k
aio_flush
aio_read -qP 0x12 0 4k
aio_flush
aio_read -vP 0x12 0 16
aio_flush
== write
@ unordered
aio_write 0 512
aio_flush
aio_write 1M 512 1k 5
aio_flush
aio_write -q 2M 512
aio_flush
aio_write -C 3M 512 512
aio_flush
aio_write -P 9 512k 3 4
aio_flush
aio_write -f 600k 1k
aio_flush
read -v 512k 16
map
== zeroes
@ unordered
aio_write -z 0 64k
aio_flush
aio_write -zu 64k 64k
aio_flush
aio_write -zf 128k 64k
aio_flush
aio_write -zq 192k 64k
aio_flush
aio_write -zC 192k 64k
aio_flush
aio_write -u 0 512
aio_flush
aio_write -z 0 512 512
aio_flush
aio_write -z -P 1 0 512
aio_flush
aio_write -zuq 2097153 7
aio_flush
map
read -P 0 0 256k
== invalid on purpose
@ unordered
aio_read -i 0 512
aio_flush
aio_write -i 0 512
aio_flush
aio_write -iz 0 512
aio_flush
aio_read -iq 0 512
aio_write -iq 0 512
aio_write -i
aio_read -i
aio_read -i x y
aio_write -i x y
aio_read -i 0 x
aio_write -i 0 8E
== refusals
@ unordered
aio_read
aio_read 0
aio_read -x 0 1
aio_read -b 0 1
aio_read x 1
aio_read 0 x
aio_read 0 1 x
aio_read -P 256 0 1
aio_read -P x 0 1
aio_read 0 1G 1G
aio_read 0 2G
aio_read 8E 1
aio_write
aio_write 0
aio_write -x 0 1
aio_write -n 0 1
aio_write -s src.bin 0 1
aio_write x 1
aio_write 0 x
aio_write 0 1 x
aio_write -P 256 0 1
aio_write 0 1G 1G
aio_write 0 2G
aio_write -z 0 2G
aio_write -z 0 x
aio_write -z x 0
aio_flush 1
aio_flush -q
aio_flush
aio_write -z 0 2147483137
aio_flush
== beyond the end
@ unordered
aio_read 4M 1
aio_flush
aio_read 4194303 2
aio_flush
aio_write 4M 1
aio_flush
aio_write -z 4M 1
aio_flush
aio_read -q 5M 512
aio_flush
aio_write -q 5M 512
aio_flush
aio_read -C 5M 512
aio_flush
== many at once
@ unordered
aio_read 0 512
aio_read 512 512
aio_read 1k 512
aio_read -P 0 1M 512
aio_write 2M 64k
aio_write -P 3 3M 64k
aio_write -z 1M 1M
aio_flush
read -P 3 3M 64k
read -P 0 1M 1M
read -P 0xcd 2M 64k
== left to the end of the input
@ unordered
aio_write -P 1 0 1M
aio_write -P 2 1M 1M
aio_write -P 3 2M 1M
aio_write -P 4 3M 1M
== left to close
@ unordered
aio_write -P 1 0 1M
aio_write -P 2 1M 1M
close
== left to quit
@ unordered
aio_write -P 1 0 1M
aio_write -P 2 1M 1M
quit
== as arguments
@ via: -c
@ unordered
aio_write -P 1 0 1023
aio_write -P 2 1M 1M
aio_read -P 0x11 1023 1
aio_flush
read -P 1 0 1023
== an asynchronous failure is no failure of the command
@ via: -c
@ unordered
aio_read 4M 512
== nothing outstanding
aio_flush
aio_flush
== flush waits for nothing else
@ unordered
aio_write -q 0 1M
flush
aio_flush

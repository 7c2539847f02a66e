SPDX-License-Identifier: GPL-3.0-or-later
== plain
write 0 512
write 1M 64k
w 3M 1
write 511 2
write 4194303 1
write 0 0
write 4M 0
read -v 0 16
read -v 3M 16
read -v 508 8
== whole image
write 0 4M
map
read -P 0xcd 0 4M
== pattern
write -P 0 0 512
write -P 255 512 512
write -P 0xa5 1k 1k
write -P 010 2k 1k
write -P 256 4k 1k
write -P -1 4k 1k
write -P x 4k 1k
write -P 1x 4k 1k
write -P
write -P 1 -P 2 8k 1k
read -v 8k 16
read -v 500 24
== quiet and machine readable
write -q 0 1k
write -C 1k 1k
write -Cq 2k 1k
write -qC 3k 1k
== fua
write -f 0 4k
write -f -P 3 4095 2
write -fq 8k 4k
write -fC 8k 4k
== zeroes
write -z 0 4k
write -z 1M 1M
write -z 100 200
write -z 4190000 4304
write -zq 8k 4k
write -zC 8k 4k
write -z 0 0
read -P 0 0 4k
read -v 96 16
== zeroes over everything
write -z 0 4M
map
read -P 0 0 4M
== zeroes that may unmap
write -zu 0 1M
map
write -z -u 512k 512k
write -z -u 2098000 1000
map
read -P 0 0 1M
read -v 2097152 32
== zeroes without a slow fallback
write -zn 0 64k
write -z -n 100 100
write -zun 128k 64k
write -znu 192k 64k
write -znq 256k 64k
map
== zeroes with fua
write -zf 0 64k
write -zfu 64k 64k
write -zfun 128k 64k
== zeroes beyond a request's size
@ image: 5G
write -z 0 4G
write -zu 0 4G
write -zn 0 5G
write -zun 1G 4G
write -z 0 2147483137
write 0 2147483137
write 0 4G
map
== source file
write -s src.bin 0 1000
read -v 0 32
read -v 992 16
write -s src.bin 4k 2500
read -v 5096 16
write -s src.bin 8k 10
read -v 8192 16
write -s one.bin 12k 100
read -P 0x77 12k 100
write -s one.bin 64k 1M
read -P 0x77 64k 1M
write -s empty.bin 16k 100
write -s missing.bin 16k 100
write -s dir 16k 100
write -sq 0 512
write -q -s src.bin 20k 512
write -s src.bin -f 24k 512
write -s
write -s empty.bin 16k 0
== refusals between options
write -b -z 0 512
write -bz 0 512
write -f -b 0 512
write -f -c 0 512
write -fc 0 64k
write -b -c 0 512
write -n 0 512
write -nu 0 512
write -u 0 512
write -z -P 1 0 512
write -z -s src.bin 0 512
write -P 1 -s src.bin 0 512
write -z -P 1 -s src.bin 0 512
write -c -z 0 64k
write -zc 0 64k
write -b -u 0 512
write -b -n 0 512
write -bfz 0 512
write -nub 0 512
write -zb -P 1 0 512
map
== compressed
write -c 0 64k
write -c 0 512
write -c 1 1
write -cq 0 64k
write -c -P 3 0 64k
== vm state
write -b 0 512
write -b 0 1k
write -b 1 512
write -b 512 1
write -b 0 0
write -b -P 5 0 512
write -bq 0 512
write -bs src.bin 0 512
== accepted and ignored
write -p 0 512
write -p 1 1
write -pq 0 512
== bad options and counts
write
write 0
write 0 1 2
write -x 0 512
write -v 0 512
write -l 0 512
write -q
write --help
write -1 1
write 0 -1
map
== bad numbers
write x 1
write 0 x
write 0 1.5
write 0 0x
write 99999999999999999999 1
write 0 99999999999999999999
write 8E 1
write 7E 1
write -z 7E 1
write 0 2G
write -z 0 x
write -z 0 8E
write -z 0 7E
== beyond the end
write 4M 1
write 4194303 2
write 5M 512
write -z 4M 1
write -z 4194303 2
write -zu 5M 512
write -q 4M 1
write -C 4M 1
length
== a file that is no multiple of a sector
@ open: odd.img
write 990 10
write 990 11
write 990 34
write 990 35
write 1000 1
write -z 900 124
write -z 1010 10
length
read -v 0 1024
== read-only
@ args: -f raw -r
write 0 512
write -z 0 512
write -q 0 512
w 0 512
writev 0 512
aio_write 0 512
aio_flush
discard 0 512
truncate 1M
flush
read 0 512
length
== first sector of a guessed raw image
@ args:
write 0 512
write -P 0 0 512
write -s src.bin 0 512
write 1 1
write 512 512
write 0 1k
write -z 0 512
write -z 0 1k
discard 0 512
writev 0 256 256
aio_write 0 512
aio_flush
read -v 0 16
truncate 5M
length
== a qcow2 magic in the first sector of a guessed raw image
@ args:
write -P 0x51 0 1
write -P 0x46 1 1
write -P 0x49 2 1
write -P 0xfb 3 1
read -v 0 16
== order of checks
write -n -u x 1
write -b x 512
write -bq 1 x
write -z 0 512 -P 300
write -P 300 -x
write -s missing.bin x y
write -s missing.bin 0 2G
write -s missing.bin 8M 512
== unmapping with discard=ignore keeps the size of a file of odd size
@ args: -f raw -d ignore
@ open: odd.img
write -z -u 0 1010
length
== unmapping below which discards are ignored does not unmap
@ args: --image-opts
@ open: driver=raw,file.driver=file,file.filename=odd.img,file.discard=ignore
write -z -u 0 1010
length

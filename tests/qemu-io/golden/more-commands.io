SPDX-License-Identifier: GPL-3.0-or-later
Commands and options the reference program has not got.
== multiwrite
@ args: -f raw
multiwrite 0 512
multiwrite 0 512 512 ; 4k 1k
multiwrite -P 7 8k 512 ; 16k 512 ; 1M 64k
multiwrite -q 0 512
multiwrite -C 0 512 ; 1k 512
read -P 7 8k 512
read -P 8 16k 512
read -P 9 1M 64k
== multiwrite refusals
multiwrite
multiwrite 0
multiwrite -x 0 512
multiwrite 0 512 ;
multiwrite ; 0 512
multiwrite 0 512 ; ; 1k 512
multiwrite x 512
multiwrite 0 x
multiwrite 0 512 ; 4k
multiwrite -P 256 0 512
multiwrite 8M 512
multiwrite 0 2G
map
== aio_discard
@ unordered
@ args: -f raw -d unmap
aio_discard 0 64k
aio_flush
aio_discard -q 64k 64k
aio_flush
aio_discard -C 128k 64k
aio_flush
aio_discard
aio_discard 0
aio_discard 0 x
aio_discard -x 0 1
aio_discard 8M 1
aio_flush
map --summary
== zones on an image without
zone_report 0 1
zrp 0 1
zone_open 0 1M
zo 0 1M
zone_close 0 1M
zc 0 1M
zone_finish 0 1M
zf 0 1M
zone_reset 0 1M
zrs 0 1M
zone_append 0 4k
zap -p 0 4k 4k
zone_report
zone_report x 1
zone_open 0
zone_append 0
zone_append -x 0 1
== map
@ program: blkscope
map
map --json
map --extents
map --summary
map --host
map --nope
map x
== sigraise by name
@ program: blkscope
length
sigraise TERM
== sigraise by name with SIG
@ program: blkscope
length
sigraise SIGTERM
== sigraise by an unknown name
@ program: blkscope
sigraise NOPE
length

SPDX-License-Identifier: GPL-3.0-or-later
Breakpoints and injected errors: blkdebug.
== without blkdebug
break read_aio A
remove_break A
resume A
== refusals
@ args:
@ open: blkdebug::test.img
break
break read_aio
break read_aio A B
break nope A
break READ_AIO A
break read_aio2 A
remove_break
remove_break A
remove_break A B
resume
resume A
resume A B
wait_break
wait_break A B
break -x y
== every event is known
@ args:
@ open: blkdebug::test.img
break l1_update T1
break l1_grow_alloc_table T2
break l1_grow_write_table T3
break l1_grow_activate_table T4
break l2_load T5
break l2_update T6
break l2_update_compressed T7
break l2_alloc_cow_read T8
break l2_alloc_write T9
break read_aio T10
break read_backing_aio T11
break read_compressed T12
break write_aio T13
break write_compressed T14
break vmstate_load T15
break vmstate_save T16
break cow_read T17
break cow_write T18
break reftable_load T19
break reftable_grow T20
break reftable_update T21
break refblock_load T22
break refblock_update T23
break refblock_update_part T24
break refblock_alloc T25
break refblock_alloc_hookup T26
break refblock_alloc_write T27
break refblock_alloc_write_blocks T28
break refblock_alloc_write_table T29
break refblock_alloc_switch_table T30
break cluster_alloc T31
break cluster_alloc_bytes T32
break cluster_free T33
break flush_to_disk T35
break pwritev_rmw_head T36
break pwritev_rmw_after_head T37
break pwritev_rmw_tail T38
break pwritev_rmw_after_tail T39
break pwritev T40
break pwritev_zero T41
break pwritev_done T42
break empty_image_prepare T43
break l1_shrink_write_table T44
break l1_shrink_free_l2_clusters T45
break cor_write T46
break cluster_alloc_space T47
break none T48
== a read stops and goes on
@ args: -f raw
@ open: blkdebug::test.img
@ unordered
break read_aio A
aio_read 0 512
wait_break A
resume A
aio_flush
== a write stops and goes on
@ args: -f raw
@ open: blkdebug::test.img
@ unordered
break write_aio A
break pwritev_done B
break pwritev C
aio_write -P 5 0 512
wait_break A
resume A
wait_break C
resume C
wait_break B
resume B
aio_flush
read -P 5 0 512
== removing a breakpoint resumes
@ args: -f raw
@ open: blkdebug::test.img
@ unordered
break read_aio A
aio_read 0 512
wait_break A
remove_break A
aio_flush
read 0 512
== the breakpoint stops one request only
@ args: -f raw
@ open: blkdebug::test.img
@ unordered
break read_aio A
aio_read 0 512
wait_break A
aio_read 512 512
sleep 10
resume A
aio_flush
== two breakpoints of one name
@ args: -f raw
@ open: blkdebug::test.img
@ unordered
break read_aio A
break read_aio A
aio_read 0 512
wait_break A
aio_read 512 512
sleep 10
resume A
sleep 10
resume A
aio_flush
remove_break A
== two tags on one event
@ args: -f raw
@ open: blkdebug::test.img
@ unordered
break read_aio A
break read_aio B
aio_read 0 512
sleep 10
resume A
sleep 10
resume B
aio_flush
== break in the raw format layer
@ args: -f raw
@ open: blkdebug::test.img
@ unordered
break pwritev_zero Z
aio_write -z 0 64k
sleep 10
remove_break Z
aio_flush
== unaligned write with rmw
@ args: --image-opts
@ open: driver=raw,file.driver=blkdebug,file.align=4k,file.image.driver=file,file.image.filename=test.img
@ unordered
break pwritev_rmw_head H
break pwritev_rmw_after_head AH
break pwritev_rmw_tail T
break pwritev_rmw_after_tail AT
aio_write -P 9 100 5000
wait_break H
remove_break H
remove_break AH
wait_break T
remove_break T
wait_break AT
remove_break AT
aio_flush
read -P 9 100 5000
== alignment splits
@ args: --image-opts
@ open: driver=raw,file.driver=blkdebug,file.align=4k,file.image.driver=file,file.image.filename=test.img
read 0 1
read 1 4096
write -P 3 1 1
write -P 4 4095 2
write -z 100 10000
write -zu 20000 70000
read -v 0 16
length
map
== max-transfer splits
@ args: --image-opts
@ open: driver=raw,file.driver=blkdebug,file.max-transfer=64k,file.image.driver=file,file.image.filename=test.img
read 0 4M
write 1 1000001
writev 7 100000 200000
read -P 0xcd 1 1000001
write -z 0 1M
write -zu 1M 1M
== limits on zeroes and discards
@ args: --image-opts -d unmap
@ open: driver=raw,discard=unmap,file.driver=blkdebug,file.align=4k,file.opt-write-zero=64k,file.max-write-zero=128k,file.opt-discard=64k,file.max-discard=128k,file.image.driver=file,file.image.filename=test.img
write -z 1 1M
write -zu 0 1M
discard 0 1M
discard 100 1000000
discard 4096 8192
map
== bad limits
@ args: --image-opts
@ open: driver=blkdebug,align=3,image.driver=file,image.filename=test.img
== alignment not a power of two
@ args: --image-opts
@ open: driver=blkdebug,align=1536,image.driver=file,image.filename=test.img
== alignment too large
@ args: --image-opts
@ open: driver=blkdebug,align=4G,image.driver=file,image.filename=test.img
== max-transfer smaller than alignment
@ args: --image-opts
@ open: driver=blkdebug,align=4k,max-transfer=512,image.driver=file,image.filename=test.img
== max-transfer unaligned
@ args: --image-opts
@ open: driver=blkdebug,align=4k,max-transfer=5000,image.driver=file,image.filename=test.img
== opt-write-zero unaligned
@ args: --image-opts
@ open: driver=blkdebug,align=4k,opt-write-zero=5000,image.driver=file,image.filename=test.img
== max-write-zero unaligned
@ args: --image-opts
@ open: driver=blkdebug,opt-write-zero=8k,max-write-zero=5000,image.driver=file,image.filename=test.img
== opt-discard unaligned
@ args: --image-opts
@ open: driver=blkdebug,align=4k,opt-discard=5000,image.driver=file,image.filename=test.img
== max-discard unaligned
@ args: --image-opts
@ open: driver=blkdebug,opt-discard=8k,max-discard=5000,image.driver=file,image.filename=test.img
== align is no number
@ args: --image-opts
@ open: driver=blkdebug,align=x,image.driver=file,image.filename=test.img
== unknown option
@ args: --image-opts
@ open: driver=blkdebug,nope=x,image.driver=file,image.filename=test.img
== no image
@ args: --image-opts
@ open: driver=blkdebug
== inject on read, once
@ args: --image-opts
@ open: driver=raw,file.driver=blkdebug,file.inject-error.0.event=read_aio,file.inject-error.0.once=on,file.image.driver=file,file.image.filename=test.img
read 0 512
read 0 512
== inject on read, every time
@ args: --image-opts
@ open: driver=raw,file.driver=blkdebug,file.inject-error.0.event=read_aio,file.image.driver=file,file.image.filename=test.img
read 0 512
readv 0 512 512
aio_read 0 512
aio_flush
read -v 0 512
read -q 0 512
write 0 512
flush
== inject on write
@ args: --image-opts
@ open: driver=raw,file.driver=blkdebug,file.inject-error.0.event=write_aio,file.inject-error.0.errno=28,file.image.driver=file,file.image.filename=test.img
write 0 512
writev 0 512
aio_write 0 512
aio_flush
write -z 0 512
write -zu 0 64k
read 0 512
discard 0 64k
write -q 0 512
== inject on a sector
@ args: --image-opts
@ open: driver=raw,file.driver=blkdebug,file.inject-error.0.event=none,file.inject-error.0.sector=8,file.inject-error.0.errno=5,file.image.driver=file,file.image.filename=test.img
read 0 512
read 4096 512
read 4095 1
read 4095 2
read 4607 1
read 4608 1
read 0 8k
write 4096 512
write 0 4096
write -z 4096 512
discard 4096 512
read 8k 1M
== inject by kind of request: read
@ args: --image-opts
@ open: driver=raw,file.driver=blkdebug,file.inject-error.0.event=none,file.inject-error.0.iotype=read,file.inject-error.0.errno=13,file.image.driver=file,file.image.filename=test.img
read 0 512
write 0 512
write -z 0 512
discard 0 512
flush
== inject by kind of request: write
@ args: --image-opts
@ open: driver=raw,file.driver=blkdebug,file.inject-error.0.event=none,file.inject-error.0.iotype=write,file.inject-error.0.errno=13,file.image.driver=file,file.image.filename=test.img
read 0 512
write 0 512
write -z 0 512
discard 0 512
flush
== inject by kind of request: write-zeroes
@ args: --image-opts
@ open: driver=raw,file.driver=blkdebug,file.inject-error.0.event=none,file.inject-error.0.iotype=write-zeroes,file.inject-error.0.errno=13,file.image.driver=file,file.image.filename=test.img
read 0 512
write 0 512
write -z 0 512
write -zn 0 512
discard 0 512
flush
== inject by kind of request: discard
@ args: --image-opts -d unmap
@ open: driver=raw,discard=unmap,file.driver=blkdebug,file.inject-error.0.event=none,file.inject-error.0.iotype=discard,file.inject-error.0.errno=13,file.image.driver=file,file.image.filename=test.img
read 0 512
write 0 512
write -z 0 512
discard 0 512
flush
== inject by kind of request: flush
@ args: --image-opts -t writeback
@ open: driver=raw,file.driver=blkdebug,file.inject-error.0.event=none,file.inject-error.0.iotype=flush,file.inject-error.0.errno=13,file.image.driver=file,file.image.filename=test.img
read 0 512
write 0 512
flush
== inject by kind of request: block-status
@ args: --image-opts
@ open: driver=raw,file.driver=blkdebug,file.inject-error.0.event=none,file.inject-error.0.iotype=block-status,file.inject-error.0.errno=13,file.image.driver=file,file.image.filename=test.img
alloc 0 512
map
read 0 512
== bad rule: event
@ args: --image-opts
@ open: driver=blkdebug,inject-error.0.event=nope,image.driver=file,image.filename=test.img
== bad rule: no event
@ args: --image-opts
@ open: driver=blkdebug,inject-error.0.errno=5,image.driver=file,image.filename=test.img
== bad rule: iotype
@ args: --image-opts
@ open: driver=blkdebug,inject-error.0.event=none,inject-error.0.iotype=nope,image.driver=file,image.filename=test.img
== bad rule: errno
@ args: --image-opts
@ open: driver=blkdebug,inject-error.0.event=none,inject-error.0.errno=x,image.driver=file,image.filename=test.img
== bad rule: unknown key
@ args: --image-opts
@ open: driver=blkdebug,inject-error.0.event=none,inject-error.0.nope=x,image.driver=file,image.filename=test.img
== bad rule: once
@ args: --image-opts
@ open: driver=blkdebug,inject-error.0.event=none,inject-error.0.once=x,image.driver=file,image.filename=test.img
== bad rule: set-state without new state
@ args: --image-opts
@ open: driver=blkdebug,set-state.0.event=none,image.driver=file,image.filename=test.img
== states by options
@ args: --image-opts
@ open: driver=raw,file.driver=blkdebug,file.set-state.0.event=write_aio,file.set-state.0.state=1,file.set-state.0.new_state=2,file.inject-error.0.event=read_aio,file.inject-error.0.state=2,file.inject-error.0.errno=7,file.image.driver=file,file.image.filename=test.img
read 0 512
write 0 512
read 0 512
read 0 512
== a configuration file
@ open: blkdebug:bd.conf:test.img
@ conf: [inject-error]
@ conf: event = "read_aio"
@ conf: errno = "5"
@ conf: once = "on"
read 0 512
read 0 512
== a configuration file with states
@ open: blkdebug:bd.conf:test.img
@ conf: # a comment
@ conf: [set-state]
@ conf: event = "read_aio"
@ conf: state = "1"
@ conf: new_state = "2"
@ conf:
@ conf: [set-state]
@ conf: event = "read_aio"
@ conf: state = "2"
@ conf: new_state = "3"
@ conf:
@ conf: [inject-error]
@ conf: event = "read_aio"
@ conf: state = "3"
@ conf: errno = "28"
@ conf: once = "off"
@ conf: immediately = "on"
read 0 512
read 0 512
read 0 512
read 0 512
== configuration: a missing file
@ open: blkdebug:missing.conf:test.img
read 0 512
== configuration: a folder
@ open: blkdebug:dir:test.img
read 0 512
== configuration: unknown section
@ open: blkdebug:bd.conf:test.img
@ conf: [nope]
@ conf: event = "read_aio"
read 0 512
== configuration: unknown key
@ open: blkdebug:bd.conf:test.img
@ conf: [inject-error]
@ conf: event = "read_aio"
@ conf: nope = "1"
read 0 512
== configuration: no section
@ open: blkdebug:bd.conf:test.img
@ conf: event = "read_aio"
read 0 512
== configuration: unknown event
@ open: blkdebug:bd.conf:test.img
@ conf: [inject-error]
@ conf: event = "nope"
read 0 512
== configuration: no event
@ open: blkdebug:bd.conf:test.img
@ conf: [inject-error]
@ conf: errno = "5"
read 0 512
== configuration: rubbish
@ open: blkdebug:bd.conf:test.img
@ conf: rubbish
read 0 512
== configuration: not a number
@ open: blkdebug:bd.conf:test.img
@ conf: [inject-error]
@ conf: event = "read_aio"
@ conf: errno = "x"
read 0 512
== names: no configuration
@ open: blkdebug::test.img
length
== names: one colon
@ open: blkdebug:test.img
length
== names: missing image
@ open: blkdebug::missing.img
length
== names: nested
@ open: blkdebug::blkdebug::test.img
length
read 0 512
== probed through blkdebug
@ args:
@ open: blkdebug::test.img
length
write 0 512
== wait for a breakpoint that a request reaches later
@ args: -f raw
@ open: blkdebug::test.img
@ unordered
break write_aio W
aio_write 1M 64k
wait_break W
aio_read 0 512
sleep 10
remove_break W
aio_flush
map

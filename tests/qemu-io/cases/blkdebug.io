SPDX-License-Identifier: GPL-3.0-or-later
blkdebug: rules in options and in a file, states, limits.
== rules that are refused
@ args:
@ open: none
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error=x
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.x.event=read_aio
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.1.event=read_aio
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.errno=5
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0=read_aio
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.set-state.0.new_state=1
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.set-state.5.event=x
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.set-state.0.event=read_aio,file.set-state.0.foo=1
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.config=nope
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.config=dir
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.align=3,file.config=nope
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.align=3,file.inject-error.0.event=nope
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.take-child-perms=write
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.foo=1
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.00.event=read_aio
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.0.event.x=5
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.event=read_aio,file.inject-error.foo=1
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=nope
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=READ_AIO
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.0.foo=1
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.0.errno=x
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.0.iotype=x
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.0.sector=x
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.0.once=x
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.0.state=x
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.0.immediately=x
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.0.errno=1k
== limits that are refused
@ args:
@ open: none
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.align=3
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.align=-1
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.align=x
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.align=1073741824
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.align=2147483648
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.align=512,file.max-transfer=1
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.align=512,file.max-transfer=1000
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.max-transfer=2147483647
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.max-transfer=3g
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.max-write-zero=64k,file.opt-write-zero=48k
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.align=4k,file.max-write-zero=6k
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.align=4k,file.opt-write-zero=6k
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.align=4k,file.opt-write-zero=12k,file.max-write-zero=20k
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.max-discard=3g,file.opt-discard=1k
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.max-discard=x
== limits do not show
@ args:
@ open: none
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.align=0
length
read 0 512
write 1 1
write -z 100 9000
map
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.align=1
length
read 0 512
write 1 1
write -z 100 9000
map
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.align=2
length
read 0 512
write 1 1
write -z 100 9000
map
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.align=16
length
read 0 512
write 1 1
write -z 100 9000
map
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.align=512
length
read 0 512
write 1 1
write -z 100 9000
map
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.align=4096
length
read 0 512
write 1 1
write -z 100 9000
map
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.align=65536
length
read 0 512
write 1 1
write -z 100 9000
map
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.max-transfer=512
read 0 8k
write -P 3 100 9000
write -z 0 8k
discard 0 8k
write -z 100 20000
read -P 3 9000 100
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.max-transfer=4k
read 0 8k
write -P 3 100 9000
write -z 0 8k
discard 0 8k
write -z 100 20000
read -P 3 9000 100
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.max-transfer=0
read 0 8k
write -P 3 100 9000
write -z 0 8k
discard 0 8k
write -z 100 20000
read -P 3 9000 100
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.opt-write-zero=512
read 0 8k
write -P 3 100 9000
write -z 0 8k
discard 0 8k
write -z 100 20000
read -P 3 9000 100
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.opt-write-zero=4k
read 0 8k
write -P 3 100 9000
write -z 0 8k
discard 0 8k
write -z 100 20000
read -P 3 9000 100
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.opt-write-zero=0
read 0 8k
write -P 3 100 9000
write -z 0 8k
discard 0 8k
write -z 100 20000
read -P 3 9000 100
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.max-write-zero=512
read 0 8k
write -P 3 100 9000
write -z 0 8k
discard 0 8k
write -z 100 20000
read -P 3 9000 100
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.max-write-zero=4k
read 0 8k
write -P 3 100 9000
write -z 0 8k
discard 0 8k
write -z 100 20000
read -P 3 9000 100
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.max-write-zero=0
read 0 8k
write -P 3 100 9000
write -z 0 8k
discard 0 8k
write -z 100 20000
read -P 3 9000 100
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.opt-discard=512
read 0 8k
write -P 3 100 9000
write -z 0 8k
discard 0 8k
write -z 100 20000
read -P 3 9000 100
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.opt-discard=4k
read 0 8k
write -P 3 100 9000
write -z 0 8k
discard 0 8k
write -z 100 20000
read -P 3 9000 100
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.opt-discard=0
read 0 8k
write -P 3 100 9000
write -z 0 8k
discard 0 8k
write -z 100 20000
read -P 3 9000 100
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.max-discard=512
read 0 8k
write -P 3 100 9000
write -z 0 8k
discard 0 8k
write -z 100 20000
read -P 3 9000 100
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.max-discard=4k
read 0 8k
write -P 3 100 9000
write -z 0 8k
discard 0 8k
write -z 100 20000
read -P 3 9000 100
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.max-discard=0
read 0 8k
write -P 3 100 9000
write -z 0 8k
discard 0 8k
write -z 100 20000
read -P 3 9000 100
close
== each kind of request
@ args:
@ open: none
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=none,file.inject-error.0.iotype=read
read 0 512
write 0 512
discard 0 4k
write -z 0 4k
map
alloc 0
write -f 0 512
write -z -f 0 4k
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=none,file.inject-error.0.iotype=write
read 0 512
write 0 512
discard 0 4k
write -z 0 4k
map
alloc 0
write -f 0 512
write -z -f 0 4k
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=none,file.inject-error.0.iotype=write-zeroes
read 0 512
write 0 512
discard 0 4k
write -z 0 4k
map
alloc 0
write -f 0 512
write -z -f 0 4k
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=none,file.inject-error.0.iotype=discard
read 0 512
write 0 512
discard 0 4k
write -z 0 4k
map
alloc 0
write -f 0 512
write -z -f 0 4k
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=none,file.inject-error.0.iotype=flush
read 0 512
write 0 512
discard 0 4k
write -z 0 4k
map
alloc 0
write -f 0 512
write -z -f 0 4k
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=none,file.inject-error.0.iotype=block-status
read 0 512
write 0 512
discard 0 4k
write -z 0 4k
map
alloc 0
write -f 0 512
write -z -f 0 4k
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=none
read 0 512
write 0 512
discard 0 4k
write -z 0 4k
map
alloc 0
close
== active rules stay
@ args:
@ open: none
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.0.iotype=discard
read 0 512
write 0 512
read 0 512
discard 0 4k
read 0 512
write -z 0 4k
read 0 512
alloc 0
read 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.0.iotype=write
read 0 512
write 0 512
read 0 512
discard 0 4k
read 0 512
write -z 0 4k
read 0 512
alloc 0
read 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.0.iotype=write-zeroes
read 0 512
write 0 512
read 0 512
discard 0 4k
read 0 512
write -z 0 4k
read 0 512
alloc 0
read 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.0.iotype=block-status
read 0 512
write 0 512
read 0 512
discard 0 4k
read 0 512
write -z 0 4k
read 0 512
alloc 0
read 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.0.iotype=flush
read 0 512
write 0 512
read 0 512
discard 0 4k
read 0 512
write -z 0 4k
read 0 512
alloc 0
read 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=write_aio,file.inject-error.0.iotype=read
write 0 512
read 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.1.event=write_aio,file.inject-error.1.iotype=discard
read 0 512
write 0 512
discard 0 4k
read 0 512
write 0 512
discard 0 4k
close
== every event on raw
@ args:
@ open: none
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=l1_update
read 0 512
write 0 512
discard 0 4k
write -z 0 4k
alloc 0
write -f 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=l2_load
read 0 512
write 0 512
discard 0 4k
write -z 0 4k
alloc 0
write -f 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio
read 0 512
write 0 512
discard 0 4k
write -z 0 4k
alloc 0
write -f 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_backing_aio
read 0 512
write 0 512
discard 0 4k
write -z 0 4k
alloc 0
write -f 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=write_aio
read 0 512
write 0 512
discard 0 4k
write -z 0 4k
alloc 0
write -f 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=flush_to_os
read 0 512
write 0 512
discard 0 4k
write -z 0 4k
alloc 0
write -f 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=flush_to_disk
read 0 512
write 0 512
discard 0 4k
write -z 0 4k
alloc 0
write -f 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=pwritev_rmw_head
read 0 512
write 0 512
discard 0 4k
write -z 0 4k
alloc 0
write -f 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=pwritev_rmw_after_head
read 0 512
write 0 512
discard 0 4k
write -z 0 4k
alloc 0
write -f 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=pwritev_rmw_tail
read 0 512
write 0 512
discard 0 4k
write -z 0 4k
alloc 0
write -f 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=pwritev_rmw_after_tail
read 0 512
write 0 512
discard 0 4k
write -z 0 4k
alloc 0
write -f 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=pwritev
read 0 512
write 0 512
discard 0 4k
write -z 0 4k
alloc 0
write -f 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=pwritev_zero
read 0 512
write 0 512
discard 0 4k
write -z 0 4k
alloc 0
write -f 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=pwritev_done
read 0 512
write 0 512
discard 0 4k
write -z 0 4k
alloc 0
write -f 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=cor_write
read 0 512
write 0 512
discard 0 4k
write -z 0 4k
alloc 0
write -f 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=cluster_alloc_space
read 0 512
write 0 512
discard 0 4k
write -z 0 4k
alloc 0
write -f 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=none
read 0 512
write 0 512
discard 0 4k
write -z 0 4k
alloc 0
write -f 0 512
close
== read-modify-write has events
@ args:
@ open: none
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.align=4k,file.inject-error.0.event=pwritev_rmw_head,file.inject-error.0.iotype=write
read 1 1
write 1 1
write 100 8000
write 0 4k
write -z 100 10000
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.align=4k,file.inject-error.0.event=pwritev_rmw_after_head,file.inject-error.0.iotype=write
read 1 1
write 1 1
write 100 8000
write 0 4k
write -z 100 10000
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.align=4k,file.inject-error.0.event=pwritev_rmw_tail,file.inject-error.0.iotype=write
read 1 1
write 1 1
write 100 8000
write 0 4k
write -z 100 10000
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.align=4k,file.inject-error.0.event=pwritev_rmw_after_tail,file.inject-error.0.iotype=write
read 1 1
write 1 1
write 100 8000
write 0 4k
write -z 100 10000
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.align=4k,file.inject-error.0.event=pwritev,file.inject-error.0.iotype=write
read 1 1
write 1 1
write 100 8000
write 0 4k
write -z 100 10000
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.align=4k,file.inject-error.0.event=pwritev_zero,file.inject-error.0.iotype=write
read 1 1
write 1 1
write 100 8000
write 0 4k
write -z 100 10000
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.align=4k,file.inject-error.0.event=pwritev_done,file.inject-error.0.iotype=write
read 1 1
write 1 1
write 100 8000
write 0 4k
write -z 100 10000
close
== once and order
@ args:
@ open: none
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.0.once=on
read 0 512
read 0 512
read 0 512
read 0 512
read 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.0.once=on,file.inject-error.1.event=read_aio,file.inject-error.1.errno=28
read 0 512
read 0 512
read 0 512
read 0 512
read 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.0.once=on,file.inject-error.1.event=read_aio,file.inject-error.1.errno=28,file.inject-error.1.once=on
read 0 512
read 0 512
read 0 512
read 0 512
read 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=none,file.inject-error.0.once=on
read 0 512
read 0 512
read 0 512
read 0 512
read 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.0.errno=5,file.inject-error.1.event=read_aio,file.inject-error.1.errno=28
read 0 512
read 0 512
read 0 512
read 0 512
read 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=none,file.inject-error.1.event=read_aio,file.inject-error.1.errno=28
read 0 512
read 0 512
read 0 512
read 0 512
read 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.1.event=none,file.inject-error.1.errno=28
read 0 512
read 0 512
read 0 512
read 0 512
read 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.0.errno=0,file.inject-error.1.event=read_aio
read 0 512
read 0 512
read 0 512
read 0 512
read 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.0.sector=9,file.inject-error.1.event=read_aio,file.inject-error.1.errno=28
read 0 512
read 0 512
read 0 512
read 0 512
read 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.event=read_aio
read 0 512
read 0 512
read 0 512
read 0 512
read 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.0.immediately=on
read 0 512
read 0 512
read 0 512
read 0 512
read 0 512
close
== states
@ args:
@ open: none
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.set-state.0.event=read_aio,file.set-state.0.new_state=2,file.inject-error.0.event=read_aio,file.inject-error.0.state=2
read 0 512
read 0 512
read 0 512
read 0 512
read 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.0.state=2,file.inject-error.0.once=on,file.set-state.0.event=read_aio,file.set-state.0.state=1,file.set-state.0.new_state=2,file.set-state.1.event=read_aio,file.set-state.1.state=2,file.set-state.1.new_state=3,file.set-state.2.event=read_aio,file.set-state.2.state=3,file.set-state.2.new_state=1
read 0 512
read 0 512
read 0 512
read 0 512
read 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.0.state=3,file.set-state.0.event=read_aio,file.set-state.0.new_state=2,file.set-state.1.event=read_aio,file.set-state.1.new_state=3
read 0 512
read 0 512
read 0 512
read 0 512
read 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=none,file.inject-error.0.state=2,file.set-state.0.event=read_aio,file.set-state.0.new_state=2
read 0 512
read 0 512
read 0 512
read 0 512
read 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.set-state.0.event=none,file.set-state.0.new_state=2,file.inject-error.0.event=read_aio,file.inject-error.0.state=2
read 0 512
read 0 512
read 0 512
read 0 512
read 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=write_aio,file.inject-error.0.state=2,file.set-state.0.event=read_aio,file.set-state.0.new_state=2
write 0 512
read 0 512
write 0 512
close
== sectors
@ args:
@ open: none
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.0.sector=2
read 0 1k
read 0 1025
read 1k 1
read 1535 1
read 1536 1
read 0 4k
read 1k 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=none,file.inject-error.0.sector=3
discard 0 4k
write -z 0 4k
alloc 0
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=none,file.inject-error.0.sector=0,file.inject-error.0.iotype=block-status
write 0 512
alloc 0
alloc 512
map
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=none,file.inject-error.0.sector=2,file.inject-error.0.once=on
read 0 1k
read 1k 1k
read 1k 1k
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.0.sector=-1
read 0 512
close
open -o driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=read_aio,file.inject-error.0.sector=18014398509481984
read 0 512
close
== file: a rule
@ args:
@ open: none
@ conf: [inject-error]
@ conf: event = "read_aio"
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: two rules
@ args:
@ open: none
@ conf: [inject-error]
@ conf: event = "read_aio"
@ conf: errno = "28"
@ conf: once = "on"
@ conf: [inject-error]
@ conf: event = "read_aio"
@ conf: errno = "1"
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: a state
@ args:
@ open: none
@ conf: [set-state]
@ conf: event = "read_aio"
@ conf: new_state = "2"
@ conf: [inject-error]
@ conf: event = "read_aio"
@ conf: state = "2"
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: spaces
@ args:
@ open: none
@ conf: [inject-error] # x
@ conf: event  =  "read_aio" # y
@ conf: errno ="4"
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: comment
@ args:
@ open: none
@ conf: # c
@ conf: [inject-error]
@ conf: event = "read_aio"
@ conf: #x
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: a name
@ args:
@ open: none
@ conf: [inject-error "x"]
@ conf: event = "read_aio"
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: unknown section
@ args:
@ open: none
@ conf: [inject-error]
@ conf: event = "read_aio"
@ conf: [foo]
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: no section
@ args:
@ open: none
@ conf: event = "x"
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: empty section
@ args:
@ open: none
@ conf: []
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: section with a space
@ args:
@ open: none
@ conf: [inject-error ]
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: no event
@ args:
@ open: none
@ conf: [inject-error]
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: no event before another
@ args:
@ open: none
@ conf: [inject-error]
@ conf: [set-state]
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: unknown event
@ args:
@ open: none
@ conf: [inject-error]
@ conf: event = "nope"
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: no quotes
@ args:
@ open: none
@ conf: [inject-error]
@ conf: event = read_aio
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: no spaces
@ args:
@ open: none
@ conf: [inject-error]
@ conf: event="read_aio"
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: unknown key
@ args:
@ open: none
@ conf: [inject-error]
@ conf: event = "read_aio"
@ conf: foo = "1"
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: key of the other kind
@ args:
@ open: none
@ conf: [inject-error]
@ conf: event = "read_aio"
@ conf: new_state = "2"
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: number that is none
@ args:
@ open: none
@ conf: [inject-error]
@ conf: event = "read_aio"
@ conf: errno = "x"
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: number that is empty
@ args:
@ open: none
@ conf: [inject-error]
@ conf: event = "read_aio"
@ conf: errno = ""
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: number with suffix
@ args:
@ open: none
@ conf: [inject-error]
@ conf: event = "read_aio"
@ conf: sector = "1k"
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: number too large
@ args:
@ open: none
@ conf: [inject-error]
@ conf: event = "read_aio"
@ conf: sector = "99999999999999999999"
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: unknown kind
@ args:
@ open: none
@ conf: [inject-error]
@ conf: event = "read_aio"
@ conf: iotype = "x"
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: switch
@ args:
@ open: none
@ conf: [inject-error]
@ conf: event = "read_aio"
@ conf: once = "x"
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: any state
@ args:
@ open: none
@ conf: [inject-error]
@ conf: event = "read_aio"
@ conf: state = "0"
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: state that never is
@ args:
@ open: none
@ conf: [inject-error]
@ conf: event = "read_aio"
@ conf: state = "-1"
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: no error
@ args:
@ open: none
@ conf: [inject-error]
@ conf: event = "read_aio"
@ conf: errno = "0"
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: unknown error
@ args:
@ open: none
@ conf: [inject-error]
@ conf: event = "read_aio"
@ conf: errno = "99999"
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: hexadecimal
@ args:
@ open: none
@ conf: [inject-error]
@ conf: event = "read_aio"
@ conf: errno = "0x1c"
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: event twice
@ args:
@ open: none
@ conf: [inject-error]
@ conf: event = "read_aio"
@ conf: event = "write_aio"
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512
== file: state without a number
@ args:
@ open: none
@ conf: [set-state]
@ conf: event = "read_aio"
@ conf: new_state = "x"
open -o driver=raw blkdebug:bd.conf:test.img
length
read 0 512

SPDX-License-Identifier: GPL-3.0-or-later
== plain
writev 0 512
writev 1M 512 512
writev 3M 1 2 3
writev 4194300 1 1 1 1
writev 0 0
writev 0 0 512 0
read -v 3M 16
read -P 0xcd 1M 1k
== options
writev -q 0 512 512
writev -C 0 512 512
writev -Cq 0 512
writev -f 0 512 512
writev -P 7 4k 512 512
writev -fqP 8 8k 1 1
read -v 4k 16
read -v 8k 16
read -P 7 4k 1k
== refusals
writev
writev 0
writev -q
writev -q 0
writev -P 1 0
writev -P 256 0 512
writev -P x 0 512
writev -x 0 512
writev -z 0 512
writev -v 0 512
writev x 1
writev 0 x
writev 0 512 x
writev 0 1G 1G
writev 0 2G
writev 0 2147483136 1
writev 0 8E
map
== beyond the end
writev 4M 512
writev 4194303 1 1
writev -q 5M 512 512
length

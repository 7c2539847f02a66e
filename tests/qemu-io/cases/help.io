SPDX-License-Identifier: GPL-3.0-or-later
== all
@ differs: help-prose
help
?
== all without an image
@ differs: help-prose
@ open: none
help
== one
@ differs: help-prose
help read
help r
help write
help open
help o
help map
help help
help ?
help quit
help length
help sigraise
help aio_write
? truncate
help reopen
== unknown
help foo
help READ
help rea
help -x
help read write
help -- read
help read x y
== unknown commands
foo
READ
rea
readx
read0
-read
;
read;
# comment
"read" 0 1
'length'
0
read,0
\
%s%s%n
== spaces
   length   
length    
 read   0    512
read 0 512   
	length

   

length
== options of ours do not exist
map --json
map --summary
map --host
== quotes have no meaning
read "0" 512
read '0' 512
write -P "1" 0 512
read 0 512; read 0 512
read 0 512 # comment
read 0\ 512
length;length
open "x y"

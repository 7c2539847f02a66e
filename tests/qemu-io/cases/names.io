SPDX-License-Identifier: GPL-3.0-or-later
What an image may be called, and its options: paths, protocols, json: and dotted keys.
== names that open nothing
@ args:
@ open: none
open nope:
open foo:bar
open a.raw:x
open :x
open C:\x
open raw:test.img
open file:nope
open file:
open file:file:test.img
open file:json:{}
open host_device:
open host_device:/dev/nope
open host_device:test.img
open host_cdrom:test.img
open null-co:
open null-co:foo
open null-aio:x
open vvfat:x
open ./a:b
open dir/a:b
open nope
open blkdebug:
open blkdebug::
open blkdebug:nope
open blkdebug::nope
open blkdebug:nope:test.img
open blkdebug::nope:x
open blkdebug:a:b:c
== names that open
@ args:
@ open: none
open test.img
info
length
close
open file:test.img
info
length
close
open /dev/null
info
length
close
open host_device:/dev/null
info
length
close
open null-co://
info
length
close
open null-aio://
info
length
close
open blkdebug::test.img
info
length
close
open blkdebug::blkdebug::test.img
info
length
close
open blkdebug::null-co://
info
length
close
open -r test.img
info
length
close
open -r blkdebug::test.img
info
length
close
open -o driver=file test.img
info
length
close
open -o driver=blkdebug test.img
info
length
close
open -o driver=blkdebug blkdebug::test.img
info
length
close
open -o driver=null-co null-co://
info
length
close
open -o driver=raw file:test.img
info
length
close
open -o file.driver=file test.img
info
length
close
open -o file.driver=blkdebug test.img
info
length
close
open -o file.driver=raw test.img
info
length
close
open -o driver=raw,file.align=4k blkdebug::test.img
info
length
close
== json that opens nothing
@ args:
@ open: none
open json:
open json:{
open json:{}
open json:[]
open json:"x"
open json:1
open json:null
open json:{"driver":"raw"}
open json:{"driver":"nope"}
open json:{"driver":null}
open json:{"driver":""}
open json:{"driver":"null-co","foo":1}
open json:{"driver":"null-co","foo":null}
open json:{"driver":"null-co"}x
open json:{"driver":"raw","driver":"null-co"}
open json:{"driver":"raw","file":"test.img"}
open json:{"driver":"raw","file":["test.img"]}
open json:{"driver":"raw","file":null}
open json:{"driver":"null-co","a":[]}
open json:{"driver":"null-co","a":{}}
open json:{"filename":"test.img"}
open json:{"driver"}
open json:{driver:1}
open json:{"driver":}
open json:{"driver":"null-co",}
open json:["a"
open json:[1,2
open json:[1}
open json:{"a":1]
open json:{5:1}
open json:{"a":01}
open json:{"a":-01}
open json:{"a":-}
open json:{"a":.5}
open json:{"a":1.}
open json:{"a":1e}
open json:{"a":nul}
open json:{"a":True}
open json:@
open json:{"a":@}
open json:%
open json:"abc
open json:"a\
open json:"\q"
open json:"\x41"
open json:{"a":"\u12"}
open json:{"a":"\u12
open json:"\ud800"
open json:"\ude00"
open json:"\ud83d\u0041"
open json:"\u{41}"
open json:{"a":12abc}
open json:{"a":tru,
open json:{"a":1,"b":2,"a":3}
open json:}
open json:]
open json::
open json:,
open json:[,]
open json:{"driver":"null-co"}}
open json:{"driver":"null-co"}{}
open json:json:{}
open json:{"file":{"filename":"json:{}"}}
open json:'it\q'
== json that opens
@ args:
@ open: none
open json:{"driver":"null-co","size":1024}
info
length
close
open json:{"driver":"null-co","size":"1k"}
info
length
close
open json:{"driver":"null-co","size":1e3}
info
length
close
open json:{"driver":"null-co","size":"\u0031k"}
info
length
close
open json:{"driver":"null-co","size":null}
info
length
close
open json:{"driver":"null-co","size":-0}
info
length
close
open json:{"driver":"null-co","size":1.0}
info
length
close
open json:{"driver":"null-co","read-zeroes":true}
info
length
close
open json:{"driver":"null-co","read-zeroes":"yes"}
info
length
close
open json:{'driver':'null-co'}
info
length
close
open json:{"driver":"raw","file":{"driver":"file","filename":"test.img"}}
info
length
close
open json:{"file":{"driver":"file","filename":"test.img"}}
info
length
close
open json:{"file.driver":"file","file":{"filename":"test.img"}}
info
length
close
open json:{"driver":"file","filename":"test.img"}
info
length
close
open blkdebug::json:{"driver":"file","filename":"test.img"}
info
length
close
open -o read-only=off json:{"driver":"raw","read-only":true,"file":{"filename":"test.img"}}
info
length
close
open -o driver=raw,file.filename=test.img json:{}
info
length
close
open json:{"driver":"blkdebug","inject-error":[{"event":"read_aio","once":true}],"image":{"driver":"null-co"}}
info
length
close
== options that open nothing
@ args:
@ open: none
open -o driver=nope
open -o driver=raw,foo=1,file.filename=test.img
open -o driver=raw,file=test.img
open -o driver=raw,file=x,file.driver=null-co
open -o driver=raw
open -o driver=
open -o driver=help
open -o driver=,size=1
open -o driver=null-co,,x
open -o driver=null-co,filename=x
open -o driver=null-co,filename=null-co://
open -o driver=raw,file.driver=nope
open -o driver=raw,file.driver=null-co,file.foo=1
open -o driver=raw,file.driver=raw,file.file.driver=null-co,file.size=5
open -o driver=raw,file.filename=null-co://
open -o driver=raw,file.filename=file:test.img
open -o file.filename=blkdebug::test.img
open -o driver=file,filename=file:test.img
open -o driver=file,filename=nope
open -o driver=file
open -o driver=host_device
open -o driver=host_cdrom
open -o driver=file,filename=/dev/null
open -o driver=host_device,filename=test.img
open -o driver=blkdebug
open -o driver=blkdebug,image=test.img
open -o driver=blkdebug,file.filename=test.img
open -o driver=blkdebug,filename=test.img
open -o driver=blkdebug,x-image=test.img,image.filename=test.img
open -o foo=bar
open -o filename=test.img
open -o file=test.img
open -o file.driver=file,filename=test.img
open -o a=b,a=c
open -o =
open -o =x
open -o driver=raw,file.filename=test.img,read-only=maybe
open -o driver=raw,file.filename=test.img,size=abc
open -o driver=raw,file.filename=test.img,size=-1
open -o driver=raw,file.filename=test.img,size=
open -o driver=raw,file.filename=test.img,size=512x
open -o driver=raw,file.filename=test.img,size=99999999999999999999
open -o driver=raw,file.filename=test.img,size=513
open -o driver=raw,file.filename=test.img,size=512,offset=1G
open -o driver=raw,file.filename=test.img,offset=100M
open -o driver=raw,file.filename=test.img,discard=maybe
open -o driver=raw,file.filename=test.img,detect-zeroes=maybe
open -o driver=raw,file.filename=test.img,cache.direct=maybe
open -o driver=raw,file.filename=test.img,cache.no-flush=maybe
open -o driver=raw,file.filename=test.img,cache.writeback=off
open -o driver=raw,file.filename=test.img,cache=x
open -o driver=raw,file.filename=test.img,force-share=maybe
open -o driver=raw,file.filename=test.img,force-share=on
open -o driver=raw,file.filename=test.img,auto-read-only=maybe
open -o driver=raw,file.filename=test.img,node-name=a/b
open -o driver=raw,file.filename=test.img,node-name=1a
open -o driver=raw,file.filename=test.img,node-name=_a
open -o driver=raw,file.filename=test.img,node-name=
open -o driver=raw,file.filename=test.img,node-name=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
open -o driver=raw,file.filename=test.img,node-name=a,file.node-name=a
open -o driver=raw,file.filename=test.img,read-only=on
open -o driver=raw,file.filename=test.img,file.read-only=on
open -o driver=raw,file.filename=test.img,file.foo=x
open -o driver=raw,file.filename=test.img,file.foo.bar=x
open -o driver=raw,file.filename=test.img,detect-zeroes=unmap,discard=off
open -o driver=raw,file.filename=test.img,file.discard=maybe
== options that open
@ args:
@ open: none
open -o driver=null-co,size=1k,size=2k
info
length
close
open -o driver=null-co,
info
length
close
open -o driver=null-co,read-zeroes=yes
info
length
close
open -o driver=null-co,size=0x400
info
length
close
open -o driver=null-co,size=010
info
length
close
open -o driver=null-co,size=1b
info
length
close
open -o driver=null-co,size=1.1k
info
length
close
open -o driver=null-co,size=1K
info
length
close
open -o driver=null-co,latency-ns=0x10
info
length
close
open -o driver=raw,file.driver=raw,file.file.driver=null-co
info
length
close
open -o driver=raw,file.driver=null-co,file.size=1k
info
length
close
open -o driver=blkdebug,image.filename=test.img
info
length
close
open -o driver=blkdebug,image.driver=raw,image.file.filename=test.img
info
length
close
open -o driver=blkdebug,x-image=test.img
info
length
close
open -o file.driver=blkdebug,file.image.filename=test.img
info
length
close
open -o file.driver=file,file.filename=test.img
info
length
close
open -o driver=file,filename=test.img
info
length
close
open -o driver=raw,file.filename=/dev/null
info
length
close
open -o driver=raw,file.filename=test.img,size=1.5k
info
length
close
open -o driver=raw,file.filename=test.img,offset=7
info
length
close
open -o driver=raw,file.filename=test.img,auto-read-only=on
info
length
close
open -o driver=raw,file.filename=test.img,detect-zeroes=unmap
info
length
close
open -o driver=raw,file.filename=test.img,detect-zeroes=unmap,discard=on
info
length
close
open -o driver=raw,file.filename=test.img,node-name=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
info
length
close
open -o driver=raw,file.filename=test.img,cache.direct=on,cache.no-flush=on
info
length
close
open -o driver=raw,file.filename=test.img,cache.direct=off
info
length
close
open -o driver=raw,file.filename=test.img,discard=ignore
info
length
close
== options beside a name
@ args:
@ open: none
open -o file.filename=test.img test.img
open -o driver=raw,file.filename=test.img test.img
open -o file=xx test.img
open -o driver=file,file=xx test.img
open -o file.foo=x test.img
open -o file.driver=null-co test.img
open -o driver=raw json:{"driver":"null-co"}
open -o force-share=on test.img
open -U test.img
open -r -U test.img
length

# SPDX-License-Identifier: GPL-2.0-only
# The module that DKMS installed, found by modprobe
. ./lib.sh

mark
try 'modprobe finds and loads it' modprobe kvdemo sizes=64K
try 'it says so' has '^kvdemo: alloc size=65536 '
try 'modprobe -r unloads it' modprobe -r kvdemo
mark
brought()
{
	modprobe kvdemo_live && has '^kvdemo_live: watching ' && grep -q '^kvdemo ' /proc/modules &&
		modprobe -r kvdemo_live
}
try 'modprobe kvdemo_live brings kvdemo along' brought

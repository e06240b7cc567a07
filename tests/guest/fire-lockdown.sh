# SPDX-License-Identifier: GPL-2.0-only
# An unsigned module on a kernel that is locked down
. ./lib.sh

mark
refused()
{
	! insmod /kvdemo.ko 2>/tmp/err && [ ! -d /sys/module/kvdemo ] &&
		grep -q 'Operation not permitted' /tmp/err
}
try 'lockdown refuses an unsigned module' refused
try "with the kernel's own message" has 'Lockdown: insmod: unsigned module loading is restricted'

# SPDX-License-Identifier: GPL-2.0-only
# Types the commands of doc/install.md, but those of DKMS, which tests/dkms-story types.
. ./lib.sh

export HOME=/root LC_ALL=C.UTF-8
cd /src || exit

# prints REGEX COMMAND...: it succeeds, and such a line is on its output
prints()
{
	local regex=$1

	shift
	"$@" >/tmp/out 2>&1 && grep -Eq -- "$regex" /tmp/out && return
	sed 's/^/# /' /tmp/out | tail -n 20
	return 1
}

try 'make builds for the running kernel' prints 'LD .*kvdemo.ko' make
try 'make load prints the lines of the module' \
	prints 'kvdemo: alloc size=65536 ' make load ARGS='sizes=64K,5M gfp=GFP_KERNEL|__GFP_ZERO'
try 'make unload prints its last one' prints 'kvdemo: exit .* leaked=0' make unload
try 'make load tells a bad parameter, and fails' \
	prints 'kvdemo: policy=x is invalid' sh -c '! make load ARGS=policy=x'
try 'modinfo explains each parameter' prints '^parm: +policy:noretry .default' modinfo ./kvdemo.ko

# SPDX-License-Identifier: GPL-2.0-only
# What a person types; `make help` lists it. What kbuild reads is in Kbuild.

TARGET ?= bookworm
KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build

# The rooms beside the top level; those of ROOMS_INSTALLED go to DKMS, too.
ROOMS_INSTALLED := demo live
ROOMS := $(ROOMS_INSTALLED) lab tests/modules
sources = $(filter-out %.mod.c,$(wildcard Kbuild *.[ch] $(foreach room,$(1),$(room)/Kbuild $(room)/*.[ch])))
SOURCES := $(call sources,$(ROOMS))
export ARGS
DKMS_SOURCES := dkms.conf LICENSE $(call sources,$(ROOMS_INSTALLED))
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
# Where insmod, modinfo and dkms are; Debian's users, and plain su, do without.
export PATH := $(PATH):/usr/sbin:/sbin
BUILT := build/$(TARGET)/built

# What judges the sources and the harness says the same for every target.
ONCE := $(if $(filter bookworm,$(TARGET)),,tests/00-lint.t tests/10-harness.t)
# A benchmark is no test; its short form is one in check-all (BENCH=1).
SLOW := $(if $(BENCH),,tests/70-bench.t)
TESTS ?= $(filter-out $(ONCE) $(SLOW),$(sort $(wildcard tests/[0-9]*.t)))

.PHONY: modules demo shell check check-user check-all check-fire helpers soak bench bench-host \
	lint mutants load unload dkms-install dkms-remove clean help

modules:
	@test "$(words $(CURDIR))" -eq 1 || { \
		echo "kbuild takes no directory with blanks in its name: $(CURDIR)" >&2; exit 1; }
	@test -d "$(KDIR)" || { \
		type apt-get >/dev/null 2>&1 && how=" (apt install linux-headers-$(KVER))"; \
		echo "No headers in $(KDIR): install those of $(KVER)$$how, or name them: make KDIR=DIR" >&2; \
		exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

help:
	@cat scripts/help

# A root that was made anew for a newer kernel wants its modules built again.
build/$(TARGET)/root: FORCE
	@row=$$(scripts/target row $(TARGET)) || exit; \
	scripts/install-missing cpio mmdebstrap perl $$(echo "$$row" | sed -n 's/^packages=//p' | tr '\\,' ' ')
	@mkdir -p $(@D)
	@root=$$(scripts/target make $(TARGET)) && \
	made="$$(cat "$$root/release") $$root $$(stat -c %Y "$$root/release")" || exit; \
	echo "$$made" | cmp -s - $@ || echo "$$made" >$@

FORCE:

$(BUILT): $(SOURCES) scripts/modules build/$(TARGET)/root
	@scripts/modules $(TARGET) $(SOURCES)

demo: $(BUILT)
	@set -f; KVDEMO_REFRESH=0 scripts/demo $(TARGET) $$ARGS

shell: $(BUILT)
	@KVDEMO_REFRESH=0 scripts/boot -i $(TARGET) tests/guest/shell.sh build/$(TARGET)/*.ko

check: $(BUILT)
	@TARGET=$(TARGET) KVDEMO_REFRESH=0 prove --timer -f -j2 $(TESTS)

check-user:
	@$(MAKE) --no-print-directory TESTS='tests/user.t tests/tools.t' check

# Rows side by side: make -j2 check-all. A red one does not stop the others.
ROWS ?= $(shell scripts/target list)

# some LIST, VARIABLE: nothing to do is no success.
some = @[ -n "$(strip $(1))" ] || { echo "no rows: $(2)= names some of tests/targets" >&2; exit 1; }

check-all:
	$(call some,$(ROWS),ROWS)
	@rm -rf build/check-all
	@$(MAKE) -k --no-print-directory $(addprefix row-,$(ROWS)) || true
	@scripts/rows table $(ROWS)

row-%:
	@+scripts/rows run $*

# make bench: the price of each policy on these kernels, in counted instructions.
# ACCEL=kvm: in time. FULL=1: every cell.
BENCH_ROWS ?= bookworm trixie trixie-backports

bench: $(addprefix bench-row-,$(BENCH_ROWS))
	$(call some,$(BENCH_ROWS),BENCH_ROWS)
	@scripts/bench/plot build/bench $(BENCH_ROWS)
	@scripts/bench/check $(patsubst %,build/bench/%.csv,$(BENCH_ROWS))
	@for row in $(BENCH_ROWS); do KVDEMO_REFRESH=0 scripts/bench/threads $$row || exit; done

bench-row-%:
	@scripts/install-missing qemu-utils gnuplot-nox
	@$(MAKE) --no-print-directory TARGET=$* build/$*/built
	@KVDEMO_REFRESH=0 scripts/bench/run $(if $(FULL),-f) $* build/bench/$*.csv

# The same modules on the running kernel, in time
bench-host:
	$(MAKE) KVDEMO_TESTS=m modules
	scripts/bench/host build/bench/host.csv $$ARGS

# Small static programs for the guests
HELPERS := $(patsubst tests/guest/%.c,build/helpers/%,$(wildcard tests/guest/*.c))

build/helpers/%: tests/guest/%.c
	@scripts/install-missing gcc libc6-dev
	@mkdir -p $(@D)
	@gcc -static -O2 -Wall -Wextra -Werror -o $@ $<

helpers: $(HELPERS)

# Faults, load and abuse: on two stock kernels, then on the debug kernel with
# the other tests, too. FIRE=10 makes each load a tenth as long.
FIRE ?= 1
FIRE_ROWS ?= bookworm trixie-backports debug
FIRE_TESTS := $(sort $(wildcard tests/fire/*.t))
DEBUG_TESTS := $(sort $(wildcard tests/fire/debug/*.t)) \
	$(filter-out %/00-lint.t %/10-harness.t %/50-dkms.t %/66-shell.t %/70-bench.t,$(sort $(wildcard tests/[0-9]*.t)))
export FIRE

check-fire:
	$(call some,$(FIRE_ROWS),FIRE_ROWS)
	@[ "$(FIRE)" -gt 0 ] 2>/dev/null || { echo "FIRE is a number from 1 on, not '$(FIRE)'" >&2; exit 1; }
	@rm -rf build/fire
	@$(MAKE) -k --no-print-directory -j1 $(addprefix fire-,$(FIRE_ROWS)); status=$$?; \
	scripts/fire-table; exit $$status

fire-%: helpers
	@echo "fire: $*"
	@$(MAKE) --no-print-directory TARGET=$* check \
		TESTS="$(FIRE_TESTS) $(if $(filter debug,$*),$(DEBUG_TESTS))"

MINUTES ?= 60

soak: helpers
	@[ "$(MINUTES)" -gt 0 ] 2>/dev/null && [ "$(MINUTES)" -le 10080 ] || \
		{ echo "MINUTES is a number from 1 to 10080, a week, not '$(MINUTES)'" >&2; exit 1; }
	@$(MAKE) --no-print-directory FIRE_SECONDS=$$(($(MINUTES) * 60)) \
		TESTS=tests/fire/40-load.t check

lint:
	@$(MAKE) --no-print-directory TARGET=bookworm TESTS=tests/00-lint.t check

# Each break of the code in tests/mutants must turn its test red.
mutants: $(BUILT)
	@scripts/mutants $$ARGS

# The module's lines of the kernel log since a mark of our own, or what a thousand
# lines have left of them
MARK = mark="kvdemo-mark $$$$"; echo "$$mark" | $(SUDO) tee /dev/kmsg >/dev/null
SINCE = $(SUDO) dmesg | tac | sed "/$$mark/,\$$d" | tac | grep 'kvdemo: ' || true

load: modules
	@set -f; $(MARK); status=0; $(SUDO) insmod ./kvdemo.ko $$ARGS || status=$$?; \
	$(SINCE); exit $$status

unload:
	@$(MARK); status=0; $(SUDO) rmmod kvdemo || status=$$?; $(SINCE); exit $$status

dkms-install:
	@scripts/dkms install "$(KVER)" $(DKMS_SOURCES)

dkms-remove:
	@scripts/dkms remove

clean:
	rm -rf build Module.symvers $(foreach room,. $(ROOMS),\
		$(addprefix $(room)/,*.o *.ko *.mod *.mod.c .*.o .*.cmd .*.d modules.order))

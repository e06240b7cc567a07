# SPDX-License-Identifier: GPL-2.0-only
# The targets that a person types; `make help` lists them. kbuild reads Kbuild instead.

# If root runs make in somebody else's checkout, by sudo or in a container, the files that
# it makes there go to the owner of the checkout, even after an interrupt.
ABROAD := $(shell [ "$$(id -u)" -ne 0 ] || [ "$$(stat -c %u .)" -eq 0 ] || echo yes)
ifeq ($(KVDEMO_OWNED)$(ABROAD),yes)
export KVDEMO_OWNED := 1
.PHONY: as-owner $(MAKECMDGOALS)
as-owner:
	@trap : INT TERM; $(MAKE) --no-print-directory $(MAKECMDGOALS); \
	status=$$?; scripts/target own; exit $$status
$(MAKECMDGOALS): as-owner ;
else

TARGET ?= bookworm
KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build

# The directories beside the top level. DKMS builds only those of ROOMS_INSTALLED.
ROOMS_INSTALLED := demo live
ROOMS := $(ROOMS_INSTALLED) lab samples tests/modules
sources = $(filter-out %.mod.c,$(wildcard Kbuild *.[ch] $(foreach room,$(1),$(room)/Kbuild $(room)/*.[ch])))
SOURCES := $(call sources,$(ROOMS))
export ARGS
DKMS_SOURCES := dkms.conf LICENSE scripts/kbuild $(call sources,$(ROOMS_INSTALLED))
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
# Variables that would change what our commands do; scripts/env has the list.
unexport $(filter $(subst *,%,$(shell sed -n 's/^\# [a-zA-Z]*: *\([A-Z].*\)/\1/p' scripts/env)),$(.VARIABLES))
# For insmod, modinfo and dkms: Debian's users, and plain su, lack these two in PATH.
export PATH := $(PATH):/usr/sbin:/sbin
VERSION = $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
BUILT := build/$(TARGET)/built

# The results of these tests do not depend on the target.
ONCE := $(if $(filter bookworm,$(TARGET)),,tests/00-lint.t tests/10-harness.t tests/15-host.t)
# A benchmark is no test; its short form is one in check-all (BENCH=1).
SLOW := $(if $(BENCH),,tests/70-bench.t)
# The longest come first, so that none is left to run alone.
LONG := tests/10-harness.t tests/60-live.t
ALL_TESTS := $(filter-out $(ONCE) $(SLOW),$(sort $(wildcard tests/[0-9]*.t)))
TESTS ?= $(filter $(LONG),$(ALL_TESTS)) $(filter-out $(LONG),$(ALL_TESTS))

.PHONY: modules mine demo demo-live bench-live shell check known-tests check-user check-all check-fire \
	helpers soak bench bench-doc bench-host lint mutants load unload dkms-install dkms-remove \
	dkms-sources dist deb clean help

modules: mine
	@for dir in "$(CURDIR)" "$(KDIR)"; do case $$dir in *[[:space:]:]*) \
		echo "kbuild takes no directory with blanks or colons in its name: $$dir" >&2; exit 1;; esac; done
	@test -d "$(KDIR)" || { \
		type apt-get >/dev/null 2>&1 && how=" (apt install linux-headers-$(KVER))"; \
		echo "No headers in '$(KDIR)': install those of $(KVER)$$how, or name them: make KDIR=DIR" >&2; \
		exit 1; }
	+@scripts/kbuild "$(KDIR)" modules

help:
	@cat scripts/help

# After a root is made anew for a newer kernel, its modules are built again.
build/$(TARGET)/root: mine
	@mkdir -p $(@D)
	@root=$$(scripts/target make $(TARGET)) && \
	scripts/install-missing cpio perl $$(scripts/target row $(TARGET) | sed -n 's/^packages=//p' | tr '\\,' ' ') && \
	made="$$(cat "$$root/release") $$root $$(stat -c %Y "$$root/release")" || exit; \
	echo "$$made" | cmp -s - $@ || echo "$$made" >$@

# Reports files of root once, so that not every command fails over them.
mine:
	@theirs=$$(find . -ignore_readdir_race \( -name .git -o -path '*/kvdemo/roots' \) -prune -o -user 0 ! -writable -print -quit); \
	[ -z "$$theirs" ] || [ "$$(id -u)" -eq 0 ] || { \
		echo "$$theirs belongs to root: sudo chown -R $$(id -u) '$(CURDIR)'" >&2; exit 1; }

$(BUILT): $(SOURCES) scripts/modules build/$(TARGET)/root
	@scripts/modules $(TARGET) $(SOURCES)

# Until these end, nobody replaces the root, in which their modules are built.
demo demo-live bench-live shell check mutants:
	@scripts/target hold '$(TARGET)' $(MAKE) --no-print-directory TARGET='$(TARGET)' held-$@

held-demo: $(BUILT)
	@set -f; scripts/demo $(TARGET) $$ARGS

held-demo-live: $(BUILT) build/helpers/calls
	@KVDEMO_ACCEL=tcg scripts/demo -l $(TARGET)

# Prices of kvdemo_live. On these kernels bars hold, and make bench includes them.
LIVE_ROWS := bookworm trixie trixie-backports

LIVE_COST = $(TARGET) tests/guest/live-cost.sh $(addprefix build/$(TARGET)/kvdemo,.ko _live.ko _frag.ko _bench.ko) \
	build/helpers/calls

LIVE_ARGS := init_on_alloc=0 nokaslr tsc=reliable clocksource=tsc tsc_early_khz=1000000

# First in counted instructions; then one CPU against two, in time.
held-bench-live: $(BUILT) build/helpers/calls
	@scripts/install-missing gnuplot-nox python3
	@mkdir -p build/bench
	@KVDEMO_ACCEL=tcg scripts/boot -p 8 -S $(if $(filter bookworm,$(TARGET)),0,1) -c 1 -t 900 \
		-s '^guest: ' -q '-icount shift=0,sleep=off' \
		-a '$(LIVE_ARGS) KVBARS=$(if $(filter $(TARGET),$(LIVE_ROWS)),yes)' \
		$(LIVE_COST) >build/bench/live-$(TARGET).tap; \
	status=$$?; grep -v '^#.*,' build/bench/live-$(TARGET).tap; \
	sed -n -e '1i state,size,price,kernel' -e 's/^# \([a-z-]*,[0-9]*[KM],[0-9]*,.*\)/\1/p' \
		build/bench/live-$(TARGET).tap >build/bench/live-$(TARGET).csv; \
	scripts/bench/report live build/bench/live-$(TARGET).csv && \
	scripts/bench/report plot-live build/bench/live-$(TARGET).csv build/bench/live-$(TARGET).svg && exit $$status
	@KVDEMO_ACCEL=tcg-multi scripts/boot -t 900 -s '^guest: ' -l build/log/$(TARGET)-live-time.log \
		-a 'init_on_alloc=0 KVTIME=yes' $(LIVE_COST)

held-shell: $(BUILT)
	@scripts/boot -i $(TARGET) tests/guest/shell.sh build/$(TARGET)/*.ko

check: known-tests
known-tests:
	@for test in $(or $(TESTS),''); do \
		[ -f "$$test" ] || { echo "TESTS= names files such as tests/20-demo.t, not '$$test'" >&2; exit 1; }; \
	done

# Three at a time, because 10-harness.t mostly waits. Rows of check-all already run side by
# side.
held-check: $(BUILT)
	@TARGET=$(TARGET) prove --norc --timer -f -j$(if $(KVDEMO_PARTS),2,3) $(TESTS)

check-user:
	@$(MAKE) --no-print-directory TESTS='tests/user.t tests/tools.t tests/deb.t' check
	@$(MAKE) --no-print-directory TESTS=tests/deb.t TARGET=trixie check

# Rows side by side: make -j2 check-all. A red one does not stop the others.
ROWS ?= $(shell scripts/target list)

# some LIST, VARIABLE: an empty list is an error, not a success, and so is an unknown row.
some = @[ -n "$(strip $(1))" ] || { echo "no rows: $(2)= names some of tests/targets" >&2; exit 1; }; \
	for row in $(1); do scripts/target row "$$row" >/dev/null || exit; done

# upto NAME,LIST: its place in the list
upto = $$(printf '%s\n' $(2) | sed '/^$(1)$$/q' | wc -l)

# For scripts/progress: the number of parts, and when the first began
parts = KVDEMO_PARTS="$(words $(1)) $$(date +%s)"

check-all:
	$(call some,$(ROWS),ROWS)
	@rm -rf build/check-all
	@$(call parts,$(ROWS)) $(MAKE) -k --no-print-directory $(addprefix row-,$(ROWS)) || true
	@scripts/check-row table $(ROWS)

row-%:
	@+scripts/check-row run $*

# make bench: on each of these kernels the prices of the policies, in counted instructions, and
# those of kvdemo_live.
# ACCEL=kvm: in time. FULL=1: every cell. SEEDS='1 2 3': a table of so many boots.
BENCH_ROWS ?= bookworm trixie trixie-backports
SEEDS ?= $(or $(SEED),1)
# A seed that is named twice runs once.
override SEEDS := $(sort $(SEEDS))

bench:
	$(call some,$(BENCH_ROWS),BENCH_ROWS)
	@for seed in $(or $(SEEDS),''); do \
		[ "$$seed" -gt 0 ] 2>/dev/null || { \
			echo "SEED= or SEEDS= names numbers from 1 on, not '$$seed'" >&2; exit 1; }; \
	done
	@$(call parts,$(BENCH_ROWS)) $(MAKE) --no-print-directory $(addprefix bench-row-,$(BENCH_ROWS))
	@scripts/bench/report plot build/bench $(BENCH_ROWS)
	@scripts/bench/report check $(patsubst %,build/bench/%.csv,$(BENCH_ROWS))

bench-row-%:
	@scripts/install-missing gnuplot-nox python3
	@scripts/target hold $* $(MAKE) --no-print-directory TARGET=$* held-bench
	@$(if $(filter $*,$(LIVE_ROWS)),$(MAKE) --no-print-directory TARGET=$* bench-live)
	@scripts/progress bench $(call upto,$*,$(BENCH_ROWS)) kernels

held-bench: $(BUILT)
	@for seed in $(SEEDS); do \
		SEED=$$seed scripts/bench/run $(if $(FULL),-f) $(TARGET) build/bench/seed-$$seed.csv || exit; \
	done
	@awk 'NR == 1 || !/^kernel,/' $(SEEDS:%=build/bench/seed-%.csv) >build/bench/$(TARGET).csv
	@rm $(SEEDS:%=build/bench/seed-%.csv)

# The tables of doc/bench.md and doc/live.md, and the pictures, from the CSVs in doc/csv
bench-doc:
	@scripts/install-missing gnuplot-nox python3
	@mkdir -p build/bench/doc && cp doc/csv/bookworm.csv build/bench/doc
	@scripts/bench/report plot build/bench/doc bookworm
	@cp build/bench/doc/bookworm-cost.svg doc/cost-6.1.svg
	@scripts/bench/report plot-live doc/csv/live/bookworm.csv doc/live-6.1.svg
	@sed -i '1,/^<!-- make bench-doc -->$$/!d' doc/bench.md doc/live.md
	@scripts/bench/report tables doc/csv/*.csv >>doc/bench.md
	@scripts/bench/report live doc/csv/live/*.csv >>doc/live.md

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

# Faults, load and abuse on two stock kernels, then on the debug kernel together with the
# other tests that depend on the kernel. On the kernel cfi, tests that make calls through
# pointers. FIRE=10 makes each load a tenth as long.
FIRE ?= 1
FIRE_ROWS ?= bookworm trixie-backports debug cfi
FIRE_TESTS := $(sort $(wildcard tests/fire/*.t))
DEBUG_TESTS := $(sort $(wildcard tests/fire/debug/*.t)) \
	$(filter-out %/00-lint.t %/10-harness.t %/15-host.t %/50-dkms.t %/66-shell.t %/70-bench.t,$(sort $(wildcard tests/[0-9]*.t)))
CFI_TESTS := $(wildcard tests/fire/cfi/*.t) tests/20-demo.t tests/30-wrapper.t tests/40-contract.t \
	tests/60-debugfs.t tests/60-live.t tests/65-trace.t
export FIRE

check-fire:
	$(call some,$(FIRE_ROWS),FIRE_ROWS)
	@[ "$(FIRE)" -gt 0 ] 2>/dev/null || { echo "FIRE is a number from 1 on, not '$(FIRE)'" >&2; exit 1; }
	@rm -rf build/fire
	@$(call parts,$(FIRE_ROWS)) $(MAKE) -k --no-print-directory -j1 $(addprefix fire-,$(FIRE_ROWS)); \
	status=$$?; \
	scripts/fire-table; exit $$status

fire-%: helpers
	@echo "fire: $*"
	@$(MAKE) --no-print-directory TARGET=$* check \
		TESTS="$(if $(filter cfi,$*),$(CFI_TESTS),$(FIRE_TESTS) $(if $(filter debug,$*),$(DEBUG_TESTS)))"
	@scripts/progress check-fire $(call upto,$*,$(FIRE_ROWS)) rows

MINUTES ?= 60

soak: helpers
	@[ "$(MINUTES)" -gt 0 ] 2>/dev/null && [ "$(MINUTES)" -le 10080 ] || \
		{ echo "MINUTES is a number from 1 to 10080, a week, not '$(MINUTES)'" >&2; exit 1; }
	@$(MAKE) --no-print-directory FIRE_SECONDS=$$(($(MINUTES) * 60)) \
		TESTS=tests/fire/40-load.t check

lint:
	@$(MAKE) --no-print-directory TARGET=bookworm TESTS=tests/00-lint.t check

# Each break of the code in tests/mutants must turn its test red.
held-mutants: $(BUILT)
	@scripts/mutants $$ARGS

# The module's lines of the kernel log since our own mark, as far as the log still holds
# them
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

dkms-sources:
	@echo $(DKMS_SOURCES)

dist:
	@mkdir -p build
	@git archive --prefix=kvdemo-$(VERSION)/ -o build/kvdemo-$(VERSION).tar.gz HEAD
	@ls build/kvdemo-$(VERSION).tar.gz

deb: mine
	@scripts/target hold bookworm scripts/deb

clean:
	rm -rf build Module.symvers $(foreach room,. $(ROOMS),\
		$(addprefix $(room)/,*.o *.ko *.mod *.mod.c .*.o .*.cmd .*.d modules.order))

endif

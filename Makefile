# understudy. `make help` says what there is; harness/packages/install installs what it needs, without make too.

help_text = Targets\
\n  all            build/understudy (the default)\
\n  run            the suite against the built-in reference peer\
\n  check          all tests; the last line is "N passed, N failed"\
\n  interop        the suite against all real peers (PEERS), as root, with what is expected of them; ends with a table\
\n  check-clang    the same, all built with clang\
\n  valgrind       the unit tests under valgrind, without sanitizers\
\n  mutants        which case catches which fault of the reference peer; exit status 1 when one is not caught\
\n  lossy-runs     all cases over a bad network under SEEDS seeds\
\n  lab-kills      runs against the peers of the lab, killed at KILLS random moments: what is left? as root\
\n  fuzz           each fuzz target for FUZZ_SECONDS\
\n  bench          the measurements of harness/bench\
\n  lint           formatting, clang-tidy, shellcheck, the manual page, paths\
\n  matrix         make the generated pages of docs/ anew\
\n  install        to DESTDIR and PREFIX; uninstall takes it away\
\n  deps           the Debian packages of LISTS (harness/packages/), as root or with sudo\
\n  clean          remove build/\
\nVariables\
\n  CC CPPFLAGS CFLAGS LDFLAGS   as usual\
\n  V=1            whole commands\
\n  JOBS           tests at a time, and jobs of make (the processors)\
\n  TESTS          the tests to run, by name: make check TESTS="wire net docs"\
\n  PEERS          of interop, by name: make interop PEERS="strongswan libreswan"\
\n  FUZZ_SECONDS   30\
\n  SEEDS          1000\
\n  KILLS          50\
\n  OF             of lab-kills: run, or interop (one run, all, and the script, in turns)\
\n  PARTS          of lint: FORMAT TIDY SHELL MANUAL PATHS\
\n  CI             set: a test that cannot run here is a failure

BUILD        ?= build
PREFIX       ?= /usr/local
BINDIR       ?= $(PREFIX)/bin
MANDIR       ?= $(PREFIX)/share/man
SHAREDIR     ?= $(PREFIX)/share/understudy
LISTS        ?= build test peers/strongswan/packages peers/lab/packages
PEERS        ?=
INTEROP_LISTS ?= build peers/lab/packages peers/strongswan/packages
FUZZ_SECONDS ?= 30
SEEDS        ?= 1000
KILLS        ?= 50
OF           ?= run
JOBS         ?= $(shell nproc)

all:
.PHONY: all help deps run check interop check-clang valgrind mutants lossy-runs lab-kills fuzz bench lint matrix install \
    uninstall clean FORCE
.DELETE_ON_ERROR:
.SUFFIXES:

help:
	@printf '$(help_text)\n'

clean:
	rm -rf $(BUILD)

deps:
	harness/packages/install $(LISTS)

ifneq ($(filter deps,$(MAKECMDGOALS)),)

# `make deps check`: what comes after deps needs a make that starts when the packages are there.
AFTER_DEPS := $(filter-out deps help clean,$(MAKECMDGOALS))
.NOTPARALLEL:
.PHONY: $(AFTER_DEPS)
$(AFTER_DEPS): deps
	$(MAKE) --no-print-directory $@

else ifneq ($(filter interop,$(MAKECMDGOALS)),)

# The same, so that it is enough on a machine that has nothing but make.
AFTER_INTEROP := $(filter-out interop help clean,$(MAKECMDGOALS))
.NOTPARALLEL:
.PHONY: $(AFTER_INTEROP)
interop:
	harness/packages/install $(INTEROP_LISTS)
	$(MAKE) --no-print-directory all
	harness/interop $(BUILD)/understudy $(BUILD)/interop $(PEERS)
$(AFTER_INTEROP): interop
	$(MAKE) --no-print-directory $@

else ifneq ($(filter-out help clean uninstall,$(or $(MAKECMDGOALS),all)),)

PKGS := libcrypto libpcap zlib jansson inih libxml-2.0
ifneq ($(shell pkg-config --exists $(PKGS) && echo found),found)
$(error a library of "$(PKGS)" is missing: run harness/packages/install)
endif
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(JOBS)
endif

# --- how things are compiled --------------------------------------------------------------------------

ifeq ($(origin CC),default)
CC := gcc
endif
CFLAGS  ?= -O2 -g -fstack-protector-strong
LDFLAGS ?= -Wl,-z,relro,-z,now

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes \
    -Wold-style-definition -Wformat=2 -Wundef -Wvla -Wwrite-strings -Wswitch-enum -Wimplicit-fallthrough \
    -Wdouble-promotion
ours_cppflags := -D_GNU_SOURCE -Iharness -I. $(shell pkg-config --cflags $(PKGS))
ours_cflags   := -std=c17 $(WARNINGS) -fno-omit-frame-pointer
libs          := $(shell pkg-config --libs $(PKGS))
test_cflags   := $(shell pkg-config --cflags check 2>/dev/null)
test_libs      = $(or $(shell pkg-config --libs check),$(error the library Check is missing: run harness/packages/install))

sanitize := -fsanitize=address,undefined -fno-sanitize-recover=all
fuzz_sanitize := $(sanitize) -fsanitize=fuzzer-no-link

# Three ways to compile, each with objects of its own: as it is installed; with sanitizers, as it is tested; plain, for
# valgrind. And one more with clang for the fuzzer.
obj_cc   = $(CC)
obj_how  = $(CFLAGS)
san_cc   = $(CC)
san_how  = -O1 -g $(sanitize)
plain_cc = $(CC)
plain_how = -O1 -g
fuzz_cc  = clang
fuzz_how = -O1 -g $(fuzz_sanitize)
WAYS := obj san plain fuzz

# --- what there is -----------------------------------------------------------------------------------

ROOMS := base crypto wire net esp evidence capture ike traffic cluster suite driver stage run explore judge cli
MAIN  := harness/cli/main.c
SRC   := $(filter-out $(MAIN),$(wildcard $(ROOMS:%=harness/%/*.c) cases/*.c reports/*.c reports/html/*.c \
    peers/reference/*.c))
UNIT_TESTS  := $(patsubst harness/tests/test_%.c,%,$(wildcard harness/tests/test_*.c))
SHELL_TESTS := $(patsubst harness/tests/%.sh,%,$(wildcard harness/tests/*.sh))
FUZZERS     := $(patsubst harness/tests/fuzz_%.c,%,$(wildcard harness/tests/fuzz_*.c))
BENCHES     := $(patsubst harness/bench/%.c,%,$(wildcard harness/bench/bench_*.c))
BENCH_HELP  := $(filter-out harness/bench/bench_%,$(wildcard harness/bench/*.c))
TEST_HELP   := $(filter-out harness/tests/test_% harness/tests/fuzz_%,$(wildcard harness/tests/*.c))
TESTS       ?= $(UNIT_TESTS) $(SHELL_TESTS)

# --- objects, one archive and one program for each way ---------------------------------------------

# What is made is stale when the command that made it, or the list of what went into it, has changed: both stand in a
# file that changes only then.
remember = @mkdir -p $(@D); printf '%s\n' '$($(1))' | cmp -s - $@ || printf '%s\n' '$($(1))' >$@

all_sources = $(SRC) $(TEST_HELP)

# `make V=1` shows whole commands.
quiet = $(if $(V),,@printf '  %-5s %s\n' $(1) $@;)

define rules_of_way
$(1)_compile = $$($(1)_cc) $$(ours_cppflags) $$(CPPFLAGS) $$(ours_cflags) $$($(1)_how)
$(1)_link = $$($(1)_cc) $$($(1)_how) $$(LDFLAGS)
$(1)_command = $$($(1)_compile) $$(test_cflags) $$($(1)_link) $$(libs) $$(LDLIBS)

$(BUILD)/$(1)/command: FORCE
	$$(call remember,$(1)_command)
$(BUILD)/$(1)/sources: FORCE
	$$(call remember,all_sources)

$(BUILD)/$(1)/harness/tests/%.o: harness/tests/%.c $(BUILD)/$(1)/command
	@mkdir -p $$(@D)
	$$(call quiet,CC)$$($(1)_compile) $$(test_cflags) -MMD -MP -c -o $$@ $$<
$(BUILD)/$(1)/%.o: %.c $(BUILD)/$(1)/command
	@mkdir -p $$(@D)
	$$(call quiet,CC)$$($(1)_compile) -MMD -MP -c -o $$@ $$<

# Held in the program: what .incbin reads, the compiler does not list.
$(BUILD)/$(1)/reports/html/assets.o: reports/html/report.css reports/html/report.js

# Several rooms have files of one name, so members are appended, not replaced.
$(BUILD)/$(1)/libunderstudy.a: $(SRC:%.c=$(BUILD)/$(1)/%.o) $(BUILD)/$(1)/sources
	@rm -f $$@
	$$(call quiet,AR)$$(AR) qcs $$@ $$(filter %.o,$$^)
$(BUILD)/$(1)/libtests.a: $(TEST_HELP:%.c=$(BUILD)/$(1)/%.o) $(BUILD)/$(1)/sources
	@rm -f $$@
	$$(call quiet,AR)$$(AR) qcs $$@ $$(filter %.o,$$^)

$(BUILD)/$(1)/understudy: $(MAIN:%.c=$(BUILD)/$(1)/%.o) $(BUILD)/$(1)/libunderstudy.a
	$$(call quiet,LINK)$$($(1)_link) -o $$@ $$^ $$(libs) $$(LDLIBS)
endef
$(foreach way,$(WAYS),$(eval $(call rules_of_way,$(way))))

-include $(foreach way,$(WAYS),$(patsubst %.c,$(BUILD)/$(way)/%.d,$(SRC) $(MAIN) $(TEST_HELP)))
-include $(patsubst %,$(BUILD)/san/harness/tests/test_%.d,$(UNIT_TESTS))
-include $(patsubst %,$(BUILD)/plain/harness/tests/test_%.d,$(UNIT_TESTS))
-include $(patsubst %,$(BUILD)/fuzz/harness/tests/fuzz_%.d,$(FUZZERS))
-include $(patsubst %,$(BUILD)/obj/harness/bench/%.d,$(BENCHES)) $(BENCH_HELP:%.c=$(BUILD)/obj/%.d)

all: $(BUILD)/understudy
$(BUILD)/understudy: $(BUILD)/obj/understudy
	@cp -f $< $@

run: $(BUILD)/understudy
	$< run --force --out $(BUILD)/run

# --- tests -------------------------------------------------------------------------------------------

UNIT_PROGRAMS := $(UNIT_TESTS:%=$(BUILD)/tests/test_%)
SAN := $(BUILD)/san/understudy

$(BUILD)/tests/%: $(BUILD)/san/harness/tests/%.o $(BUILD)/san/libtests.a $(BUILD)/san/libunderstudy.a
	@mkdir -p $(@D)
	$(call quiet,LINK)$(san_link) -o $@ $^ $(test_libs) $(libs) $(LDLIBS)
$(BUILD)/plain/test_%: $(BUILD)/plain/harness/tests/test_%.o $(BUILD)/plain/libtests.a $(BUILD)/plain/libunderstudy.a
	@mkdir -p $(@D)
	$(call quiet,LINK)$(plain_link) -o $@ $^ $(test_libs) $(libs) $(LDLIBS)
.PRECIOUS: $(BUILD)/san/harness/tests/%.o $(BUILD)/plain/harness/tests/%.o $(BUILD)/fuzz/harness/tests/%.o \
    $(BUILD)/obj/%.o

# The tests of the shell use the program with sanitizers, but for those that measure time.
# A unit test and one of the shell may have one name: both are played.
selected := $(sort $(foreach t,$(TESTS),$(or $(strip $(filter %/test_$(t),$(UNIT_PROGRAMS)) $(wildcard harness/tests/$(t).sh)),\
    $(error there is no test "$(t)" in harness/tests))))
check: $(filter $(BUILD)/tests/%,$(selected)) $(SAN) $(BUILD)/understudy
	@UNDERSTUDY=$(abspath $(SAN)) UNDERSTUDY_FAST=$(abspath $(BUILD)/understudy) JOBS=$(JOBS) \
	    harness/tests/run_tests $(BUILD)/logs $(selected)

mutants: $(BUILD)/understudy
	@$< mutants --jobs $(JOBS)

lossy-runs: $(BUILD)/understudy
	@JOBS=$(JOBS) harness/tests/lossy_runs $< $(BUILD)/lossy $(SEEDS)

lab-kills: $(BUILD)/understudy
	@harness/tests/lab_kills $< $(BUILD)/lab-kills $(KILLS) $(OF) $(or $(PEERS),$(patsubst peers/%/peer.ini,%,$(wildcard peers/*/peer.ini)))

check-clang:
	$(MAKE) --no-print-directory check CC=clang BUILD=$(BUILD)/clang TESTS="$(TESTS)"

# Left out: what takes minutes there, and what uses system calls that valgrind does not know (pidfd_open).
VALGRIND_TESTS := $(filter-out faults driver_exec runner %_mutation ike_rekey,$(filter $(UNIT_TESTS),$(TESTS)))
valgrind: $(VALGRIND_TESTS:%=$(BUILD)/plain/test_%)
	@JOBS=$(JOBS) TEST_UNDER="valgrind -q --leak-check=full --errors-for-leak-kinds=definite,possible \
	    --show-leak-kinds=definite,possible --error-exitcode=9" harness/tests/run_tests $(BUILD)/logs/valgrind $^

$(BUILD)/fuzz/fuzz_%: $(BUILD)/fuzz/harness/tests/fuzz_%.o $(BUILD)/fuzz/libtests.a $(BUILD)/fuzz/libunderstudy.a
	$(call quiet,LINK)clang -g -fsanitize=fuzzer $(sanitize) -o $@ $^ $(libs) $(LDLIBS)

# Inputs that are worth keeping gather in build/fuzz/corpus and are where the next run begins.
fuzz: $(FUZZERS:%=$(BUILD)/fuzz/fuzz_%)
	@for fuzzer in $(FUZZERS); do \
	    mkdir -p $(BUILD)/fuzz/corpus/$$fuzzer; \
	    echo "fuzz_$$fuzzer: $(FUZZ_SECONDS) s"; \
	    $(BUILD)/fuzz/fuzz_$$fuzzer -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -verbosity=0 \
	        -artifact_prefix=$(BUILD)/fuzz/$$fuzzer- $(BUILD)/fuzz/corpus/$$fuzzer || exit 1; \
	done

$(BUILD)/bench/%: $(BUILD)/obj/harness/bench/%.o $(BENCH_HELP:%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/libunderstudy.a
	@mkdir -p $(@D)
	$(call quiet,LINK)$(obj_link) -o $@ $^ $(libs) $(LDLIBS)
bench: $(BENCHES:%=$(BUILD)/bench/%) $(BUILD)/understudy
	@UNDERSTUDY=$(abspath $(BUILD)/understudy) BENCH=$(abspath $(BUILD)/bench) harness/bench/run.sh

# --- what is made from the program, and checks of the sources --------------------------------------------

matrix: $(BUILD)/understudy
	$< matrix >$(BUILD)/matrix.md && mv $(BUILD)/matrix.md docs/matrix.md
	harness/tests/refresh_examples $< docs/exploration.md >$(BUILD)/page.md && mv $(BUILD)/page.md docs/exploration.md

lint:
	@JOBS=$(JOBS) CHECK_FLAGS='$(ours_cppflags) $(test_cflags) -std=c17' harness/tests/lint $(PARTS)

# --- installation ------------------------------------------------------------------------------------------

install: $(BUILD)/understudy
	install -D -m 755 $< $(DESTDIR)$(BINDIR)/understudy
	install -D -m 644 docs/understudy.1 $(DESTDIR)$(MANDIR)/man1/understudy.1
	for file in $$(find peers -mindepth 2 -type f -not -name '*.[ch]' -not -name '*.inc' -not -path '*/__pycache__/*'); do \
	    mode=644; [ ! -x $$file ] || mode=755; \
	    install -D -m $$mode $$file $(DESTDIR)$(SHAREDIR)/$$file || exit 1; \
	done
endif

uninstall:
	rm -f $(DESTDIR)$(BINDIR)/understudy $(DESTDIR)$(MANDIR)/man1/understudy.1
	rm -rf $(DESTDIR)$(SHAREDIR)

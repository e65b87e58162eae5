# SPDX-License-Identifier: MIT
# Moonhook. `make help` lists what there is to do.

VARIANT ?= release
ifeq ($(origin CC),default)
CC = $(if $(filter asan,$(VARIANT)),clang,gcc)
endif
PREFIX  ?= /usr/local
DESTDIR ?=

PACKAGES = libmicrohttpd libcurl jansson lua5.4 libcrypto sqlite3 libpq libzstd libseccomp libsystemd \
	icu-i18n icu-uc libpsl
DEBIAN   = gcc clang libclang-rt-14-dev clang-format make pkg-config libmicrohttpd-dev \
	libcurl4-openssl-dev libjansson-dev liblua5.4-dev libssl-dev libsqlite3-dev libpq-dev postgresql-15 libzstd-dev libseccomp-dev libicu-dev libpsl-dev \
	libsystemd-dev libcriterion-dev wrk jq curl openssl procps ca-certificates nodejs node-axios \
	python3-requests nghttp2-proxy

# The release keeps the plain paths; every other variant builds beside it.
B := $(if $(filter release,$(VARIANT)),build,build/$(VARIANT))
O := $(B)/obj
G := build/gen

WARN = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef \
	-Wwrite-strings -Wpointer-arith -Wformat=2 -Wcast-qual -Wimplicit-fallthrough
HARD = -fstack-protector-strong -fPIE
CFLAGS_release = -O2 -g -D_FORTIFY_SOURCE=2
CFLAGS_asan    = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
CFLAGS_tsan    = -O1 -g -fsanitize=thread
CFLAGS_clang   = -O2 -g

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
CPPFLAGS = -I. -I$(G) -D_GNU_SOURCE \
	$(shell pkg-config --cflags $(PACKAGES))
CFLAGS  += -std=c17 $(WARN) $(HARD) $(CFLAGS_$(VARIANT))
LDFLAGS += -pie -Wl,-z,relro,-z,now,--as-needed $(filter -fsanitize%,$(CFLAGS_$(VARIANT)))
LIBS     = $(shell pkg-config --libs $(PACKAGES)) -lpthread -lm

ROOMS    = base queue $(addprefix queue/, sql sqlite postgres memory move check) client receiver \
	runner runner/worker runner/check runner/rehearse console cli
ROOM_C   = $(wildcard $(addsuffix /*.c,$(ROOMS)))
TWIN_C   = $(wildcard tests/twin/*.c)
BARE_C   = $(wildcard tests/bench/*.c)
HARNESS_C= $(wildcard tests/harness/*.c)
UNIT_C   = $(wildcard tests/unit/*.c tests/conformance/*.c)
WALK_C   = $(wildcard tests/walk/*.c tests/hostile/*.c)
SIM_C    = $(wildcard tests/sim/*.c)
CRASH_C  = $(wildcard tests/crash/*.c)
SHIM_C   = $(wildcard tests/crash/shim/*.c)
EMBED    = $(patsubst %,$(G)/%.inc,$(wildcard runner/worker/*.lua queue/*.sql queue/*/*.sql queue/*.txt cli/*.txt))

obj = $(patsubst %.c,$(O)/%.o,$(1))
comma = ,

.PHONY: loops all deps deps-check run test bench bench-backlog budget cluster crash gap order outage layers format format-check banned fuzz install help clean \
	objects check-gcc check-clang check-asan
all: $(B)/moonhook $(B)/moonhook-twin ## build build/moonhook and build/moonhook-twin

deps: ## install what is missing, with apt-get
	@.ci/deps $(DEBIAN)

# Everything that compiles goes through here, so that a fresh machine sets itself up.
build/.deps: Makefile .ci/deps
	@.ci/deps $(DEBIAN)
	@mkdir -p build && touch $@

$(B)/moonhook: $(call obj,$(ROOM_C))
	@echo '  LD      $@'
	@$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/moonhook-twin: $(call obj,$(TWIN_C) $(wildcard base/*.c))
	@echo '  LD      $@'
	@$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

LIB_O = $(filter-out $(O)/cli/main.o,$(call obj,$(ROOM_C)))

# Bench programs: one file, one program, beside the twin.
$(B)/bench-%: $(O)/tests/bench/%.o $(call obj,$(HARNESS_C)) $(LIB_O)
	@echo '  LD      $@'
	@$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/tests: $(call obj,$(UNIT_C) $(HARNESS_C)) $(LIB_O)
	@echo '  LD      $@'
	@$(CC) $(LDFLAGS) -o $@ $^ $(LIBS) -lcriterion
$(B)/tests-walk: $(call obj,$(WALK_C) $(HARNESS_C)) $(LIB_O) | $(B)/full.so
	@echo '  LD      $@'
	@$(CC) $(LDFLAGS) -o $@ $^ $(LIBS) -lcriterion

# What a server of a walk test runs with, so that its disk can be full.
$(B)/full.so: tests/walk/full/pwrite.c | build/.deps
	@mkdir -p $(dir $@)
	@echo '  LD      $@'
	@$(CC) $(CPPFLAGS) -std=c17 -O2 -g $(WARN) -fPIC -shared -o $@ $<

# The crash tests run the programs, some of them with this in front of their C library.
$(B)/crash-shim.so: $(SHIM_C) $(wildcard tests/crash/shim/*.h) | build/.deps
	@mkdir -p $(dir $@)
	@echo '  LD      $@'
	@$(CC) $(CPPFLAGS) -std=c17 -O2 -g $(WARN) -fPIC -shared -o $@ $(SHIM_C)
$(B)/crash-open: $(O)/tests/crash/open/main.o $(LIB_O)
	@echo '  LD      $@'
	@$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)
$(B)/tests-crash: $(call obj,$(CRASH_C) $(HARNESS_C)) $(LIB_O) | $(B)/crash-shim.so $(B)/crash-open
	@echo '  LD      $@'
	@$(CC) $(LDFLAGS) -o $@ $^ $(LIBS) -lcriterion

# Simulations: the client with another transport, event loop and clock, and the twin as a function.
# Both have names in common, so the twin becomes one object that shows server_* alone.
SIM_WRAP = $(patsubst %,-Wl$(comma)--wrap=%,clock_gettime getrandom RAND_bytes)
SIM_LIBS = $(filter-out -lsystemd,$(LIBS))
SIM_TWIN = $(filter-out tests/twin/main.c tests/twin/serve.c tests/twin/hook.c,$(TWIN_C)) \
	$(wildcard tests/sim/server/*.c)
SIM_RIG  = $(call obj,$(wildcard tests/sim/rig/*.c base/*.c) \
	$(filter-out client/transport.c,$(wildcard client/*.c))) $(O)/tests/sim/twin.o
$(O)/tests/sim/twin.o: $(call obj,$(SIM_TWIN))
	@mkdir -p $(dir $@)
	@echo '  LD      $@'
	@ld -r -o $@.all $^ && objcopy -w --keep-global-symbol='server_*' $@.all $@ && rm -f $@.all

$(B)/tests-sim: $(call obj,$(SIM_C)) $(O)/tests/harness/leaks.o $(SIM_RIG)
	@echo '  LD      $@'
	@$(CC) $(LDFLAGS) $(SIM_WRAP) -o $@ $^ $(SIM_LIBS) -lcriterion
$(B)/bench-budget: $(O)/tests/bench/budget.o $(SIM_RIG)
	@echo '  LD      $@'
	@$(CC) $(LDFLAGS) $(SIM_WRAP) -o $@ $^ $(SIM_LIBS)

$(O)/%.o: %.c | build/.deps $(EMBED)
	@mkdir -p $(dir $@)
	@echo '  CC      $@'
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Written only when it changes.
$(G)/version.inc: always
	@mkdir -p $(G); echo '"$(VERSION)"' | cmp -s - $@ || echo '"$(VERSION)"' > $@
$(O)/base/version.o: $(G)/version.inc
.PHONY: always

# Text files the program carries inside: #include "room/file.ext.inc" between two braces.
$(G)/%.inc: %
	@mkdir -p $(dir $@)
	@od -An -v -tx1 $< | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g' > $@

# Kept between builds, or every build would make them and all that includes them again.
.SECONDARY: $(EMBED)

# Of this variant alone: others may be writing theirs.
-include $(shell find $(O) -name '*.d' 2>/dev/null)

run: all ## install, build, start; ONCE=1 ends after the demonstration
	@.ci/demo $(if $(ONCE),--once)

test: ## everything that must hold, sanitizers included
	@.ci/test

# The long form: make crash KILLS=2000 CUTS=2000 RESTARTS=1000 SEED=..
crash: all $(B)/tests-crash ## kills, power cuts, faults of the disk: KILLS=200 CUTS=200 RESTARTS=100 SEED=
	@KILLS=$(or $(KILLS),200) CUTS=$(or $(CUTS),200) RESTARTS=$(or $(RESTARTS),100) SEED=$(SEED) \
		FAULTS=$(or $(FAULTS),100) FLIPS=$(or $(FLIPS),400) CONTROLS=20 MIGRATION_STEP=1 SALVAGE_STEP=1 \
		$(B)/tests-crash -j1 --verbose --short-filename

# Two receivers, three runners and their database, killed in turn, the long form.
cluster: all $(B)/tests-crash ## many machines on one PostgreSQL: KILLS=120 SEED= RATE=120 events a second, SPOOLS=1
	@CLUSTER=$(or $(KILLS),120) SEED=$(SEED) RATE=$(RATE) SPOOLS=$(SPOOLS) $(B)/tests-crash -j1 --verbose \
		--short-filename --filter 'crash_cluster/*'

order: $(B)/bench-order ## 1,000,000 events over 10,000 records in memory, 100,000 in SQLite, 100,000 in PostgreSQL by many: SEED=
	@$(B)/bench-order $(SEED)

gap: all $(B)/tests-walk ## an hour without Moonhook: CHANGES=10000 records change meanwhile
	@GAP_CHANGES=$(or $(CHANGES),10000) $(B)/tests-walk --filter 'walk_gap_hour/*' --timeout 900

outage: all $(B)/tests-walk ## the database is away under deliveries, fails over, has no room or connection: SECONDS=180
	@MOONHOOK_OUTAGE=$(or $(SECONDS),180) $(B)/tests-walk -j1 --filter '@(walk_outage|walk_failover|walk_guarded|walk_crowded)/@(what|an_old|control|a_certificate_that_expires|while)*' --timeout 900

budget: all $(B)/tests-walk ## five runners on one PostgreSQL keep to one API budget: SECONDS=150
	@MOONHOOK_BUDGET=$(or $(SECONDS),150) $(B)/tests-walk -j1 --filter 'walk_purse/*' --timeout 900

bench: all $(patsubst %,$(B)/bench-%,bare_server budget overhead postgres predicate send sign worker_bench) ## measure; ratios hold, absolute figures depend on the machine
	@tests/bench/run

bench-backlog: $(B)/bench-postgres ## what an event costs on PostgreSQL behind a backlog: ROWS="10000 1000000 10000000" (40 GB of disk)
	@$(B)/bench-postgres $(or $(ROWS),10000 1000000 10000000)

# One fuzzer for each file of tests/fuzz, SECONDS of each: make fuzz SECONDS=60.
FUZZ_C = $(wildcard tests/fuzz/*.c)
build/fuzz/%: tests/fuzz/%.c $(filter-out cli/main.c,$(ROOM_C)) $(EMBED) $(G)/version.inc | build/.deps
	@mkdir -p $(dir $@)
	@echo '  FUZZ    $@'
	@clang $(CPPFLAGS) -std=c17 -O1 -g -fsanitize=fuzzer,address,undefined -o $@ $< \
		$(filter-out cli/main.c,$(ROOM_C)) $(LIBS)
fuzz: $(patsubst tests/fuzz/%.c,build/fuzz/%,$(FUZZ_C)) ## run the fuzzers, SECONDS=20 each
	@for f in $^; do echo "== $$f"; mkdir -p $$f.corpus; \
		$$f -max_total_time=$(or $(SECONDS),20) -print_final_stats=0 -artifact_prefix=$$f. $$f.corpus 2>&1 | tail -2 || exit 1; done

# Rules that set each other off, and ordinary traffic that must not be taken for it, the long form.
loops: $(B)/moonhook $(B)/moonhook-twin $(B)/tests-walk ## loops are stopped; 10,000 events of ordinary traffic fire what they should
	MOONHOOK_TRAFFIC=5000 $(B)/tests-walk -j1 --timeout 600 --filter '@(walk_loops*|walk_traffic)/*'

layers: ## the include arrows of the rooms
	@.ci/layers
banned: ## calls, names and words that have no place here
	@.ci/banned
format: ## shape the code
	clang-format -i $$(git ls-files '*.c' '*.h')
format-check: ## is the code in shape?
	@clang-format --dry-run --Werror $$(git ls-files '*.c' '*.h') && echo "format-check: ok"

install: all ## PREFIX=/usr/local DESTDIR=
	install -D -m 755 build/moonhook $(DESTDIR)$(PREFIX)/bin/moonhook
	install -D -m 644 conf/moonhook.lua $(DESTDIR)$(PREFIX)/share/moonhook/moonhook.lua
	install -d $(DESTDIR)$(PREFIX)/share/moonhook/rules $(DESTDIR)$(PREFIX)/share/moonhook/lib
	install -m 644 scripts/rules/*.lua $(DESTDIR)$(PREFIX)/share/moonhook/rules
	install -m 644 scripts/lib/*.lua $(DESTDIR)$(PREFIX)/share/moonhook/lib
	install -m 644 conf/postgres.sql conf/nginx.conf conf/compose.yaml $(DESTDIR)$(PREFIX)/share/moonhook
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -m 644 conf/*.service conf/*.socket $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -d $(addprefix $(DESTDIR)$(PREFIX)/share/,man/man1 man/man7 bash-completion/completions)
	build/moonhook man >$(DESTDIR)$(PREFIX)/share/man/man1/moonhook.1
	build/moonhook man rules >$(DESTDIR)$(PREFIX)/share/man/man7/moonhook-rules.7
	build/moonhook man tests >$(DESTDIR)$(PREFIX)/share/man/man7/moonhook-tests.7
	build/moonhook completion bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/moonhook

clean: ## forget what was built
	rm -rf build

help: ## this list
	@grep -hE '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 16

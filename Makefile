# understudy
CC ?= gcc
BUILD ?= build
PKGS := libcrypto libpcap jansson inih libxml-2.0
CPPFLAGS += -D_GNU_SOURCE -Iharness -I. $(shell pkg-config --cflags $(PKGS))
WARN := -Wall -Wextra -Werror -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes \
        -Wformat=2 -Wundef -Wvla -Wwrite-strings -Wswitch-enum -Wimplicit-fallthrough
CFLAGS ?= -O2 -g
CFLAGS += -std=c17 $(WARN) -fno-omit-frame-pointer
LDLIBS += $(shell pkg-config --libs $(PKGS))
SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined
ROOMS := harness/base harness/crypto harness/wire harness/net harness/evidence harness/ike harness/cluster \
         harness/suite cases reports peers/reference
SRC := $(wildcard $(addsuffix /*.c,$(ROOMS)))
CLI := $(wildcard harness/cli/*.c)
TESTS := $(wildcard harness/tests/test_*.c)
OBJ := $(SRC:%.c=$(BUILD)/obj/%.o)
CLIOBJ := $(CLI:%.c=$(BUILD)/obj/%.o)
SANOBJ := $(SRC:%.c=$(BUILD)/san/%.o)

all: $(BUILD)/understudy
$(BUILD)/understudy: $(CLIOBJ) $(OBJ)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/san/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(SAN) -MMD -MP -c -o $@ $<
$(BUILD)/tests/%: harness/tests/%.c $(SANOBJ)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(SAN) $(shell pkg-config --cflags check) -o $@ $^ $(LDFLAGS) $(LDLIBS) $(shell pkg-config --libs check)
-include $(OBJ:.o=.d) $(SANOBJ:.o=.d) $(CLIOBJ:.o=.d)
.PHONY: all

#!/bin/bash
# `understudy context` from outside: what it shows, what it hides, what it refuses. And no report of a run holds what a
# context holds. Usage: context_command.sh [PROGRAM]
set -u
# shellcheck source=harness/tests/command_checks
. "$(dirname "$(readlink -f "$0")")/command_checks"
program=$(realpath "${1:-build/understudy}") || exit 2
under_test=("$program" context)
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2

# --- a context: its keys are 11.. to 77.., 88.. and 99.., its secret is aa.. --------------------------------------------
of() { # DIGIT OCTETS
    printf "$1%.0s" $(seq $((2 * $2)))
}

umask 077
cat >good.json <<END
{"context_version": 1, "ike_version": 2,
 "ike_sa": {"initiator": true, "spi_initiator": "$(of c 8)", "spi_responder": "$(of d 8)",
  "local_address": {"address": "192.0.2.1", "port": 500}, "remote_address": {"address": "192.0.2.2", "port": 500},
  "local_identity": {"type": 2, "data": "6100"}, "remote_identity": {"type": 2, "data": "62"},
  "proposal": {"number": 1, "protocol": 1, "spi": "", "encryption": {"id": 12, "key_bits": 256},
   "integrity": {"id": 12, "key_bits": 0}, "prf": {"id": 5, "key_bits": 0}, "key_exchange": {"id": 31, "key_bits": 0},
   "extended_sequence_numbers": null},
  "nonce_initiator": "$(of e 32)", "nonce_responder": "$(of f 32)", "diffie_hellman_secret": "$(of a 32)",
  "sk_d": "$(of 1 32)", "sk_pi": "$(of 2 32)", "sk_pr": "$(of 3 32)",
  "sk_ei": "$(of 4 32)", "sk_ai": "$(of 5 32)", "sk_er": "$(of 6 32)", "sk_ar": "$(of 7 32)",
  "message_id_sync": true, "replay_counter_sync": false, "nat_local": false, "nat_remote": false,
  "fragmentation": false, "mobike": false, "eap": false, "window_send": 1, "window_receive": 1,
  "next_send": 7, "next_receive": 3, "highest_seen": 2},
 "child_sas": [{"local_address": {"address": "192.0.2.1", "port": 500},
  "remote_address": {"address": "192.0.2.2", "port": 500}, "spi_inbound": "01020304", "spi_outbound": "05060708",
  "proposal": {"number": 1, "protocol": 3, "spi": "05060708", "encryption": {"id": 20, "key_bits": 256},
   "integrity": null, "prf": null, "key_exchange": null, "extended_sequence_numbers": {"id": 0, "key_bits": 0}},
  "selectors_local": [{"first": "10.1.0.0", "last": "10.1.0.255", "protocol": 6, "first_port": 80, "last_port": 80}],
  "selectors_remote": [{"first": "10.2.0.0", "last": "10.2.0.255", "protocol": 0, "first_port": 0, "last_port": 65535}],
  "key_inbound": "$(of 8 36)", "integrity_key_inbound": "", "key_outbound": "$(of 9 36)",
  "integrity_key_outbound": "", "transport_mode": false, "sequence_number": 12, "replay_highest": 9,
  "replay_bitmap": "00000000000001ff", "replay_window": 64, "sequence_overflow": false, "lifetime_seconds": 0,
  "lifetime_bytes": 0, "path_mtu": 1400}]}
END

# --- a good one ----------------------------------------------------------------------------------
run 0 check good.json
says "good.json: OK"
says_not warning
run 0 show good.json
for field in spi_initiator next_send remote_identity selectors_local path_mtu replay_bitmap lifetime_bytes eap \
    nonce_initiator diffie_hellman_secret sk_d sk_ar key_inbound integrity_key_outbound; do
    says "  $field"
done
says "192.0.2.1"
says "01020304"
says "32 octets, SHA-256 begins with $(head -c 32 /dev/zero | tr '\0' '\021' | sha256sum | head -c 8)" # sk_d
says "36 octets, SHA-256"
says "integrity_key_inbound   none"
for key in 1 2 3 4 5 6 7 8 9 a; do
    says_not "$(of $key 8)"
done

# --- not good ------------------------------------------------------------------------------------
refuses() { # JQ-EDIT WORD...: the edit makes it one that is refused by those words, and nothing of it is shown
    jq -c "$1" good.json >bad.json
    shift
    local word
    for verb in check show; do
        run 2 $verb bad.json
        check "nothing is shown" test ! -s out
        for word; do says "$word"; done
    done
}
refuses '.context_version = 2' context_version "only version 1"
refuses 'del(.ike_sa.sk_ei)' ike_sa 'field "sk_ei" is missing'
refuses 'del(.child_sas[0].path_mtu)' 'child_sas[0]' path_mtu
refuses '.ike_sa.next_send = "7"' next_send
refuses '.ike_sa.sk_d = "11"' sk_d "must be 32 octets"
refuses '.child_sas[0].spi_inbound = "00000000"' spi_inbound zero
refuses '.ike_sa.remote_address.address = "2001:db8::1"' remote_address families
refuses '.ike_sa.more = 1' more unknown
for key in 1 4 8; do
    says_not "$(of $key 8)"
done
head -c 300 good.json >torn.json
run 2 check torn.json
says "context: line"
: >empty.json
run 2 check empty.json

# --- files ---------------------------------------------------------------------------------------
cp good.json open.json
chmod 644 open.json
run 0 check open.json
says "warning: open.json holds keys"
run 2 check nowhere.json
says "cannot read nowhere.json"
run 2 check .
says "is no file"
mkfifo pipe
timeout 60 "$program" context check pipe >out 2>err
check "a pipe is no context" test $? = 2
run 2
run 2 show
run 2 check good.json good.json
run 2 forget good.json
says "show and check"
run 0 --help

# --- no report holds a context (CTX-4) -------------------------------------------------------------
"$program" run --case 'ctx.*' --depth quick --seed 1 --out r >out 2>err
check "the cases of the context conform" test $? = 0
check "no private file is left" test -z "$(find r \( -name 'private-*' -o -name '*.context' \))"
# The keys of a run, from the file for Wireshark: encryption keys are its third and fourth field.
cut -d, -f3,4,6,7 r/cases/ctx.*/ikev2_decryption_table | tr -d '"' | tr ',' '\n' | sort -u | grep -E '^[0-9a-f]{32,}$' >keys
check "there are keys to look for" test -s keys
check "neither the journal nor the result holds them" status_is 1 grep -rqF -f keys r/journal.jsonl r/result.json out
check "nor does the peer's log" status_is 1 grep -qF -f keys r/cases/*/peer.log

checks_end

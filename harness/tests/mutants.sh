#!/bin/bash
# Every fault of the reference peer is caught by the cases of its requirement and by nothing unrelated, and every case catches
# one: `make mutants` in short, with the program as it is installed (UNDERSTUDY_FAST). Usage: mutants.sh [PROGRAM]
set -u
program=$(readlink -f "${UNDERSTUDY_FAST:-${1:-build/understudy}}")
"$program" mutants --quick 2>&1 >/dev/null | sed -n 's/^not ok: /not ok - /p'
status=${PIPESTATUS[0]}
((status == 0)) && echo "ok - every fault is caught by its cases and by nothing else, and every case catches one"
exit "$status"

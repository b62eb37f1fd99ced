#!/bin/bash
# The files for CI servers: they are YAML of the form that is meant, their scripts are right for sh, and what they do, done here with
# the reference peer in the place of the real ones, ends as it should. Usage: ci_files.sh [PROGRAM]
set -u
program=$(readlink -f "${1:-build/understudy}")
# shellcheck source=harness/tests/checks
. "$(dirname "$(readlink -f "$0")")/checks"
fast=$(readlink -f "${UNDERSTUDY_FAST:-$program}") # for what is only played
root=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
steps=$root/harness/tests/ci_steps.py
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2

# A checkout in which only what installs, and the peers, are others.
checkout() { # FOLDER
    mkdir -p "$1/build" "$1/harness/packages" "$1/peers"
    cat >"$1/build/understudy" <<SHIM
#!/bin/bash
arguments=() program=$program
[[ \$1 == run ]] && program=$fast
[[ \$1 == lab ]] && exit
while ((\$# > 0)); do
    case \$1 in
    --peer) [[ -f $root/\$2/peer.ini ]] || exit 2; arguments+=(--depth quick --case 'sync.[e-o]*' \${FAULT:+--fault \$FAULT}); shift ;;
    whole=peers/*) arguments+=("whole=\${EXPECTED:?}") ;;
    *) arguments+=("\$1") ;;
    esac
    shift
done
exec "\$program" "\${arguments[@]}"
SHIM
    cat >"$1/harness/packages/install" <<SHIM
#!/bin/bash
for list; do [[ -f $root/harness/packages/\$list || -f $root/\$list ]] || { echo "no list \$list"; exit 1; }; done
SHIM
    chmod +x "$1/build/understudy" "$1/harness/packages/install"
}

mkdir bin
for tool in apt-get make; do printf '#!/bin/sh\n' >bin/$tool; done
# shellcheck disable=SC2016 # for the shell that runs it
printf '#!/bin/sh\nmkdir -p "$1" && cp -r "$ARTIFACTS"/. "$1"\n' >bin/artifacts-arrive
chmod +x bin/*
PATH=$work/bin:$PATH

play_part() { # NAME PEER SHARD: on a machine of its own
    local machine=$work/$1-$2-$3
    checkout "$machine"
    (cd "$machine" && PEER=$2 SHARD=$3 sh "$work/$1/play.sh") || return
    # as the servers keep it: GitHub a folder by its name, GitLab by its path
    mkdir -p "$work/$1-artifacts"
    if [[ -d $machine/part ]]; then cp -r "$machine/part" "$work/$1-artifacts/part-$2-$3"; else cp -r "$machine/parts/." "$work/$1-artifacts"; fi
}

judge_whole() { # NAME PEER STATUS
    local machine=$work/$1-$2-judge status
    rm -rf "$machine" "$machine-artifacts" && checkout "$machine"
    # GitHub hands over those of the peer only
    mkdir -p "$machine-artifacts" && cp -r "$work/$1-artifacts"/*"$2"* "$machine-artifacts"
    (cd "$machine" && PEER=$2 ARTIFACTS=$machine-artifacts sh "$work/$1/judge.sh")
    status=$?
    ((status == $3)) || { echo "exit status $status, expected $3"; return 1; }
    [[ -s $machine/whole/result.json ]] && xmllint --noout "$machine/whole.xml" && xmllint --noout "$machine/whole.html"
}

as_undivided() { # NAME PEER
    "$fast" run --depth quick --case 'sync.[e-o]*' --seed "$SEED" --fault accept-equal-m1 --force --out undivided >/dev/null
    diff <(jq -S 'del(.started)' undivided/result.json) <(jq -S 'del(.started)' "$work/$1-$2-judge/whole/result.json")
}

export SEED=7 FAULT=accept-equal-m1 SHARDS
"$fast" run --depth quick --case 'sync.[e-o]*' --fault $FAULT --out known >/dev/null 2>&1
"$fast" run --depth quick --case 'sync.[e-o]*' --out good >/dev/null 2>&1

through_it() { # NAME FILE
    local name=$1 peers peer k
    mkdir "$name"
    ok "$2 is of the form that is meant" "$steps" "$root/$2" "$name"
    { read -r peers; read -r SHARDS; } <out
    [[ -n $peers && -n $SHARDS ]] || return
    for job in play judge; do
        ok "$2: $job is right for sh" sh -n "$name/$job.sh"
        if command -v shellcheck >/dev/null; then
            ok "$2: $job is clean" shellcheck -s sh -e SC2154 "$name/$job.sh"
        fi
    done
    for peer in $peers; do
        ok "$2: there is a peer $peer" test -f "$root/peers/$peer/peer.ini" -a -f "$root/peers/$peer/expected.json"
        for k in $(seq "$SHARDS"); do ok "$2: $peer, part $k" play_part "$name" "$peer" "$k"; done
        EXPECTED=$work/known/result.json ok "$2: $peer is as expected" judge_whole "$name" "$peer" 0
        ok "$2: $peer, as if it had not been divided" as_undivided "$name" "$peer"
        EXPECTED=$work/good/result.json ok "$2: $peer is not as expected" judge_whole "$name" "$peer" 1
        rm -rf "$work/$name-artifacts"/*"$peer"-"$SHARDS"
        EXPECTED=$work/known/result.json ok "$2: $peer, a part is missing" lacks_a_part "$name" "$peer"
    done
}

lacks_a_part() { # NAME PEER
    ! judge_whole "$1" "$2" 0 >said 2>&1 && grep -q "shard $SHARDS/$SHARDS is missing" said
}

through_it github .github/workflows/understudy.yml
through_it gitlab .gitlab-ci.yml

# The checks of the form find what is wrong.
spoil() { # SED-SCRIPT FILE
    mkdir -p spoiled
    sed -E "$1" "$root/$2" >spoiled/file.yml
    ! cmp -s spoiled/file.yml "$root/$2" && ! "$steps" spoiled/file.yml spoiled
}
for file in .github/workflows/understudy.yml .gitlab-ci.yml; do
    ok "$file: other shards" spoil 's/^( +SHARDS: ).*/\1"4"/' $file
    ok "$file: other peers in the second job" spoil '/^ *judge:/,$ s/libreswan/openiked/' $file
    ok "$file: no YAML" spoil 's/^( *)(play|judge):/\1\2/' $file
    ok "$file: a key twice" spoil 's/^( *)(timeout.*)/\1\2\n\1\2/' $file
done

# --- .ci/run -----------------------------------------------------------------------------------------------

# A make that leaves what it is told to: CHECK and INTEROP are the counts, or empty.
mkdir -p ci/.ci ci/harness/packages ci/bin && cp "$root/.ci/run" ci/.ci/
printf '#!/bin/sh\n' >ci/harness/packages/install
# shellcheck disable=SC2016 # for the shell that runs it
printf '%s\n' '#!/bin/sh' 'echo "make $1" >>order' '[ "$1" = check ] && counts=$CHECK || counts=$INTEROP' \
    '[ "$1" = check ] && folder=build/logs || folder=build/interop' 'mkdir -p $folder' '[ -z "$counts" ] || echo "$counts" >$folder/summary' \
    'case $counts in *" 0 failed") exit 0;; *) exit 2;; esac' >ci/bin/make
chmod +x ci/bin/make ci/harness/packages/install

counts() { # CHECK INTEROP LAST-LINE STATUS
    local status
    (cd ci && rm -f order && CHECK=$1 INTEROP=$2 PATH=$work/ci/bin:$PATH .ci/run) >said 2>&1
    status=$?
    cat said
    [[ $(tail -n 1 said) == "$3" && $status == "$4" && $(tr '\n' ' ' <ci/order) == 'make check make interop ' ]]
}
ok "all is well" counts '900 passed, 0 failed' '4 passed, 0 failed' '904 passed, 0 failed' 0
ok "a test fails, and the peers are played all the same" counts '899 passed, 1 failed' '4 passed, 0 failed' '903 passed, 1 failed' 1
ok "a peer is not as expected" counts '900 passed, 0 failed' '3 passed, 1 failed' '903 passed, 1 failed' 1
ok "the tests do not even build; counts of an earlier run are none" counts '' '4 passed, 0 failed' '4 passed, 1 failed' 1
ok "nor do the peers come up" counts '900 passed, 0 failed' '' '900 passed, 1 failed' 1
ok "nothing at all" counts '' '' '0 passed, 2 failed' 1

checks_end

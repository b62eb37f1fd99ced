#!/bin/bash
# The examples of the documentation do what they show. In each ```console block a line "$ COMMAND" is run, in an empty
# folder that sees the repository; the lines below it must appear in its output, in that order ("..." stands for any).
# It must end with 0, or with what "# exit status N" behind it says. A block below the line <!-- not run --> needs root
# or a network and is left out. Also: links between the pages lead somewhere, and docs/matrix.md is what the program says. Usage:
# docs.sh [PROGRAM]
set -u
# shellcheck source=harness/tests/checks
. "$(dirname "$(readlink -f "$0")")/checks"
root=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
understudy=$(readlink -f "${1:-$root/build/understudy}")
work=$(mktemp -d)
checks_out=$work/checked
trap 'rm -rf "$work"' EXIT

shows() { # FILE LINE...: the lines are in the file, in this order
    local file=$1 at=1 found line
    shift
    for line; do
        [[ $line == ... || -z $line ]] && continue
        found=$(tail -n "+$at" "$file" | grep -nFx -m 1 -- "$line" | cut -d: -f1)
        [[ -n $found ]] || { echo "not in the output: $line"; return 1; }
        at=$((at + found))
    done
}

example() { # COMMAND LINE...
    local command=$1 want=0 got
    shift
    [[ $command =~ '# exit status '([0-9]+) ]] && want=${BASH_REMATCH[1]}
    (cd "$work/here" && PATH=$work/bin:$PATH NO_COLOR=1 timeout 300 bash -c "$command") >"$work/output" 2>&1 </dev/null
    got=$?
    [[ $got == "$want" ]] && shows "$work/output" "$@" && return
    echo "exit status $got, expected $want"
    tail -n 15 "$work/output"
    return 1
}

examples_of() { # PAGE
    local page=$1 line before='' number=0 inside='' command='' place='' lines=()
    while IFS= read -r line || [[ -n $line ]]; do
        number=$((number + 1))
        if [[ -z $inside && $line == '```console' ]]; then
            inside=run
            [[ $before == '<!-- not run -->' ]] && inside=skip
        elif [[ -n $inside && ($line == '```' || $line == '$ '*) ]]; then
            [[ -n $command ]] && ok "$place: $command" example "$command" "${lines[@]}"
            command='' lines=()
            [[ $inside == run && $line == '$ '* ]] && command=${line#'$ '} place=$page:$number
            [[ $line == '```' ]] && inside=''
        elif [[ -n $command ]]; then
            lines+=("$line")
        fi
        [[ -n $line ]] && before=$line
    done <"$root/$page"
}

# A block below the line <!-- same as FILE --> is that file.
copies_of() { # PAGE
    local page=$1 file
    while read -r file; do
        ok "$page: $file" diff <(awk -v mark="<!-- same as $file -->" '$0 == mark { armed = 1; next }
            armed && /^```/ { if (inside) exit; inside = 1; next } inside' "$root/$page") "$root/$file"
    done < <(sed -nE 's/^<!-- same as (.*) -->$/\1/p' "$root/$page")
}

# What stands between backticks is no link.
# shellcheck disable=SC2016 # and no expansion
links_lead_somewhere() { # PAGE
    local page=$1 target broken=0
    while read -r target; do
        [[ $target == *://* || $target == '#'* ]] && continue
        [[ -e $root/$(dirname "$page")/${target%%#*} ]] || { echo "nothing at $target"; broken=1; }
    done < <(sed 's/`[^`]*`//g' "$root/$page" | grep -oE '\]\([^)]+\)' | sed 's/^](//; s/)$//')
    return $broken
}

mkdir "$work/here" "$work/bin"
ln -s "$understudy" "$work/bin/understudy"
for entry in "$root"/*; do
    [[ $entry == */build ]] || ln -s "$entry" "$work/here/"
done

cd "$root" || exit 1
for page in README.md docs/*.md vectors/*.md peers/*/*.md; do
    ok "$page: links" links_lead_somewhere "$page"
    copies_of "$page"
    examples_of "$page"
done

ok "docs/matrix.md is what \`understudy matrix\` says (make matrix)" diff -u docs/matrix.md <("$understudy" matrix)

checks_end

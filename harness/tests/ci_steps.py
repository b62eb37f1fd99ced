#!/usr/bin/env python3
"""ci_steps.py FILE FOLDER: reads a workflow of GitHub or the file of GitLab, checks its form, and writes FOLDER/play.sh and
FOLDER/judge.sh with what the two jobs do, for sh; they find PEER, SHARD, SHARDS and SEED in the environment. Prints the
peers and the shards. Artifacts are left to the caller: a line "artifacts-arrive" stands where they come."""
import re
import sys

import yaml

WANTED = {"play": {"peer", "shard"}, "judge": {"peer"}}


def die(*words):
    sys.exit(" ".join(str(w) for w in words))


class Once(yaml.SafeLoader):
    """No key twice in one place."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(k, deep=True) for k, _ in node.value]
        if len(keys) != len(set(map(str, keys))):
            die("a key is there twice:", keys)
        return super().construct_mapping(node, deep)


def github(document):
    if set(document) != {"name", True, "env", "jobs"} or document[True] != ["push", "pull_request"]:
        die("other keys than expected:", list(document))
    names = {"matrix.peer": "$PEER", "matrix.shard": "$SHARD"}
    scripts, matrices = {}, {}
    for name, job in document["jobs"].items():
        if "runs-on" not in job or "timeout-minutes" not in job or job["strategy"]["fail-fast"] is not False:
            die(name, "lacks something")
        lines = []
        for step in job["steps"]:
            if ("run" in step) == ("uses" in step):
                die(name, "has a step that is neither run nor uses:", step)
            if step.get("uses", "").startswith("actions/download-artifact@"):
                lines.append("artifacts-arrive " + step["with"]["path"])
            elif "uses" in step and not re.fullmatch(r"actions/(checkout|upload-artifact)@v[0-9]+", step["uses"]):
                die(name, "uses", step["uses"])
            else:
                lines += step.get("run", "").splitlines()
        script = "\n".join(lines)
        for key, value in names.items():
            script = script.replace("${{ %s }}" % key, value)
        if "${{" in script:
            die(name, "has an expression that is not known:", script)
        scripts[name], matrices[name] = script, {k.lower(): v for k, v in job["strategy"]["matrix"].items()}
    if document["jobs"]["judge"].get("needs") != "play" or document["jobs"]["judge"].get("if") != "always()":
        die("judge does not wait for play")
    return scripts, matrices, document["env"]["SHARDS"]


def gitlab(document):
    if document["stages"] != ["play", "judge"]:
        die("other stages")
    scripts, matrices = {}, {}
    for name in WANTED:
        job = document[name]
        if job["stage"] != name or len(job["parallel"]["matrix"]) != 1 or job["artifacts"]["when"] != "always":
            die(name, "is not as expected")
        lines = document["before_script"] + (["artifacts-arrive parts"] if name == "judge" else []) + job["script"]
        if not all(isinstance(line, str) for line in lines):
            die(name, "has a line of the script that YAML takes for something else:", lines)
        scripts[name] = "\n".join(lines)
        matrices[name] = {k.lower(): v for k, v in job["parallel"]["matrix"][0].items()}
    if document["judge"]["artifacts"]["reports"]["junit"] != "whole.xml":
        die("no JUnit report")
    return scripts, matrices, document["variables"]["SHARDS"]


def main(path, folder):
    with open(path, encoding="utf-8") as stream:
        document = yaml.load(stream, Once)
    scripts, matrices, shards = (github if "jobs" in document else gitlab)(document)
    for name, keys in WANTED.items():
        if set(matrices[name]) != keys:
            die(name, "has a matrix of", sorted(matrices[name]))
        with open("%s/%s.sh" % (folder, name), "w", encoding="utf-8") as out:
            out.write("set -e\n" + scripts[name] + "\n")
    if matrices["play"]["peer"] != matrices["judge"]["peer"]:
        die("play and judge have other peers")
    if [str(s) for s in matrices["play"]["shard"]] != [str(s + 1) for s in range(int(shards))]:
        die("SHARDS is", shards, "and the shards are", matrices["play"]["shard"])
    print(" ".join(matrices["play"]["peer"]))
    print(shards)


main(sys.argv[1], sys.argv[2])

"""Reports, read by programs of others: consumers.py junit FILE prints what python3-junitparser counts in it, by suites and by
cases; consumers.py json SCHEMA FILE holds a report against the schema, in which no member may be missing (python3-jsonschema)."""
import json
import sys


def junit(path):
    from junitparser import Error, Failure, JUnitXml, Skipped
    report = JUnitXml.fromfile(path)
    cases = [case for suite in report for case in suite]
    told = [sum(getattr(suite, what) for suite in report) for what in ("tests", "failures", "errors", "skipped")]
    found = [len(cases)] + [sum(isinstance(r, kind) for case in cases for r in case.result)
                            for kind in (Failure, Error, Skipped)]
    if told != found:
        sys.exit("the suites say %s, in them are %s" % (told, found))
    print(*found)


def closed(schema):
    """The schema lets readers meet new members; the suite itself writes none that it does not name."""
    if isinstance(schema, list):
        return [closed(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: closed(value) for key, value in schema.items()}
    if schema.get("type") == "object":
        out.setdefault("additionalProperties", False)
    return out


def against(schema, path):
    import jsonschema
    with open(schema, encoding="utf-8") as given, open(path, encoding="utf-8") as report:
        rules, report = json.load(given), json.load(report)
    kind = jsonschema.Draft202012Validator
    kind.check_schema(rules)
    broken = [e for rule in (rules, closed(rules)) for e in kind(rule).iter_errors(report)]
    for error in broken[:5]:
        print("/".join(str(p) for p in error.absolute_path) + ": " + error.message[:300])
    sys.exit(len(broken) > 0)


if sys.argv[1] == "junit":
    junit(sys.argv[2])
else:
    against(*sys.argv[2:])

"""Prints the failed cases of the level MUST in an output of `wsvet probe --json`."""

import json, sys

for line in open(sys.argv[1]):
    case = json.loads(line)
    if case["event"] == "case" and (case["outcome"], case["level"]) == ("fail", "must"):
        print(f"  {case['id']}: due: {case['due']}; got: {case['got']}")

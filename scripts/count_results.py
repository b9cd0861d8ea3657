# SPDX-License-Identifier: Apache-2.0
"""Counts the results of one stage of scripts/test: count_results.py KIND FOLDER STAGE prints "PASSED FAILED".

KIND: ctest (JUnit files STAGE*.xml; a GoogleTest binary counts by its own tests), tap (STAGE.tap of node's test
runner), line (the last line "N passed, N failed" of STAGE.log). Results that cannot be read count as one failure.
"""
import pathlib
import re
import sys
import xml.etree.ElementTree as xml


def ctest(folder, stage):
    passed = failed = 0
    for file in folder.glob(stage + ".xml"):
        for case in xml.parse(file).getroot().iter("testcase"):
            output = case.findtext("system-out") or ""
            ran = re.findall(r"^\[  PASSED  \] (\d+) tests?\.", output, re.M)
            lost = re.findall(r"^\[  FAILED  \] (\d+) tests?, listed below", output, re.M)
            ok = case.get("status") == "run"
            case_failed = sum(map(int, lost))
            if not ok and not case_failed:
                case_failed = 1
            passed += sum(map(int, ran)) if ran else int(ok)
            failed += case_failed
    return passed, failed


def tap(folder, stage):
    text = (folder / (stage + ".tap")).read_text()
    count = lambda word: int(re.findall(rf"^# {word} (\d+)$", text, re.M)[-1])
    return count("pass"), count("fail") + count("cancelled")


def line(folder, stage):
    found = re.findall(r"^(\d+) passed, (\d+) failed$", (folder / (stage + ".log")).read_text(), re.M)
    return tuple(map(int, found[-1]))


def main():
    kind, folder, stage = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    try:
        passed, failed = {"ctest": ctest, "tap": tap, "line": line}[kind](folder, stage)
    except (OSError, IndexError, ValueError, xml.ParseError) as error:
        print(f"{stage}: no results: {error!r}", file=sys.stderr)
        passed, failed = 0, 1
    print(passed, failed)


if __name__ == "__main__":
    main()

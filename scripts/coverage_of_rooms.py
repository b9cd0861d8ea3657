#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Line coverage per room of src/: coverage_of_rooms.py BUILD, where BUILD holds test binaries that were built with the
# preset `coverage` and have run with LLVM_PROFILE_FILE below BUILD/profiles. Prints a table, and the last line is
# "N passed, N failed": a room fails that has less than its floor. A floor lies just below what was measured when it was
# set; it moves up with the tests, and down only with a reason. Fails also for a room without a floor, or without lines.
import json
import os
import pathlib
import subprocess
import sys

# Percent of the lines of src/<room>.
FLOORS = {
    "admin": 95,
    "base": 92,
    "core": 96,
    "http": 94,
    "ingress": 96,
    "invoker": 97,
    "log": 97,
    "net": 88,
    "partition": 91,
    "protocol": 96,
    "query": 93,
    "schema": 96,
    "server": 69,
    "store": 95,
}


def measured(build):
    """Of each room: [lines, covered lines]."""
    profiles = sorted(map(str, (build / "profiles").glob("*.profraw")))
    if not profiles:
        sys.exit(f"{build}/profiles is empty: no test has run with LLVM_PROFILE_FILE there")
    merged = build / "all.profdata"
    names = build / "profiles.txt"
    names.write_text("\n".join(profiles))
    subprocess.run(["llvm-profdata-14", "merge", "-sparse", "-f", str(names), "-o", str(merged)], check=True)
    tests = json.loads(
        subprocess.run(
            ["ctest", "--test-dir", str(build), "--show-only=json-v1"], check=True, capture_output=True, text=True
        ).stdout
    )["tests"]
    binaries = sorted({test["command"][0] for test in tests if test["name"] != "tidy"} | {str(build / "perdure")})
    objects = [argument for binary in binaries[1:] for argument in ("-object", binary)]
    export = subprocess.run(
        ["llvm-cov-14", "export", "-summary-only", f"-instr-profile={merged}", binaries[0], *objects],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    source = pathlib.Path(__file__).resolve().parent.parent / "src"
    rooms = {}
    for file in json.loads(export)["data"][0]["files"]:
        # A compiler cache may have made the names relative to the folder it compiles in.
        path = pathlib.Path(os.path.normpath(build / file["filename"]))
        if path.is_relative_to(source):
            room = rooms.setdefault(path.relative_to(source).parts[0], [0, 0])
            room[0] += file["summary"]["lines"]["count"]
            room[1] += file["summary"]["lines"]["covered"]
    return rooms


def main():
    rooms = measured(pathlib.Path(sys.argv[1]).resolve())
    failed = 0
    print(f"{'room':<12} {'lines':>6} {'covered':>8} {'floor':>6}")
    for room in sorted(rooms | FLOORS):
        lines, covered = rooms.get(room, (0, 0))
        percent = 100 * covered / lines if lines else 0
        floor = FLOORS.get(room)
        good = floor is not None and percent >= floor
        failed += not good
        print(f"{room:<12} {lines:>6} {percent:>7.1f}% {'none' if floor is None else floor:>6}{'' if good else '  FAIL'}")
    total = sum(lines for lines, _ in rooms.values())
    print(f"{'all':<12} {total:>6} {100 * sum(covered for _, covered in rooms.values()) / total:>7.1f}%")
    print(f"{len(rooms | FLOORS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

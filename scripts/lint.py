#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs clang-tidy over every source of src and tests in a compilation database; exits 1 if it has findings.

    scripts/lint.py BUILD-FOLDER [FILE...]

A file is left out when it was clean before and nothing that it is made of has changed: its text after the preprocessor,
comments and macros included, its own text, the checks and the linter. What was clean is remembered in
BUILD-FOLDER/clean/. Environment: PERDURE_JOBS (files at a time, default: one per processor).
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

TIDY = "clang-tidy-14"
ROOT = pathlib.Path(__file__).resolve().parent.parent


def preprocessed(entry):
    """The text that the compiler sees. A file that cannot be preprocessed has none, and so is always linted."""
    words = [word for word in shlex.split(entry["command"]) if not word.endswith("ccache")]
    out = words.index("-o")
    command = words[:out] + words[out + 2 :] + ["-E", "-C", "-dD"]
    done = subprocess.run(command, cwd=entry["directory"], capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def key_of(entry, version):
    text = preprocessed(entry)
    if text is None:
        return None
    digest = hashlib.sha256(version)
    for folder in pathlib.Path(entry["file"]).parents:
        if folder.is_relative_to(ROOT) and (folder / ".clang-tidy").exists():
            digest.update((folder / ".clang-tidy").read_bytes())
    digest.update(text)
    digest.update(pathlib.Path(entry["file"]).read_bytes())
    return digest.hexdigest()


def lint(entry, build, version):
    """What the linter says about one file; nothing if it is clean."""
    key = key_of(entry, version)
    stamp = build / "clean" / key if key else None
    if stamp and stamp.exists():
        return ""
    done = subprocess.run(
        [TIDY, "-quiet", "-p", str(build), entry["file"]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode == 0 and not done.stdout.strip():
        if stamp:
            stamp.touch()
        return ""
    return done.stdout or done.stderr


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build = pathlib.Path(sys.argv[1]).resolve()
    wanted = {str(pathlib.Path(name).resolve()) for name in sys.argv[2:]}
    (build / "clean").mkdir(exist_ok=True)
    with open(build / "compile_commands.json", encoding="utf-8") as file:
        entries = json.load(file)
    rooms = tuple(f"{ROOT}/{room}/" for room in ("src", "tests"))
    entries = [e for e in entries if e["file"].startswith(rooms) and (not wanted or e["file"] in wanted)]
    if not entries:
        sys.exit("nothing to lint")
    version = subprocess.run([TIDY, "--version"], capture_output=True, check=True).stdout
    found = 0
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("PERDURE_JOBS") or os.cpu_count() or 1)) as pool:
        for entry, findings in zip(entries, pool.map(lambda e: lint(e, build, version), entries)):
            if findings:
                found += 1
                print(f"{entry['file']}\n{findings}", flush=True)
    print(f"{len(entries) - found} files clean, {found} with findings")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()

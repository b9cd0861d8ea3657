# SPDX-License-Identifier: Apache-2.0
#
# For the programs on a Java machine (sourced): finds the machine of one version, and builds a Maven project into
# build/conformance/ with exactly the jars whose sums it holds.
# shellcheck shell=bash
. "$(dirname "${BASH_SOURCE[0]}")/../../../../scripts/lib.sh"

# java_home N: the home of Java N: JAVA_N_HOME, else what is on the path, else what Debian's folder of machines has.
java_home() {
  local wanted=$1 variable=JAVA_$1_HOME home
  for home in "${!variable:-}" "${JAVA_HOME:-}" "$(dirname "$(dirname "$(readlink -f "$(command -v java)")")")" /usr/lib/jvm/*; do
    if [ -x "$home/bin/javac" ] && "$home/bin/java" -version 2>&1 | grep -q "version \"$wanted[.\"]"; then
      printf '%s\n' "$home"
      return 0
    fi
  done
  return 1
}

# build_maven NAME FOLDER: classes and jars of the project in FOLDER, in build/conformance/NAME, by Java 17.
build_maven() {
  local name=$1 folder=$2 home out=$root/build/conformance/$1
  if [ -e "$out/ready" ] && [ -z "$(find "$folder" -newer "$out/ready" -type f -print -quit)" ]; then
    return 0
  fi
  home=$(java_home 17) || die "Java 17 is missing (a JDK; Debian's package openjdk-17-jdk-headless)"
  command -v mvn >/dev/null || install_packages maven
  rm -rf "$out"
  mkdir -p "$out"
  JAVA_HOME=$home mvn -q -B -f "$folder/pom.xml" -Dbuild.folder="$out" process-classes >&2 || return 1
  (cd "$out/jars" && sha256sum --quiet --strict -c "$folder/jars.sha256" && [ "$(ls | wc -l)" = "$(wc -l <"$folder/jars.sha256")" ]) ||
    die "the jars of $name are not those of jars.sha256"
  touch "$out/ready"
}

# serve_java NAME N MAIN: becomes the process of the project NAME on Java N.
serve_java() {
  local out=$root/build/conformance/$1 home
  home=$(java_home "$2") || die "Java $2 is missing"
  exec "$home/bin/java" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dlog4j2.level=WARN -cp "$out/target/classes:$out/jars/*" "$3"
}

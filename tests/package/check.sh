#!/bin/sh
# check.sh CMAKE COMPILER BUILD LIBDIR: installs BUILD into a folder of its own, moves it, and builds and runs
# consumer/ against it, once found by CMake and once by pkg-config. The licence and the examples are there, and usable.
# At last consumer/ takes the sources as a folder of its own, and fetches them by git.
set -eu
cmake=$1 compiler=$2 build=$3 libdir=$4
consumer=$(dirname -- "$0")/consumer
sources=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
work=$build/package-test
rm -rf "$work"
mkdir -p "$work"

# warned_once FOLDER: of what g++ 12 does, when it was configured first, and not again.
warned_once() {
  case $("$compiler" -dumpfullversion) in 12.*) ;; *) return 0 ;; esac
  grep -q 'g++ 12 destroys values made of braces twice' "$work/said"
  "$cmake" "$work/$1" >"$work/said"
  ! grep -q 'g++ 12' "$work/said"
}

"$cmake" --install "$build" --prefix "$work/first" --component baton >/dev/null
mv "$work/first" "$work/prefix"

"$cmake" -S "$consumer" -B "$work/by-cmake" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_PREFIX_PATH="$work/prefix" >"$work/said"
"$cmake" --build "$work/by-cmake"
"$work/by-cmake/consumer"
warned_once by-cmake

PKG_CONFIG_PATH="$work/prefix/$libdir/pkgconfig"
export PKG_CONFIG_PATH
# The words of pkg-config are escaped for a shell, so that a prefix with a space survives.
eval "\"\$compiler\" \"\$consumer/main.cc\" -o \"\$work/by-pkg-config\" $(pkg-config --cflags --libs baton)"
"$work/by-pkg-config"

documents=$work/prefix/share/doc/baton
cmp "$sources/LICENSE" "$documents/LICENSE"
diff -r -x CMakeLists.txt -x models "$sources/examples" "$documents/examples"
eval "\"\$compiler\" -fsyntax-only \"\$documents/examples/readme.cc\" $(pkg-config --cflags baton)"

# As a folder of a project, and from a git repository; one object is enough to know that the headers are found, and nothing but
# the library comes along.
only_the_library() {  # FOLDER CMAKE_OPTION
  "$cmake" -S "$consumer" -B "$work/$1" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" "$2" >"$work/said"
  warned_once "$1"
  "$cmake" --build "$work/$1" --target CMakeFiles/consumer.dir/main.cc.o
  "$cmake" --build "$work/$1" --target help >"$work/targets"
  grep -q '^libbaton\.a:' "$work/targets" || grep -q '/libbaton\.a:' "$work/targets"
  if grep -E '^(baton_program|hello|baton_bench|unit_base):' "$work/targets"; then
    echo "a project that takes Baton so gets these, too: $2"
    exit 1
  fi
}
only_the_library by-folder -DBATON_FOLDER="$sources"
if git -C "$sources" rev-parse HEAD >/dev/null 2>&1; then
  only_the_library by-git -DBATON_REPOSITORY="file://$sources"
fi

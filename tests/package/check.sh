#!/bin/sh
# check.sh CMAKE COMPILER BUILD LIBDIR: installs BUILD into a folder of its own, moves it, and builds and runs
# consumer/ against it, once found by CMake and once by pkg-config.
set -eu
cmake=$1 compiler=$2 build=$3 libdir=$4
consumer=$(dirname -- "$0")/consumer
work=$build/package-test
rm -rf "$work"
mkdir -p "$work"

"$cmake" --install "$build" --prefix "$work/first" --component baton >/dev/null
mv "$work/first" "$work/prefix"

"$cmake" -S "$consumer" -B "$work/by-cmake" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_PREFIX_PATH="$work/prefix" >/dev/null
"$cmake" --build "$work/by-cmake"
"$work/by-cmake/consumer"

PKG_CONFIG_PATH="$work/prefix/$libdir/pkgconfig"
export PKG_CONFIG_PATH
# The words of pkg-config are escaped for a shell, so that a prefix with a space survives.
eval "\"\$compiler\" -std=c++23 \"\$consumer/main.cc\" -o \"\$work/by-pkg-config\" $(pkg-config --cflags --libs baton)"
"$work/by-pkg-config"

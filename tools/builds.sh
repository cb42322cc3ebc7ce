#!/usr/bin/env bash
# The same bits from every compiler at every level of optimization, and on ARM without an ARM machine.
#
#     tools/builds.sh                      all of: gcc and clang at -O0, -O2 and -O3 here, and ARM
#     tools/builds.sh arm-O3 gcc-O0        these builds
#     TESTS="tests/test_golden.py -k adam" tools/builds.sh clang-O2      other tests, or other arguments for pytest
#
# A compiler may fuse, reorder or widen floating-point arithmetic, and the NEON kernels run on no x86 machine; so what
# the numerics contract promises is tried here. Each build compiles the package into a folder of its own and runs TESTS
# on it, which compare every target with the executable specification and with the golden hashes.
#
# arm-* is built by Debian's cross compiler and run by QEMU, with the Python of Debian for arm64 (unpacked into the
# cache, never installed) and the packages' wheels for it. Everything is in ${XDG_CACHE_HOME:-~/.cache}/fastprop-builds;
# delete that folder to start afresh. Missing compilers are installed if you are root, and named if you are not.
# Needs Debian or a relative of it; PYTHON chooses the interpreter of the builds on this machine.
#
# Prints one line for each build: its targets and pytest's last line; the log's end too if it failed, and the exit
# status is then 1. On two cores a build takes 1 to 2 minutes, ARM 7 to 13; the folder grows to 1.2 GB.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

ALL="gcc-O0 gcc-O2 gcc-O3 clang-O0 clang-O2 clang-O3 arm-O3"
TESTS=${TESTS:-tests/kernels tests/test_golden.py tests/test_float_environment.py tests/test_textbook.py}
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/fastprop-builds
SYSROOT=$CACHE/sysroot # Debian for arm64, as far as Python needs it
VENV=$CACHE/venv       # this machine's Python

main() {
    local build failed=0
    for build in ${*:-$ALL}; do
        (set -e; run "$build") # alone, as "|| failed=1" after it would switch set -e off
        failed=$((failed | $?))
    done
    exit $failed
}

# What differs between builds: the compiler, and the Python that runs the tests with the path of its packages.
run() {
    local compiler=${1%-O*} level=-O${1##*-O}
    make_venv
    case $compiler in
    arm)
        need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
        need qemu-aarch64-static qemu-user-static
        make_sysroot
        export CC="aarch64-linux-gnu-gcc --sysroot=$SYSROOT" _PYTHON_HOST_PLATFORM=linux-aarch64
        local include=("$SYSROOT"/usr/include/python3.*)
        compile "$1" "$level" "-I${include[0]}"
        try "$1" "$SYSROOT/usr/bin/python" "$SYSROOT/site-packages"
        ;;
    gcc | clang)
        need "$compiler" "$compiler"
        export CC=$compiler
        compile "$1" "$level" ""
        try "$1" "$VENV/bin/python" ""
        ;;
    *)
        echo "no build is called $1; there are: $ALL" >&2
        return 1
        ;;
    esac
}

compile() { # build, level, more flags
    rm -rf "${CACHE:?}/$1"
    mkdir -p "$CACHE/$1"
    CFLAGS=$3 FASTPROP_OPTIMIZE=$2 "$VENV/bin/python" setup.py -q build --build-base "$CACHE/$1" \
        --build-lib "$CACHE/$1/package" >"$CACHE/$1/build.log" 2>&1 || give_up "$1" build.log
}

try() { # build, Python, path of its packages
    local log=$CACHE/$1/tests.log targets
    export PYTHONPATH=$CACHE/$1/package:$3
    targets=$("$2" -c 'import fastprop; print(*fastprop.targets())')
    [[ $1 != arm-* || $targets == "neon baseline" ]] || { echo "$1 runs $targets instead of neon" >&2; return 1; }
    # shellcheck disable=SC2086  # TESTS are words
    "$2" -m pytest -q -p no:cacheprovider $TESTS >"$log" 2>&1 || give_up "$1" tests.log
    printf '%-9s %-21s %s\n' "$1" "$targets" "$(tail -n 1 "$log")"
}

give_up() { # build, its log
    tail -n 40 "$CACHE/$1/$2"
    echo "$1 failed; see $CACHE/$1/$2"
    return 1
} >&2

need() { # command, Debian's package of it
    command -v "$1" >/dev/null && return
    [ "$(id -u)" = 0 ] || { echo "$1 is missing: apt-get install $2" >&2; exit 1; }
    apt-get install -qq -y "$2"
}

requirements() { # a list of pyproject.toml, as an expression of its contents p
    "${PYTHON:-python3}" -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb')); print(*$1, sep='\n')"
}
TO_RUN="p['project']['dependencies'], *p['project']['optional-dependencies']['test']"
TO_BUILD="p['build-system']['requires']"

make_venv() {
    [ "$VENV/complete" -nt pyproject.toml ] && return
    "${PYTHON:-python3}" -m venv --clear "$VENV"
    "$VENV/bin/pip" install -q --disable-pip-version-check -r <(requirements "$TO_BUILD, *$TO_RUN")
    touch "$VENV/complete"
}

# apt works as on a machine of the other architecture on which nothing is installed, and so finds all that is needed.
make_sysroot() {
    [ "$SYSROOT/complete" -nt pyproject.toml ] && return
    local state=$CACHE/apt package apt
    rm -rf "$SYSROOT" "$state"
    mkdir -p "$SYSROOT" "$state"/{lists,archives}/partial
    touch "$state/status"
    apt=(apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=root
        -o Dir::State="$state" -o Dir::State::status="$state/status" -o Dir::Cache="$state" -o Debug::NoLocking=1)
    "${apt[@]}" update
    "${apt[@]}" install -y --no-install-recommends --download-only python3 libpython3-dev libstdc++6 >/dev/null
    for package in "$state"/archives/*.deb; do
        dpkg -x "$package" "$SYSROOT"
    done
    # The tests start Python by sys.executable: a script of that name lets them, without QEMU in the kernel's binfmt.
    cat >"$SYSROOT/usr/bin/python" <<END
#!/bin/sh
exec qemu-aarch64-static -L "$SYSROOT" -0 "\$0" "$SYSROOT/usr/bin/python3" "\$@"
END
    chmod +x "$SYSROOT/usr/bin/python"
    "$VENV/bin/pip" install -q --disable-pip-version-check --target "$SYSROOT/site-packages" --only-binary=:all: \
        --platform manylinux_2_28_aarch64 --platform manylinux_2_17_aarch64 --platform manylinux2014_aarch64 \
        --python-version "$("$SYSROOT/usr/bin/python" -c 'import platform; print(platform.python_version())')" \
        -r <(requirements "$TO_RUN")
    touch "$SYSROOT/complete"
}

main "$@"

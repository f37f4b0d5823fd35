# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is read by those who source it
#
# Shared by the scripts of this directory (sourced, never run): messages, the
# place of the cache, and the way into a root file system that set-up made.
#
# The cache is ${XDG_CACHE_HOME:-~/.cache}/zxvmo:
#
#   <suite>/<key>/root    root file system: toolchain, stock kernel, its source
#   <suite>/<key>/info    what was resolved, as shell assignments
#   <suite>/current       link to the key in use
#   <suite>/setup.log     output of the last set-up
#   cargo/                CARGO_HOME of the builds
#   kvm-<kernels>         whether a guest boots with KVM here
#
# Inside a root file system, /usr/src/linux is the kernel's source,
# /usr/src/linux-obj its prepared build directory (KDIR), and
# /usr/src/linux-source-*.tar.xz the archive the source came from.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/zxvmo
DEFAULT_SUITE=trixie-backports
KSRC=/usr/src/linux
KOBJ=/usr/src/linux-obj

# die SENTENCE [STATUS]
die() {
	printf '%s: %s\n' "${0##*/}" "$1" >&2
	exit "${2:-1}"
}

note() {
	printf '%s\n' "$*" >&2
}

# check_suite NAME: refuse what could not be a directory name
check_suite() {
	[[ $1 =~ ^[a-z][a-z-]*$ ]] ||
		die "'$1' is no name of a Debian suite: use trixie-backports or sid."
}

# become_root ARG...: continue as root; an ordinary user becomes the root of a
# user namespace of their own, by running the script again inside one
become_root() {
	[ "$(id -u)" -ne 0 ] || return 0
	local map=(--user --mount --map-root-user --map-auto)
	unshare "${map[@]}" true 2>/dev/null ||
		die "an ordinary user needs unprivileged user namespaces with subordinate ids here: run as root, or install uidmap, give $(id -un) a range in /etc/subuid and /etc/subgid, and allow user namespaces."
	exec unshare "${map[@]}" "$0" "$@"
}

# load_suite SUITE: set ROOT and the variables of the suite's info file
load_suite() {
	check_suite "$1"
	local dir=$CACHE/$1/current
	[ -r "$dir/info" ] ||
		die "$1 is not set up on this machine: run 'make setup SUITE=$1' first."
	dir=$(readlink -f "$dir")
	ROOT=$dir/root
	# shellcheck source=/dev/null
	. "$dir/info"
}

# project_version: the version of the crates, which is that of everything
project_version() {
	local found
	found=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' "$TOP/crates/Cargo.toml")
	[ -n "$found" ] || die "crates/Cargo.toml says no version."
	printf '%s\n' "$found"
}

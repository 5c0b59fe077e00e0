# SPDX-License-Identifier: MIT
# What ./demo and ./check have in common; sourced from the top of the tree.

# quietly WHAT COMMAND...: into a log that is shown only where it fails
quietly()
{
	what=$1
	shift
	log=$(mktemp)
	if ! "$@" >"$log" 2>&1; then
		tail -n 40 "$log" >&2
		echo "$what failed; the end of what it said is above" >&2
		rm -f "$log"
		exit 1
	fi
	rm -f "$log"
}

missing_packages()
{
	for package in $(sed 's/#.*//' tests/packages.txt); do
		dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' ||
			printf ' %s' "$package"
	done
}

# The one list of packages is tests/packages.txt.
install_packages()
{
	missing=$(missing_packages)
	[ -n "$missing" ] || return 0
	echo "Installing the Debian packages that are missing:$missing" | fold -s -w 78
	root=""
	[ "$(id -u)" -eq 0 ] || root=sudo
	quietly "apt-get update" $root apt-get update
	# Some of them are services: nobody asked for those to be started here.
	policy=/usr/sbin/policy-rc.d
	[ -e $policy ] && policy=""
	[ -z "$policy" ] || printf '#!/bin/sh\nexit 101\n' | $root tee $policy >/dev/null
	[ -z "$policy" ] || $root chmod 755 $policy
	# In a shell of its own: what fails in it must not leave the policy behind.
	# shellcheck disable=SC2086
	status=0
	(quietly "apt-get install" $root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y --no-install-recommends $missing) || status=$?
	[ -z "$policy" ] || $root rm -f $policy
	[ $status -eq 0 ] || exit $status
}

# build FOLDER [MESON-OPTION...]
build()
{
	folder=$1
	shift
	[ -e "$folder/build.ninja" ] || quietly "meson setup $folder" meson setup "$@" "$folder"
	quietly "the build in $folder/" ninja -C "$folder"
}

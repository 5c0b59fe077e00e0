# SPDX-License-Identifier: MIT
"""What `wmopkg show json` and `wmopkg apply --check SET json` mean."""


def _line(name, version, persistent):
    return f"{name} {version or '?'}{' (persistent)' if persistent else ''}\n"


def listing(packages):
    """The installed packages as text, one on each line."""
    return "".join(sorted(_line(package["name"], package.get("version"), package["persistent"])
                          for package in packages if package["status"] != "removed"))


def planned(plan):
    """The packages after a set was applied, likewise."""
    return "".join(sorted(_line(package["name"], package.get("version"), package["persistent"])
                          for package in plan if package["action"] != "remove"))


def pending(packages):
    """The names of those that the next boot changes."""
    return sorted({package["name"] for package in packages
                   if package["status"] in ("pending", "removed") or "ends" in package})


def describe(package):
    return f"{package['name']} {package.get('version', '?')}"


def faults(packages, accepted):
    """Why packages are not active, or not to stay so; not those whose reason has one of the @accepted codes."""
    found = []
    for package in packages:
        reason = package.get("reason", {})
        if package["status"] == "unknown":
            found.append(f"{describe(package)}: this boot activated no packages")
        elif package["status"] == "inactive" and reason.get("code") not in accepted:
            found.append(f"{describe(package)}: not active: {reason.get('message', '?')} ({reason.get('code', '?')})")
    return found

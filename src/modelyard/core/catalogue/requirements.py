"""Reads requirements as PyPA's dependency specifiers (PEP 508), less all that is not a package of an index.

What comes with a model is not trusted: a line of a requirements file could otherwise choose another index, take a file
of this machine, or run code. Only ``name[extras] versions ; marker`` is let through, and written anew.
"""

import re
from collections.abc import Iterable

from modelyard.core.kernel.errors import DomainError, invalid

LINES_MAX, LINE_MAX = 1000, 300
"""How many lines there may be, and how many characters in one."""
_SHOWN = 80

_COMMENT = re.compile(r"(^|\s)#.*")
_OPTION = re.compile(r"(^|\s)-")
_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[(?P<extras>[^\[\]]*)\])?\s*(?P<versions>[^\[\]]*)"
)
_EXTRA = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_SEPARATORS = re.compile(r"[-_.]+")
_FILE = re.compile(r"[/\\]|\.(whl|zip|egg|tgz|tar|gz|bz2|xz|txt|toml)\b", re.IGNORECASE)

# PEP 440, appendix B, without the forms that are only normalised away.
_VERSION = (
    r"(?:\d{1,9}!)?\d{1,9}(?:\.\d{1,9})*(?:[._-]?(?:a|b|c|rc|alpha|beta|pre|preview)[._-]?\d{0,9})?"
    r"(?:-\d{1,9}|[._-]?(?:post|rev|r)[._-]?\d{0,9})?(?:[._-]?dev[._-]?\d{0,9})?(?:\+[a-z0-9]+(?:[._-][a-z0-9]+)*)?"
)
_CLAUSE = re.compile(rf"(?P<how>~=|==|!=|<=|>=|<|>)\s*(?P<version>{_VERSION}(?:(?<=\d)\.\*)?)", re.IGNORECASE)

_VARIABLE = (
    r"(?:python_version|python_full_version|os_name|sys_platform|platform_release|platform_system|platform_version|"
    r"platform_machine|platform_python_implementation|implementation_name|implementation_version)"
)
_LITERAL = r"""(?:"[A-Za-z0-9 ._+-]{0,60}"|'[A-Za-z0-9 ._+-]{0,60}')"""
_COMPARING = r"\s*(?:===|~=|==|!=|<=|>=|<|>|(?<=\s)(?:not\s+)?in(?=\s))\s*"
_COMPARISON = rf"(?:{_VARIABLE}{_COMPARING}{_LITERAL}|{_LITERAL}{_COMPARING}{_VARIABLE})"
_MARKER = re.compile(rf"{_COMPARISON}(?:\s+(?:and|or)\s+{_COMPARISON})*")


def check_requirements(lines: Iterable[str]) -> list[str]:
    """The requirements in the lines, in one spelling, sorted, each once; comments and empty lines are left out.

    ``INVALID`` with the number of the line for options (``-e``, ``-r``, ``--index-url``), addresses, files, markers
    that are more than comparisons of the interpreter and the platform, and for what is no requirement at all.
    """
    found = set()
    for number, line in enumerate(lines, 1):
        if number > LINES_MAX:
            raise invalid(f"there are more than {LINES_MAX} lines of requirements")
        if requirement := _read(line, number):
            found.add(requirement)
    return sorted(found)


def name_of(requirement: str) -> str:
    """The package that one of ``check_requirements`` is about."""
    return _matched(requirement)["name"]


def normal_name(name: str) -> str:
    """The one spelling of a package's name (PEP 503)."""
    return _SEPARATORS.sub("-", name).lower()


def _read(line: str, number: int) -> str:
    if len(line) > LINE_MAX:
        raise _refused(line, number, f"has {len(line)} characters; at most {LINE_MAX} are read")
    if not line.strip().replace("\t", " ").isprintable():
        raise _refused(line, number, "holds control characters")
    text = _COMMENT.sub("", line).strip()
    if not text:
        return ""
    if problem := _problem(text):
        raise _refused(text, number, problem)
    return _written(text, number)


def _problem(text: str) -> str:
    wanted, _, marker = text.partition(";")
    if _OPTION.search(text):
        return "gives an option; only packages and their versions are taken, the operator chooses where from"
    if "@" in text or "://" in text:
        return "gives an address; only packages of the configured indexes and folders are taken"
    if text.startswith(".") or _FILE.search(wanted):
        return "names a file; only packages of the configured indexes and folders are taken"
    if ";" in text and not _MARKER.fullmatch(marker.strip()):
        return (
            "has a marker that is not understood; comparisons like python_version >= '3.11', joined by 'and' or 'or', "
            "are, without brackets and 'extra'"
        )
    return ""


def _written(text: str, number: int) -> str:
    wanted, _, marker = text.partition(";")
    match = _REQUIREMENT.fullmatch(wanted.strip())
    if match is None:
        raise _refused(text, number, "is not a package with its versions, like scikit-learn>=1.7,<2")
    extras = sorted(normal_name(extra.strip()) for extra in (match["extras"] or "").split(",") if extra.strip())
    if not all(_EXTRA.fullmatch(extra) for extra in extras):
        raise _refused(text, number, "has extras that are no names")
    bracket = f"[{','.join(dict.fromkeys(extras))}]" if extras else ""
    condition = f" ; {' '.join(marker.split())}" if marker else ""
    return normal_name(match["name"]) + bracket + _versions(match["versions"].strip(), text, number) + condition


def _versions(versions: str, text: str, number: int) -> str:
    inner = versions[1:-1] if versions.startswith("(") and versions.endswith(")") else versions
    clauses = [_CLAUSE.fullmatch(clause.strip()) for clause in inner.split(",")] if inner.strip() else []
    read = {clause["how"] + clause["version"].lower() for clause in clauses if clause and _sensible(clause)}
    if None in clauses or not all(_sensible(clause) for clause in clauses if clause):
        raise _refused(text, number, "has versions that are not understood; like ==1.7.2 or >=1.7,<2 are")
    return ",".join(sorted(read))


def _sensible(clause: re.Match[str]) -> bool:
    how, version = clause["how"], clause["version"]
    if version.endswith(".*"):
        return how in {"==", "!="} and "+" not in version
    return how != "~=" or "." in version


def _matched(requirement: str) -> re.Match[str]:
    match = _REQUIREMENT.fullmatch(requirement.partition(";")[0].strip())
    if match is None:
        raise invalid(f"{requirement[:_SHOWN]!r} is not a requirement")
    return match


def _refused(text: str, number: int, problem: str) -> DomainError:
    return invalid(f"line {number} of the requirements, {text[:_SHOWN]!r}, {problem}", line=number)

"""Which lines of a requirements file are let through, and as what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.core.catalogue.requirements import LINE_MAX, LINES_MAX, check_requirements, name_of, normal_name
from modelyard.core.kernel.errors import DomainError, ErrorKind


def refusal(*lines: str) -> DomainError:
    with pytest.raises(DomainError) as caught:
        check_requirements(lines)
    assert caught.value.kind is ErrorKind.INVALID
    return caught.value


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("numpy", "numpy"),
        ("Scikit_Learn >= 1.7, <2  # the estimator", "scikit-learn<2,>=1.7"),
        ("zope.interface==5.4.0", "zope-interface==5.4.0"),
        ("torch==2.13.0+cpu", "torch==2.13.0+cpu"),
        ("requests[Socks, security]~=2.8.1", "requests[security,socks]~=2.8.1"),
        ("pandas==2.*", "pandas==2.*"),
        ("pandas (>=2,!=2.1.1)", "pandas!=2.1.1,>=2"),
        ("a==1!2.0rc1.post2.dev3", "a==1!2.0rc1.post2.dev3"),
        ("uvloop;sys_platform != 'win32'", "uvloop ; sys_platform != 'win32'"),
        (
            'tomli>=2 ; python_version < "3.11" and platform_python_implementation not in "PyPy"',
            'tomli>=2 ; python_version < "3.11" and platform_python_implementation not in "PyPy"',
        ),
    ],
)
def test_a_package_is_written_in_one_spelling(line: str, written: str) -> None:
    assert check_requirements([line]) == [written]
    assert check_requirements([written]) == [written]


def test_comments_empty_lines_and_repetitions_are_left_out() -> None:
    lines = ["# what the model needs", "", "  ", "Six==1.17.0", "six == 1.17.0 # again", "numpy\r"]

    assert check_requirements(lines) == ["numpy", "six==1.17.0"]


def test_the_same_package_with_other_versions_is_kept_for_the_resolver_to_judge() -> None:
    assert check_requirements(["numpy<2", "numpy>=2"]) == ["numpy<2", "numpy>=2"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("-e .", "gives an option"),
        ("-r more.txt", "gives an option"),
        ("-c constraints.txt", "gives an option"),
        ("--index-url=https://evil.example/simple", "gives an option"),
        ("--extra-index-url https://evil.example/simple", "gives an option"),
        ("--find-links /tmp", "gives an option"),
        ("  --pre", "gives an option"),
        ("six==1.17.0 --hash=sha256:00", "gives an option"),
        ("six --global-option=x", "gives an option"),
        ("six\t--pre", "gives an option"),
        ("six @ https://evil.example/six.whl", "gives an address"),
        ("six@file:///etc/passwd", "gives an address"),
        ("git+https://evil.example/six.git", "gives an address"),
        ("https://evil.example/six.whl#egg=six", "gives an address"),
        ("./six", "names a file"),
        (".", "names a file"),
        ("/opt/six", "names a file"),
        ("..\\six", "names a file"),
        ("packages/six", "names a file"),
        ("six-1.0-py3-none-any.whl", "names a file"),
        ("six-1.0.tar.gz", "names a file"),
        ("six ; extra == 'evil'", "marker"),
        ("six ; python_version", "marker"),
        ("six ; os_name == 'a' and", "marker"),
        ("six ; __import__('os') == 'x'", "marker"),
        ("six ; (python_version > '3')", "marker"),
        ("six ; python_version > '3' ; os_name == 'x'", "marker"),
        ("six ;", "marker"),
        ("six===1.0", "versions"),
        ("six=1.0", "versions"),
        ("six>=1.*", "versions"),
        ("six~=1", "versions"),
        ("six==", "versions"),
        ("six==1,,<2", "versions"),
        ("six 1.0", "versions"),
        ("six==$VERSION", "versions"),
        ("six[a b]", "extras"),
        ("${PACKAGE}", "is not a package"),
        ("six_", "versions"),
        ("s\u0131x", "versions"),
        ("six \\", "names a file"),
        ("[evil]", "is not a package"),
    ],
)
def test_everything_else_is_refused_with_its_line(line: str, reason: str) -> None:
    error = refusal("numpy", line)

    assert reason in error.message
    assert error.message.startswith("line 2 of the requirements, ")
    assert error.details == {"line": 2}


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\x1b", "\x85", "\u2028", "\u202e", "\u200b"])
def test_control_characters_are_refused_even_in_comments(character: str) -> None:
    assert "control characters" in refusal(f"six # a{character}b").message


def test_lines_are_limited_in_length_and_number() -> None:
    assert f"at most {LINE_MAX}" in refusal("six # " + "x" * LINE_MAX).message
    assert f"more than {LINES_MAX} lines" in refusal(*["six"] * (LINES_MAX + 1)).message
    assert check_requirements(["six"] * LINES_MAX) == ["six"]


def test_a_message_shows_the_start_of_a_long_line_alone() -> None:
    assert len(refusal("/" + "x" * 200).message) < 220


@given(st.text(max_size=40))
def test_what_is_let_through_reads_as_itself_and_holds_no_way_out(line: str) -> None:
    try:
        found = check_requirements([line])
    except DomainError as error:
        assert error.kind is ErrorKind.INVALID
        return
    assert check_requirements(found) == found
    for requirement in found:
        assert requirement.isascii()
        assert requirement[0].isalnum()
        assert not set("@/\\:\n\r\t#") & set(requirement)


@given(
    st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,8}([._-][A-Za-z0-9]{1,4})?", fullmatch=True),
    st.from_regex(r"(==|>=|<|!=)[0-9]{1,3}(\.[0-9]{1,3}){0,3}(rc[0-9])?", fullmatch=True),
)
def test_plain_packages_keep_their_name_and_versions(name: str, versions: str) -> None:
    if name.rpartition(".")[2].lower() in {"whl", "zip", "egg", "tgz", "tar", "gz", "bz2", "xz", "txt", "toml"}:
        return
    [requirement] = check_requirements([f"{name} {versions}"])

    assert requirement == normal_name(name) + versions
    assert name_of(requirement) == normal_name(name)

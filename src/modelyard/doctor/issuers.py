"""The external issuers: whether they answer, and their keys can be used."""

from collections.abc import Iterator

from modelyard.doctor.check import Check, fail, ok
from modelyard.issuer_settings import IssuerSettings
from modelyard.issuers.external.download import IssuerError, download_keys
from modelyard.settings import Settings


def check_issuers(settings: Settings) -> Iterator[Check]:
    """One finding for each issuer; none where none is configured."""
    for issuer in settings.external_issuers:
        yield _about(issuer)


def _about(issuer: IssuerSettings) -> Check:
    try:
        keys = download_keys(issuer)
    except IssuerError as error:
        return fail(
            "issuer", f"{issuer.url}: {error}", "Its users cannot come in: check url, network and certificates."
        )
    usable = f"{len(keys.keys)} of {keys.offered} keys of {issuer.url} can be used"
    if not keys.keys:
        advice = "Let the issuer sign with RS256, ES256 or another public-key algorithm."
        return fail("issuer", usable, advice)
    return ok("issuer", usable)

"""What `explain` is asked about: an address, a prefix, or a host name, whose first address is taken."""

from __future__ import annotations

from ..errors import SettingsError
from ..model.namedtuple import NamedTuple
from ..model.network import Prefix, parse_address, parse_prefix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.network import Address

_MAPPED = bytes(10) + b"\xff\xff"
EXAMPLES = "write 11.11.3.4, 11.11.0.0/16 or a host name"


class Target(NamedTuple):
    """One thing that is asked about."""

    prefix: Prefix
    """Of an address's whole length for an address."""
    name: str = ""
    """The host name that it is the address of, or the mapped address; "" where that itself was asked about."""


def target(text: str, source: Address | None) -> Target:
    """What a word of the command line names; a host name is looked up as programs do (/etc/hosts, DNS).

    Args:
        source: of the packets; a name's address is one of its family.

    Raises:
        SettingsError: it is neither address nor prefix, and no host of that name is found.
    """
    try:
        return _unmapped(parse_prefix(text), text)
    except ValueError as error:
        if not _may_be_name(text):
            raise SettingsError(f"cannot explain {text!a}: {error}; {EXAMPLES}") from error
    address = parse_address(_first_address(text, source))
    return Target(Prefix(address, len(address) * 8), text)


def _unmapped(prefix: Prefix, text: str) -> Target:
    """An IPv4-mapped address is IPv4's: a program that names it, ::ffff:11.11.3.4 say, sends IPv4's packets.

    Source: RFC 4291, section 2.5.5.2; RFC 3493, section 3.7.
    """
    if prefix.length == 128 and prefix.address.startswith(_MAPPED):
        return Target(Prefix(prefix.address[len(_MAPPED) :], 32), text)
    return Target(prefix)


def _may_be_name(text: str) -> bool:
    """Whether it can be a host name: letters are in it, and no slash, colon or blank.

    Source: RFC 1123, section 2.1.
    """
    letters = text.replace("-", "").replace(".", "").replace("_", "")
    return letters.isascii() and letters.isalnum() and not letters.isdigit() and len(text) <= 253


def _first_address(name: str, source: Address | None) -> str:
    """The address that a program would try first. Source: RFC 6724."""
    import socket

    family = {None: socket.AF_UNSPEC, 4: socket.AF_INET, 16: socket.AF_INET6}[len(source) if source else None]
    try:
        found = socket.getaddrinfo(name, None, family, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        words = error.strerror if isinstance(error, OSError) else str(error)
        raise SettingsError(f"cannot explain {name!a}: its address is not found: {words}; {EXAMPLES}") from error
    return str(found[0][4][0]).partition("%")[0]

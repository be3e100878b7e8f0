"""Where network_data.json comes from: the sources in their order, and the local ones.

A source that has nothing says why, and the next one is asked (R10, R11). So does one whose document is proven to be
another instance's: that is used only where no source has one of this instance.

    http             every metadata address through every NIC; the first valid answer wins
    config-drive     a block device labelled config-2, mounted for a moment where nobody else sees it
    last-known-good  what the last accepted pass kept, for this instance only
    cloud-init       what cloud-init crawled; stale from the second boot on
    leases           where none of these has one: what DHCP servers sent replaces a document (leases/)

The first two are http.py and config_drive.py, which a pass with a local document never imports.
"""

from __future__ import annotations

import os

from ..errors import MetadataError
from ..json_codec import dumps, loads
from ..model.document import Document, NoDocument, Provenance, Unusable
from ..model.network_data import NETWORK_DATA, Problem
from ..model.settings import Settings, is_ignored
from ..state.store import State
from ..trusted import read_trusted, unreadable, untrusted_file
from .document_file import LATEST, LOCAL_LIMIT_BYTES, about, age_of, document_from_file, read_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Mapping, Sequence

    from ..model.document import Missing, Progress
    from .document_file import Nics, Tell

INSTANCE_DATA = ("/run/cloud-init/instance-data-sensitive.json", "/run/cloud-init/instance-data.json")


def tell_nobody(progress: Progress) -> None:
    """Discards the line."""


def find(
    settings: Settings,
    nics: Nics,
    state: State,
    metadata_argument: str = "",
    tell: Tell = tell_nobody,
    http: Document | str | None = None,
    fallback: bool = True,
) -> Document:
    """The instance's network_data.json: what --metadata names, else the first that a source of the settings has.

    Args:
        nics: called again while waiting, since at boot NICs appear late.
        metadata_argument: the value of --metadata; "" where it wasn't given.
        tell: gets a line for every half second of waiting.
        http: what the metadata service has been asked for already: the document, or why there is none.
        fallback: where no source has a document, DHCP leases replace it.

    Returns:
        From HTTP a JSON object; from elsewhere the bytes as they were found.

    Raises:
        MetadataError: no source has one; a line for each says why, and what to do.
    """
    if metadata_argument:
        got = _from_argument(metadata_argument, settings, nics, tell)
        if isinstance(got, Document):
            return got
        from ..output.words.evidence import argument_text

        raise MetadataError(argument_text(metadata_argument, got))
    asked: dict[str, Callable[[], Document | Missing]] = {
        "http": lambda: _from_http(settings, nics, state, tell) if http is None else http,
        "config-drive": lambda: _from_config_drive(settings, state, tell),
        "last-known-good": lambda: last_known_good(state, nics),
        "cloud-init": _from_cloud_init,
    }
    if fallback and "leases" in settings.sources:
        asked["leases"] = lambda: _from_leases(settings, nics, state)
    return _first(asked, (*settings.document_sources, *(["leases"] if "leases" in asked else [])), state)


def _first(asked: Mapping[str, Callable[[], Document | Missing]], order: Sequence[str], state: State) -> Document:
    """The first document, in this order of sources; one that doesn't name this instance only in place of leases.

    Raises:
        MetadataError: there is none.
    """
    missing: list[tuple[str, Missing]] = []
    others: list[Document] = []
    unused: list[Problem] = []
    for source in order:
        if others and source == "leases":
            break
        found = asked[source]()
        if isinstance(found, Document) and _is_others(found, state):
            from ..output.words.evidence import other_uuid_text

            others.append(found)
            unused += _others_drives(found)
            found = other_uuid_text(found)
        if isinstance(found, Document):
            reasons = tuple((name, why) for name, why in missing if isinstance(why, str))
            return found._replace(passed_over=reasons, unused=(*unused, *found.unused))
        missing.append((source, found))
        if source == "config-drive" and isinstance(found, NoDocument):
            unused += found.problems
    if others:
        location = others[0].provenance.location
        return others[0]._replace(unused=tuple(one for one in unused if one.place != location))
    from ..output.words.evidence import no_document_text

    raise MetadataError(no_document_text(missing))


def _others_drives(found: Document) -> tuple[Problem, ...]:
    """The drives that were passed over with this one, another instance's, itself among them; () where it is none."""
    if found.source != "config-drive":
        return ()
    from .config_drive import others_drive

    return (*found.unused, others_drive(found))


def _is_others(found: Document, state: State) -> bool:
    """Whether a document doesn't name this instance, whose uuid is proven."""
    if not found.expected_uuid:
        return False
    from .instance import proven_uuid

    return proven_uuid(state.root) == found.expected_uuid


def _from_http(settings: Settings, nics: Nics, state: State, tell: Tell) -> Document | str:
    from .http import fetch
    from .instance import known_instance

    return fetch(settings.metadata_urls, settings, nics, tell, known=known_instance(state, nics()))


def _from_config_drive(settings: Settings, state: State, tell: Tell) -> Document | NoDocument | str:
    from . import config_drive
    from .instance import proven_uuid

    return config_drive.fetch(settings.deadline_seconds, tell, proven_uuid(state.root))


def _from_argument(metadata_argument: str, settings: Settings, nics: Nics, tell: Tell) -> Document | Missing:
    """A file, "-", a tree like a config drive's, or a base URL, whose address may be any."""
    if "://" in metadata_argument:
        if not metadata_argument.lower().startswith(("http://", "https://")):
            return NoDocument("scheme")
        if "@" in metadata_argument.split("/", 3)[2]:
            return NoDocument("user")
        from .http import fetch

        got = fetch((metadata_argument,), settings, nics, tell, bind=False)
        return got if isinstance(got, str) else got._replace(provenance=got.provenance._replace(source="argument"))
    if metadata_argument == "-":
        import sys

        data = sys.stdin.buffer.read(LOCAL_LIMIT_BYTES + 1)
        if not data:
            return NoDocument("empty-input")
        if len(data) > LOCAL_LIMIT_BYTES:
            return NoDocument("too-large", limit_bytes=LOCAL_LIMIT_BYTES)
        return Document(data, Provenance("argument", "-"))
    path = metadata_argument
    if os.path.isdir(metadata_argument):
        places = [os.path.join(metadata_argument, place, NETWORK_DATA) for place in (LATEST, "latest", "")]
        path = next((place for place in places if os.path.exists(place)), places[0])
    return document_from_file(path, Provenance("argument", path))


def last_known_good(state: State, nics: Nics) -> Document | Unusable:
    """What was kept of this instance (R10), or why nothing."""
    kept = state.last_known_good(nics())
    if isinstance(kept, Unusable):
        return kept
    known = kept.known
    provenance = Provenance("last-known-good", first=known.provenance)
    return Document(kept.data, provenance, age_of(known.fetched), known.uuid, known.properties)


def _from_leases(settings: Settings, nics: Nics, state: State) -> Document | NoDocument:
    from ..leases import find as leases

    return leases.fallback([nic for nic in nics() if not is_ignored(nic, settings.ignore_nics)], state.root)


def _from_cloud_init() -> Document | Missing:
    """cloud-init's copy of the document. Source: cloud-init's documentation, "Instance metadata"."""
    missing: list[Missing] = []
    for path in [path for path in INSTANCE_DATA if os.access(path, os.R_OK)] or INSTANCE_DATA[-1:]:
        got = _crawled(path)
        if isinstance(got, Document):
            return got
        missing.append(got)
    return NoDocument("no-copy", each=tuple(missing))


def refused_copies() -> tuple[Problem, ...]:
    """Each of cloud-init's files that others could have written, with the reason why it is not used."""
    faults = {path: untrusted_file(path) for path in INSTANCE_DATA if os.path.lexists(path)}
    return tuple(Problem(path, unreadable(fault)) for path, fault in faults.items() if fault is not None)


def _crawled(path: str) -> Document | Missing:
    """The document in one of cloud-init's files, or why there is none."""
    got = read_file(path, read_trusted)
    if isinstance(got, str):
        return got
    try:
        crawled = loads(got.data)["ds"]
        network_json = crawled["network_json"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return NoDocument("no-network-json", path)
    if not isinstance(network_json, dict):
        return NoDocument("no-object", path, found=ascii(network_json)[:40])
    meta_data = dumps(crawled.get("meta_data")).encode()
    data = dumps(network_json).encode()
    return Document(data, Provenance("cloud-init", path), age_of(got.mtime), *about(meta_data))

"""`module` for people and as JSON. Pure."""

from __future__ import annotations

from .folding import wrapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def module_lines(path: str, add: bool, changed: bool, written: bool) -> list[str]:
    """What became of the list of cloud-init's modules."""
    if not changed:
        return wrapped(f"nothing to do: {path} {'has' if add else 'has not'} the module guest_routes", 4, 0)
    done = f"{'is' if written else 'would be'} {'put first in' if add else 'taken out of'}"
    return wrapped(f"the module guest_routes {done} cloud_config_modules of {path}", 4, 0)


def not_in_force_texts(add: bool, drop_in: tuple[str, bool] | None, python: str) -> list[str]:
    """Why cloud-init does otherwise than the list in cloud.cfg says.

    Args:
        drop_in: the file whose list takes the place of that, and whether the module is in it.
        python: the Python that runs cloud-init and has no module of ours; "" for none.
    """
    texts = []
    if drop_in is not None and drop_in[1] != add:
        has = "with the module in it; take it out there" if drop_in[1] else "without the module; put it in there"
        texts.append(f"{drop_in[0]} has a list cloud_config_modules of its own, which cloud-init goes by, {has}")
    if python:
        texts.append(
            f"{python}, which runs cloud-init, has no module cc_guest_routes: cloud-init passes the name over; the "
            "packages and the wheel have it, the single file hasn't"
        )
    return texts


def module_json(path: str, changed: bool, code: int) -> dict[str, Any]:
    """`module --json`."""
    return {"schema": "guest-routes/module/1", "exit_code": code, "path": path, "changed": changed}

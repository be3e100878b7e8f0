"""The choice between the two engines."""

from __future__ import annotations

from ..errors import EngineMissingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .engine import Kernel


def open_kernel(engine: str) -> Kernel:
    """The engine of that name (one of model.settings.ENGINES).

    Raises:
        EngineMissingError: the engine's library isn't installed.
        KernelError: no netlink socket can be opened.
    """
    if engine == "rtnetlink":
        from .rtnetlink.engine import RtnetlinkKernel

        return RtnetlinkKernel()
    try:
        from .pyroute2.engine import Pyroute2Kernel
    except ImportError as error:
        raise EngineMissingError(
            f"cannot use the engine pyroute2: {error}; install it (pip install pyroute2, or Debian's "
            "python3-pyroute2), or leave `engine` at rtnetlink"
        ) from error
    return Pyroute2Kernel()

"""The subnets of a cloud by its API, as openstacksdk speaks it with the operator's clouds.yaml."""

from __future__ import annotations

from ..errors import GuestRoutesError, SettingsError
from ..json_codec import dumps


def subnets_json(cloud: str) -> str:
    """Every subnet that the cloud shows to this user, as the API's JSON.

    Args:
        cloud: the name in clouds.yaml.

    Raises:
        SettingsError: openstacksdk is not installed, or clouds.yaml has no such cloud.
        GuestRoutesError: the cloud can't be asked.
    """
    try:
        import openstack  # type: ignore[import-not-found]
    except ImportError:
        wanted = "pip install 'guest-routes[cloud]'"
        raise SettingsError(f"--cloud needs openstacksdk: {wanted}, or Debian's python3-openstacksdk") from None
    from openstack.exceptions import ConfigException, SDKException  # type: ignore[import-not-found]

    try:
        found = [subnet.to_dict() for subnet in openstack.connect(cloud=cloud).network.subnets()]
    except ConfigException as error:
        raise SettingsError(f"--cloud {cloud}: {error}") from error
    except SDKException as error:
        raise GuestRoutesError(f"--cloud {cloud}: {error}") from error
    return dumps([{name: value for name, value in one.items() if name != "location"} for one in found])

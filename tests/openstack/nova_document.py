"""network_data.json as Nova makes it of Neutron's ports, on standard output.

    nova_document.py PORT_ID ...

Neutron answers on 127.0.0.1:9696. The interpreter is that of an environment with `pip install nova`. The port's VIF and
the document are made by Nova's own code; only the list of ports is ours.
"""

from __future__ import annotations

import json
import sys
import tempfile
from typing import List

from nova.conf import CONF  # type: ignore[import-not-found]
from nova.context import get_admin_context  # type: ignore[import-not-found]
from nova.network import model, neutron  # type: ignore[import-not-found]
from nova.virt import netutils  # type: ignore[import-not-found]

CONFIGURATION = "[neutron]\nauth_type = none\nendpoint_override = http://127.0.0.1:9696\n"


def main(wanted: List[str]) -> None:
    """The document for these ports, in this order."""
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(CONFIGURATION)
        file.flush()
        CONF([], project="nova", default_config_files=[file.name])
    context = get_admin_context()
    client = neutron.get_client(context)
    networks = client.list_networks()["networks"]
    ports = {port["id"]: port for port in client.list_ports()["ports"]}
    api = neutron.API()
    vifs = [api._build_vif_model(context, client, ports[one], networks, set()) for one in wanted]
    # As it comes out of Nova's cache in the database.
    info = model.NetworkInfo.hydrate(model.NetworkInfo(vifs).json())
    print(json.dumps(netutils.get_network_metadata(info)))


if __name__ == "__main__":
    main(sys.argv[1:])

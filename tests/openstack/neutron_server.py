"""Neutron's own API server on 127.0.0.1:9696 of the caller's network namespace, on SQLite, without authentication.

    neutron_server.py FOLDER

FOLDER gets neutron.conf, the database and the state. It prints "ready" when it serves. The interpreter is that of an
environment with `pip install neutron`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

PORT = 9696
CONFIGURATION = """\
[DEFAULT]
core_plugin = ml2
service_plugins =
auth_strategy = noauth
transport_url = fake:/
log_file = {folder}/log
state_path = {folder}/state
notify_nova_on_port_status_changes = False
notify_nova_on_port_data_changes = False
api_paste_config = {prefix}/etc/neutron/api-paste.ini
[database]
connection = {database}
[oslo_concurrency]
lock_path = {folder}/state/lock
[ml2]
type_drivers = local
tenant_network_types = local
mechanism_drivers =
[quotas]
quota_driver = neutron.db.quota.driver_nolock.DbQuotaNoLockDriver
"""


class Server(ThreadingMixIn, WSGIServer):
    """One thread a request; they end with the process."""

    daemon_threads = True


class Quiet(WSGIRequestHandler):
    """Requests are not logged."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


def main(folder: Path) -> None:
    """Makes the configuration and the tables, then serves."""
    (folder / "state").mkdir(parents=True)
    database = f"sqlite:///{folder}/neutron.sqlite"
    configuration = folder / "neutron.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, prefix=sys.prefix, database=database))
    os.environ["OS_NEUTRON_CONFIG_FILES"] = str(configuration)
    sys.argv = sys.argv[:1]  # oslo.config reads it.

    # The migrations need MySQL or PostgreSQL; the models don't.
    from neutron.db.migration.models import head  # type: ignore[import-not-found]
    from sqlalchemy import create_engine  # type: ignore[import-not-found]

    head.get_metadata().create_all(create_engine(database))

    from neutron.wsgi.api import application  # type: ignore[import-not-found]

    with make_server("127.0.0.1", PORT, application, server_class=Server, handler_class=Quiet) as server:
        print("ready", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())

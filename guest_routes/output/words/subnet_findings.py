"""`lint`: what is wrong with host routes in Neutron, and the commands that put it right. Pure."""

from __future__ import annotations

from ...model.network import address_text
from ..escape import escaped, shell_word
from ..folding import wrapped
from ..route_text import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence

    from ...model.subnet import Correction, Subnet, SubnetFinding, SubnetRoute


def lint_lines(subnets: Sequence[Subnet], findings: Sequence[SubnetFinding]) -> list[str]:
    """Each finding with its commands, then the number of what was looked at."""
    lines = []
    for finding in findings:
        lines += [f"! {_listed(finding.subnet, finding.route)}", *wrapped(_text(finding))]
        lines += [f"      {_command(one)}" for one in finding.corrections]
        lines.append("")
    routes = sum(len(subnet.routes) for subnet in subnets)
    looked = f"{counted(routes, 'host route')} of {counted(len(subnets), 'subnet')}"
    return [*lines, f"{counted(len(findings), 'finding') if findings else 'nothing found'} in {looked}"]


def lint_json(subnets: Sequence[Subnet], findings: Sequence[SubnetFinding], code: int) -> dict[str, Any]:
    """`lint --json`."""
    return {
        "schema": "guest-routes/lint/1",
        "exit_code": code,
        "subnets": len(subnets),
        "host_routes": sum(len(subnet.routes) for subnet in subnets),
        "findings": [
            {
                "kind": one.kind,
                "subnet": one.subnet.id,
                "name": one.subnet.name,
                "destination": str(one.route.destination),
                "next_hop": address_text(one.route.next_hop),
                "text": _text(one),
                "commands": [_command(correction) for correction in one.corrections],
            }
            for one in findings
        ],
    }


def _listed(subnet: Subnet, route: SubnetRoute) -> str:
    """The route, and its subnet by name and by the ID that the commands have."""
    named = f"{subnet.name}, ID {subnet.id}" if subnet.name else subnet.id
    return escaped(f"{_pair(route)}  (subnet {named}, {subnet.prefix})")


def _pair(route: SubnetRoute) -> str:
    return f"{route.destination},{address_text(route.next_hop)}"


def _text(finding: SubnetFinding) -> str:
    """What is wrong, in one sentence."""
    hop, other = address_text(finding.route.next_hop), finding.other
    if finding.kind == "no-gateway":
        assert other is not None and other.gateway is not None
        text = f"{hop} is in subnet {other}, {other.prefix}, but its gateway is {address_text(other.gateway)}"
    elif finding.kind == "no-subnet":
        text = f"{hop} is in no subnet of this project, and no gateway of another one, so it names no NIC"
    elif finding.kind == "metadata":
        text = "it leads the metadata service's address away, and the instance would lose its metadata"
    elif finding.kind == "no-effect":
        text = f"it has no effect: no other subnet has a gateway, so the default route leaves by {hop} anyway"
    else:
        assert other is not None and finding.other_route is not None
        text = f"subnet {other} lists it too, and an instance with NICs in both needs it once"
        if finding.kind == "conflict":
            first = address_text(finding.other_route.next_hop)
            text = f"subnet {other} lists the same destination by {first}, and an instance can have one of them only"
        if other is not finding.subnet:  # Subnets don't tell which of them an instance has.
            text += f"; unset it only if no instance has a NIC in {finding.subnet} and none in {other}"
    return escaped(text)


def _command(one: Correction) -> str:
    """By the subnet's ID: names are any tenant's to choose, as another subnet's ID or an option among them."""
    verb = "set" if one.add else "unset"
    route = f"destination={one.route.destination},gateway={address_text(one.route.next_hop)}"
    return f"openstack subnet {verb} --host-route {route} {shell_word(one.subnet.id)}"

"""Say from where the server may be asked, by which names, and which proxies are believed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

from omentum.errors import ConfigError

__all__ = ["HERE", "LOCAL_ACCESS", "Access", "checked_access"]

HERE = "127.0.0.1"
_LOOPBACK = frozenset({HERE, "localhost", "::1"})
_EVERYWHERE = frozenset({"0.0.0.0", "::"})
_HOST_NAME = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,99}")
_TAKEN_HEADERS = frozenset(
    {"authorization", "cookie", "host", "origin", "x-forwarded-for", "x-forwarded-host"}
)
_LEAST_BITS = {4: 8, 6: 32}
"""Of a network of proxies, by version of IP: that of 10.0.0.0/8, and what one provider has."""

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How the server is reached."""

    host: str = HERE
    """Address on which it listens."""
    host_names: frozenset[str] = _LOOPBACK
    """What may be in the header `Host`."""
    proxies: tuple[Network, ...] = ()
    """Peers whose `X-Forwarded-` headers are believed."""
    user_header: str = ""
    """Header in which a proxy names who asks, in small letters; empty where none does."""
    certificate: tuple[Path, Path] | None = None
    """Files with certificate and key, for TLS."""

    @property
    def is_here_alone(self) -> bool:
        """Whether only this machine can ask."""
        return self.host in _LOOPBACK

    @property
    def takes_proxies_alone(self) -> bool:
        """Whether passwords would cross a network in the clear if others than proxies asked."""
        return not self.is_here_alone and self.certificate is None

    def is_proxy(self, address: str) -> bool:
        """Tell whether an address is that of a proxy which is believed."""
        try:
            known = ip_address(address)
        except ValueError:
            return False
        mapped = getattr(known, "ipv4_mapped", None) or known
        return any(mapped in network for network in self.proxies)


LOCAL_ACCESS = Access()
"""Of a server that only its own machine can ask."""


def checked_access(
    *,
    host: str = HERE,
    host_names: Sequence[str] = (),
    proxies: Sequence[str] = (),
    user_header: str = "",
    certificate: tuple[Path | None, Path | None] = (None, None),
    has_people: bool,
) -> Access:
    """Check how a server is to be reached.

    Args:
        host: Address on which it listens.
        host_names: Names by which browsers open it, besides those of this machine.
        proxies: Addresses or networks of proxies that are believed.
        user_header: Header in which they name who asks.
        certificate: Files with certificate and key.
        has_people: Whether people log in.

    Raises:
        ConfigError: A value that cannot be used, or one that would let others in.
    """
    files = _certificate(*certificate)
    access = Access(
        host=_address(host),
        host_names=_LOOPBACK | {_host_name(name) for name in host_names} | ({host} - _EVERYWHERE),
        proxies=tuple(_network(text) for text in proxies),
        user_header=_header(user_header, proxies),
        certificate=files,
    )
    if not has_people:
        _check_without_people(access, host_names)
    if host in _EVERYWHERE and not host_names:
        rule = "browsers open it by a name or an address; give each with --host-name"
        raise ConfigError("--host", host, rule)
    if access.takes_proxies_alone and not access.proxies:
        rule = (
            "passwords would cross the network in the clear; give --tls-cert and --tls-key, or name with "
            "--proxy the proxy that does TLS"
        )
        raise ConfigError("--host", host, rule)
    return access


def _check_without_people(access: Access, host_names: Sequence[str]) -> None:
    """Refuse what lets other machines in where no one logs in."""
    cure = "make an admin first with `omentum people add NAME --role admin`"
    if not access.is_here_alone:
        rule = (
            f"there are no people, so that it must be {HERE}: the server serves this machine alone; {cure}, "
            "or from another machine use `ssh -L 8765:127.0.0.1:8765` and open the link there"
        )
        raise ConfigError("--host", access.host, rule)
    given = {
        "--proxy": ", ".join(map(str, access.proxies)),
        "--host-name": ", ".join(host_names),
        "--tls-cert": str(access.certificate[0]) if access.certificate else "",
    }
    for option, value in given.items():
        if value:
            raise ConfigError(option, value, f"it is for people who log in, and there are none; {cure}")


def _address(host: str) -> str:
    if host == "localhost":
        return HERE
    try:
        return str(ip_address(host))
    except ValueError:
        rule = (
            "it must be an address of this machine, such as 127.0.0.1 or 0.0.0.0; names go into --host-name"
        )
        raise ConfigError("--host", host, rule) from None


def _host_name(name: str) -> str:
    if not _HOST_NAME.fullmatch(name):
        rule = "it must be a name such as review.hospital.org, without http:// and without a port"
        raise ConfigError("--host-name", name, rule)
    return name.lower()


def _network(text: str) -> Network:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        rule = "it must be an address or a network, such as 10.0.0.5 or 10.0.0.0/24"
        raise ConfigError("--proxy", text, rule) from None
    least = _LEAST_BITS[network.version]
    if network.prefixlen < least:
        rule = (
            f"strangers would be believed, as it has too many addresses: a network of IPv{network.version} "
            f"must be /{least} or narrower; name the proxy's own address"
        )
        raise ConfigError("--proxy", text, rule)
    return network


def _header(name: str, proxies: Sequence[str]) -> str:
    if not name:
        return ""
    if not _HEADER.fullmatch(name) or name.lower() in _TAKEN_HEADERS:
        rule = "it must be a header of its own, such as X-Remote-User"
        raise ConfigError("--proxy-user-header", name, rule)
    if not proxies:
        rule = "anybody could send it; name the proxy that sets it with --proxy"
        raise ConfigError("--proxy-user-header", name, rule)
    return name.lower()


def _certificate(cert: Path | None, key: Path | None) -> tuple[Path, Path] | None:
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        missing, given = ("--tls-cert", key) if cert is None else ("--tls-key", cert)
        raise ConfigError(missing, "missing", f"certificate and key go together, and {given} is given alone")
    for option, path in (("--tls-cert", cert), ("--tls-key", key)):
        if not path.is_file():
            raise ConfigError(option, str(path), "there is no such file; name one in PEM form")
    return cert, key

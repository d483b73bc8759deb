"""Addresses that no request of ours may go to (RFC 6890 and the IANA special-purpose registries).

An explicit list beside ``ipaddress.is_global``, which changes with the version of Python and lets
multicast, site-local, the local NAT64 prefix and others pass. Whatever carries an IPv4 address
inside (mapped, compatible, 6to4, Teredo, both NAT64 prefixes) is refused as a whole: on some
network it leads to that IPv4 address.
"""

import ipaddress

IPV4 = (
    "0.0.0.0/8",  # this network
    "10.0.0.0/8",  # private
    "100.64.0.0/10",  # shared between carriers and customers
    "127.0.0.0/8",  # loopback
    "169.254.0.0/16",  # link-local, and the metadata services of clouds
    "172.16.0.0/12",  # private
    "192.0.0.0/24",  # protocol assignments
    "192.0.2.0/24",  # documentation
    "192.31.196.0/24",  # AS112
    "192.52.193.0/24",  # automatic multicast tunnels
    "192.88.99.0/24",  # 6to4 relays
    "192.168.0.0/16",  # private
    "192.175.48.0/24",  # AS112
    "198.18.0.0/15",  # benchmarks
    "198.51.100.0/24",  # documentation
    "203.0.113.0/24",  # documentation
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, and the broadcast address
)
IPV6 = (
    "::/96",  # unspecified, loopback, and IPv4-compatible
    "::ffff:0:0/96",  # IPv4-mapped
    "::ffff:0:0:0/96",  # IPv4-translated
    "64:ff9b::/96",  # NAT64
    "64:ff9b:1::/48",  # NAT64 of the local network
    "100::/64",  # discarded
    "100:0:0:1::/64",  # dummy
    "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
    "2001:db8::/32",  # documentation
    "2002::/16",  # 6to4
    "2620:4f:8000::/48",  # AS112
    "3fff::/20",  # documentation
    "5f00::/16",  # segment routing
    "fc00::/7",  # unique local
    "fe80::/10",  # link-local
    "fec0::/10",  # site-local
    "ff00::/8",  # multicast
)
SPECIAL = tuple(ipaddress.ip_network(network) for network in (*IPV4, *IPV6))
# All that has been given out for the public Internet so far lies in here.
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")


def is_special_use(text: str) -> bool:
    """Whether an address, as a resolver gives it, is anything but a plain public one."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return True
    if isinstance(address, ipaddress.IPv6Address) and (
        address.scope_id is not None or address not in GLOBAL_UNICAST
    ):
        return True
    return not address.is_global or any(
        address in network for network in SPECIAL if network.version == address.version
    )


def is_loopback(text: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False

"""Every range that no request may go to, by its first, a middle and its last address."""

import ipaddress

import pytest

from oauth_ext.special_use import SPECIAL, is_loopback, is_special_use

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "93.184.216.34",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.255",
    "192.0.3.0",
    "192.88.98.255",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.99.255",
    "203.0.114.0",
    "223.255.255.255",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2001:db7:ffff::1",
    "2003::1",
    "2606:4700::6810:85e5",
    "2a00:1450:4001::200e",
]
# The ranges by name, apart from the list in the module: both must know each of them.
SPECIAL_ADDRESSES = [
    # B10: what one version of Python or another calls public.
    "224.0.0.1",
    "ff02::1",
    "fec0::1",
    "64:ff9b:1::1",
    "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
    "::127.0.0.1",
    "192.0.0.8",
    "192.0.0.9",
    "192.88.99.1",
    "3fff::1",
    "3fff:fff:ffff::1",
    "5f00::1",
    # IPv4
    "0.0.0.0",  # noqa: S104
    "0.255.255.255",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.170",
    "192.0.2.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    # IPv6
    "::",
    "::1",
    "::10.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::8.8.8.8",
    "64:ff9b::a9fe:a9fe",
    "100::1",
    "100:0:0:1::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:1ff:ffff::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:808:808::1",
    "2620:4f:8000::1",
    "fc00::1",
    "fd00:ec2::254",
    "fdff:ffff::1",
    "fe80::1",
    "fe80::1%eth0",
    "febf::1",
    "feff::1",
    "ff00::1",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "4000::1",
    "8000::1",
    "e000::1",
    # A scope makes any address a local one.
    "2606:4700::1%eth0",
    # Nothing that a resolver says.
    "",
    "app.example",
    "127.1",
    "0x7f000001",
    "8.8.8.8/32",
]


@pytest.mark.case(46)
@pytest.mark.parametrize("address", SPECIAL_ADDRESSES)
def test_no_request_goes_to_a_special_address(address: str) -> None:
    assert is_special_use(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_allowed(address: str) -> None:
    assert not is_special_use(address)


@pytest.mark.case(46)
@pytest.mark.parametrize("network", SPECIAL, ids=str)
def test_the_whole_of_each_range_is_special(
    network: ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> None:
    middle = network.network_address + network.num_addresses // 2
    for address in (network.network_address, middle, network.broadcast_address):
        assert is_special_use(str(address))


@pytest.mark.parametrize(
    ("address", "own"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("10.0.0.1", False), ("x", False)],
)
def test_loopback_is_this_machine_only(address: str, own: bool) -> None:
    assert is_loopback(address) is own

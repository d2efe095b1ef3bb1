"""The devices of the TLS bench against a broker that speaks a few words of MQTT, over real TLS on loopback."""

import socket
import ssl
import struct
import threading

import pytest

from bench import tls_fleet
from bench.tls_fleet import Credentials, Fleet, _connect_packet, _first_packet
from deploy.native import certificates
from deploy.site import Site


@pytest.fixture
def site(tmp_path):
    found = Site.load(data=tmp_path / "s", port_base=29900)
    certificates.provide(found)
    return found


class Broker:
    """Accepts everybody, acknowledges, answers presses with a receipt from the second copy on."""

    def __init__(self, site):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(site.data / "tls" / "server.pem", site.data / "tls" / "server.key")
        self._listener = context.wrap_socket(socket.create_server(("127.0.0.1", 0), backlog=50), server_side=True)
        self.port = self._listener.getsockname()[1]
        self.open, self.clients, self.presses = [], [], 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except ssl.SSLError:
                continue
            except OSError:
                return
            self.open.append(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        data = b""
        try:
            while more := sock.recv(4096):
                data += more
                while packet := _first_packet(data):
                    head, body, size = packet
                    data = data[size:]
                    self._answer(sock, head, body)
        except OSError:
            return

    def _answer(self, sock, head, body):
        match head >> 4:
            case 1:
                self.clients.append(body)
                sock.sendall(b"\x20\x02\x00\x00")
            case 8:
                sock.sendall(b"\x90\x03" + body[:2] + b"\x01")
            case 3:
                size = int.from_bytes(body[:2], "big")
                sock.sendall(b"\x40\x02" + body[2 + size : 4 + size])
                if body[2 : 2 + size].endswith(b"/event"):
                    self.presses += 1
                    if self.presses >= 2:
                        topic, said = b"shouwang/v1/330282998/h-1.sos/receipt", b'{"code":"ok","seq":1}'
                        rest = struct.pack(">H", len(topic)) + topic + b"\x00\x07" + said
                        sock.sendall(b"\x32" + bytes([len(rest)]) + rest)

    def throw_out(self):
        for sock in self.open:
            sock.shutdown(socket.SHUT_RDWR)
        self.open.clear()

    def close(self):
        self._listener.close()


@pytest.fixture
def broker(site):
    opened = Broker(site)
    yield opened
    opened.close()


@pytest.fixture
def fleet(site, broker, monkeypatch):
    monkeypatch.setattr(tls_fleet, "AGAIN_S", 0.2)
    opened = Fleet(
        "127.0.0.1", broker.port, str(site.ca), [Credentials(f"h-{n}", "sos", f"pw-{n}") for n in range(20)], 0.3
    )
    yield opened
    opened.close()


def test_all_come_and_all_come_back(fleet, broker):
    fleet.connect()
    assert fleet.run(lambda: fleet.up == 20, 20)
    assert fleet.run(lambda: fleet.acknowledged >= 20, 10)  # each has said that it is there
    assert len(broker.clients) == 20
    broker.throw_out()
    assert fleet.run(lambda: fleet.lost == 20, 20)
    assert fleet.run(lambda: fleet.up == 20, 20)
    assert (fleet.under_way, len(broker.clients)) == (0, 40)


def test_a_press_is_said_again_until_its_receipt(fleet, broker):
    fleet.press_at(0.0, 1)  # before it ever was connected: it does not wait for its turn
    assert fleet.run(lambda: fleet.receipt_wall_s, 20)
    assert broker.presses == 2
    assert fleet.pressed_wall_s.keys() == fleet.receipt_wall_s.keys() == {"h-1"}
    assert fleet.up == 1


def test_a_broker_that_nobody_vouches_for_is_refused(site, broker, tmp_path):
    other = Site.load(data=tmp_path / "o", port_base=29900)
    certificates.provide(other)
    fleet = Fleet("127.0.0.1", broker.port, str(other.ca), [Credentials("h-1", "sos", "pw")])
    fleet.connect()
    assert fleet.run(lambda: fleet.failed == 1, 20)
    assert (fleet.up, broker.clients) == (0, [])
    fleet.close()


def test_the_first_packet_says_who_it_is_and_what_is_to_be_said_if_it_dies():
    packet = _connect_packet(Credentials("h-1", "sos", "geheim"))
    head, body, size = _first_packet(packet + b"more")
    assert (head, size) == (0x10, len(packet))
    assert body[:10] == b"\x00\x04MQTT\x04\xec\x00\x3c"
    assert b'{"online": false}' in body
    assert body.endswith(b"\x00\x06geheim")


@pytest.mark.parametrize("cut", range(5))
def test_a_packet_that_is_not_whole_is_waited_for(cut):
    packet = b"\x30\x85\x01" + bytes(133)
    assert _first_packet(packet[: len(packet) - cut - 1]) is None
    assert _first_packet(packet) == (0x30, bytes(133), 136)

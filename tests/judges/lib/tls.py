"""TLS before servers that have none, and a count of the connections that are made through it."""

import datetime
import ipaddress
import select
import socket
import ssl
import threading
from contextlib import contextmanager

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

DAY = datetime.timedelta(days=1)
PEM = serialization.Encoding.PEM


def certify(folder):
    """Makes this machine's loopback a certificate of its own, and its key; the two files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = x509.CertificateBuilder(
        issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=1,
        not_valid_before=now - DAY, not_valid_after=now + DAY,
    ).add_extension(x509.SubjectAlternativeName([address]), critical=False).sign(key, hashes.SHA256())
    certificate, secret = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(PEM))
    secret.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return certificate, secret


class Doors:
    """What is reached with TLS, and how many connections have been made to it."""

    def __init__(self, certificate, secret):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, secret)
        self.carried = []
        self.listeners = []

    def opened(self):
        return len(self.carried)

    def before(self, origin):
        """The address at which `origin`, of this machine, is reached with TLS."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.listeners.append(listener)
        port = int(origin.rsplit(":", 1)[1])
        threading.Thread(target=self.accept, args=(listener, port), daemon=True).start()
        return f"https://127.0.0.1:{listener.getsockname()[1]}"

    def accept(self, listener, port):
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.carry, args=(plain, port), daemon=True).start()

    def carry(self, plain, port):
        """Carries one connection, both ways, until either side closes it."""
        try:
            outer = self.context.wrap_socket(plain, server_side=True)
        except OSError:
            plain.close()
            return
        self.carried.append(port)
        with outer, socket.create_connection(("127.0.0.1", port)) as inner:
            for end in (outer, inner):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                while True:
                    # What is decrypted already cannot be waited for.
                    ready = [outer] if outer.pending() else select.select([outer, inner], [], [])[0]
                    for source in ready:
                        some = source.recv(65_536)
                        if not some:
                            return
                        (inner if source is outer else outer).sendall(some)
            except OSError:
                return


@contextmanager
def doors(certificate, secret):
    """Doors that are shut in the end."""
    made = Doors(certificate, secret)
    try:
        yield made
    finally:
        for listener in made.listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()

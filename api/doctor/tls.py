"""What a server says of itself when TLS begins."""

import asyncio
import socket
import ssl
import time
import warnings
from dataclasses import dataclass

SECONDS = 5.0


@dataclass(frozen=True)
class Certificate:
    """How many days a certificate that fits its name is still good for; or why it does not."""

    days_left: float
    fault: str = ""


async def certificate(host: str, port: int, ca: str | None = None) -> Certificate:
    """The certificate of a server, checked as browsers do it."""
    return await asyncio.to_thread(_certificate, host, port, ca)


async def speaks(host: str, port: int, version: ssl.TLSVersion) -> bool | None:
    """Whether it accepts this version of TLS and no other; None where we cannot even ask."""
    return await asyncio.to_thread(_speaks, host, port, version)


def _certificate(host: str, port: int, ca: str | None) -> Certificate:
    context = ssl.create_default_context(cafile=ca)
    try:
        with (
            socket.create_connection((host, port), SECONDS) as raw,
            context.wrap_socket(raw, server_hostname=host) as wrapped,
        ):
            found = wrapped.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        return Certificate(0, error.verify_message)
    return Certificate((ssl.cert_time_to_seconds(str(found["notAfter"])) - time.time()) / 86_400)


def _speaks(host: str, port: int, version: ssl.TLSVersion) -> bool | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # old versions are what we ask for
            context.minimum_version = context.maximum_version = version
            context.set_ciphers("ALL:@SECLEVEL=0")
    except (ValueError, ssl.SSLError):
        return None
    with socket.create_connection((host, port), SECONDS) as raw:
        try:
            with context.wrap_socket(raw, server_hostname=host):
                return True
        except ssl.SSLError as error:
            return None if error.reason == "NO_PROTOCOLS_AVAILABLE" else False
        except ConnectionResetError:
            return False

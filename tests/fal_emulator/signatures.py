# SPDX-License-Identifier: GPL-3.0-or-later
"""Ed25519 (RFC 8032) for webhook signatures: signing only, small instead of fast or secret."""

import base64
import hashlib

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, -1, PRIME) % PRIME
Point = tuple[int, int, int, int]  # X, Y, Z, T with x = X/Z, y = Y/Z, xy = T/Z.


def _added(first: Point, second: Point) -> Point:
    a = (first[1] - first[0]) * (second[1] - second[0]) % PRIME
    b = (first[1] + first[0]) * (second[1] + second[0]) % PRIME
    c = 2 * first[3] * second[3] * CURVE % PRIME
    d = 2 * first[2] * second[2] % PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def _times(factor: int, point: Point) -> Point:
    found: Point = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            found = _added(found, point)
        point = _added(point, point)
        factor >>= 1
    return found


def _base_point() -> Point:
    y = 4 * pow(5, -1, PRIME) % PRIME
    square = (y * y - 1) * pow(CURVE * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if x * x % PRIME != square:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    x = PRIME - x if x & 1 else x
    return x, y, 1, x * y % PRIME


BASE = _base_point()


def _packed(point: Point) -> bytes:
    inverse = pow(point[2], -1, PRIME)
    x, y = point[0] * inverse % PRIME, point[1] * inverse % PRIME
    return (y | (x & 1) << 255).to_bytes(32, "little")


class SigningKey:
    """A key pair; ``secret`` is 32 bytes."""

    def __init__(self, secret: bytes) -> None:
        digest = hashlib.sha512(secret).digest()
        number = int.from_bytes(digest[:32], "little")
        self._scalar = (number & (1 << 254) - 8) | 1 << 254
        self._prefix = digest[32:]
        self.public = _packed(_times(self._scalar, BASE))

    def sign(self, message: bytes) -> bytes:
        nonce = _number(self._prefix + message)
        point = _packed(_times(nonce, BASE))
        challenge = _number(point + self.public + message)
        return point + ((nonce + challenge * self._scalar) % ORDER).to_bytes(32, "little")

    def json_web_key(self) -> dict[str, str]:
        x = base64.urlsafe_b64encode(self.public).rstrip(b"=").decode()
        return {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "x": x}


def _number(data: bytes) -> int:
    return int.from_bytes(hashlib.sha512(data).digest(), "little") % ORDER

#!/usr/bin/env python3
"""A second, independent verifier of Tidemark proof files (`tidemark-proof/1`).

Written from the two contract pages alone (the event log and proof file; DLM1 and SPV), Python 3.11,
standard library only, so that it shares no code and no library with the verifier it is held against.

    verify.py [--dev] [--log-key KEY] [--publisher KEY] [--min-confs N] [--batch] FILE…
    verify.py --self-test DIR        DIR holds log.json and dlm1.json, and `public/` if it is there

Prints one JSON line for each proof. Exit 0: all valid, 1: some invalid, 2: misuse.
With `--batch` every FILE is a JSON array of proofs.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import json
import math
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256, sha512
from pathlib import Path
from typing import Any, NoReturn

MAX_SAFE = 2**53 - 1
DEV_CHAIN = "tidemark-dev"
DEV_FLOOR_BITS = 0x1F0FFFFF
MAX_LEAF_BYTES = 65_535
MAX_FUSED_INPUTS = 256


class Invalid(Exception):
    """The first broken link: `reason` is a word of the contracts, `detail` is for people."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def malformed(detail: str) -> NoReturn:
    raise Invalid("malformed", detail)


# --- JSON in -------------------------------------------------------------------------------------


class Unreadable:
    """Stands where a value is no I-JSON (RFC 7493), so that one bad item of a batch spoils only itself."""

    def __init__(self, why: str) -> None:
        self.why = why


def read_object(pairs: list[tuple[str, Any]]) -> Any:
    members = dict(pairs)
    return members if len(members) == len(pairs) else Unreadable("duplicate member name")


def read_float(token: str) -> Any:
    value = float(token)
    if math.isinf(value):
        return Unreadable("number out of range")
    # 17.0 and 1.7e1 are the JSON number 17.
    return int(value) if value.is_integer() and abs(value) <= MAX_SAFE else value


def read_int(token: str) -> Any:
    if len(token) <= 17 and abs(int(token)) <= MAX_SAFE:
        return int(token)
    value = float(token)
    # Past 2^53 many integers share one double; only the one that RFC 8785 would write is unambiguous.
    if math.isinf(value) or es_number(value) != token:
        return Unreadable("integer that no double holds")
    return value


def parse_json(data: bytes) -> Any:
    """Raises ValueError or RecursionError when `data` is not one JSON text in UTF-8."""
    return json.loads(
        data.decode("utf-8"),
        object_pairs_hook=read_object,
        parse_float=read_float,
        parse_int=read_int,
        parse_constant=lambda name: Unreadable(f"{name} is not JSON"),
    )


# --- RFC 8785 ------------------------------------------------------------------------------------


def es_number(value: float) -> str:
    """ECMAScript Number::toString (RFC 8785, 3.2.2.3); `repr` gives the same shortest digits."""
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    # The value is 0.DIGITS × 10^point.
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        written = digits + "0" * (point - count)
    elif 0 < point <= 21:
        written = f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        written = f"0.{'0' * -point}{digits}"
    else:
        tail = f".{digits[1:]}" if count > 1 else ""
        written = f"{digits[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return sign + written


ESCAPES = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}
ESCAPE_TABLE = {code: ESCAPES.get(code, f"\\u{code:04x}") for code in [*range(32), 34, 92]}


def utf16_order(key: str) -> bytes:
    # surrogatepass: an unpaired surrogate is refused with a proper reason when the text is encoded.
    return key.encode("utf-16-be", "surrogatepass")


def jcs_text(value: Any) -> str:
    match value:
        case None:
            return "null"
        case True:
            return "true"
        case False:
            return "false"
        case int():
            return str(value)
        case float():
            return es_number(value)
        case str():
            return f'"{value.translate(ESCAPE_TABLE)}"'
        case list():
            return f"[{','.join(map(jcs_text, value))}]"
        case dict():
            keys = sorted(value, key=utf16_order)
            return f"{{{','.join(f'{jcs_text(key)}:{jcs_text(value[key])}' for key in keys)}}}"
        case Unreadable():
            malformed(value.why)
        case _:
            raise TypeError(f"not a JSON value: {type(value).__name__}")


def jcs(value: Any) -> bytes:
    try:
        return jcs_text(value).encode("utf-8")
    except UnicodeEncodeError:
        malformed("unpaired surrogate")


# --- Hashes --------------------------------------------------------------------------------------


def hash256(data: bytes) -> bytes:
    return sha256(data).digest()


def double_hash(data: bytes) -> bytes:
    return hash256(hash256(data))


# --- RFC 9162 ------------------------------------------------------------------------------------


def leaf_hash(entry: bytes) -> bytes:
    return hash256(b"\x00" + entry)


def node_hash(left: bytes, right: bytes) -> bytes:
    return hash256(b"\x01" + left + right)


def inclusion_root(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes | None:
    """RFC 9162, 2.1.3.2: the root the path leads to; None when its length does not fit."""
    if not 0 <= index < size:
        return None
    position, last, node = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if position & 1 or position == last:
            node = node_hash(sibling, node)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        position, last = position >> 1, last >> 1
    return node if last == 0 else None


# --- secp256k1 -----------------------------------------------------------------------------------

SECP_P = 2**256 - 2**32 - 977
SECP_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
SECP_G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
    1,
)
# Jacobian coordinates (X/Z², Y/Z³); None is the point at infinity.
Jacobian = tuple[int, int, int] | None


def secp_double(point: Jacobian) -> Jacobian:
    if point is None:
        return None
    x, y, z = point
    yy = y * y % SECP_P
    s = 4 * x * yy % SECP_P
    m = 3 * x * x % SECP_P
    out_x = (m * m - 2 * s) % SECP_P
    return out_x, (m * (s - out_x) - 8 * yy * yy) % SECP_P, 2 * y * z % SECP_P


def secp_add(a: Jacobian, b: Jacobian) -> Jacobian:
    if a is None:
        return b
    if b is None:
        return a
    (ax, ay, az), (bx, by, bz) = a, b
    azz, bzz = az * az % SECP_P, bz * bz % SECP_P
    u, s = ax * bzz % SECP_P, ay * bzz * bz % SECP_P
    h, r = (bx * azz - u) % SECP_P, (by * azz * az - s) % SECP_P
    if h == 0:
        return secp_double(a) if r == 0 else None
    hh = h * h % SECP_P
    hhh, v = h * hh % SECP_P, u * hh % SECP_P
    x = (r * r - hhh - 2 * v) % SECP_P
    return x, (r * (v - x) - s * hhh) % SECP_P, az * bz * h % SECP_P


def secp_multiply(scalar: int, point: Jacobian) -> Jacobian:
    multiples: list[Jacobian] = [None]
    for _ in range(15):
        multiples.append(secp_add(multiples[-1], point))
    result: Jacobian = None
    for shift in range(252, -4, -4):
        for _ in range(4):
            result = secp_double(result)
        result = secp_add(result, multiples[scalar >> shift & 15])
    return result


@lru_cache(maxsize=1)
def secp_base_table() -> list[list[Jacobian]]:
    """Row i holds d·16^i·G for d = 0…15: a multiple of G is then 64 additions."""
    table: list[list[Jacobian]] = []
    base: Jacobian = SECP_G
    for _ in range(64):
        row: list[Jacobian] = [None]
        for _ in range(15):
            row.append(secp_add(row[-1], base))
        table.append(row)
        base = secp_add(row[-1], base)
    return table


def secp_multiply_base(scalar: int) -> Jacobian:
    result: Jacobian = None
    for i, row in enumerate(secp_base_table()):
        result = secp_add(result, row[scalar >> 4 * i & 15])
    return result


def secp_affine(point: Jacobian) -> tuple[int, int]:
    assert point is not None
    x, y, z = point
    inverse = pow(z, -1, SECP_P)
    return x * inverse * inverse % SECP_P, y * inverse**3 % SECP_P


@lru_cache(maxsize=4096)
def secp_decompress(key: bytes) -> Jacobian:
    """SEC 1 compressed form; None when `key` names no point of the curve."""
    if len(key) != 33 or key[0] not in (2, 3):
        return None
    x = int.from_bytes(key[1:])
    square = (x**3 + 7) % SECP_P
    y = pow(square, (SECP_P + 1) // 4, SECP_P)
    if x >= SECP_P or y * y % SECP_P != square:
        return None
    return x, y if y & 1 == key[0] & 1 else SECP_P - y, 1


def der_integer(data: bytes) -> tuple[int, bytes] | None:
    """One positive, minimally encoded INTEGER, and the bytes after it."""
    if len(data) < 3 or data[0] != 2:
        return None
    length, rest = data[1], data[2:]
    if not 0 < length <= min(33, len(rest)) or rest[0] & 0x80:
        return None
    if length > 1 and rest[0] == 0 and not rest[1] & 0x80:
        return None
    return int.from_bytes(rest[:length]), rest[length:]


def der_signature(data: bytes) -> tuple[int, int] | None:
    if len(data) < 8 or data[0] != 0x30 or data[1] != len(data) - 2:
        return None
    first = der_integer(data[2:])
    second = der_integer(first[1]) if first else None
    if first is None or second is None or second[1]:
        return None
    return first[0], second[0]


@lru_cache(maxsize=4096)
def ecdsa_verifies(point: Jacobian, digest: bytes, signature: bytes) -> bool:
    """Strict DER, low-S; `digest` is the 32 bytes that were signed as they are."""
    pair = der_signature(signature)
    if pair is None or point is None:
        return False
    r, s = pair
    if not (0 < r < SECP_N and 0 < s <= SECP_N // 2):
        return False
    inverse = pow(s, -1, SECP_N)
    base = secp_multiply_base(int.from_bytes(digest) * inverse % SECP_N)
    total = secp_add(base, secp_multiply(r * inverse % SECP_N, point))
    return total is not None and secp_affine(total)[0] % SECP_N == r


# --- Ed25519 -------------------------------------------------------------------------------------

ED_P = 2**255 - 19
ED_L = 2**252 + 27742317777372353535851937790883648493
ED_D = -121665 * pow(121666, -1, ED_P) % ED_P
ED_I = pow(2, (ED_P - 1) // 4, ED_P)
# Extended coordinates (X, Y, Z, T), RFC 8032, 5.1.4.
Extended = tuple[int, int, int, int]
ED_ZERO: Extended = (0, 1, 1, 0)


def ed_add(a: Extended, b: Extended) -> Extended:
    (ax, ay, az, at), (bx, by, bz, bt) = a, b
    m, n = (ay - ax) * (by - bx) % ED_P, (ay + ax) * (by + bx) % ED_P
    t, z = 2 * at * bt * ED_D % ED_P, 2 * az * bz % ED_P
    e, f, g, h = n - m, z - t, z + t, n + m
    return e * f % ED_P, g * h % ED_P, f * g % ED_P, e * h % ED_P


def ed_multiply(scalar: int, point: Extended) -> Extended:
    multiples = [ED_ZERO]
    for _ in range(15):
        multiples.append(ed_add(multiples[-1], point))
    result = ED_ZERO
    for shift in range(252, -4, -4):
        for _ in range(4):
            result = ed_add(result, result)
        result = ed_add(result, multiples[scalar >> shift & 15])
    return result


def ed_decode(data: bytes) -> Extended | None:
    number = int.from_bytes(data, "little")
    y, odd = number & (2**255 - 1), number >> 255
    if len(data) != 32 or y >= ED_P:
        return None
    square = (y * y - 1) * pow(ED_D * y * y + 1, -1, ED_P) % ED_P
    x = pow(square, (ED_P + 3) // 8, ED_P)
    if x * x % ED_P != square:
        x = x * ED_I % ED_P
    if x * x % ED_P != square or (x == 0 and odd):
        return None
    x = x if x & 1 == odd else ED_P - x
    return x, y, 1, x * y % ED_P


def ed_encode(point: Extended) -> bytes:
    inverse = pow(point[2], -1, ED_P)
    x, y = point[0] * inverse % ED_P, point[1] * inverse % ED_P
    return (y | (x & 1) << 255).to_bytes(32, "little")


@lru_cache(maxsize=1)
def ed_base() -> Extended:
    base = ed_decode((4 * pow(5, -1, ED_P) % ED_P).to_bytes(32, "little"))
    assert base is not None
    return base


@lru_cache(maxsize=4096)
def ed25519_verifies(key: bytes, message: bytes, signature: bytes) -> bool:
    point = ed_decode(key)
    if point is None or len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], "little")
    if s >= ED_L:
        return False
    challenge = int.from_bytes(sha512(signature[:32] + key + message).digest(), "little") % ED_L
    x, y, z, t = ed_multiply(challenge, point)
    negated = (ED_P - x, y, z, ED_P - t)
    return ed_encode(ed_add(ed_multiply(s, ed_base()), negated)) == signature[:32]


# --- Shapes --------------------------------------------------------------------------------------

HEX = re.compile(r"(?:[0-9a-f]{2})*")
HEX32 = re.compile(r"[0-9a-f]{32}")
HEX64 = re.compile(r"[0-9a-f]{64}")
HEX160 = re.compile(r"[0-9a-f]{160}")
PUBLIC_KEY = re.compile(r"0[23][0-9a-f]{64}")
INTEGER_LIKE = re.compile(r"0|[1-9][0-9]*")
CLOCK = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)"
LEAF_TIME = re.compile(CLOCK + r"\.[0-9]{3}Z")
RFC3339 = re.compile(CLOCK + r"(?:\.[0-9]+)?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])", re.IGNORECASE)

Check = Callable[[Any, str], Any]


def text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        malformed(f"{where} is not a string")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        malformed(f"{where} holds an unpaired surrogate")
    return value


def name(value: Any, where: str) -> str:
    return text(value, where) or malformed(f"{where} is empty")


def matching(pattern: re.Pattern[str]) -> Check:
    def check(value: Any, where: str) -> str:
        if not pattern.fullmatch(text(value, where)):
            malformed(f"{where} does not match {pattern.pattern}")
        return value

    return check


def integer(least: int, most: int = MAX_SAFE) -> Check:
    def check(value: Any, where: str) -> int:
        if type(value) is not int or not least <= value <= most:
            malformed(f"{where} is not an integer from {least} to {most}")
        return value

    return check


def exactly(wanted: Any) -> Check:
    def check(value: Any, where: str) -> Any:
        if type(value) is not type(wanted) or value != wanted:
            malformed(f"{where} is not {wanted!r}")
        return value

    return check


def one_of(*wanted: str) -> Check:
    def check(value: Any, where: str) -> str:
        if text(value, where) not in wanted:
            malformed(f"{where} is none of {', '.join(wanted)}")
        return value

    return check


def array(item: Check, least: int = 0, most: int | None = None) -> Check:
    def check(value: Any, where: str) -> list[Any]:
        if not isinstance(value, list) or len(value) < least or (most is not None and len(value) > most):
            malformed(f"{where} is not an array of the right length")
        for i, entry in enumerate(value):
            item(entry, f"{where}[{i}]")
        return value

    return check


def row(*items: Check) -> Check:
    def check(value: Any, where: str) -> list[Any]:
        if not isinstance(value, list) or len(value) != len(items):
            malformed(f"{where} does not have {len(items)} entries")
        for i, item in enumerate(items):
            item(value[i], f"{where}[{i}]")
        return value

    return check


def anything(value: Any, where: str) -> Any:
    del where
    jcs(value)  # whatever is hashed must be I-JSON
    return value


def members(required: dict[str, Check], optional: dict[str, Check] | None = None, open_ended: bool = False) -> Check:
    known = required | (optional or {})

    def check(value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            malformed(f"{where} is not an object" + (f" ({value.why})" if isinstance(value, Unreadable) else ""))
        for key in required.keys() - value.keys():
            malformed(f"{where} lacks {key}")
        for key, entry in value.items():
            if key in known:
                known[key](entry, f"{where}.{key}")
            elif not open_ended:
                malformed(f"{where} has the unknown member {key!r}")
        return value

    return check


hex32, hex64, hex_bytes, public_key = map(matching, (HEX32, HEX64, HEX, PUBLIC_KEY))
source_and_seq = (name, integer(1))
event = {
    "source": name,
    "seq": integer(1),
    "eventId": hex32,
    "eventTime": matching(LEAF_TIME),
    "rawHash": hex64,
    "policyHash": hex64,
}
fused = {
    "eventId": hex32,
    "eventTime": matching(LEAF_TIME),
    "inputs": array(row(*source_and_seq, hex64, hex64), 1, MAX_FUSED_INPUTS),
    "policyHash": hex64,
    "decision": hex64,
    "payloadHash": hex64,
}
LEAF_MEMBERS: dict[str, tuple[dict[str, Check], dict[str, Check]]] = {
    "header": ({"publisher": public_key, "logKey": name}, {}),
    "record": (event | {"payloadHash": hex64}, {"supersedes": row(*source_and_seq)}),
    "quarantined": (event | {"reasonsHash": hex64}, {}),
    "fused": (fused, {"supersedes": hex64}),
    "control": ({"action": name, "data": anything, "signature": name}, {}),
}
LEAF_CHECKS = {
    kind: members({"v": exactly(1), "kind": exactly(kind), "stream": name} | required, optional)
    for kind, (required, optional) in LEAF_MEMBERS.items()
}


def check_leaf(value: Any, where: str) -> dict[str, Any]:
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in LEAF_CHECKS:
        malformed(f"{where} is of no known kind")
    LEAF_CHECKS[kind](value, where)
    if len(jcs(value)) > MAX_LEAF_BYTES:
        malformed(f"{where} is longer than {MAX_LEAF_BYTES} bytes")
    return value


signed = {"publicKey": public_key, "signature": hex_bytes}
MANIFEST_REQUIRED: dict[str, Check] = {
    "type": exactly("datasetVersionManifest"),
    "datasetId": matching(re.compile(r".{3,}", re.DOTALL)),
    "content": members({"contentHash": hex64}, open_ended=True),
    "provenance": members(
        {"createdAt": matching(RFC3339)},
        {"producer": members({"identityKey": public_key}, open_ended=True)},
        open_ended=True,
    ),
    "policy": members(
        {"license": text, "classification": one_of("public", "internal", "restricted", "clinical-research")},
        open_ended=True,
    ),
}
MANIFEST_OPTIONAL: dict[str, Check] = {
    "description": text,
    "lineage": members({}, {"parents": array(hex64)}, open_ended=True),
    # No signature covers `role`, so the one word the contract knows is the only one let through.
    "signatures": members(
        {},
        {"producer": members(signed), "endorsements": array(members({"role": exactly("operator")} | signed))},
    ),
    "versionId": hex64,
}
manifest_members = members(MANIFEST_REQUIRED, MANIFEST_OPTIONAL)
log_members = members(
    {
        "origin": name,
        "hash": exactly("rfc9162-sha256"),
        "start": integer(0),
        "end": integer(1),
        "root": hex64,
        "through": anything,
        "config": hex64,
    },
    open_ended=True,
)


def check_keys(value: Any, where: str) -> None:
    """The member names on which the ecosystem's canonical form and RFC 8785 would part."""
    if isinstance(value, dict):
        for key, entry in value.items():
            if INTEGER_LIKE.fullmatch(key) or key in ("__proto__", "signatures", "versionId"):
                malformed(f"{where} has a member named {key!r}")
            check_keys(entry, f"{where}.{key}")
    elif isinstance(value, list):
        for entry in value:
            check_keys(entry, where)


def unsigned(manifest: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in manifest.items() if key not in ("signatures", "versionId")}


def check_manifest(value: Any, where: str) -> dict[str, Any]:
    manifest_members(value, where)
    jcs(value)
    check_keys(unsigned(value), where)
    return value


def check_packet(value: Any, where: str) -> dict[str, Any]:
    check_manifest(value, where)
    log = log_members(value["content"].get("log"), f"{where}.content.log")
    if log["start"] > log["end"]:
        malformed(f"{where}.content.log starts after its end")
    if not isinstance(log["through"], dict):
        malformed(f"{where}.content.log.through is not an object")
    for source, seq in log["through"].items():
        integer(0)(seq, f"{where}.content.log.through.{source}")
    return value


check_block_by_hash = members({"blockHash": hex64, "blockHeight": integer(0)})
check_block_by_header = members({"blockHeader": text})


def check_block(value: Any, where: str) -> dict[str, Any]:
    by_header = isinstance(value, dict) and "blockHeader" in value
    return (check_block_by_header if by_header else check_block_by_hash)(value, where)


check_envelope = members(
    {
        "rawTx": hex_bytes,
        "proof": members(
            {
                "txid": hex64,
                "merkleRoot": hex64,
                "path": array(members({"hash": hex64, "position": one_of("left", "right")})),
            }
        ),
        "block": check_block,
    },
    {"txid": hex64, "headerChain": array(text)},
)


def check_anchor(value: Any, where: str) -> dict[str, Any] | None:
    if value is None:
        return None
    chain = {"chain": one_of("main", "test", "regtest", DEV_CHAIN), "vout": integer(0, 2**32 - 1)}
    # An absent envelope has a word of its own, said when the anchor's turn comes.
    optional = {"envelope": lambda entry, at: entry if entry is None else check_envelope(entry, at)}
    return members(chain, optional)(value, where)


check_proof = members(
    {
        "format": exactly("tidemark-proof/1"),
        "leaf": check_leaf,
        "index": integer(0),
        "inclusion": array(hex64),
        "manifest": check_packet,
        "versionId": hex64,
        "checkpoint": text,
        "anchor": check_anchor,
    },
    {"payload": anything, "salt": hex64, "rollup": check_manifest},
)


# --- Checkpoints (C2SP signed-note, tlog-checkpoint) -----------------------------------------------


@dataclass(frozen=True)
class LogKey:
    name: str
    key_id: bytes
    key: bytes


@dataclass(frozen=True)
class Checkpoint:
    body: bytes
    origin: str
    size: int
    root: bytes
    signatures: list[tuple[str, bytes]]


def decode_base64(value: str) -> bytes:
    """Standard alphabet, padded, no spare bits: one text for one value."""
    try:
        data = base64.b64decode(value.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        malformed("checkpoint: not base64")
    if base64.b64encode(data).decode() != value:
        malformed("checkpoint: base64 is not canonical")
    return data


def key_name_fits(value: str) -> bool:
    return value != "" and "+" not in value and not any(c.isspace() for c in value)


def parse_log_key(value: str) -> LogKey:
    """`name+id+base64(0x01 ‖ key)`; raises Invalid."""
    parts = value.split("+", 2)
    if len(parts) != 3 or not key_name_fits(parts[0]) or not re.fullmatch(r"[0-9a-f]{8}", parts[1]):
        malformed("not a C2SP verifier key")
    data = decode_base64(parts[2])
    if len(data) != 33 or data[0] != 1:
        malformed("not an Ed25519 verifier key")
    key_id = hash256(parts[0].encode() + b"\n" + data)[:4]
    if key_id.hex() != parts[1]:
        malformed("the verifier key's id is not that of the key")
    return LogKey(parts[0], key_id, data[1:])


def parse_checkpoint(note: str) -> Checkpoint:
    if any(c < " " and c != "\n" for c in note):
        malformed("checkpoint: control character")
    split = note.rfind("\n\n")
    body, tail = note[: split + 1], note[split + 2 :]
    lines = body[:-1].split("\n")
    if split < 0 or not tail.endswith("\n") or len(lines) < 3 or not all(lines):
        malformed("checkpoint: not a signed note of three lines or more")
    signatures = []
    for line in tail[:-1].split("\n"):
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "\u2014" or not key_name_fits(parts[1]):
            malformed("checkpoint: bad signature line")
        signatures.append((parts[1], decode_base64(parts[2])))
        if len(signatures[-1][1]) <= 4:
            malformed("checkpoint: bad signature line")
    root = decode_base64(lines[2])
    # Sixteen digits: more than the leaves of any log, and safely an integer.
    if not re.fullmatch(r"0|[1-9][0-9]{0,15}", lines[1]) or len(root) != 32:
        malformed("checkpoint: bad size or root")
    return Checkpoint(body.encode(), lines[0], int(lines[1]), root, signatures)


# --- DLM1 ----------------------------------------------------------------------------------------


def version_id(manifest: dict[str, Any]) -> bytes:
    return hash256(jcs(unsigned(manifest)))


class Bytes:
    """A cursor that raises ValueError when it runs out."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.data):
            raise ValueError("truncated")
        self.at, start = end, self.at
        return self.data[start:end]

    def expect(self, wanted: bytes) -> None:
        if self.take(len(wanted)) != wanted:
            raise ValueError(f"expected {wanted.hex()}")

    def little(self, width: int) -> int:
        return int.from_bytes(self.take(width), "little")

    def done(self) -> bool:
        return self.at == len(self.data)


def cbor_array_length(cursor: Bytes) -> int:
    head = cursor.take(1)[0]
    if 0x80 <= head < 0x98:
        return head - 0x80
    if not 0x98 <= head <= 0x9B:
        raise ValueError("not an array of a definite length")
    width = 1 << head - 0x98
    length = int.from_bytes(cursor.take(width))
    if length < (24 if width == 1 else 1 << 4 * width):
        raise ValueError("length is not minimal")
    return length


def decode_anchor_map(data: bytes) -> tuple[bytes, list[bytes]]:
    """`{"mh": hash, "p"?: [hash, …]}` in this order and in one encoding only; raises ValueError."""
    cursor = Bytes(data)
    head = cursor.take(1)[0]
    if head not in (0xA1, 0xA2):
        raise ValueError("not a map of one or two entries")
    cursor.expect(b"\x62mh\x58\x20")
    commitment = cursor.take(32)
    parents: list[bytes] = []
    if head == 0xA2:
        cursor.expect(b"\x61p")
        for _ in range(cbor_array_length(cursor)):
            cursor.expect(b"\x58\x20")
            parents.append(cursor.take(32))
        if not parents:
            raise ValueError("no parents are written as no entry")
    if not cursor.done():
        raise ValueError("trailing bytes")
    return commitment, parents


def take_push(cursor: Bytes) -> bytes:
    opcode = cursor.take(1)[0]
    if opcode < 0x4C:
        return cursor.take(opcode)
    if opcode > 0x4E:
        raise ValueError("not a push")
    width = 1 << opcode - 0x4C
    length = cursor.little(width)
    if length < (0x4C if width == 1 else 1 << 4 * width):
        raise ValueError("push is not minimal")
    return cursor.take(length)


def decode_anchor_script(script: bytes) -> tuple[bytes, list[bytes]]:
    """`[OP_FALSE] OP_RETURN`, then `DLM1 ‖ CBOR` in one push or in two; raises ValueError."""
    cursor = Bytes(script[1:] if script[:1] == b"\x00" else script)
    cursor.expect(b"\x6a")
    data = take_push(cursor)
    if data == b"DLM1":
        data += take_push(cursor)
    if data[:4] != b"DLM1" or not cursor.done():
        raise ValueError("not a DLM1 script")
    return decode_anchor_map(data[4:])


def take_count(cursor: Bytes) -> int:
    first = cursor.little(1)
    if first < 0xFD:
        return first
    width = 2 << first - 0xFD
    value = cursor.little(width)
    if value < (0xFD if width == 2 else 1 << 4 * width):
        raise ValueError("count is not minimal")
    return value


def output_scripts(raw: bytes) -> list[bytes]:
    """The output scripts of a serialized transaction; raises ValueError."""
    cursor = Bytes(raw)
    cursor.take(4)
    for _ in range(take_count(cursor)):
        cursor.take(36)
        cursor.take(take_count(cursor) + 4)
    scripts = []
    for _ in range(take_count(cursor)):
        cursor.take(8)
        scripts.append(cursor.take(take_count(cursor)))
    cursor.take(4)
    if not cursor.done():
        raise ValueError("trailing bytes")
    return scripts


def committing_outputs(raw: bytes, wanted: bytes) -> list[int]:
    try:
        scripts = output_scripts(raw)
    except ValueError:
        return []
    found = []
    for vout, script in enumerate(scripts):
        try:
            if decode_anchor_script(script)[0] == wanted:
                found.append(vout)
        except ValueError:
            continue  # some other output
    return found


# --- SPV -----------------------------------------------------------------------------------------


def target_of(bits: int) -> int:
    """The compact form of a target; 0, which no hash meets, where it is negative."""
    exponent, mantissa = bits >> 24, bits & 0xFFFFFF
    if mantissa & 0x800000:
        return 0
    return mantissa << 8 * (exponent - 3) if exponent > 3 else mantissa >> 8 * (3 - exponent)


def check_work(header: bytes, floor_bits: int | None) -> None:
    target = target_of(int.from_bytes(header[72:76], "little"))
    if target >= 1 << 256 or int.from_bytes(double_hash(header), "little") > target:
        raise Invalid("insufficient-work", "the header does not meet its own target")
    if floor_bits is not None and target > target_of(floor_bits):
        raise Invalid("insufficient-work", "the header's target is easier than the floor")


def parse_header(value: str) -> bytes:
    if not HEX160.fullmatch(value):
        raise Invalid("invalid-block-header", "not 80 bytes of lower-case hex")
    return bytes.fromhex(value)


def merkle_root_of(txid: bytes, path: list[dict[str, str]]) -> bytes:
    """Both in the order in which they are hashed."""
    node = txid
    for step in path:
        sibling = bytes.fromhex(step["hash"])[::-1]
        on_the_left = step["position"] == "left"
        # An odd row repeats its last node on the right; with equal halves the side changes no hash.
        if on_the_left and sibling == node:
            raise Invalid("invalid-merkle-path", "a repeated node stands on the left")
        node = double_hash(sibling + node if on_the_left else node + sibling)
    return node


def check_header_chain(header: bytes, chain: list[str] | None, floor_bits: int | None) -> int:
    """The confirmations which consecutive headers, the block's own first, add up to."""
    if chain is None:
        return 1
    headers = [parse_header(entry) for entry in chain]
    if not headers or headers[0] != header:
        raise Invalid("invalid-block-header", "headerChain does not start with the block's own header")
    for before, after in zip(headers, headers[1:]):
        if after[4:36] != double_hash(before):
            raise Invalid("invalid-block-header", "headerChain is not linked")
        check_work(after, floor_bits)
    return len(headers)


def check_spv(envelope: dict[str, Any], vout: int, wanted: bytes, dev: bool) -> tuple[int, bytes]:
    """Confirmations, and the header of the block."""
    raw, proof = bytes.fromhex(envelope["rawTx"]), envelope["proof"]
    txid = double_hash(raw)
    if envelope.get("txid", proof["txid"]) != proof["txid"]:
        raise Invalid("txid-mismatch-top-level-vs-proof", "txid is not proof.txid")
    if txid[::-1].hex() != proof["txid"]:
        raise Invalid("txid-mismatch-rawtx-vs-proof", "proof.txid is not the hash of rawTx")
    if len(raw) == 64 or committing_outputs(raw, wanted) != [vout]:
        raise Invalid("tx-does-not-commit", "vout is not the one output that commits to the manifest")
    if "blockHeader" not in envelope["block"]:
        raise Invalid("unknown-block-hash", "no headers at hand to look the block up in")
    header = parse_header(envelope["block"]["blockHeader"])
    root = merkle_root_of(txid, proof["path"])
    if root != header[36:68] or root[::-1].hex() != proof["merkleRoot"]:
        raise Invalid("invalid-merkle-path", "the path does not lead to the block's root")
    floor_bits = DEV_FLOOR_BITS if dev else None
    check_work(header, floor_bits)
    confirmations = check_header_chain(header, envelope.get("headerChain"), floor_bits)
    if not dev:
        raise Invalid("unknown-block-hash", "no headers that link the block to a pin")
    return confirmations, header


# --- The proof -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Options:
    dev: bool = False
    log_key: LogKey | None = None
    publisher: str | None = None
    min_confs: int = 0


def check_payload(proof: dict[str, Any]) -> None:
    leaf = proof["leaf"]
    if "payload" not in proof:
        # Nothing would hold such a salt to its value.
        if "salt" in proof:
            raise Invalid("payload-mismatch", "salt without payload")
        return
    salt = bytes.fromhex(proof.get("salt", ""))
    if leaf.get("payloadHash") != sha256(salt + jcs(proof["payload"])).hexdigest():
        raise Invalid("payload-mismatch", "the payload is not the one that the leaf names")


def check_inclusion(proof: dict[str, Any]) -> None:
    leaf, log = proof["leaf"], proof["manifest"]["content"]["log"]
    if not log["origin"].endswith(f"/{leaf['stream']}"):
        raise Invalid("inclusion-mismatch", "the leaf's stream is not that of the log's origin")
    path = [bytes.fromhex(entry) for entry in proof["inclusion"]]
    root = inclusion_root(leaf_hash(jcs(leaf)), proof["index"], log["end"], path)
    if root is None or root.hex() != log["root"]:
        raise Invalid("inclusion-mismatch", "the path does not lead from the leaf to the log's root")


def check_version(manifest: dict[str, Any], wanted: str) -> None:
    if version_id(manifest).hex() != wanted or manifest.get("versionId", wanted) != wanted:
        raise Invalid("manifest-mismatch", "versionId is not the hash of the manifest")


def check_rollup(rollup: dict[str, Any], packet_id: str) -> bytes:
    digest = version_id(rollup)
    check_version(rollup, digest.hex())
    if packet_id not in rollup.get("lineage", {}).get("parents", []):
        raise Invalid("manifest-mismatch", "the rollup does not name the packet among its parents")
    return digest


def check_signatures(manifest: dict[str, Any], digest: bytes) -> None:
    signatures = manifest.get("signatures", {})
    producer = [signatures["producer"]] if "producer" in signatures else []
    claimed = manifest["provenance"].get("producer", {}).get("identityKey")
    if producer and producer[0]["publicKey"] != claimed:
        raise Invalid("signature-invalid", "the producer's signature is by another key than the manifest claims")
    for entry in producer + signatures.get("endorsements", []):
        key = secp_decompress(bytes.fromhex(entry["publicKey"]))
        if not ecdsa_verifies(key, digest, bytes.fromhex(entry["signature"])):
            raise Invalid("signature-invalid", f"the signature by {entry['publicKey']} does not verify")


def check_publisher(manifest: dict[str, Any], publisher: str | None) -> None:
    if publisher is None:
        return
    if manifest["provenance"].get("producer", {}).get("identityKey") != publisher:
        raise Invalid("signature-invalid", "the manifest is another publisher's")
    if "producer" not in manifest.get("signatures", {}):
        raise Invalid("signature-invalid", "the publisher did not sign the manifest")


def check_checkpoint(checkpoint: Checkpoint, log: dict[str, Any], key: LogKey | None) -> None:
    if key is not None:
        by_key = [s[4:] for signer, s in checkpoint.signatures if (signer, s[:4]) == (key.name, key.key_id)]
        # C2SP signed-note: a signature that claims a known key and fails spoils the whole note.
        if not by_key or not all(ed25519_verifies(key.key, checkpoint.body, s) for s in by_key):
            raise Invalid("signature-invalid", "the checkpoint is not signed by the log key")
    if (checkpoint.origin, checkpoint.size, checkpoint.root.hex()) != (log["origin"], log["end"], log["root"]):
        raise Invalid("checkpoint-mismatch", "the checkpoint is not that of the manifest's tree")
    if all(signer != log["origin"] for signer, _ in checkpoint.signatures):
        raise Invalid("checkpoint-mismatch", "no signature line names the log")


def check_control(leaf: dict[str, Any], key: LogKey | None) -> None:
    # A rotation is signed by the key before, which the pinned one has replaced.
    if key is None or leaf["kind"] != "control" or leaf["action"] == "key-rotated":
        return
    signed = jcs({name: value for name, value in leaf.items() if name != "signature"})
    try:
        signature = decode_base64(leaf["signature"])
    except Invalid:
        signature = b""
    if not ed25519_verifies(key.key, signed, signature):
        raise Invalid("signature-invalid", "the control leaf is not signed by the log key")


def check_anchored(anchor: dict[str, Any] | None, wanted: bytes, options: Options) -> tuple[int, bytes | None]:
    if anchor is None:
        if options.min_confs > 0:
            raise Invalid("unanchored", "there is no anchor")
        return 0, None
    dev = anchor["chain"] == DEV_CHAIN
    if dev and not options.dev:
        raise Invalid("development-chain", "accepted with --dev alone")
    if anchor.get("envelope") is None:
        raise Invalid("missing-envelope", "the anchor has no envelope")
    confirmations, header = check_spv(anchor["envelope"], anchor["vout"], wanted, dev)
    if confirmations < options.min_confs:
        raise Invalid("insufficient-confs", f"{confirmations} confirmations of {options.min_confs}")
    return confirmations, header


def trust_left(proof: dict[str, Any], options: Options) -> list[str]:
    """What the reader of a valid proof still takes on trust."""
    log, manifest = proof["manifest"]["content"]["log"], proof["manifest"]
    left = [f"that the operator shows everybody the same log {log['origin']} (no witness keys given)"]
    if options.log_key is None:
        left.append("the checkpoint's signature (no --log-key given: its text was checked, its signer was not)")
    if options.publisher is None:
        left.append("that the manifest's keys are the publisher's and the operator's (no --publisher given)")
    if "producer" not in manifest.get("signatures", {}):
        left.append("that the manifest is by the producer it names (it carries no producer's signature)")
    if "payloadHash" in proof["leaf"] and "payload" not in proof:
        left.append("what the payload was (the proof does not carry it)")
    if proof["leaf"]["kind"] == "control" and (options.log_key is None or proof["leaf"]["action"] == "key-rotated"):
        left.append("the control leaf's own signature (covered by the log, not verified)")
    if proof["anchor"] is None:
        left.append("when the event was logged (no anchor)")
    else:
        left.append(f"the chain {DEV_CHAIN} (a development chain proves mechanics only)")
    return left


def verify(proof: Any, options: Options) -> dict[str, Any]:
    """The report on a valid proof; raises Invalid with the first broken link."""
    check_proof(proof, "proof")
    checkpoint = parse_checkpoint(proof["checkpoint"])
    manifest, rollup = proof["manifest"], proof.get("rollup")
    check_payload(proof)
    check_inclusion(proof)
    check_version(manifest, proof["versionId"])
    digest = bytes.fromhex(proof["versionId"])
    anchored = digest if rollup is None else check_rollup(rollup, proof["versionId"])
    check_signatures(manifest, digest)
    if rollup is not None:
        check_signatures(rollup, anchored)
    check_publisher(manifest, options.publisher)
    check_control(proof["leaf"], options.log_key)
    check_checkpoint(checkpoint, manifest["content"]["log"], options.log_key)
    confirmations, header = check_anchored(proof["anchor"], anchored, options)
    return {
        "valid": True,
        "level": "certified" if header is None else f"anchored({confirmations})",
        "kind": proof["leaf"]["kind"],
        "versionId": proof["versionId"],
        "origin": checkpoint.origin,
        "leafIndex": proof["index"],
        "confirmations": confirmations,
        "blockTime": None if header is None else int.from_bytes(header[68:72], "little"),
        "trusted": trust_left(proof, options),
    }


def report(proof: Any, options: Options) -> dict[str, Any]:
    try:
        return verify(proof, options)
    except Invalid as broken:
        return {"valid": False, "reason": broken.reason, "detail": broken.detail}
    except RecursionError:
        return {"valid": False, "reason": "malformed", "detail": "nested too deeply"}


# --- Self-test -----------------------------------------------------------------------------------


class SelfTestFailure(Exception):
    pass


def same(what: str, got: Any, wanted: Any) -> None:
    if got != wanted:
        raise SelfTestFailure(f"{what}: got {got!r}, wanted {wanted!r}")


def tree_root(hashes: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return node_hash(tree_root(hashes[:split]), tree_root(hashes[split:]))


def tree_path(index: int, hashes: list[bytes]) -> list[bytes]:
    """RFC 9162, 2.1.3.1."""
    if len(hashes) == 1:
        return []
    split = 1 << (len(hashes) - 1).bit_length() - 1
    left, right = hashes[:split], hashes[split:]
    if index < split:
        return [*tree_path(index, left), tree_root(right)]
    return [*tree_path(index - split, right), tree_root(left)]


def test_log(vectors: dict[str, Any]) -> None:
    leaves, hashes = vectors["leaves"], [bytes.fromhex(h) for h in vectors["leafHashes"]]
    for i, leaf in enumerate(leaves):
        check_leaf(leaf, f"leaf {i}")
        same(f"canonical leaf {i}", jcs(leaf).decode(), vectors["canonicalLeaves"][i])
        same(f"leaf hash {i}", leaf_hash(jcs(leaf)), hashes[i])
        same(f"root of size {i + 1}", tree_root(hashes[: i + 1]).hex(), vectors["roots"][i])
        path = [bytes.fromhex(h) for h in vectors["inclusion"][i]]
        same(f"inclusion path {i}", tree_path(i, hashes), path)
        same(f"root by path {i}", inclusion_root(hashes[i], i, len(hashes), path), tree_root(hashes))
    lines = [jcs({"leaf": leaves[0]}) + b"\n"]
    for leaf, raw, payload in zip(leaves[1:], vectors["raws"], vectors["payloads"], strict=True):
        where = f"seq {leaf['seq']}"
        external = jcs([leaf["source"], parse_json(raw.encode())["id"]])
        same(f"eventId of {where}", hash256(external).hex()[:32], leaf["eventId"])
        same(f"rawHash of {where}", hash256(raw.encode()).hex(), leaf["rawHash"])
        same(f"policyHash of {where}", hash256(jcs(vectors["policy"])).hex(), leaf["policyHash"])
        if payload is not None:
            check_payload({"leaf": leaf, "payload": payload})
        lines.append(jcs({"leaf": leaf} | ({} if payload is None else {"payload": payload})) + b"\n")
    same("content lines", [line.decode() for line in lines], vectors["contentLines"])
    manifest = check_packet(vectors["manifest"], "manifest")
    same("contentHash", hash256(b"".join(lines)).hex(), manifest["content"]["contentHash"])
    same("sizeBytes", len(b"".join(lines)), manifest["content"]["sizeBytes"])
    same("versionId", version_id(manifest).hex(), vectors["versionId"])
    form = vectors["identityForm2"]
    fields = [form[key] for key in ("method", "host", "target", "timestamp", "nonce")]
    preimage = "|".join(["tidemark-req", "v2", *fields, hash256(form["body"].encode()).hex()])
    same("form 2 preimage", preimage, form["preimage"])
    same("form 2 digest", hash256(preimage.encode()).hex(), form["digest"])


def test_dlm1(vectors: dict[str, Any]) -> None:
    for vector in vectors["vectors"]:
        where, manifest = vector["name"], check_manifest(vector["manifest"], vector["name"])
        if "canonical" in vector:
            same(f"canonical form: {where}", jcs(manifest).decode(), vector["canonical"])
        same(f"versionId: {where}", version_id(manifest).hex(), vector["versionId"])
        parents = [bytes.fromhex(parent) for parent in manifest.get("lineage", {}).get("parents", [])]
        wanted = (bytes.fromhex(vector["versionId"]), parents)
        cbor = bytes.fromhex(vector["cbor"])
        same(f"CBOR: {where}", decode_anchor_map(cbor), wanted)
        for form in ("scriptSinglePush", "scriptMultiPush"):
            script = bytes.fromhex(vector[form])
            same(f"{form}: {where}", decode_anchor_script(script), wanted)
            same(f"{form} without OP_FALSE: {where}", decode_anchor_script(script[1:]), wanted)
            # PUSHDATA2 where a shorter push would do.
            wide = script[:2] + b"\x4d" + len(script[3:]).to_bytes(2, "little") + script[3:]
            damaged = (script[:-1], script + b"\x00", b"\x00" + script, script.replace(b"DLM1", b"DLM2"), wide)
            for bad in damaged:
                same(f"{form}, damaged: {where}", refuses(decode_anchor_script, bad), True)
        for bad in (cbor[:-1], cbor + b"\x00", b"\xbf" + cbor[1:] + b"\xff", cbor.replace(b"mh", b"hm")):
            same(f"CBOR, damaged: {where}", refuses(decode_anchor_map, bad), True)
    x, y = secp_affine(secp_multiply_base(int.from_bytes(b"\x5a" * 32)))
    same("public key", f"{2 + (y & 1):02x}{x:064x}", vectors["identity"]["publicKey"])
    same("public key by the general way", secp_affine(secp_multiply(int.from_bytes(b"\x5a" * 32), SECP_G)), (x, y))


def refuses(decode: Callable[[bytes], Any], data: bytes) -> bool:
    try:
        decode(data)
    except ValueError:
        return True
    return False


# RFC 8785, appendix B, and both sides of each change of notation.
NUMBERS = {
    "-0.0": "0",
    "5e-324": "5e-324",
    "-1.7976931348623157e308": "-1.7976931348623157e+308",
    "9007199254740991": "9007199254740991",
    "295147905179352830000": "295147905179352830000",
    "1e20": "100000000000000000000",
    "999999999999999900000": "999999999999999900000",
    "1e21": "1e+21",
    "9.999999999999997e22": "9.999999999999997e+22",
    "333333333.33333329": "333333333.3333333",
    "0.000001": "0.000001",
    "0.00000123": "0.00000123",
    "1e-7": "1e-7",
    "0.00000012": "1.2e-7",
    "17.0": "17",
}
NOT_I_JSON = ('{"a":1,"a":1}', "9007199254740993", "1e400", "NaN", '"\\ud800"')


def test_json() -> None:
    for written, wanted in NUMBERS.items():
        same(f"number {written}", jcs(parse_json(written.encode())).decode(), wanted)
    for bad in NOT_I_JSON:
        try:
            same(f"{bad} as JSON", jcs(parse_json(bad.encode())), "a refusal")
        except Invalid as refusal:
            same(f"reason for {bad}", refusal.reason, "malformed")


def test_public_jcs(folder: Path) -> None:
    for source in sorted((folder / "input").iterdir()):
        wanted = (folder / "output" / source.name).read_bytes()
        same(f"JCS of {source.name}", jcs(parse_json(source.read_bytes())), wanted)


def test_public_curves(folder: Path) -> None:
    ecdsa = parse_json((folder / "ecdsa_secp256k1_sha256_bitcoin_test.json").read_bytes())
    for group in ecdsa["testGroups"]:
        point = bytes.fromhex(group["publicKey"]["uncompressed"])
        key = (int.from_bytes(point[1:33]), int.from_bytes(point[33:]), 1)
        compressed = bytes([2 + (point[64] & 1)]) + point[1:33]
        same("decompressed key", secp_decompress(compressed), key)
        for case in group["tests"]:
            digest, signature = hash256(bytes.fromhex(case["msg"])), bytes.fromhex(case["sig"])
            same(f"ECDSA case {case['tcId']}", ecdsa_verifies(key, digest, signature), case["result"] == "valid")
    for group in parse_json((folder / "ed25519_test.json").read_bytes())["testGroups"]:
        key = bytes.fromhex(group["publicKey"]["pk"])
        for case in group["tests"]:
            got = ed25519_verifies(key, bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
            same(f"Ed25519 case {case['tcId']}", got, case["result"] == "valid")


def test_public_inclusion(folder: Path) -> None:
    for file in sorted(folder.rglob("*.json")):
        case = json.loads(file.read_bytes())  # its sizes use all 64 bits
        leaf, root = (base64.b64decode(case[key] or "") for key in ("leafHash", "root"))
        path = [base64.b64decode(entry) for entry in case["proof"] or []]
        got = inclusion_root(leaf, int(case["leafIdx"]), int(case["treeSize"]), path)
        same(f"inclusion: {file.relative_to(folder)}", len(root) == 32 and got == root, not case["wantErr"])


def test_public_headers(file: Path) -> None:
    data = file.read_bytes()
    chain = [data[at : at + 80].hex() for at in range(0, len(data), 80)]
    for entry in chain:
        check_work(bytes.fromhex(entry), 0x1D00FFFF)
    same("mainnet headers", check_header_chain(data[:80], chain, 0x1D00FFFF), 100)


def self_test(folder: Path) -> None:
    test_json()
    test_log(parse_json((folder / "log.json").read_bytes()))
    test_dlm1(parse_json((folder / "dlm1.json").read_bytes()))
    public = folder / "public"
    for test, path in (
        (test_public_jcs, public / "jcs"),
        (test_public_curves, public / "wycheproof"),
        (test_public_inclusion, public / "rfc9162" / "inclusion"),
        (test_public_headers, public / "headers" / "mainnet-0-99.headers"),
    ):
        if path.exists():
            test(path)
        else:
            print(f"skipped: {path} is not there", file=sys.stderr)


def run_self_test(folder: Path) -> int:
    try:
        self_test(folder)
    except OSError as problem:
        print(f"verify.py: {problem}", file=sys.stderr)
        return 2
    except (SelfTestFailure, Invalid, ValueError, KeyError) as problem:
        print(f"self-test failed: {problem}", file=sys.stderr)
        return 1
    print("self-test ok")
    return 0


# --- Command line --------------------------------------------------------------------------------


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="verify.py", description="Verify Tidemark proof files.", allow_abbrev=False)
    parser.add_argument("--dev", action="store_true", help="accept the development chain")
    parser.add_argument("--log-key", metavar="KEY", help="C2SP verifier key of the log")
    parser.add_argument("--publisher", metavar="KEY", help="the publisher's compressed secp256k1 key, hex")
    parser.add_argument("--min-confs", metavar="N", type=int, default=0)
    parser.add_argument("--batch", action="store_true", help="each FILE is a JSON array of proofs")
    parser.add_argument("--self-test", metavar="DIR", type=Path, help="check this program against vectors")
    parser.add_argument("files", metavar="FILE", nargs="*", type=Path)
    return parser


def read_options(parser: argparse.ArgumentParser, args: argparse.Namespace) -> Options:
    log_key = None
    if args.log_key is not None:
        try:
            log_key = parse_log_key(args.log_key)
        except Invalid as problem:
            parser.error(f"--log-key: {problem.detail}")
    if args.publisher is not None and not PUBLIC_KEY.fullmatch(args.publisher):
        parser.error("--publisher: not a compressed key in lower-case hex")
    if args.min_confs < 0:
        parser.error("--min-confs: below 0")
    return Options(args.dev, log_key, args.publisher, args.min_confs)


def file_reports(data: bytes, options: Options, batch: bool) -> list[dict[str, Any]]:
    try:
        value = parse_json(data)
    except (ValueError, RecursionError):
        return [{"valid": False, "reason": "malformed", "detail": "not JSON in UTF-8"}]
    if not batch:
        return [report(value, options)]
    if not isinstance(value, list):
        return [{"valid": False, "reason": "malformed", "detail": "not an array of proofs"}]
    return [{"item": i} | report(proof, options) for i, proof in enumerate(value)]


def main(arguments: list[str]) -> int:
    parser = command_line()
    args = parser.parse_args(arguments)
    if args.self_test is not None:
        if args.files:
            parser.error("--self-test takes no FILE")
        return run_self_test(args.self_test)
    if not args.files:
        parser.error("no FILE given")
    options = read_options(parser, args)
    all_valid = True
    for file in args.files:
        try:
            data = file.read_bytes()
        except OSError as problem:
            print(f"verify.py: {problem}", file=sys.stderr)
            return 2
        for outcome in file_reports(data, options, args.batch):
            all_valid = all_valid and outcome["valid"]
            print(json.dumps({"file": str(file)} | outcome, ensure_ascii=False))
    return 0 if all_valid else 1


if __name__ == "__main__":
    # Payloads may nest deeper than Python's own default lets a recursive function go.
    sys.setrecursionlimit(10_000)
    sys.exit(main(sys.argv[1:]))

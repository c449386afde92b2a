#!/usr/bin/env python3
"""A reader of Waxseal objects, written from SPEC.md alone. It shares no code with the library.

    read_waxseal.py VECTOR.json...                         one line of JSON for each: {ok, sha256, ...} or {ok, code}
    read_waxseal.py --keyring FOLDER PASSPHRASE OBJECT...   the same, with a local keyring (SPEC section 18)
    read_waxseal.py --key-file FOLDER FILE OBJECT...        the same, with a keyring that a key file unlocks
The payload of a detached OBJECT x.wax is x.floe beside it.
"""
import base64
import functools
import hashlib
import hmac
import itertools
import json
import os
import re
import sys
import unicodedata

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl.bindings import crypto_secretbox_open
from nacl.exceptions import CryptoError

SAFE = 2**53 - 1  # largest integer where a field is not any uint
YEAR_9999 = 253402300799


class Refused(Exception):
    def __init__(self, code):
        super().__init__(code)
        self.code = "ERR_" + code


def need(condition, code):
    if not condition:
        raise Refused(code)


# --- section 2: notation -------------------------------------------------------------------------------------------


def expand(key, info, length):
    return hmac.new(key, info + b"\x01", hashlib.sha384).digest()[:length]


def X(key, label, x, length):
    return expand(key, label.encode() + b"\0" + x, length)


def H(label, x):
    return hashlib.sha256(label.encode() + b"\0" + x).digest()


def u32(data, at):
    return int.from_bytes(data[at : at + 4], "big")


def u64(value):
    return value.to_bytes(8, "big")


def b64url(text):
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != text:
        raise ValueError("not canonical base64url")
    return data


class Cbor:
    """Decoder of the CBOR of section 2 and nothing else: it never accepts what it would not write."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        need(self.at + count <= len(self.data), "MALFORMED")
        self.at += count
        return self.data[self.at - count : self.at]

    def head(self):
        initial = self.take(1)[0]
        major, info = initial >> 5, initial & 31
        if info < 24 or major == 7:
            return major, info
        need(info <= 27, "MALFORMED")
        size = 1 << (info - 24)
        value = int.from_bytes(self.take(size), "big")
        need(value >= (24, 2**8, 2**16, 2**32)[info - 24], "MALFORMED")
        return major, value

    def item(self, depth=0):
        need(depth <= 8, "MALFORMED")
        major, value = self.head()
        if major == 0:
            return value
        if major == 2:
            return self.take(value)
        if major == 3:
            try:
                return self.take(value).decode("utf-8", "strict")
            except UnicodeDecodeError:
                raise Refused("MALFORMED")
        if major == 4:
            return [self.item(depth + 1) for _ in self.counted(value)]
        if major == 5:
            return self.map(value, depth)
        need(major == 7 and value in (20, 21), "MALFORMED")
        return value == 21

    def counted(self, count):
        need(count <= len(self.data), "MALFORMED")
        return range(count)

    def map(self, count, depth):
        out, last = {}, b""
        for _ in self.counted(count):
            start = self.at
            key = self.item(depth + 1)
            need(is_uint(key, SAFE) or isinstance(key, str), "MALFORMED")
            encoded = self.data[start : self.at]
            need(encoded > last, "MALFORMED")
            out[key] = self.item(depth + 1)
            last = encoded
        return out


def cbor(data):
    decoder = Cbor(data)
    value = decoder.item()
    need(decoder.at == len(data), "MALFORMED")
    return value


def is_uint(value, most=2**64 - 1):
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def is_bytes(value, least, most):
    return isinstance(value, bytes) and least <= len(value) <= most


def is_text(value, least, most):
    return isinstance(value, str) and least <= len(value.encode()) <= most


def encode_text(text):
    data = text.encode()
    return encode_head(3, len(data)) + data


def encode_head(major, value):
    if value < 24:
        return bytes([major << 5 | value])
    size = 0 if value < 2**8 else 1 if value < 2**16 else 2
    return bytes([major << 5 | 24 + size]) + value.to_bytes(1 << size, "big")


# --- section 12, step 1: heads -------------------------------------------------------------------------------------


ATTACHED, COMPACT, DETACHED = 1, 2, 3


class Head:
    def __init__(self, data):
        need(data[:8] == bytes.fromhex("895741580d0a1a0a"), "NOT_SEALED")
        need(len(data) >= 32, "TRUNCATED")
        need(data[8] == 1, "UNSUPPORTED_VERSION")
        self.layout = data[9]
        need(self.layout in (ATTACHED, COMPACT, DETACHED), "UNSUPPORTED_VERSION")
        need(data[10:12] == b"\0\0" and data[24:32] == bytes(8), "MALFORMED")
        core_length, meta_length, recipients_length = u32(data, 12), u32(data, 16), u32(data, 20)
        need(1 <= core_length <= 16384 and meta_length <= 4096, "LIMIT_EXCEEDED")
        if self.layout == ATTACHED:
            need(4096 <= recipients_length <= 65536 and recipients_length % 4096 == 0, "LIMIT_EXCEEDED")
        else:
            need(1 <= recipients_length <= 65472, "LIMIT_EXCEEDED")
        at_core = 32 if self.layout == COMPACT else 64
        at_meta = at_core + core_length
        self.place(at_meta + meta_length, recipients_length)
        need(len(data) >= self.end, "TRUNCATED")
        core, self.meta = data[at_core:at_meta], data[at_meta : at_meta + meta_length]
        self.region, self.floe = data[: self.end], data[self.end - 74 : self.end]
        if self.layout != COMPACT:
            hashed = H("waxseal/1 head", data[:32] + core + self.meta + self.floe)
            need(data[32:64] == hashed, "HEADER_DAMAGED")
        self.core(core)
        self.bind = H("waxseal/1 bind", core)
        self.params = bytes(2) + self.segment_length.to_bytes(4, "big") + bytes([0, 0, 0, 32])
        need(self.floe[:10] == self.params, "MALFORMED")
        self.aad = b"waxseal/1 object\0" + self.bind + hashlib.sha256(self.meta).digest()

    def place(self, at, size):
        """Where the parts stand (section 10); `at` is where core and metadata end, and the head ends at `self.end`."""
        if self.layout == ATTACHED:
            self.S, self.end = size, (at + 74 + 4095) // 4096 * 4096
            self.recipients = [(self.end, size), (self.end + size, size)]
            self.segments = 2 * self.end + 2 * size
        elif self.layout == COMPACT:
            self.recipients, self.end = [(at, 32 + size)], at + 32 + size + 74
            self.segments = self.end
        else:
            self.recipients, self.end = [(at + 74, 32 + size)], at + 74
            self.segments = None

    def core(self, data):
        core = cbor(data)
        need(isinstance(core, dict), "MALFORMED")
        for key in core:
            need(is_uint(key), "MALFORMED")
            need(1 <= key <= 9 or key >= 24, "UNSUPPORTED_VERSION")
        is_one = lambda key: is_uint(core.get(key)) and core[key] == 1
        self.type = core.get(3)
        need(is_one(1) and is_one(4) and is_uint(self.type) and self.type in (1, 2, 3), "UNSUPPORTED_VERSION")
        self.segment_length, created, self.size = core.get(5), core.get(7), core.get(8)
        need(is_uint(self.segment_length), "MALFORMED")
        need(4096 <= self.segment_length <= 4194304, "LIMIT_EXCEEDED")
        need(is_uint(created), "MALFORMED")
        need(created <= YEAR_9999, "LIMIT_EXCEEDED")
        if 8 in core:
            need(is_uint(self.size), "MALFORMED")
            need(self.size <= min(SAFE, 2**40 * (self.segment_length - 32)), "LIMIT_EXCEEDED")
        self.id, self.context = core.get(2), core.get(6)
        need(is_bytes(self.id, 16, 16), "MALFORMED")
        need(isinstance(self.context, dict), "MALFORMED")
        need(all(isinstance(t, str) for pair in self.context.items() for t in pair), "MALFORMED")
        encoded = sum(len(encode_text(k) + encode_text(v)) for k, v in self.context.items())
        need(len(encode_head(5, len(self.context))) + encoded <= 4096, "LIMIT_EXCEEDED")
        need((9 in core) == (self.type == 2), "MALFORMED")
        if 9 in core:
            tree = core[9]
            need(isinstance(tree, dict) and set(tree) == {1, 2}, "MALFORMED")
            need(is_bytes(tree[1], 16, 16) and is_uint(tree[2]), "MALFORMED")
            need(tree[2] <= SAFE, "LIMIT_EXCEEDED")


def second_head(data):
    for at in range(12288, 196608 + 1, 4096):
        try:
            head = Head(data[at:])
        except Refused:
            continue
        if head.layout == ATTACHED and head.end + 2 * head.S == at:
            return head
    return None


def read_head_and_slots(data):
    second = None
    try:
        head = Head(data)
    except Refused:
        head = second = second_head(data)
        if head is None:
            raise
    slots = read_slots(data, head)
    if not slots and second is None:
        second = second_head(data)
        if second and second.region != head.region and read_slots(data, second):
            return second, read_slots(data, second)
    return head, slots


# --- sections 7 and 11: recipients and slots -----------------------------------------------------------------------


def recipients(data):
    entries = cbor(data)
    need(isinstance(entries, list) and 1 <= len(entries) <= 32, "MALFORMED")
    seen = set()
    for entry in entries:
        need(isinstance(entry, dict) and all(is_uint(key) and key >= 1 for key in entry), "MALFORMED")
        need(is_text(entry.get(1), 1, 512) and is_text(entry.get(2), 0, 256), "MALFORMED")
        need(is_uint(entry.get(3), SAFE) and is_bytes(entry.get(4), 0, 2048), "MALFORMED")
        need(is_uint(entry.get(5, 0), YEAR_9999) and is_uint(entry.get(8, 0), SAFE), "MALFORMED")
        need(is_bytes(entry.get(9, bytes(16)), 16, 16), "MALFORMED")
        identity = (entry[1], entry[2], entry[3])
        need(identity not in seen, "MALFORMED")
        seen.add(identity)
    return entries


def read_slot(data, index, head):
    length = u32(data, 16)
    if (
        len(data) < head.S
        or data[:8] != b"WXSL" + bytes([index, 0, 0, 0])
        or int.from_bytes(data[8:16], "big") > 2**48
        or length > head.S - 64
        or u32(data, 20) != head.S
        or data[24:32] != bytes(8)
        or data[32:64] != H("waxseal/1 slot", head.bind + data[:32] + data[64 : 64 + length])
    ):
        return None
    try:
        entries = recipients(data[64 : 64 + length])
    except Refused:
        return None
    return -int.from_bytes(data[8:16], "big"), index, data[64 : 64 + length], entries


def read_block(data, head):
    block = data[32:]
    if data[:32] != H("waxseal/1 recipients", head.bind + block):
        return None
    try:
        return 0, 0, block, recipients(block)
    except Refused:
        return None


def read_slots(data, head):
    """The valid slots, the one to try first in front; a recipient block is the only slot of its object."""
    parts = enumerate(data[at : at + size] for at, size in head.recipients)
    if head.layout == ATTACHED:
        slots = [read_slot(part, index, head) for index, part in parts]
    else:
        slots = [read_block(part, head) for _, part in parts if len(part) == head.recipients[0][1]]
    return sorted((slot for slot in slots if slot), key=lambda slot: slot[:2])


def is_erased(data, head):
    return all(data[at : at + size] == bytes(size) for at, size in head.recipients)


# --- section 12, step 4: the data key ------------------------------------------------------------------------------


def is_supported(entry):
    unknown = any(key == 6 or 10 <= key <= 23 for key in entry)
    return not unknown and entry.get(8, 0) <= 3 and (entry[3] == SHARE) == (7 in entry) and is_share(entry.get(7))


LOCAL, HPKE, SHARE = 1, 2, 17


def is_share(share):
    """Section "Quorum": field 7, where there is one."""
    if share is None:
        return True
    if not isinstance(share, dict) or set(share) != {1, 2, 3, 4, 5, 6} or not is_bytes(share[1], 16, 16):
        return False
    k, n, i, digests = share[2], share[3], share[4], share[5]
    if not (is_uint(n, 16) and is_uint(k, n) and is_uint(i, n) and k >= 2 and i >= 1):
        return False
    if not (is_uint(share[6], SAFE) and share[6] not in (0, SHARE)):
        return False
    return isinstance(digests, list) and len(digests) == n and all(is_bytes(d, 32, 32) for d in digests)


def unwrap(entry, algorithm, versions, bind):
    need(entry[2] in versions, "KEY_NOT_FOUND")
    if algorithm == HPKE:
        return hpke_open(versions[entry[2]], entry[4], b"waxseal/1 hpke\0" + bind)
    key_id, kek = versions[entry[2]]
    return open_box(entry[4], X(kek, "waxseal/1 local", key_id + bind, 32))


def open_box(box, key):
    try:
        need(len(box) >= 40, "AUTHENTICATION")
        return crypto_secretbox_open(box[24:], box[:24], key)
    except CryptoError:
        raise Refused("AUTHENTICATION")


def hpke_open(private, wrap, info):
    """RFC 9180, base mode, single shot: DHKEM(X25519, HKDF-SHA256) 0x0020, HKDF-SHA256 0x0001, AES-256-GCM 0x0002."""
    need(len(wrap) >= 32 + 16, "AUTHENTICATION")
    enc, sealed = wrap[:32], wrap[32:]
    key = X25519PrivateKey.from_private_bytes(private)
    try:
        shared = key.exchange(X25519PublicKey.from_public_bytes(enc))
    except ValueError:  # the shared secret is all zeros: a point of low order
        raise Refused("AUTHENTICATION")
    kem, suite = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x02"
    public = key.public_key().public_bytes_raw()
    prk = labeled_extract(kem, b"", b"eae_prk", shared)
    secret = labeled_expand(kem, prk, b"shared_secret", enc + public, 32)
    context = b"\0" + labeled_extract(suite, b"", b"psk_id_hash", b"") + labeled_extract(suite, b"", b"info_hash", info)
    prk = labeled_extract(suite, secret, b"secret", b"")
    nonce = labeled_expand(suite, prk, b"base_nonce", context, 12)
    return gcm_open(labeled_expand(suite, prk, b"key", context, 32), nonce, sealed, b"")


def labeled_extract(suite, salt, label, key):
    return hmac.new(salt or bytes(32), b"HPKE-v1" + suite + label + key, hashlib.sha256).digest()


def labeled_expand(suite, prk, label, info, length):  # length is at most 32: one block of HKDF-Expand
    labeled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return hmac.new(prk, labeled + b"\x01", hashlib.sha256).digest()[:length]


def floe_kdf(head, key, purpose, length):
    return expand(key, head.params + head.floe[10:42] + purpose + head.aad, length)


def is_data_key(head, secret):
    return hmac.compare_digest(floe_kdf(head, secret, b"HEADER_TAG:", 32), head.floe[42:])


def through_quorums(head, entries, keys, failures):
    sets = {}
    for entry in entries:
        sets.setdefault((entry[7][1], entry[7][2], entry[7][3]), []).append(entry)
    for (set_id, k, n), members in sets.items():
        shares, tried = {}, False
        for uri, versions in keys:
            algorithm = HPKE if uri.startswith("x25519:") else LOCAL
            for entry in [e for e in members if e[1] == uri and e[7][6] == algorithm][:4]:
                tried, i = True, entry[7][4]
                try:
                    share = unwrap(entry, algorithm, versions, H("waxseal/1 share", head.bind + set_id + bytes([k, n, i])))
                    digest = H("waxseal/1 share digest", set_id + bytes([i]) + share)
                    need(len(share) == 33 and digest == entry[7][5][i - 1], "AUTHENTICATION")
                except Refused as failure:
                    failures.append(failure)
                    continue
                shares[i] = share
                for others in itertools.combinations([s for j, s in shares.items() if j != i], k - 1):
                    data_key = combine([share, *others])
                    if is_data_key(head, data_key):
                        return data_key
        if tried and len(shares) >= k:
            failures.append(Refused("AUTHENTICATION"))
    return None


def gf_times(a, b):
    product = 0
    while b:
        product ^= a if b & 1 else 0
        a = (a << 1) ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


def gf_inverse(a):
    return next(b for b in range(1, 256) if gf_times(a, b) == 1)


def combine(shares):
    """The values at 0 of the polynomials through these points."""
    data_key = bytearray(32)
    for share in shares:
        weight = 1
        for other in shares:
            if other is not share:
                weight = gf_times(weight, gf_times(other[32], gf_inverse(other[32] ^ share[32])))
        for at in range(32):
            data_key[at] ^= gf_times(share[at], weight)
    return bytes(data_key)


def find_data_key(head, entries, keys):
    failures = []
    for uri, versions in keys:
        algorithm = HPKE if uri.startswith("x25519:") else LOCAL
        fitting = [e for e in entries if is_supported(e) and 7 not in e and e[1] == uri and e[3] == algorithm]
        for entry in fitting[:4]:
            try:
                secret = unwrap(entry, algorithm, versions, head.bind)
                need(len(secret) == 32 and is_data_key(head, secret), "AUTHENTICATION")
                return secret
            except Refused as failure:
                failures.append(failure)
    data_key = through_quorums(head, [e for e in entries if is_supported(e) and 7 in e], keys, failures)
    if data_key is not None:
        return data_key
    for failure in failures:
        if failure.code != "ERR_AUTHENTICATION":
            raise failure
    raise failures[0] if failures else Refused("NO_MATCHING_KEY")


def unlock(head, slots, keys):
    try:
        return find_data_key(head, slots[0][3], keys)
    except Refused as failure:
        if len(slots) == 2 and slots[0][2] != slots[1][2]:
            try:
                return find_data_key(head, slots[1][3], keys)
            except Refused:
                pass
        raise failure


# --- section 12, steps 5 to 7: metadata and payload ----------------------------------------------------------------


def gcm_open(key, nonce, sealed, aad):
    try:
        return AESGCM(key).decrypt(nonce, sealed, aad)
    except InvalidTag:
        raise Refused("AUTHENTICATION")


def open_meta(head, data_key):
    body = len(head.meta) - 28
    need(body > 0 and body % 64 == 0, "MALFORMED")
    padded = gcm_open(X(data_key, "waxseal/1 meta", head.bind, 32), head.meta[:12], head.meta[12:], head.bind)
    decoder = Cbor(padded)
    meta = decoder.item()
    rest = padded[decoder.at :]
    need(isinstance(meta, dict) and len(rest) < 64 and not any(rest), "MALFORMED")
    for key, value in meta.items():
        need(is_uint(key) and (key in (1, 2) or key >= 24), "MALFORMED")
        need(key >= 24 or isinstance(value, str), "MALFORMED")
    return {name: meta[key] for key, name in ((1, "name"), (2, "mediaType")) if key in meta}


def open_payload(head, data_key, payload):
    length, full, total = head.segment_length, head.segment_length - 32, len(payload)
    if head.size is not None:
        count = max(1, -(-head.size // full))
        expected = head.size + 32 * count
        need(total >= expected, "TRUNCATED")
        need(total <= expected, "TRAILING_DATA")
    else:
        count = max(1, -(-total // length))
        need(total - (count - 1) * length >= 32, "TRUNCATED")
    message_key = floe_kdf(head, data_key, b"MESSAGE_KEY:", 48)
    segment = lambda i: open_segment(head, message_key, payload[i * length : (i + 1) * length], i, i == count - 1)
    if head.size is None:
        segment(count - 1)
    return b"".join(segment(i) for i in range(count))


def open_segment(head, message_key, data, position, final):
    need(len(data) >= 32 and (final or len(data) == head.segment_length), "TRUNCATED")
    marker = u32(data, 0)
    internal = marker == 0xFFFFFFFF
    need(internal or 32 <= marker <= head.segment_length, "MALFORMED")
    if final:
        need(not internal and marker <= len(data), "TRUNCATED")
        need(marker >= len(data), "TRAILING_DATA")
    else:
        need(internal, "AUTHENTICATION")
    key = floe_kdf(head, message_key, b"DEK:" + u64(position >> 20 << 20), 32)
    return gcm_open(key, data[4:16], data[16:], u64(position) + bytes([final]))


def payload_of(data, payload, head):
    """What holds the segments, from the first one on."""
    if head.layout != DETACHED:
        need(payload is None, "UNEXPECTED_OBJECT")
        return data[head.segments :]
    need(payload is not None, "PAYLOAD_NOT_FOUND")
    need(len(payload) >= 74, "TRUNCATED")
    need(payload[:74] == head.floe, "AUTHENTICATION")
    return payload[74:]


def open_object(data, payload, keys):
    head, slots = read_head_and_slots(data)
    segments = payload_of(data, payload, head)
    need(head.type == 1, "WRONG_TYPE")
    need(slots, "SHREDDED" if is_erased(data, head) else "HEADER_DAMAGED")
    data_key = unlock(head, slots, keys)
    meta = open_meta(head, data_key) if head.meta else None
    plaintext = open_payload(head, data_key, segments)
    return head, data_key, meta, plaintext


# --- section 18: local keyring -------------------------------------------------------------------------------------


def canonical(record, *without):
    rest = {name: value for name, value in record.items() if name not in without}
    return json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def load_record(path):
    with open(path, "rb") as file:
        data = file.read()
    record = json.loads(data)
    written = json.dumps(record, sort_keys=True, indent=2, ensure_ascii=False) + "\n"
    need(written.encode() == data and record["format"] == 1, "KEYRING_DAMAGED")
    return record


def from_passphrase(cost, passphrase):
    secret = unicodedata.normalize("NFC", passphrase).encode()
    need(cost["kdf"] == "scrypt" and cost["r"] == 8 and cost["N"] in (2**i for i in range(14, 19)), "KEYRING_DAMAGED")
    need(1 <= cost["p"] <= 4, "KEYRING_DAMAGED")
    maxmem = 2 * 128 * 8 * (cost["N"] + cost["p"])
    salt = b64url(cost["salt"])
    return hashlib.scrypt(secret, salt=salt, n=cost["N"], r=8, p=cost["p"], dklen=64, maxmem=maxmem)


def from_key_file(cost, path):
    need(cost["kdf"] == "key-file", "KEYRING_DAMAGED")
    text = read_file(path).decode()
    need(text.endswith("\n"), "KEYRING_DAMAGED")
    key, salt = b64url(text[:-1]), b64url(cost["salt"])
    return b"".join(X(key, "waxseal/1 keyring-unlock", salt + half, 32) for half in (b"\0", b"\1"))


def read_keyring(folder, unlock):
    ring = load_record(os.path.join(folder, "keyring.json"))
    need(b64url(ring["sha256"]) == hashlib.sha256(canonical(ring, "sha256")).digest(), "KEYRING_DAMAGED")
    k = unlock(ring["unlock"])
    mac = hmac.new(k[32:], canonical(ring, "mac", "sha256"), hashlib.sha256).digest()
    need(hmac.compare_digest(mac, b64url(ring["mac"])), "WRONG_PASSPHRASE")
    master = open_box(b64url(ring["masterKey"]), k[:32])
    mac_key = X(master, "waxseal/1 keyring-mac", b64url(ring["id"]), 32)
    keys = []
    for name in sorted(os.listdir(os.path.join(folder, "keys"))):
        versions, root = {}, os.path.join(folder, "keys", name)
        for file in sorted(f for f in os.listdir(root) if re.fullmatch(r"\d{8}\.json", f)):
            record = load_record(os.path.join(root, file))
            mac = hmac.new(mac_key, canonical(record, "mac"), hashlib.sha256).digest()
            need(hmac.compare_digest(mac, b64url(record["mac"])), "KEYRING_DAMAGED")
            need(record["kind"] == "waxseal-key-version" and record["name"] == name, "KEYRING_DAMAGED")
            need("%08d.json" % record["n"] == file, "KEYRING_DAMAGED")
            key_id = b64url(record["keyId"])
            kek = open_box(b64url(record["kek"]), X(master, "waxseal/1 keyring-kek", key_id, 32))
            versions["%d.%s" % (record["n"], record["keyId"])] = (key_id, kek)
        keys.append(("local:" + name, versions))
    return keys + read_pairs(os.path.join(folder, "x25519"), master, mac_key)


def read_pairs(folder, master, mac_key):
    pairs = []
    for file in sorted(os.listdir(folder)) if os.path.exists(folder) else []:
        record = load_record(os.path.join(folder, file))
        mac = hmac.new(mac_key, canonical(record, "mac"), hashlib.sha256).digest()
        need(hmac.compare_digest(mac, b64url(record["mac"])), "KEYRING_DAMAGED")
        need(record["kind"] == "waxseal-x25519-key" and record["name"] + ".json" == file, "KEYRING_DAMAGED")
        public = b64url(record["publicKey"])
        private = open_box(b64url(record["privateKey"]), X(master, "waxseal/1 keyring-x25519", public, 32))
        need(X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw() == public, "KEYRING_DAMAGED")
        pairs.append(("x25519:" + record["publicKey"], {"1": private}))
    return pairs


# --- command line --------------------------------------------------------------------------------------------------


def report(read):
    try:
        head, data_key, meta, plaintext = open_object(*read())
    except Refused as refusal:
        return {"ok": False, "code": refusal.code}
    return {
        "ok": True,
        "sha256": hashlib.sha256(plaintext).hexdigest(),
        "size": len(plaintext),
        "id": head.id.hex(),
        "bind": head.bind.hex(),
        "dataKey": data_key.hex(),
        "context": head.context,
        "metadata": meta,
    }


def read_file(path):
    with open(path, "rb") as file:
        return file.read()


def read_vector(path):
    vector = json.loads(read_file(path))
    folder = os.path.dirname(path)
    keys = [(key["uri"], {v["version"]: decode_key(v) for v in key["versions"]}) for key in vector["keys"]]
    payload = vector.get("payload")
    return (
        read_file(os.path.join(folder, vector["file"])),
        None if payload is None else read_file(os.path.join(folder, payload["file"])),
        keys,
    )


def decode_key(version):
    if "privateKey" in version:
        return bytes.fromhex(version["privateKey"])
    return bytes.fromhex(version["keyId"]), bytes.fromhex(version["kek"])


def read_pair(path):
    """An object of any layout: the payload of NAME.wax is NAME.floe beside it, where there is one (section 10)."""
    payload = re.sub(r"\.wax$", "", path) + ".floe"
    return read_file(path), read_file(payload) if os.path.exists(payload) else None


def main(arguments):
    if arguments[:1] in (["--keyring"], ["--key-file"]):
        unlocking = from_passphrase if arguments[0] == "--keyring" else from_key_file
        unlock = lambda cost: unlocking(cost, arguments[2])
        keys = functools.cache(lambda: read_keyring(arguments[1], unlock))
        reads = [lambda path=path: (*read_pair(path), keys()) for path in arguments[3:]]
    else:
        reads = [lambda path=path: read_vector(path) for path in arguments]
    for read in reads:
        print(json.dumps(report(read)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

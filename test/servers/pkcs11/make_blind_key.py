"""Makes an AES key that only rewraps: its unwrap template demands that what it unwraps is sensitive.

pkcs11js cannot pass attributes that are templates, so this speaks to the library itself.
Usage: make_blind_key.py LIBRARY TOKEN LABEL ID-IN-HEX, with the PIN in the environment variable PIN.
"""
import ctypes
import os
import sys

ULONG = ctypes.c_ulong
CKM_AES_KEY_GEN = 0x1080
CKA = {
    'CLASS': 0x0, 'TOKEN': 0x1, 'PRIVATE': 0x2, 'LABEL': 0x3, 'KEY_TYPE': 0x100, 'ID': 0x102, 'SENSITIVE': 0x103,
    'ENCRYPT': 0x104, 'DECRYPT': 0x105, 'WRAP': 0x106, 'UNWRAP': 0x107, 'VALUE_LEN': 0x161, 'EXTRACTABLE': 0x162,
    'UNWRAP_TEMPLATE': 0x40000212,
}


class Attribute(ctypes.Structure):
    _fields_ = [('type', ULONG), ('value', ctypes.c_void_p), ('length', ULONG)]


class Mechanism(ctypes.Structure):
    _fields_ = [('mechanism', ULONG), ('parameter', ctypes.c_void_p), ('length', ULONG)]


def attributes(values):
    """An array of attributes; what it points to is kept with it."""
    array = (Attribute * len(values))()
    array.kept = []
    for at, (name, value) in enumerate(values.items()):
        if isinstance(value, bool):
            memory = ctypes.c_ubyte(value)
        elif isinstance(value, int):
            memory = ULONG(value)
        elif isinstance(value, dict):
            memory = attributes(value)
        else:
            memory = ctypes.create_string_buffer(value, len(value))
        array.kept.append(memory)
        array[at] = Attribute(CKA[name], ctypes.cast(ctypes.pointer(memory), ctypes.c_void_p), ctypes.sizeof(memory))
    return array


def main():
    path, token, label, key_id = sys.argv[1:]
    library = ctypes.CDLL(path)

    def call(name, *arguments):
        code = getattr(library, name)(*arguments)
        if code != 0:
            sys.exit(f'{name}: 0x{code & 0xffffffff:x}')

    call('C_Initialize', None)
    count = ULONG(0)
    call('C_GetSlotList', ctypes.c_ubyte(1), None, ctypes.byref(count))
    slots = (ULONG * count.value)()
    call('C_GetSlotList', ctypes.c_ubyte(1), slots, ctypes.byref(count))
    for slot in slots:
        info = ctypes.create_string_buffer(512)
        call('C_GetTokenInfo', ULONG(slot), info)
        if info.raw[:32].rstrip(b' \0') == token.encode():
            break
    else:
        sys.exit(f'no token {token}')
    session = ULONG()
    call('C_OpenSession', ULONG(slot), ULONG(6), None, None, ctypes.byref(session))
    pin = os.environ['PIN'].encode()
    call('C_Login', session, ULONG(1), pin, ULONG(len(pin)))
    template = attributes({
        'CLASS': 4, 'KEY_TYPE': 0x1F, 'VALUE_LEN': 32, 'TOKEN': True, 'PRIVATE': True, 'SENSITIVE': True,
        'EXTRACTABLE': False, 'ENCRYPT': False, 'DECRYPT': False, 'WRAP': True, 'UNWRAP': True,
        'LABEL': label.encode(), 'ID': bytes.fromhex(key_id), 'UNWRAP_TEMPLATE': {'SENSITIVE': True},
    })
    mechanism = Mechanism(CKM_AES_KEY_GEN, None, 0)
    key = ULONG()
    call('C_GenerateKey', session, ctypes.byref(mechanism), template, ULONG(len(template)), ctypes.byref(key))
    call('C_Finalize', None)


main()

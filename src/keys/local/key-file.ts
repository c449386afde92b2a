import { dirname } from 'node:path';
import { allocateSecret, randomSecret, zero } from '../../crypto/secrets.ts';
import { fromSystemError, isWaxsealError, WaxsealError } from '../../errors/index.ts';
import { mkdir } from 'node:fs/promises';
import { readPrivateFile, writePrivateFile } from './private-files.ts';

/** A key file holds 32 random bytes as base64url and a newline. */
const KEY_LENGTH = 32;
const TEXT_LENGTH = 43;
const MAX_FILE_BYTES = 64;

const ALPHABET = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', 'latin1');
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * Reads a key file. Symbolic links are followed: that is how secrets are mounted into containers.
 *
 * @returns the key, which the caller zeroes; undefined when there is no such file
 * @throws WaxsealError `ERR_KEYRING_PERMISSIONS` when others may read it, `ERR_WRONG_PASSPHRASE` when it is none
 */
export async function readKeyFile(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await readPrivateFile(path, { maxBytes: MAX_FILE_BYTES, followLinks: true });
  } catch (error) {
    if (isWaxsealError(error, 'ERR_KEYRING_DAMAGED')) throw notKeyFile(path, error);
    throw error;
  }
  if (bytes === undefined) return undefined;
  const key = decode(bytes);
  zero(bytes);
  if (key === undefined) throw notKeyFile(path);
  return key;
}

/** As {@link readKeyFile}, but makes the file when there is none. Of two processes that make it, one wins for both. */
export async function readOrCreateKeyFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const existing = await readKeyFile(path);
  if (existing !== undefined) return existing;
  const key = randomSecret(KEY_LENGTH);
  const text = encode(key);
  zero(key);
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writePrivateFile(path, text, { overwrite: false });
  } catch (error) {
    if (!isWaxsealError(error, 'ERR_OUTPUT_EXISTS')) throw fromSystemError(error, 'create the key file', path);
  } finally {
    zero(text);
  }
  const written = await readKeyFile(path);
  if (written === undefined)
    throw new WaxsealError('ERR_FILE_NOT_FOUND', `the key file ${path} vanished`, { object: path });
  return written;
}

function notKeyFile(path: string, cause?: unknown): WaxsealError {
  return new WaxsealError('ERR_WRONG_PASSPHRASE', `${path} is not a key file of Waxseal`, {
    object: path,
    next: 'name the key file that waxseal init --key-file made; a passphrase in a file is --passphrase-file',
    cause,
  });
}

/** base64url by hand: a string would stay on the heap, where it cannot be zeroed. */
function encode(key: Uint8Array): Uint8Array {
  const text = allocateSecret(TEXT_LENGTH + 1);
  let held = 0;
  let bits = 0;
  let at = 0;
  for (const byte of key) {
    held = ((held << 8) | byte) & 0xffff;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      text[at++] = ALPHABET[(held >>> bits) & 63] ?? 0;
    }
  }
  text[at++] = ALPHABET[(held << (6 - bits)) & 63] ?? 0;
  text[at] = NEWLINE;
  return text;
}

function decode(text: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  for (let at = TEXT_LENGTH; at < text.length; at++) if (text[at] !== NEWLINE && text[at] !== RETURN) return undefined;
  if (text.length < TEXT_LENGTH) return undefined;
  const key = allocateSecret(KEY_LENGTH);
  let held = 0;
  let bits = 0;
  let at = 0;
  for (const character of text.subarray(0, TEXT_LENGTH)) {
    const value = ALPHABET.indexOf(character);
    if (value < 0) return undefined;
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      key[at++] = (held >>> bits) & 0xff;
    }
  }
  // One key has one spelling: the two bits that are left over are zero.
  return (held & ((1 << bits) - 1)) === 0 ? key : undefined;
}

import { allocateSecret, zero } from '../../crypto/secrets.ts';
import { isWaxsealError, WaxsealError } from '../../errors/index.ts';
import { readPrivateFile } from './private-files.ts';

/** A key file holds 32 random bytes as base64url and a newline. */
export const KEY_FILE_KEY_LENGTH = 32;
export const KEY_FILE_TEXT_LENGTH = 43;
const MAX_FILE_BYTES = 64;

export const KEY_FILE_ALPHABET = Buffer.from(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
  'latin1',
);
export const NEWLINE = 0x0a;
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

function notKeyFile(path: string, cause?: unknown): WaxsealError {
  return new WaxsealError('ERR_WRONG_PASSPHRASE', `${path} is not a key file of Waxseal`, {
    object: path,
    next: 'name the key file that waxseal init --key-file made; a passphrase in a file is --passphrase-file',
    cause,
  });
}

function decode(text: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  for (let at = KEY_FILE_TEXT_LENGTH; at < text.length; at++)
    if (text[at] !== NEWLINE && text[at] !== RETURN) return undefined;
  if (text.length < KEY_FILE_TEXT_LENGTH) return undefined;
  const key = allocateSecret(KEY_FILE_KEY_LENGTH);
  let held = 0;
  let bits = 0;
  let at = 0;
  for (const character of text.subarray(0, KEY_FILE_TEXT_LENGTH)) {
    const value = KEY_FILE_ALPHABET.indexOf(character);
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

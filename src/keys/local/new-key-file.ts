import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { allocateSecret, randomSecret, zero } from '../../crypto/secrets.ts';
import { fromSystemError, isWaxsealError, WaxsealError } from '../../errors/index.ts';
import { KEY_FILE_ALPHABET, KEY_FILE_KEY_LENGTH, KEY_FILE_TEXT_LENGTH, NEWLINE, readKeyFile } from './key-file.ts';
import { writePrivateFile } from './private-files.ts';

/** As {@link readKeyFile}, but makes the file when there is none. Of two processes that make it, one wins for both. */
export async function readOrCreateKeyFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const existing = await readKeyFile(path);
  if (existing !== undefined) return existing;
  const key = randomSecret(KEY_FILE_KEY_LENGTH);
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

/** base64url by hand: a string would stay on the heap, where it cannot be zeroed. */
function encode(key: Uint8Array): Uint8Array {
  const text = allocateSecret(KEY_FILE_TEXT_LENGTH + 1);
  let held = 0;
  let bits = 0;
  let at = 0;
  for (const byte of key) {
    held = ((held << 8) | byte) & 0xffff;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      text[at++] = KEY_FILE_ALPHABET[(held >>> bits) & 63] ?? 0;
    }
  }
  text[at++] = KEY_FILE_ALPHABET[(held << (6 - bits)) & 63] ?? 0;
  text[at] = NEWLINE;
  return text;
}

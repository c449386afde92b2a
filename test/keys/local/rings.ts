import { randomFillSync } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type ErrorCode, WaxsealError } from '../../../src/errors/index.ts';
import {
  createLocalKeyring,
  type KeyringOptions,
  type LocalKeyring,
  openLocalKeyring,
} from '../../../src/keys/local/index.ts';
import { temporaryFolder } from '../../support/folder.ts';

/** The cheapest scrypt that is allowed. */
export const cheap = { scrypt: { N: 2 ** 14, p: 1 } };

export interface TestRing {
  /** Temporary folder around everything. */
  readonly base: string;
  readonly folder: string;
  readonly unlock: { readonly keyFile: string };
  readonly ring: LocalKeyring;
  reopen(options?: KeyringOptions): Promise<LocalKeyring>;
}

/** A fresh keyring under a key file (no scrypt: fast) with the key `default`. */
export async function testRing(options: KeyringOptions = {}, keys: readonly string[] = ['default']): Promise<TestRing> {
  const base = await temporaryFolder();
  const folder = join(base, 'ring');
  const unlock = { keyFile: join(base, 'unlock.key') };
  const ring = await createLocalKeyring(folder, unlock, { ...cheap, ...options });
  for (const name of keys) await ring.create(name);
  return { base, folder, unlock, ring, reopen: (more = {}) => openLocalKeyring(folder, unlock, { ...cheap, ...more }) };
}

export function random(length = 32): Uint8Array {
  return randomFillSync(new Uint8Array(length));
}

/** The error that a promise rejects with, which has to be ours and have this code. */
export async function refusal(work: Promise<unknown>, code: ErrorCode): Promise<WaxsealError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(WaxsealError);
  expect((error as WaxsealError).code, (error as WaxsealError).message).toBe(code);
  return error as WaxsealError;
}

/** Every file below a folder, but not the lock, with its bytes. */
export async function snapshot(folder: string): Promise<Map<string, Buffer>> {
  const out = new Map<string, Buffer>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name === '.waxseal.lock') continue;
    const path = join(entry.parentPath, entry.name);
    out.set(path.slice(folder.length + 1), await readFile(path));
  }
  return out;
}

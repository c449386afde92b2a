import { readFile } from 'node:fs/promises';
import { importShare, type SharedShare } from '../envelope/index.ts';
import { fromSystemError, WaxsealError } from '../errors/index.ts';
import type { KeyProvider } from '../keys/provider.ts';

/** Shares that custodians sent, as keys. */
export async function readShares(files: readonly string[], keys: readonly KeyProvider[]): Promise<KeyProvider[]> {
  const shares: KeyProvider[] = [];
  for (const file of files) shares.push(importShare(await readShare(file), keys));
  return shares;
}

async function readShare(file: string): Promise<SharedShare> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw fromSystemError(error, 'read', file, true);
  });
  try {
    return JSON.parse(text) as SharedShare;
  } catch (cause) {
    throw new WaxsealError('ERR_NOT_SEALED', `${file} is not the share of a custodian`, {
      object: file,
      next: 'give the files that waxseal quorum share wrote',
      cause,
    });
  }
}

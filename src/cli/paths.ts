import type { BigIntStats } from 'node:fs';
import { lstat, stat } from 'node:fs/promises';
import { fromSystemError, WaxsealError } from '../errors/index.ts';

/** Refuses standard input beside other inputs: one of them would be ignored. */
export function refuseMixedInput(verb: string, paths: readonly string[], output: string | undefined): void {
  if (paths.length > 1 && paths.includes('-')) throw new TypeError(`${verb}: - (standard input) stands alone`);
  if (paths.length > 1 && output !== undefined) throw new TypeError(`${verb}: -o names one output and needs one input`);
}

/** A sealed file, with the payload that `--payload` names. */
export function sourceOf(path: string, payload: string | undefined): string | { header: string; payload: string } {
  return payload === undefined ? path : { header: path, payload };
}

/** Says at once that an input is missing, before a stream of it fails somewhere else. */
export async function requireInput(path: string): Promise<void> {
  try {
    const facts = await stat(path);
    if (facts.isDirectory()) throw new WaxsealError('ERR_NOT_A_FILE', `${path} is a folder`, { object: path });
  } catch (error) {
    throw fromSystemError(error, 'read', path, true);
  }
}

/**
 * Refuses an output that must not be replaced, whatever `--force` says: the input itself, a folder, a device or pipe.
 */
export async function checkOutput(source: string, target: string): Promise<void> {
  const there = await stat(target, { bigint: true }).catch(() => undefined);
  if (there === undefined) return;
  if (there.isDirectory()) {
    throw new WaxsealError('ERR_USAGE', `${target} is a folder`, {
      object: target,
      next: 'name the file in it with -o',
    });
  }
  if (!there.isFile()) {
    throw new WaxsealError('ERR_USAGE', `${target} is not a regular file, and is not replaced`, {
      object: target,
      next: 'write to it through standard output: -o -',
    });
  }
  const input = source === '-' ? undefined : await stat(source, { bigint: true }).catch(() => undefined);
  if (input !== undefined && input.dev === there.dev && input.ino === there.ino) {
    throw new WaxsealError('ERR_USAGE', `${target} is the input itself`, {
      object: target,
      next: 'choose another output with -o',
    });
  }
}

/** What tells that a file is still the one that was looked at. */
export type FileIdentity = Pick<BigIntStats, 'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs'>;

/**
 * The identity of a file that may be deleted after it was sealed.
 *
 * @throws WaxsealError `ERR_USAGE` for a link: what it names would stay behind, in clear
 */
export async function removableFile(path: string): Promise<FileIdentity> {
  let facts: BigIntStats;
  try {
    facts = await lstat(path, { bigint: true });
  } catch (error) {
    throw fromSystemError(error, 'read', path, true);
  }
  if (facts.isSymbolicLink() || facts.nlink > 1n) {
    const kind = facts.isSymbolicLink() ? 'a symbolic link' : `one of ${String(facts.nlink)} names of a file`;
    throw new WaxsealError('ERR_USAGE', `${path} is ${kind}: deleting it would leave the plaintext behind`, {
      object: path,
      next: 'seal the file itself, or seal without --remove',
    });
  }
  return facts;
}

export function isSameFile(a: FileIdentity, b: FileIdentity): boolean {
  return (['dev', 'ino', 'size', 'mtimeNs', 'ctimeNs'] as const).every((name) => a[name] === b[name]);
}

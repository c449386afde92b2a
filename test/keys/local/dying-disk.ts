import fs, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

/** How the process "dies" at a step: before it, or with half of a write done. */
export type Death = 'before' | 'torn';

/** The change that a process died at; undefined when its work ended before. */
export type DiedAt = string | undefined;

/** Thrown by every call from the death on: nothing that runs after it can touch the disk. */
class Dead extends Error {
  override readonly name = 'Dead';
}

const CHANGING = ['open', 'link', 'rename', 'unlink', 'mkdir'] as const;
const READING = ['stat', 'lstat', 'readdir', 'realpath'] as const;
const HANDLE_CHANGING = ['write', 'writev', 'sync', 'datasync'] as const;
const HANDLE_READING = ['read', 'stat'] as const;

type AnyCall = (...args: unknown[]) => Promise<unknown>;

/**
 * Runs `work` on a file system that dies at its `step`-th change (counted from 1): as a killed process would, it does
 * nothing more, not even clean up.
 *
 * @returns the name of the call that it died at; undefined when the work ended before
 */
export async function withDeathAt(step: number, death: Death, work: () => Promise<unknown>): Promise<DiedAt> {
  const originals = new Map<string, AnyCall>();
  const module = fs as unknown as Record<string, AnyCall>;
  let changes = 0;
  let diedAt: DiedAt;

  const run = async (name: string, call: () => Promise<unknown>, torn?: () => Promise<unknown>): Promise<unknown> => {
    if (diedAt !== undefined) throw new Dead();
    changes += 1;
    if (changes < step) return call();
    diedAt = name;
    if (death === 'torn') await torn?.();
    throw new Dead();
  };
  const look = (call: () => Promise<unknown>): Promise<unknown> =>
    diedAt === undefined ? call() : Promise.reject(new Dead());

  const wrapHandle = (handle: FileHandle): FileHandle => {
    const calls = handle as unknown as Record<string, AnyCall>;
    for (const name of HANDLE_CHANGING) {
      const original = calls[name]?.bind(handle) as AnyCall;
      const half: AnyCall = (bytes, offset, length, ...rest) =>
        original(bytes, offset, Math.floor(Number(length) / 2), ...rest);
      calls[name] = (...args) => run(name, () => original(...args), name === 'write' ? () => half(...args) : undefined);
    }
    for (const name of HANDLE_READING) {
      const original = calls[name]?.bind(handle) as AnyCall;
      calls[name] = (...args) => look(() => original(...args));
    }
    return handle;
  };

  for (const name of [...CHANGING, ...READING]) originals.set(name, module[name] as AnyCall);
  const original = (name: string): AnyCall => originals.get(name) as AnyCall;
  for (const name of READING) module[name] = (...args) => look(() => original(name)(...args));
  for (const name of CHANGING) {
    module[name] = async (...args) => {
      const isChange = name !== 'open' || (typeof args[1] === 'string' && args[1] !== 'r');
      const call = (): Promise<unknown> => original(name)(...args);
      const result = await (isChange ? run(name, call) : look(call));
      return name === 'open' ? wrapHandle(result as FileHandle) : result;
    };
  }
  syncBuiltinESMExports();
  try {
    await work();
  } catch (error) {
    if (!isDeath(error)) throw error;
  } finally {
    for (const [name, call] of originals) module[name] = call;
    syncBuiltinESMExports();
  }
  return diedAt;
}

function isDeath(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof Dead) return true;
  return false;
}

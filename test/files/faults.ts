/** A file system that misbehaves: methods of FileHandle and functions of node:fs/promises, replaced for one test. */
import promises, { open } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

type AnyCall = (this: unknown, ...args: unknown[]) => unknown;

/** As the kernel reports it through Node. */
export function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${code}: ${syscall}`), { code, syscall });
}

/** Runs `work` while calls of one function or method go to `instead`, which is given the original. */
export async function withFault<T>(
  where: 'handle' | 'promises',
  name: string,
  instead: (original: AnyCall) => AnyCall,
  work: () => Promise<T>,
): Promise<T> {
  let target = promises as unknown as Record<string, AnyCall>;
  if (where === 'handle') {
    const probe = await open(process.execPath, 'r');
    target = Object.getPrototypeOf(probe) as typeof target;
    await probe.close();
  }
  const original = target[name];
  if (original === undefined) throw new Error(`there is no ${name}`);
  target[name] = instead(original);
  syncBuiltinESMExports();
  try {
    return await work();
  } finally {
    target[name] = original;
    syncBuiltinESMExports();
  }
}

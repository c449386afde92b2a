/** Processes of the tests of files. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { afterEach } from 'vitest';

const running = new Set<() => void>();

/** Also those of a test that failed: they would hold the run open. */
afterEach(() => {
  for (const kill of running) kill();
  running.clear();
});

export interface FileProcess {
  readonly pid: number;
  /** The first line it wrote; only then it is given out. */
  readonly first: unknown;
  begin(): void;
  kill(): Promise<void>;
  /** The lines after the first, once it has ended by itself. */
  rest(): Promise<unknown[]>;
}

export async function startFileProcess(...args: readonly string[]): Promise<FileProcess> {
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'file-process.ts'), ...args],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  running.add(() => child.kill('SIGKILL'));
  child.stdin.on('error', () => undefined);
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const line = await lines.next();
    return line.done === true ? undefined : (JSON.parse(line.value) as unknown);
  };
  const first = await next();
  return {
    pid: child.pid ?? 0,
    first,
    begin: () => void child.stdin.write('\n'),
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
    async rest() {
      const all: unknown[] = [];
      for (let line = await next(); line !== undefined; line = await next()) all.push(line);
      const [code, signal] = await ended;
      if (code !== 0) throw new Error(`a process ended with ${String(code ?? signal)}`);
      return all;
    },
  };
}

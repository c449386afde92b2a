/** Real processes at work on one keyring, each behind a pipe. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Answer, Order } from './writer-process.ts';

export interface Writer {
  /** Sends an order and waits for the answer. */
  tell(order: Order): Promise<Answer>;
  end(): Promise<void>;
}

async function startWriter(ring: string, keyFile: string): Promise<Writer> {
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'writer-process.ts'), ring, keyFile],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, NODE_COMPILE_CACHE: join(import.meta.dirname, '../../.cache/compiled') },
    },
  );
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined);
  const ended = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const line = await lines.next();
    if (line.done === true) throw new Error(`a writer ended: ${stderr}`);
    return JSON.parse(line.value);
  };
  await next();
  return {
    async tell(order) {
      child.stdin.write(`${JSON.stringify(order)}\n`);
      return (await next()) as Answer;
    },
    async end() {
      child.stdin.end();
      await ended;
    },
  };
}

/** Runs `work` with processes that have unlocked the keyring and are ended after it, whatever happens. */
export async function withWriters<T>(
  count: number,
  ring: string,
  keyFile: string,
  work: (writers: readonly Writer[]) => Promise<T>,
): Promise<T> {
  const writers = await Promise.all(Array.from({ length: count }, () => startWriter(ring, keyFile)));
  try {
    return await work(writers);
  } finally {
    await Promise.all(writers.map((writer) => writer.end()));
  }
}

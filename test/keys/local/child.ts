import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A process of a test: a script beside this file, one JSON line per thing it reports. */
export interface Child {
  readonly process: ChildProcess;
  readonly lines: AsyncIterator<unknown>;
  /** What came out until it ended, with how it ended; a line that was cut is left out. */
  end(): Promise<{ lines: unknown[]; code: number | null; stderr: string }>;
}

export interface ChildOptions {
  readonly user?: number | undefined;
  readonly nodeOptions?: readonly string[] | undefined;
}

export function startChild(script: string, args: readonly string[], options: ChildOptions = {}): Child {
  const { user, nodeOptions = [] } = options;
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', ...nodeOptions, join(import.meta.dirname, script), ...args],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(user === undefined ? {} : { uid: user, gid: user }),
    },
  );
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined);
  const ended = once(child, 'close') as Promise<[number | null]>;
  const lines = parsed(child)[Symbol.asyncIterator]();
  return {
    process: child,
    lines,
    async end() {
      const all: unknown[] = [];
      for (let next = await lines.next(); next.done !== true; next = await lines.next()) all.push(next.value);
      const [code] = await ended;
      return { lines: all, code, stderr };
    },
  };
}

async function* parsed(child: ChildProcess): AsyncGenerator {
  if (child.stdout === null) return;
  for await (const line of createInterface({ input: child.stdout })) {
    try {
      yield JSON.parse(line);
    } catch {
      return;
    }
  }
}

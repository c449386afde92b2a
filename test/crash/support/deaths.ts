/** Runs an operation in a process of its own and kills it at a step of its choice. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Injection } from './inject.ts';
import type { OperationName } from './operations.ts';

export interface Death {
  /** Counted from 1. */
  readonly step: number;
  readonly how: 'before' | 'after' | 'torn';
}

interface Ended {
  readonly signal: NodeJS.Signals | null;
  readonly code: number | null;
  readonly stderr: string;
}

/** The names of the steps of an operation that nobody disturbs. */
export async function stepsOf(
  operation: OperationName,
  world: string,
  { reads = false, how = 'before' }: { readonly reads?: boolean; readonly how?: Injection['how'] } = {},
): Promise<string[]> {
  const report = join(world, 'steps.json');
  const { code, stderr } = await run(operation, world, { at: 0, how, report, reads });
  if (code !== 0) throw new Error(`${operation} failed: ${stderr}`);
  const steps = JSON.parse(await readFile(report, 'utf8')) as string[];
  await rm(report);
  return steps;
}

/** Kills an operation. @throws Error when it ended in any other way */
export async function die(operation: OperationName, world: string, death: Death, reads = false): Promise<void> {
  const { signal, code, stderr } = await run(operation, world, { at: death.step, how: death.how, report: '', reads });
  if (signal !== 'SIGKILL') throw new Error(`${operation} was to be killed, but ended with ${String(code)}: ${stderr}`);
}

async function run(operation: OperationName, world: string, injection: Injection): Promise<Ended> {
  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--import',
      join(import.meta.dirname, 'inject.ts'),
      join(import.meta.dirname, 'operation-process.ts'),
      operation,
      world,
    ],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        WAXSEAL_INJECT: JSON.stringify(injection),
        // What a process needs to start is compiled once, not hundreds of times.
        NODE_COMPILE_CACHE: join(import.meta.dirname, '../../.cache/compiled'),
      },
    },
  );
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, stderr };
}

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE } from './cache.ts';
import { freePort, stopChild, waitFor } from './process.ts';
import { type KmsFront, startKmsFront } from './kms-front.ts';

const PYTHON = join(CACHE, 'moto/bin/python');

/** Whether the emulator of AWS is installed (`npm run servers:install`). */
export const hasMoto = (): boolean => existsSync(PYTHON);

/** moto in server mode, behind the front that fills its gaps. */
export interface Moto extends AsyncDisposable {
  /** What clients talk to. */
  readonly endpoint: string;
  readonly front: KmsFront;
  stop(): Promise<void>;
}

/** @param env for the server, such as `INITIAL_NO_AUTH_ACTION_COUNT`, from which on it enforces IAM policies */
export async function startMoto(env: Readonly<Record<string, string>> = {}): Promise<Moto> {
  const port = await freePort();
  const child: ChildProcess = spawn(PYTHON, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore',
    env: { ...process.env, ...env },
  });
  try {
    const upstream = `http://127.0.0.1:${String(port)}`;
    await waitFor('moto', async () => (await fetch(`${upstream}/moto-api/data.json`)).ok, child);
    const front = await startKmsFront(upstream);
    const stop = async (): Promise<void> => {
      await front.stop();
      await stopChild(child);
    };
    return { endpoint: front.endpoint, front, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stopChild(child);
    throw error;
  }
}

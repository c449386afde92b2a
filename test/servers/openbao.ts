import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CACHE } from './cache.ts';
import { freePort, stopChild, waitFor } from './process.ts';

const BINARY = join(CACHE, 'bao');
const ROOT_TOKEN = 'root-of-the-test-server';

/** Whether OpenBao has been built (`npm run servers:install`). */
export const hasOpenBao = (): boolean => existsSync(BINARY);

/** A development server of OpenBao with a Transit engine at `transit/`. */
export interface OpenBao extends AsyncDisposable {
  readonly address: string;
  readonly rootToken: string;
  /** A request of the administrator; gives the answer's JSON, and throws what the server refuses. */
  request(method: string, path: string, body?: object, token?: string): Promise<Record<string, never>>;
  /** Makes a derived key; gives its name. */
  createKey(name?: string, body?: object): Promise<string>;
  /** Makes a token with just this policy. */
  tokenWith(policy: string, fields?: object): Promise<string>;
  stop(): Promise<void>;
}

let counter = 0;

export async function startOpenBao(): Promise<OpenBao> {
  const port = await freePort();
  const home = await mkdtemp(join(tmpdir(), 'waxseal-openbao-'));
  const listen = `127.0.0.1:${String(port)}`;
  const child = spawn(
    BINARY,
    ['server', '-dev', `-dev-root-token-id=${ROOT_TOKEN}`, `-dev-listen-address=${listen}`, '-dev-no-store-token'],
    { stdio: 'ignore', env: { PATH: process.env['PATH'], HOME: home } },
  );
  const address = `http://${listen}`;
  const stop = async (): Promise<void> => {
    await stopChild(child);
    await rm(home, { recursive: true, force: true });
  };
  const request: OpenBao['request'] = async (method, path, body, token = ROOT_TOKEN) => {
    const response = await fetch(`${address}/v1/${path}`, {
      method,
      headers: { 'x-vault-token': token },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${String(response.status)} ${text}`);
    return (text === '' ? {} : JSON.parse(text)) as Record<string, never>;
  };
  try {
    await waitFor('OpenBao', async () => (await fetch(`${address}/v1/sys/health`)).ok, child);
    await request('POST', 'sys/mounts/transit', { type: 'transit' });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    address,
    rootToken: ROOT_TOKEN,
    request,
    async createKey(name = `key-${String(++counter)}`, body = {}) {
      await request('POST', `transit/keys/${name}`, { derived: true, ...body });
      return name;
    },
    async tokenWith(policy, fields = {}) {
      const name = `policy-${String(++counter)}`;
      await request('PUT', `sys/policies/acl/${name}`, { policy });
      const { auth } = (await request('POST', 'auth/token/create', { policies: [name], ...fields })) as unknown as {
        auth: { client_token: string };
      };
      return auth.client_token;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

import { readFile } from 'node:fs/promises';
import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { WaxsealError } from '../../src/errors/index.ts';
import type { Connection } from './options.ts';

/** An answer of the server: its status and the JSON object in it. */
export interface Answer {
  readonly status: number;
  /** Undefined where the body is empty. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
  readonly retryAfterMs: number | undefined;
}

/** Answers of Transit have a few kilobytes; batches some more. */
const MAX_ANSWER = 1024 * 1024;
const MAX_SOCKETS = 64;

/** The connection to one server: kept alive, certificates checked, redirects not followed. */
export class VaultHttp {
  readonly #connection: Connection;
  readonly #agent: HttpAgent | HttpsAgent;
  /** Milliseconds that the server's clock is ahead, as its last answer said; to the second. */
  clockSkewMs: number | undefined;

  private constructor(connection: Connection, agent: HttpAgent | HttpsAgent) {
    this.#connection = connection;
    this.#agent = agent;
  }

  /** @throws WaxsealError `ERR_CONFIG` when a file of certificates cannot be read */
  static async open(connection: Connection): Promise<VaultHttp> {
    const { address, caFile, clientCertFile, clientKeyFile } = connection;
    const keep = { keepAlive: true, maxSockets: MAX_SOCKETS };
    if (address.protocol === 'http:') return new VaultHttp(connection, new HttpAgent(keep));
    const [ca, cert, key] = await Promise.all([caFile, clientCertFile, clientKeyFile].map(pemFile));
    const agent = new HttpsAgent({
      ...keep,
      minVersion: 'TLSv1.2',
      rejectUnauthorized: true,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    });
    return new VaultHttp(connection, agent);
  }

  /** @param path below `/v1/` */
  async request(
    method: 'GET' | 'POST',
    path: string,
    token: string | undefined,
    body: object | undefined,
    signal: AbortSignal,
  ): Promise<Answer> {
    const { address, namespace } = this.#connection;
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const headers = {
      'x-vault-request': 'true',
      ...(token === undefined ? {} : { 'x-vault-token': token }),
      ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
      ...(payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': payload.length }),
    };
    const make = address.protocol === 'http:' ? httpRequest : httpsRequest;
    const base = address.pathname.replace(/\/+$/, '');
    const request = make({
      hostname: address.hostname.replace(/^\[|\]$/g, ''),
      port: address.port === '' ? undefined : Number(address.port),
      method,
      path: `${base}/v1/${path}`,
      headers,
      agent: this.#agent,
      signal,
    });
    request.once('response', ({ headers: { date } }) => {
      const theirs = date === undefined ? Number.NaN : Date.parse(date);
      if (!Number.isNaN(theirs)) this.clockSkewMs = Math.trunc((theirs - Date.now()) / 1000) * 1000;
    });
    try {
      return await answerOf(request, payload);
    } finally {
      payload?.fill(0);
    }
  }

  close(): void {
    this.#agent.destroy();
  }
}

async function answerOf(request: ClientRequest, payload: Buffer | undefined): Promise<Answer> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
    request.end(payload);
  });
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_ANSWER) throw malformed('is over 1 MiB');
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  for (const chunk of chunks) chunk.fill(0);
  const status = response.statusCode ?? 0;
  if (status >= 300 && status < 400) throw redirected(response.headers.location);
  const seconds = Number(response.headers['retry-after']);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : undefined;
  try {
    return { status, body: length === 0 ? undefined : parse(bytes.toString('utf8'), status), retryAfterMs };
  } finally {
    bytes.fill(0);
  }
}

function parse(text: string, status: number): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  // What stands between (a proxy, a load balancer) has errors of its own, and no JSON.
  if (status >= 400) return undefined;
  throw malformed('is no JSON object');
}

function malformed(why: string): WaxsealError {
  return new WaxsealError('ERR_PROVIDER_RESPONSE', `the answer of Vault ${why}`, {
    next: 'check that the address is that of Vault or OpenBao',
  });
}

function redirected(location: string | undefined): WaxsealError {
  return new WaxsealError('ERR_PROVIDER_RESPONSE', `Vault answers with a redirect to ${location ?? 'nowhere'}`, {
    next: 'use the address of the active node or of the load balancer; redirects are not followed with a token',
  });
}

async function pemFile(path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
  return readFile(path).catch((cause: unknown) => {
    throw new WaxsealError('ERR_CONFIG', `${path} cannot be read`, { object: path, cause });
  });
}

/**
 * A proxy of ours between a client and a real server, which makes the faults that servers do not make when they are asked
 * to. It speaks plain HTTP/1.1 and passes everything on, unless a fault is set.
 */
import { createServer, type IncomingMessage, request as send, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request on its way, and the answer once it is there. */
export interface Exchange {
  /** Path of Transit, or name of the call of KMS. */
  readonly call: string;
  readonly request: Buffer;
  readonly pass: () => Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }>;
  readonly response: ServerResponse;
}

/** Answers in the server's stead; true when it did. */
export type Fault = (exchange: Exchange) => Promise<boolean> | boolean;

export interface FaultProxy {
  readonly endpoint: string;
  /** Calls that came in, by name, with the time at which each did (milliseconds). */
  readonly calls: { readonly call: string; readonly at: number }[];
  /** From now on; undefined passes everything on. */
  fault: Fault | undefined;
  /** Number of calls whose name contains the text. */
  count(call: string): number;
  stop(): Promise<void>;
}

export async function startFaultProxy(upstream: string): Promise<FaultProxy> {
  const { hostname, port } = new URL(upstream);
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const target = request.headers['x-amz-target'];
    const call = target === undefined ? String(request.url) : String(target).replace('TrentService.', '');
    proxy.calls.push({ call, at: performance.now() });
    const pass: Exchange['pass'] = () =>
      new Promise((resolve, reject) => {
        const { method, url, headers } = request;
        const out = send({ hostname, port, method, path: url, headers }, (answered) => {
          const parts: Buffer[] = [];
          answered.on('data', (part: Buffer) => parts.push(part));
          answered.on('error', reject);
          answered.on('end', () => {
            resolve({ status: answered.statusCode ?? 0, headers: answered.headers, body: Buffer.concat(parts) });
          });
        });
        out.on('error', reject);
        out.end(body);
      });
    if (proxy.fault !== undefined && (await proxy.fault({ call, request: body, pass, response }))) return;
    const answer = await pass();
    response.writeHead(answer.status, answer.headers).end(answer.body);
  };
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: FaultProxy = {
    endpoint: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    calls: [],
    fault: undefined,
    count: (call) => proxy.calls.filter((one) => one.call.includes(call)).length,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

/** The first `times` calls whose name contains the text; the rest goes through. */
export function first(times: number, call: string, fault: Fault): Fault {
  let left = times;
  return (exchange) => {
    if (left === 0 || !exchange.call.includes(call)) return false;
    left -= 1;
    return fault(exchange);
  };
}

/** A status with a body. */
export const answers =
  (status: number, body: string | object, headers: Record<string, string> = {}): Fault =>
  ({ response }) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
    return true;
  };

/** Takes the request and says nothing. */
export const hangs: Fault = () => true;

/** Breaks the connection off. */
export const resets: Fault = ({ response }) => {
  response.destroy();
  return true;
};

/** A byte of the answer every 50 ms, for ever so long. */
export const trickles: Fault = async ({ response }) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  const timer = setInterval(() => response.write(' '), 50);
  response.on('close', () => {
    clearInterval(timer);
  });
  return true;
};

/** The true answer, with another JSON body. */
export const rewrites =
  (change: (body: Record<string, unknown>) => unknown): Fault =>
  async ({ pass, response }) => {
    const { status, headers, body } = await pass();
    const { 'content-length': _, ...rest } = headers;
    response
      .writeHead(status, rest)
      .end(JSON.stringify(change(JSON.parse(body.toString()) as Record<string, unknown>)));
    return true;
  };

/** The server does its part, and the answer is lost. */
export const losesAnswer: Fault = async ({ pass, response }) => {
  await pass();
  response.destroy();
  return true;
};

/** 2,000 wraps at concurrency 64 against each server: no lost answer, and the rate budget kept over every second. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { awsKms } from '../../providers/aws-kms/index.ts';
import { Hsm } from '../../providers/pkcs11/hsm.ts';
import { createPkcs11Key } from '../../providers/pkcs11/index.ts';
import { vaultTransit } from '../../providers/vault-transit/index.ts';
import { randomPublic } from '../../src/crypto/secrets.ts';
import type { KeyProvider } from '../../src/keys/provider.ts';
import { type FaultProxy, startFaultProxy } from '../servers/fault-proxy.ts';
import { scaled } from '../tier.ts';
import { adminOf, createKey, CREDENTIALS } from './aws-kms/support.ts';
import { hasAllServers, type Servers, startServers } from './support/servers.ts';

const WRAPS = scaled(400, 2_000, 20_000);
const CONCURRENCY = 64;
const LIMITS = { deadlineMs: 120_000, attemptTimeoutMs: 20_000 };

let counter = 0;

/** What a run of wraps showed. */
interface Measured {
  readonly p50: number;
  readonly p99: number;
  readonly seconds: number;
}

/** Wraps from several callers at once; every answer is opened again and compared. */
async function wrapMany(key: KeyProvider): Promise<Measured> {
  const times: number[] = [];
  const started = performance.now();
  let left = WRAPS;
  const opened: Promise<boolean>[] = [];
  const caller = async (): Promise<void> => {
    while (left-- > 0) {
      const [secret, binding] = [randomPublic(32), randomPublic(32)];
      const begun = performance.now();
      const wrapped = await key.wrap(secret, binding);
      times.push(performance.now() - begun);
      // One in twenty is opened: each has its own secret, so a mixed-up answer shows.
      if (times.length % 20 === 0) {
        opened.push(key.unwrap(wrapped, binding).then((back) => Buffer.compare(back.secret, secret) === 0));
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, caller));
  const seconds = (performance.now() - started) / 1000;
  expect(times).toHaveLength(WRAPS);
  expect((await Promise.all(opened)).every(Boolean)).toBe(true);
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), seconds };
}

function busiestSecond(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  let [from, most] = [0, 0];
  sorted.forEach((time, to) => {
    while (time - (sorted[from] ?? 0) >= 1000) from += 1;
    most = Math.max(most, to - from + 1);
  });
  return most;
}

describe.skipIf(!hasAllServers())(`${String(WRAPS)} wraps at concurrency ${String(CONCURRENCY)}`, () => {
  let servers: Servers;
  const proxies: FaultProxy[] = [];
  /** When each request to the token was made: there is no network to look at. */
  const requests: number[] = [];
  beforeAll(async () => {
    servers = await startServers();
    const request = Hsm.prototype.request;
    vi.spyOn(Hsm.prototype, 'request').mockImplementation(function (this: Hsm, ...args) {
      requests.push(performance.now());
      return request.apply(this, args);
    });
  });
  afterAll(async () => {
    for (const proxy of proxies) await proxy.stop();
    await servers.stop();
  });

  const before = async (upstream: string): Promise<FaultProxy> => {
    const proxy = await startFaultProxy(upstream);
    proxies.push(proxy);
    return proxy;
  };
  const tell = (what: string, { p50, p99, seconds }: Measured): void => {
    const rate = `${(WRAPS / seconds).toFixed(0)} wraps a second`;
    console.log(`${what}: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, ${rate}`);
  };

  const sides: readonly (readonly [
    string,
    () => Promise<{
      readonly key: (limits: object) => Promise<KeyProvider>;
      readonly times: () => readonly number[];
      readonly budget: number;
    }>,
  ])[] = [
    [
      'AWS KMS (moto)',
      async () => {
        const proxy = await before(servers.moto.endpoint);
        const arn = await createKey(adminOf(servers.moto));
        const key = (limits: object): Promise<KeyProvider> =>
          awsKms({ key: arn, endpoint: proxy.endpoint, credentials: CREDENTIALS, ...LIMITS, ...limits });
        // What a server cannot keep up with arrives in bunches, whatever the pace was: half of what moto can do.
        return { key, times: () => proxy.calls.map(({ at }) => at), budget: 100 };
      },
    ],
    [
      'Transit (OpenBao), a request for each wrap',
      async () => {
        const proxy = await before(servers.bao.address);
        const name = await servers.bao.createKey();
        const key = (limits: object): Promise<KeyProvider> =>
          vaultTransit({
            key: name,
            address: proxy.endpoint,
            token: servers.bao.rootToken,
            batch: 1,
            ...LIMITS,
            ...limits,
          });
        const times = (): number[] => proxy.calls.filter(({ call }) => !call.includes('token')).map(({ at }) => at);
        return { key, times, budget: 300 };
      },
    ],
    [
      'PKCS#11 (SoftHSM)',
      () => {
        const { token, library, pin } = servers.hsm;
        const key = (limits: object): Promise<KeyProvider> => {
          counter += 1;
          return createPkcs11Key({ token, library, pin, object: `load ${String(counter)}`, ...LIMITS, ...limits });
        };
        return Promise.resolve({ key, times: () => requests, budget: 300 });
      },
    ],
  ];

  it.each(sides)('%s: every wrap is answered, with its own secret', async (name, connect) => {
    const { key } = await connect();
    tell(name, await wrapMany(await key({})));
  });

  it.each(sides)('%s: the budget holds over every window of a second', async (_name, connect) => {
    const { key, times, budget } = await connect();
    const limited = await key({ requestsPerSecond: budget });
    const from = times().length;
    await wrapMany(limited);
    const most = busiestSecond(times().slice(from));
    console.log(`busiest second: ${String(most)} of ${String(budget)} requests`);
    expect(most).toBeLessThanOrEqual(budget);
    // And it is used, not merely kept.
    expect(most).toBeGreaterThan(budget / 2);
  });

  it('Transit in batches: fewer requests than wraps', async () => {
    const proxy = await before(servers.bao.address);
    const { address: _, ...common } = { address: '', key: await servers.bao.createKey(), token: servers.bao.rootToken };
    const key = await vaultTransit({ ...common, address: proxy.endpoint, ...LIMITS });
    tell('Transit (OpenBao), batches of up to 32', await wrapMany(key));
    expect(proxy.count('/encrypt/')).toBeLessThan(WRAPS / 4);
  });
});

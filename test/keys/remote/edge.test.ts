import { describe, expect, it } from 'vitest';
import { WaxsealError } from '../../../src/errors/index.ts';
import { Edge, loadPeer, networkTrouble, requireEndpoint, type Trouble } from '../../../src/keys/remote/index.ts';

const down = (): Trouble => ({ error: new WaxsealError('ERR_PROVIDER_UNAVAILABLE', 'down'), outage: true });
const throttled = (retryAfterMs?: number): Trouble => ({
  error: new WaxsealError('ERR_PROVIDER_THROTTLED', 'slow down'),
  untouched: true,
  retryAfterMs,
});
const denied = (): Trouble => ({ error: new WaxsealError('ERR_KEY_DENIED', 'no') });

async function attemptsOf(
  trouble: () => Trouble,
  limits: object,
  call: { readonly once?: boolean } = {},
): Promise<{ readonly attempts: number; readonly code: string; readonly ms: number }> {
  let attempts = 0;
  const started = performance.now();
  const code = await new Edge('key:', limits, trouble)
    .call({ name: 'wrap', ...call }, () => {
      attempts += 1;
      return Promise.reject(new TypeError('x'));
    })
    .then(
      () => 'done',
      (error: unknown) => (error as WaxsealError).code,
    );
  return { attempts, code, ms: performance.now() - started };
}

describe('what is tried again', () => {
  it('outages and throttling are, refusals are not, and never more often than was said', async () => {
    expect(await attemptsOf(down, { maxAttempts: 3 })).toMatchObject({ attempts: 3, code: 'ERR_PROVIDER_UNAVAILABLE' });
    expect(await attemptsOf(throttled, { maxAttempts: 2 })).toMatchObject({ attempts: 2 });
    expect(await attemptsOf(denied, { maxAttempts: 9 })).toMatchObject({ attempts: 1, code: 'ERR_KEY_DENIED' });
    expect(await attemptsOf(down, { maxAttempts: 1 })).toMatchObject({ attempts: 1 });
  });

  it('a call with an effect is, only where the provider did certainly nothing', async () => {
    expect(await attemptsOf(down, { maxAttempts: 3 }, { once: true })).toMatchObject({ attempts: 1 });
    expect(await attemptsOf(throttled, { maxAttempts: 3 }, { once: true })).toMatchObject({ attempts: 3 });
  });

  it('no sooner than the provider asked for', async () => {
    const { ms } = await attemptsOf(() => throttled(300), { maxAttempts: 2 });
    expect(ms).toBeGreaterThan(290);
  });

  it('with full jitter: delays differ, and begin near nothing', async () => {
    const times = await Promise.all(Array.from({ length: 30 }, () => attemptsOf(down, { maxAttempts: 2 })));
    const delays = times.map(({ ms }) => Math.round(ms));
    expect(new Set(delays).size).toBeGreaterThan(8);
    expect(Math.min(...delays)).toBeLessThan(60);
    expect(Math.max(...delays)).toBeLessThan(1_000);
  });
});

it('limits that are none are refused', () => {
  for (const limits of [
    { maxAttempts: 0 },
    { deadlineMs: 1.5 },
    { requestsPerSecond: Infinity },
    { breakerFailures: '3' },
  ]) {
    expect(() => new Edge('key:', limits as object, down)).toThrow(RangeError);
  }
});

it('an answer of a call that was given up is nobody else’s', async () => {
  const edge = new Edge('key:', { attemptTimeoutMs: 30, maxAttempts: 2 }, down);
  let attempt = 0;
  const value = await edge.call({ name: 'unwrap' }, async () => {
    attempt += 1;
    const mine = attempt;
    await new Promise((resolve) => setTimeout(resolve, mine === 1 ? 100 : 1));
    return mine;
  });
  expect(value).toBe(2);
});

it('the budget is that of all calls together, over every second', async () => {
  const edge = new Edge('key:', { requestsPerSecond: 20 }, down);
  const times: number[] = [];
  await Promise.all(
    Array.from({ length: 50 }, () => edge.call({ name: 'wrap' }, () => Promise.resolve(times.push(performance.now())))),
  );
  times.sort((a, b) => a - b);
  for (const [at, time] of times.entries()) {
    const later = times[at + 20];
    if (later !== undefined) expect(later - time).toBeGreaterThan(1_000);
  }
  // Evenly, and used: 50 requests of 20 a second take some three seconds.
  expect((times[9] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(400);
  expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeLessThan(4_000);
});

it('a missing package is told with the command that brings it, other errors of loading as they are', async () => {
  const missing = Object.assign(new TypeError("Cannot find package 'thing'"), { code: 'ERR_MODULE_NOT_FOUND' });
  await expect(loadPeer('thing', '^1.2.3', () => Promise.reject(missing))).rejects.toMatchObject({
    code: 'ERR_PROVIDER_MISSING',
    next: 'npm install thing@^1.2.3',
  });
  const broken = new TypeError('broken inside');
  await expect(loadPeer('thing', '^1.2.3', () => Promise.reject(broken))).rejects.toBe(broken);
});

it('addresses are https, or this machine', () => {
  for (const good of [
    'https://vault.example:8200',
    'http://127.0.0.1:1',
    'http://127.9.9.9',
    'http://[::1]:8200',
    'http://localhost',
  ]) {
    expect(requireEndpoint(good, 'the address').href).toContain('http');
  }
  for (const bad of [
    'http://127.0.0.1.evil.example',
    'http://10.0.0.1',
    'ftp://localhost',
    'nonsense',
    'https://u:p@v',
    'http://[::2]',
  ]) {
    expect(() => requireEndpoint(bad, 'the address')).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
  }
});

it('broken connections and certificates are told apart', () => {
  const of = (code: string): Trouble | undefined =>
    networkTrouble(new TypeError('outer', { cause: Object.assign(new TypeError(code), { code }) }), 'key:');
  expect(of('ECONNREFUSED')).toMatchObject({ outage: true, untouched: true });
  expect(of('ECONNRESET')).toMatchObject({ outage: true, untouched: false });
  expect(of('SELF_SIGNED_CERT_IN_CHAIN')?.error).toMatchObject({ retryable: false });
  expect(of('ERR_INVALID_ARG_TYPE')).toBeUndefined();
});

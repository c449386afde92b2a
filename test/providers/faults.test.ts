/** Faults between client and server: no data lost, no wrong wrap written, the right code, bounded retries. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { awsKms } from '../../providers/aws-kms/index.ts';
import { vaultTransit } from '../../providers/vault-transit/index.ts';
import { inspect, open, rewrap, seal, sealFile } from '../../src/envelope/index.ts';
import type { ErrorCode } from '../../src/errors/index.ts';
import type { KeyProvider } from '../../src/keys/provider.ts';
import {
  answers,
  type Fault,
  type FaultProxy,
  first,
  hangs,
  losesAnswer,
  resets,
  rewrites,
  startFaultProxy,
  trickles,
} from '../servers/fault-proxy.ts';
import { hasMoto, type Moto, startMoto } from '../servers/moto.ts';
import { hasOpenBao, type OpenBao, startOpenBao } from '../servers/openbao.ts';
import { pattern } from '../support/bytes.ts';
import { temporaryFolder } from '../support/folder.ts';
import { memoryKey } from '../support/memory-key.ts';
import { adminOf, createKey, CREDENTIALS } from './aws-kms/support.ts';
import { like } from '../support/matching.ts';

const plaintext = pattern(2_000);
const ATTEMPTS = 3;
const LIMITS = { maxAttempts: ATTEMPTS, attemptTimeoutMs: 400, deadlineMs: 5_000, breakerFailures: 1000 };

/** A server behind the proxy, and how its faults look. */
interface Side {
  readonly name: string;
  readonly here: boolean;
  start(): Promise<{ readonly upstream: string; readonly stop: () => Promise<void>; readonly connect: Connect }>;
  readonly calls: { readonly wrap: string; readonly unwrap: string; readonly rewrap: string; readonly datakey: string };
  readonly throttled: Fault;
  readonly broken: Fault;
  readonly denied: Fault;
  readonly expired: Fault;
  /** An answer to unwrap with this plaintext. */
  readonly plaintext: (secret: Uint8Array) => Fault;
}
type Connect = (endpoint: string, limits: object) => Promise<KeyProvider & { close(): void }>;

const awsError = (type: string): Fault => answers(400, { __type: type, message: '' }, { 'x-amzn-errortype': type });

const SIDES: readonly Side[] = [
  {
    name: 'AWS KMS',
    here: hasMoto(),
    async start() {
      const moto: Moto = await startMoto();
      const admin = adminOf(moto);
      const connect: Connect = async (endpoint, limits) =>
        awsKms({ key: await createKey(admin), endpoint, credentials: CREDENTIALS, ...limits });
      return { upstream: moto.endpoint, stop: () => moto.stop(), connect };
    },
    calls: { wrap: 'Encrypt', unwrap: 'Decrypt', rewrap: 'ReEncrypt', datakey: 'GenerateDataKey' },
    throttled: awsError('ThrottlingException'),
    broken: answers(500, { __type: 'KMSInternalException' }, { 'x-amzn-errortype': 'KMSInternalException' }),
    denied: awsError('AccessDeniedException'),
    expired: awsError('ExpiredTokenException'),
    plaintext: (secret) => rewrites((body) => ({ ...body, Plaintext: Buffer.from(secret).toString('base64') })),
  },
  {
    name: 'Transit',
    here: hasOpenBao(),
    async start() {
      const bao: OpenBao = await startOpenBao();
      const connect: Connect = async (endpoint, limits) =>
        vaultTransit({ key: await bao.createKey(), address: endpoint, token: bao.rootToken, ...limits });
      return { upstream: bao.address, stop: () => bao.stop(), connect };
    },
    calls: { wrap: '/encrypt/', unwrap: '/decrypt/', rewrap: '/rewrap/', datakey: '/datakey/' },
    throttled: answers(429, { errors: ['slow down'] }),
    broken: answers(500, { errors: ['internal error'] }),
    denied: answers(403, { errors: ['permission denied'] }),
    expired: answers(403, { errors: ['permission denied', 'invalid token'] }),
    plaintext: (secret) =>
      rewrites((body) => ({
        ...body,
        data: { ...(body['data'] as object), plaintext: Buffer.from(secret).toString('base64') },
      })),
  },
];

for (const side of SIDES) {
  const { calls } = side;
  describe.skipIf(!side.here)(`faults before ${side.name}`, () => {
    let stop: () => Promise<void>;
    let connect: Connect;
    let proxy: FaultProxy;
    let key: KeyProvider & { close(): void };
    beforeAll(async () => {
      const started = await side.start();
      ({ stop, connect } = started);
      proxy = await startFaultProxy(started.upstream);
      key = await connect(proxy.endpoint, LIMITS);
    });
    afterAll(async () => {
      key.close();
      await proxy.stop();
      await stop();
    });
    beforeEach(() => {
      proxy.fault = undefined;
      proxy.calls.length = 0;
    });

    const passing: readonly (readonly [string, Fault])[] = [
      ['throttling', side.throttled],
      ['5xx', side.broken],
      ['a connection that breaks off', resets],
      ['a server that hangs', hangs],
      ['a slow trickle', trickles],
      ['an answer that is lost', losesAnswer],
    ];
    it.each(passing)('%s once: sealed all the same, and opens', async (_name, fault) => {
      proxy.fault = first(1, calls.datakey, fault);
      const sealed = await seal(plaintext, key);
      proxy.fault = first(1, calls.unwrap, fault);
      expect(await open(sealed, key)).toEqual(plaintext);
      expect(proxy.count(calls.datakey)).toBe(2);
    });

    const lasting: readonly (readonly [string, Fault, ErrorCode, number])[] = [
      ['throttling', side.throttled, 'ERR_PROVIDER_THROTTLED', ATTEMPTS],
      ['5xx', side.broken, 'ERR_PROVIDER_UNAVAILABLE', ATTEMPTS],
      ['a connection that breaks off', resets, 'ERR_PROVIDER_UNAVAILABLE', ATTEMPTS],
      ['a server that hangs', hangs, 'ERR_PROVIDER_UNAVAILABLE', ATTEMPTS],
      ['a slow trickle', trickles, 'ERR_PROVIDER_UNAVAILABLE', ATTEMPTS],
      ['an answer that is no JSON', answers(200, '<html>captive portal</html>'), 'ERR_PROVIDER_RESPONSE', 1],
      ['an answer that is empty', answers(200, '{}'), 'ERR_PROVIDER_RESPONSE', 1],
      ['a denied permission', side.denied, 'ERR_KEY_DENIED', 1],
      ['credentials that expired', side.expired, 'ERR_PROVIDER_CREDENTIALS', 1],
    ];
    it.each(lasting)('%s for good: the code says what it is, after a bounded number of attempts', async (...row) => {
      const [, fault, code, attempts] = row;
      const folder = await temporaryFolder();
      const [path, output] = [join(folder, 'x'), join(folder, 'x.wax')];
      await writeFile(path, plaintext);
      proxy.fault = (exchange) => exchange.call.includes(calls.datakey) && fault(exchange);
      await expect(sealFile(path, output, key)).rejects.toMatchObject({ code, next: like(/.{10}/) });
      expect(proxy.count(calls.datakey)).toBe(attempts);
      // Nothing was left, and nothing was lost.
      await expect(readFile(output)).rejects.toMatchObject({ code: 'ENOENT' });
      expect(await readFile(path)).toEqual(Buffer.from(plaintext));
    });

    it.each([
      ['another secret', pattern(32)],
      ['a shorter secret', pattern(31)],
      ['a longer secret', pattern(48)],
      ['an empty one', new Uint8Array(0)],
    ])('%s than was wrapped: no such wrap is ever written', async (_name, secret) => {
      const other = memoryKey('local:other');
      const sealed = await seal(plaintext, other);
      proxy.fault = (exchange) => exchange.call.includes(calls.unwrap) && side.plaintext(secret)(exchange);
      const codes = /ERR_UNVERIFIED_WRAP|ERR_PROVIDER_RESPONSE/;
      await expect(rewrap(sealed, other, { to: key })).rejects.toMatchObject({ code: like(codes) });
      await expect(seal(plaintext, key)).rejects.toMatchObject({ code: like(codes) });
      expect(await open(sealed, other)).toEqual(plaintext);
    });

    it('a data key that is not the one in its wrap is found out before anything is sealed', async () => {
      proxy.fault = (exchange) => exchange.call.includes(calls.datakey) && side.plaintext(pattern(32))(exchange);
      await expect(seal(plaintext, key)).rejects.toMatchObject({ code: 'ERR_UNVERIFIED_WRAP' });
    });

    it('attack 17: an interrupted blind rewrap leaves the object as it was', async () => {
      const sealed = await seal(plaintext, key);
      await key.rotate?.();
      for (const fault of [losesAnswer, side.broken, answers(200, '{}')]) {
        proxy.fault = (exchange) => exchange.call.includes(calls.rewrap) && fault(exchange);
        await expect(rewrap(sealed, key, { blind: true })).rejects.toMatchObject({ code: like(/^ERR_PROVIDER/) });
        expect(await open(sealed, key)).toEqual(plaintext);
      }
      proxy.fault = undefined;
      expect((await inspect(await rewrap(sealed, key, { blind: true }))).recipients).toHaveLength(2);
    });

    it('a rotation whose answer is lost is not repeated', async () => {
      proxy.fault = (exchange) => /Rotate|\/rotate/.test(exchange.call) && losesAnswer(exchange);
      await expect(key.rotate?.()).rejects.toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE' });
      expect(proxy.calls.filter(({ call }) => /RotateKey|\/rotate/.test(call))).toHaveLength(1);
    });

    it('after several failures in a row the server is left alone for a while', async () => {
      const limits = { ...LIMITS, maxAttempts: 1, breakerFailures: 3, breakerResetMs: 300 };
      const broken = await connect(proxy.endpoint, limits);
      proxy.fault = side.broken;
      proxy.calls.length = 0;
      for (let at = 0; at < 10; at += 1) {
        await expect(broken.wrap(pattern(32), pattern(32))).rejects.toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE' });
      }
      expect(proxy.count(calls.wrap)).toBe(3);
      proxy.fault = undefined;
      await new Promise((resolve) => setTimeout(resolve, 400));
      await broken.wrap(pattern(32), pattern(32));
      broken.close();
    });

    it('the deadline ends a call however many attempts are left, and the caller can end it before', async () => {
      const patient = await connect(proxy.endpoint, { maxAttempts: 100, attemptTimeoutMs: 100, deadlineMs: 500 });
      proxy.fault = hangs;
      const started = performance.now();
      await expect(patient.wrap(pattern(32), pattern(32))).rejects.toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE' });
      expect(performance.now() - started).toBeLessThan(2_000);
      const reason = new DOMException('enough', 'AbortError');
      const controller = new AbortController();
      const call = patient.wrap(pattern(32), pattern(32), { signal: controller.signal });
      setTimeout(() => controller.abort(reason), 50);
      await expect(call).rejects.toBe(reason);
      patient.close();
    });
  });
}

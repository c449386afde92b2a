import { WRAP_ALGORITHM } from '../keys/provider.ts';
import { assert, assertBytes, name, rejection } from './expect.ts';
import { binding, type Check, check, random, wrapCheck } from './case.ts';

const MIN = 16;
const MAX = 64;

/** What goes in comes out, in memory that belongs to the caller. */
export const secretChecks: readonly Check[] = [
  check(`secrets of ${String(MIN)} to ${String(MAX)} bytes come back as they were`, async ({ provider }) => {
    for (let length = MIN; length <= MAX; length++) {
      const [secret, bind] = [random(length), binding()];
      const wrapped = await provider.wrap(secret, bind);
      const unwrapped = await provider.unwrap(wrapped, bind);
      assertBytes(unwrapped.secret, secret, `a secret of ${String(length)} bytes came back changed`);
    }
    return undefined;
  }),
  wrapCheck('secrets and bindings of other lengths are refused', async ({ provider }) => {
    const wrapped = await provider.wrap(random(32), binding());
    const misuse: [string, () => Promise<unknown>][] = [
      ['an empty secret', () => provider.wrap(random(0), binding())],
      ['a secret of 15 bytes', () => provider.wrap(random(MIN - 1), binding())],
      ['a secret of 65 bytes', () => provider.wrap(random(MAX + 1), binding())],
      ['wrapping with a binding of 31 bytes', () => provider.wrap(random(32), random(31))],
      ['wrapping with an empty binding', () => provider.wrap(random(32), random(0))],
    ];
    if (provider.canUnwrap !== false) {
      misuse.push(['unwrapping with a binding of 33 bytes', () => provider.unwrap(wrapped, random(33))]);
    }
    for (const [what, work] of misuse) {
      const error = await rejection(work, what);
      assert(
        error instanceof RangeError || error instanceof TypeError,
        `${what} must be a RangeError or TypeError, not ${name(error)}`,
      );
    }
    return undefined;
  }),
  check('an unwrapped secret lies in memory of its own, which the caller may zero', async ({ provider }) => {
    const [secret, bind] = [random(32), binding()];
    const wrapped = await provider.wrap(secret, bind);
    const first = await provider.unwrap(wrapped, bind);
    assert(first.secret.byteOffset === 0, 'the secret is a view into a larger buffer (byteOffset is not 0)');
    assert(
      first.secret.buffer.byteLength === first.secret.length,
      'the buffer of the secret is larger than the secret',
    );
    assert(!Buffer.isBuffer(first.secret), 'the secret must be a plain Uint8Array: Buffers may be pooled');
    first.secret.fill(0);
    const second = await provider.unwrap(wrapped, bind);
    assertBytes(second.secret, secret, 'zeroing an unwrapped secret changed what the next unwrap gives');
    assert(second.secret.buffer !== first.secret.buffer, 'two unwraps share one buffer');
    return undefined;
  }),
  check('secret, binding and wrap of the caller are neither changed nor kept', async ({ provider }) => {
    const [secret, bind] = [random(32), binding()];
    const [secretBefore, bindBefore] = [secret.slice(), bind.slice()];
    const wrapped = await provider.wrap(secret, bind);
    assertBytes(secret, secretBefore, 'wrap changed (or zeroed) the secret of the caller');
    assertBytes(bind, bindBefore, 'wrap changed the binding of the caller');
    secret.fill(0);
    const wrapBefore = wrapped.wrap.slice();
    const unwrapped = await provider.unwrap(wrapped, bind);
    assertBytes(unwrapped.secret, secretBefore, 'the wrap changed when the caller zeroed the secret after wrap');
    assertBytes(wrapped.wrap, wrapBefore, 'unwrap changed the wrap of the caller');
    assertBytes(bind, bindBefore, 'unwrap changed the binding of the caller');
    return undefined;
  }),
  wrapCheck('two wraps of one secret differ', async ({ provider }) => {
    const [secret, bind] = [random(32), binding()];
    const a = await provider.wrap(secret, bind);
    if (a.algorithm === WRAP_ALGORITHM.pkcs11AesKwp) return 'AES-KWP is deterministic by design';
    const b = await provider.wrap(secret, bind);
    assert(Buffer.compare(a.wrap, b.wrap) !== 0, 'two wraps of one secret are equal: the wrap is not randomised');
    return undefined;
  }),
  check('64 concurrent wraps and unwraps do not mix', async ({ provider }) => {
    const bind = binding();
    const secrets = Array.from({ length: 64 }, () => random(32));
    const wraps = await Promise.all(secrets.map((secret) => provider.wrap(secret, bind)));
    const unwrapped = await Promise.all(wraps.map((wrapped) => provider.unwrap(wrapped, bind)));
    unwrapped.forEach(({ secret }, at) => {
      assertBytes(secret, secrets[at] ?? new Uint8Array(), 'concurrent calls gave the secret of another call');
    });
    assert(new Set(unwrapped.map(({ secret }) => secret.buffer)).size === 64, 'concurrent unwraps share a buffer');
    return undefined;
  }),
];

import { assert, assertBytes, assertRefused } from './expect.ts';
import { binding, changed, type Check, random, wrapCheck } from './case.ts';

/** What senders that have only a public key rely on. */
export const publicKeyChecks: readonly Check[] = [
  wrapCheck('a key that cannot unwrap says so, whatever it is given', async ({ provider }) => {
    if (provider.canUnwrap !== false) return 'canUnwrap is not false';
    const bind = binding();
    const wrapped = await provider.wrap(random(32), bind);
    for (const [what, given] of [
      ['a good wrap', wrapped],
      ['an empty wrap', changed(wrapped, { wrap: new Uint8Array() })],
      ['a wrap of another version', changed(wrapped, { version: 'no-such-version' })],
    ] as const) {
      await assertRefused(() => provider.unwrap(given, bind), ['ERR_KEY_DENIED'], `unwrapping ${what}`);
    }
    return undefined;
  }),
  wrapCheck('wrapRecomputed gives a wrap and what its bytes open to', async ({ provider, opener }) => {
    if (provider.wrapRecomputed === undefined) return 'wrapRecomputed is not declared';
    const [secret, bind] = [random(32), binding()];
    const before = secret.slice();
    const { wrapped, recomputed } = await provider.wrapRecomputed(secret, bind);
    assertBytes(secret, before, 'wrapRecomputed changed (or zeroed) the secret of the caller');
    assertBytes(recomputed.secret, secret, 'the recomputed secret is another one than was wrapped');
    assert(recomputed.secret.buffer !== secret.buffer, 'the recomputed secret is the buffer of the caller');
    assert(
      recomputed.secret.byteOffset === 0 && recomputed.secret.buffer.byteLength === 32,
      'the recomputed secret must lie in memory of its own',
    );
    assert(wrapped.uri === provider.uri, `the wrap names ${wrapped.uri} instead of ${provider.uri}`);
    assert(provider.algorithms.includes(wrapped.algorithm), 'the wrap names an algorithm that is not declared');
    assert(recomputed.version === wrapped.version, 'the wrap and the recomputed secret name two versions');
    const again = await provider.wrapRecomputed(secret, bind);
    assert(Buffer.compare(again.wrapped.wrap, wrapped.wrap) !== 0, 'two wraps are equal: the wrap is not randomised');
    const key = provider.canUnwrap === false ? opener : provider;
    if (key === undefined) return undefined;
    const opened = await key.unwrap(wrapped, bind);
    assertBytes(opened.secret, secret, 'the wrap of wrapRecomputed opens to another secret');
    return undefined;
  }),
];

import { WRAP_ALGORITHM } from '../keys/provider.ts';
import { assert, assertBytes, assertRefusal, assertRefused, rejection } from './expect.ts';
import { binding, changed, type Check, check, random, wrapCheck, wrapKnown } from './case.ts';

const NOT_BOUND = 'bindsContext is false: the header tag of the object refuses a swapped wrap';

/** What must not open, and how it is refused. */
export const refusalChecks: readonly Check[] = [
  check('a wrap does not open under another binding', async ({ provider }) => {
    if (!provider.bindsContext) return NOT_BOUND;
    const bind = binding();
    const wrapped = await provider.wrap(random(32), bind);
    for (const at of [0, 15, 31]) {
      const other = bind.slice();
      other[at] = (other[at] ?? 0) ^ 1;
      await assertRefused(
        () => provider.unwrap(wrapped, other),
        ['ERR_AUTHENTICATION'],
        `a binding changed in byte ${String(at)}`,
      );
    }
    return undefined;
  }),
  check('wraps swapped between two objects are refused', async ({ provider }) => {
    if (!provider.bindsContext) return NOT_BOUND;
    const [bindA, bindB] = [binding(), binding()];
    const [a, b] = [await provider.wrap(random(32), bindA), await provider.wrap(random(32), bindB)];
    await assertRefused(() => provider.unwrap(b, bindA), ['ERR_AUTHENTICATION'], 'the wrap of B in the place of A');
    await assertRefused(() => provider.unwrap(a, bindB), ['ERR_AUTHENTICATION'], 'the wrap of A in the place of B');
    return undefined;
  }),
  check('a wrap that was changed in any byte is refused', async ({ provider }, { maxFlips = Infinity }) => {
    const [secret, bind] = [random(32), binding()];
    const wrapped = await provider.wrap(secret, bind);
    const step = Math.max(1, Math.ceil(wrapped.wrap.length / maxFlips));
    for (let at = 0; at < wrapped.wrap.length; at += step) {
      const wrap = wrapped.wrap.slice();
      wrap[at] = (wrap[at] ?? 0) ^ (1 << (at % 8));
      const what = `a wrap with byte ${String(at)} of ${String(wrap.length)} changed`;
      await assertRefused(() => provider.unwrap(changed(wrapped, { wrap }), bind), ['ERR_AUTHENTICATION'], what);
    }
    return undefined;
  }),
  check('a wrap of another length is refused', async ({ provider }) => {
    const bind = binding();
    const wrapped = await provider.wrap(random(32), bind);
    const { wrap } = wrapped;
    const longer = new Uint8Array(wrap.length + 1);
    longer.set(wrap);
    for (const [what, bytes] of [
      ['an empty wrap', new Uint8Array()],
      ['a wrap of one byte', wrap.slice(0, 1)],
      ['a wrap cut in half', wrap.slice(0, wrap.length >> 1)],
      ['a wrap without its last byte', wrap.slice(0, -1)],
      ['a wrap with a byte more', longer],
    ] as const) {
      await assertRefused(() => provider.unwrap(changed(wrapped, { wrap: bytes }), bind), ['ERR_AUTHENTICATION'], what);
    }
    return undefined;
  }),
  check(
    'a version that does not exist is refused, or the real one is reported',
    async ({ provider, unknownVersion = 'no-such-version' }) => {
      const [secret, bind] = [random(32), binding()];
      const wrapped = await wrapKnown(provider, secret, bind);
      const forged = changed(wrapped, { version: unknownVersion });
      const outcome = await provider.unwrap(forged, bind).then(
        (opened) => ({ opened }),
        (error: unknown) => ({ error }),
      );
      if ('error' in outcome) {
        assertRefusal(outcome.error, ['ERR_KEY_NOT_FOUND'], 'a version that does not exist');
        return undefined;
      }
      const { opened } = outcome;
      // Providers whose wrap names the version itself do not need the claim. Then they must not repeat it.
      assertBytes(opened.secret, secret, 'a forged version gave another secret');
      assert(
        opened.version !== unknownVersion,
        'unwrap reported the version that the header claimed, not the one it used',
      );
      assert(opened.version === wrapped.version, 'unwrap reported a version that never wrapped this');
      return undefined;
    },
  ),
  check('wraps of another key or algorithm are refused', async ({ provider }) => {
    const bind = binding();
    const wrapped = await provider.wrap(random(32), bind);
    const uri = `${wrapped.uri}-other`;
    await assertRefused(() => provider.unwrap(changed(wrapped, { uri }), bind), 'any code', `a wrap under ${uri}`);
    const foreign = Object.values(WRAP_ALGORITHM).filter((algorithm) => !provider.algorithms.includes(algorithm));
    for (const algorithm of [...foreign, 0, 9999]) {
      const what = `a wrap of algorithm ${String(algorithm)}`;
      await assertRefused(() => provider.unwrap(changed(wrapped, { algorithm }), bind), 'any code', what);
    }
    return undefined;
  }),
  wrapCheck('an aborted signal stops every call with its own reason', async ({ provider }) => {
    const bind = binding();
    const wrapped = await provider.wrap(random(32), bind);
    const before = provider.canUnwrap === false ? wrapped : await wrapKnown(provider, random(32), bind);
    const reason = new DOMException('stop', 'AbortError');
    const signal = AbortSignal.abort(reason);
    const { version } = wrapped;
    const [rewrap, disable] = [provider.rewrap?.bind(provider), provider.disableVersion?.bind(provider)];
    const generate = provider.generateDataKey?.bind(provider);
    const recompute = provider.wrapRecomputed?.bind(provider);
    const unwraps = provider.canUnwrap !== false;
    const [describe, rotate] = [provider.describe?.bind(provider), provider.rotate?.bind(provider)];
    const calls: [string, (() => Promise<unknown>) | undefined][] = [
      ['wrap', () => provider.wrap(random(32), bind, { signal })],
      ['unwrap', unwraps ? () => provider.unwrap(wrapped, bind, { signal }) : undefined],
      ['wrapRecomputed', recompute && (() => recompute(random(32), bind, { signal }))],
      ['generateDataKey', generate && (() => generate(bind, { signal }))],
      ['rewrap', rewrap && (() => rewrap(wrapped, bind, { signal }))],
      ['describe', describe && (() => describe({ signal }))],
      ['rotate', rotate && (() => rotate({ signal }))],
      ['disableVersion', disable && (() => disable(version, { signal }))],
    ];
    for (const [method, call] of calls) {
      if (call === undefined) continue;
      const error = await rejection(call, `${method} with an aborted signal`);
      assert(error === reason, `${method} with an aborted signal must reject with the reason of the signal`);
    }
    const still = await wrapKnown(provider, random(32), bind);
    assert(still.version === before.version, 'an aborted call rotated the key');
    if (unwraps) await provider.unwrap(wrapped, bind);
    return undefined;
  }),
];

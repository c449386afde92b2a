import { assert, assertBytes, assertRefusal, assertRefused } from './expect.ts';
import { binding, changed, type Check, check, random, wrapKnown } from './case.ts';

/** Calls that a provider may offer beyond wrap and unwrap. */
export const optionalCallChecks: readonly Check[] = [
  check('generateDataKey gives a fresh secret of 32 bytes with its wrap', async ({ provider }) => {
    if (provider.generateDataKey === undefined) return 'generateDataKey is not declared';
    const bind = binding();
    const a = await provider.generateDataKey(bind);
    const b = await provider.generateDataKey(bind);
    assert(a.secret.length === 32, 'the data key must have 32 bytes');
    assert(
      a.secret.byteOffset === 0 && a.secret.buffer.byteLength === 32,
      'the data key must lie in memory of its own',
    );
    assert(Buffer.compare(a.secret, b.secret) !== 0, 'two data keys are equal');
    assert(a.wrapped.uri === provider.uri, 'the wrap names another key');
    assert(a.version === a.wrapped.version, 'the data key and its wrap name two versions');
    const opened = await provider.unwrap(a.wrapped, bind);
    assertBytes(opened.secret, a.secret, 'the wrap of a data key opens to another secret');
    if (!provider.bindsContext) return undefined;
    await assertRefused(
      () => provider.unwrap(a.wrapped, binding()),
      ['ERR_AUTHENTICATION'],
      'a data key under another binding',
    );
    return undefined;
  }),
  check('rewrap brings a wrap to the current version and keeps its secret', async ({ provider, rotate }) => {
    if (provider.rewrap === undefined) return 'rewrap is not declared';
    const [secret, bind] = [random(32), binding()];
    const old = await wrapKnown(provider, secret, bind);
    if (rotate !== undefined) await rotate();
    else await provider.rotate?.();
    const { wrapped: rewrapped, from } = await provider.rewrap(old, bind);
    assert(from === old.version, `rewrap says that a wrap under ${old.version} was under ${from}`);
    const current = await wrapKnown(provider, secret, bind);
    assert(
      rewrapped.version === current.version,
      `rewrap used version ${rewrapped.version}, wrap uses ${current.version}`,
    );
    assertBytes((await provider.unwrap(rewrapped, bind)).secret, secret, 'rewrap changed the secret');
    assertBytes((await provider.unwrap(old, bind)).secret, secret, 'rewrap made the old wrap useless');
    return undefined;
  }),
  check('rewrap tells the version that it found, not the one that is claimed', async ({ provider, rotate }) => {
    if (provider.rewrap === undefined) return 'rewrap is not declared';
    const [secret, bind] = [random(32), binding()];
    const old = await wrapKnown(provider, secret, bind);
    if (rotate !== undefined) await rotate();
    else await provider.rotate?.();
    const current = await wrapKnown(provider, random(32), bind);
    const lying = provider.rewrap(changed(old, { version: current.version }), bind);
    const outcome = await lying.catch((error: unknown) => error);
    // Where the version chooses the key, a wrong claim cannot open the wrap.
    if (outcome instanceof Error) assertRefusal(outcome, ['ERR_AUTHENTICATION'], 'rewrapping under a forged version');
    else assert((await lying).from === old.version, 'rewrap repeated the version that the header claimed');
    return undefined;
  }),
  check('a rewrapped wrap can be rewrapped again', async ({ provider }) => {
    if (provider.rewrap === undefined) return 'rewrap is not declared';
    const [secret, bind] = [random(32), binding()];
    const first = await provider.rewrap(await wrapKnown(provider, secret, bind), bind);
    const second = await provider.rewrap(first.wrapped, bind);
    assert(second.from === first.wrapped.version, `rewrap made ${first.wrapped.version} and found ${second.from}`);
    assertBytes((await provider.unwrap(second.wrapped, bind)).secret, secret, 'the second rewrap changed the secret');
    return undefined;
  }),
  check('rewrap refuses what unwrap would refuse', async ({ provider }) => {
    const rewrap = provider.rewrap?.bind(provider);
    if (rewrap === undefined) return 'rewrap is not declared';
    const bind = binding();
    const wrapped = await wrapKnown(provider, random(32), bind);
    const wrap = wrapped.wrap.slice();
    wrap[wrap.length - 1] = (wrap[wrap.length - 1] ?? 0) ^ 1;
    await assertRefused(
      () => rewrap(changed(wrapped, { wrap }), bind),
      ['ERR_AUTHENTICATION'],
      'rewrapping a changed wrap',
    );
    if (!provider.bindsContext) return undefined;
    await assertRefused(() => rewrap(wrapped, binding()), ['ERR_AUTHENTICATION'], 'rewrapping under another binding');
    return undefined;
  }),
];

/** SPEC.md section 21: the layout is not bound, and helps nobody. */
import { describe, expect, it } from 'vitest';
import { concat } from '../../../src/bytes/index.ts';
import { convert, openObject, verify } from '../../../src/index.ts';
import { freshKey } from '../../envelope/format/objects.ts';
import { expectOnlyWhole } from './mixtures.ts';
import {
  expectOpens,
  headerOf,
  LAYOUTS,
  objectOf,
  outcome,
  partsOf,
  plaintext,
  sealAs,
  type Sealed,
  withHeader,
} from './objects.ts';

const pairs = LAYOUTS.flatMap((from) => LAYOUTS.filter((to) => to !== from).map((to) => ({ from, to })));

describe('[S15] The layout is not bound, and decides nothing', () => {
  it.each(pairs)('$from put into $to by convert and by hand', async ({ from, to }) => {
    const key = freshKey();
    const sealed = await sealAs(from, key);
    const before = await expectOpens(sealed, key);
    const converted = (await convert(sealed as Uint8Array, to as 'compact')) as Sealed;
    const byHand = objectOf({ ...(await partsOf(sealed)), layout: to });
    for (const object of [converted, byHand]) {
      const after = await expectOpens(object, key);
      expect(after).toEqual({ ...before, layout: to });
      expect((await verify(object, key)).findings).toEqual([]);
    }
  });
});

/** A copy whose byte for the layout says something else, in every head it has. */
function saying(sealed: Sealed, layout: number, everywhere: boolean): Sealed {
  const header = headerOf(sealed).slice();
  header[9] = layout;
  // Of an attached object with slots of one page the second head stands here.
  if (everywhere) header[3 * 4096 + 9] = layout;
  return withHeader(sealed, header);
}

describe('[S16] A layout byte that was changed, and nothing else, is refused, or the object opens to the same plaintext through its second head', () => {
  const codes = {
    // What stands for the core is the head hash, or what stands for the hash is the core.
    attached: { 2: 'ERR_MALFORMED', 3: 'ERR_HEADER_DAMAGED' },
    // The length of the list is no size of a slot.
    compact: { 1: 'ERR_LIMIT_EXCEEDED', 3: 'ERR_HEADER_DAMAGED' },
    detached: { 1: 'ERR_LIMIT_EXCEEDED', 2: 'ERR_MALFORMED' },
  } as const;
  it.each(LAYOUTS)('%s', async (layout) => {
    const key = freshKey();
    const sealed = await sealAs(layout, key);
    const own = { attached: 1, compact: 2, detached: 3 }[layout];
    const known: Readonly<Record<number, string>> = codes[layout];
    for (const byte of [0, 1, 2, 3, 4, 5, 255].filter((other) => other !== own)) {
      const code = known[byte] ?? 'ERR_UNSUPPORTED_VERSION';
      if (layout !== 'attached') {
        expect(await outcome(saying(sealed, byte, false), key)).toBe(code);
        continue;
      }
      await expectOpens(saying(sealed, byte, false), key);
      expect((await verify(saying(sealed, byte, false), key)).ok).toBe(false);
      expect(await outcome(saying(sealed, byte, true), key)).toBe(code);
    }
  });

  it('a payload that is named for an object that carries its own is refused, and so is a detached header without one', async () => {
    const key = freshKey();
    for (const layout of ['attached', 'compact'] as const) {
      const header = (await sealAs(layout, key)) as Uint8Array;
      const { floeHeader, segments } = await partsOf(header);
      const named = { header, payload: concat(floeHeader, segments) };
      expect(await outcome(named, key)).toBe('ERR_UNEXPECTED_OBJECT');
    }
    const { header } = (await sealAs('detached', key)) as { header: Uint8Array };
    await expect(openObject(header, key)).rejects.toMatchObject({ code: 'ERR_PAYLOAD_NOT_FOUND' });
  });
});

describe('[S17] What is refused between two objects of one layout is refused between two objects of different layouts', () => {
  it.each(pairs)('parts of an object of the $from layout in one of the $to layout', async ({ from, to }) => {
    const key = freshKey();
    const other = plaintext.map((byte) => byte ^ 0xff);
    const donor = await partsOf(await sealAs(from, key, {}, other));
    const receiver = await partsOf(await sealAs(to, key));
    await expectOnlyWhole(receiver, donor, key, [plaintext, other]);
  });
});

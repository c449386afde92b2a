/** SPEC.md section 21, what is not promised: what is shown, and what can be destroyed. */
import { describe, expect, it } from 'vitest';
import { type CborMap, concat, decodeCanonicalCbor, encodeCbor } from '../../../src/bytes/index.ts';

import { convert, inspect, type KeyProvider, open, verify } from '../../../src/index.ts';
import { freshKey } from '../../envelope/format/objects.ts';
import { forgedEntry } from '../../envelope/support/forged.ts';
import { memoryKey } from '../../support/memory-key.ts';
import {
  changed,
  entryWith,
  expectOpens,
  flipped,
  headerOf,
  LAYOUTS,
  objectOf,
  opened,
  outcome,
  partsOf,
  payloadOf,
  placeOfRecipients,
  plaintext,
  sealAs,
  sealUnsized,
  type Sealed,
  SEGMENT,
  withEntries,
  withHeader,
  withPayload,
} from './objects.ts';

describe('[N9] Availability', () => {
  it.each(LAYOUTS)('%s: four forged entries before the right one, and forged lists and heads', async (layout) => {
    const key = memoryKey();
    const sealed = await sealAs(layout, key);
    const junk = (count: number): Promise<Sealed> =>
      withEntries(sealed, (entries) => [
        ...Array.from({ length: count }, (_, i) => forgedEntry(key.uri, 1, String(i + 9))),
        ...entries,
      ]);
    await expectOpens(await junk(3), key);
    expect(await outcome(await junk(4), key)).toBe('ERR_AUTHENTICATION');
    const { core, ...rest } = await partsOf(sealed);
    const nobody = encodeCbor([forgedEntry('local:nobody', 1)]);
    expect(await outcome(objectOf({ core, ...rest, list: nobody }), key)).toBe('ERR_NO_MATCHING_KEY');
    const { core: foreign } = await partsOf(await sealAs(layout, key));
    expect(await outcome(objectOf({ ...rest, core: foreign }), key)).toBe('ERR_AUTHENTICATION');
  });
});

describe('[N10] The public part is not secret', () => {
  it.each(LAYOUTS)('%s', async (layout) => {
    const [key, recovery] = [freshKey(), freshKey('local:recovery')];
    const sealed = await sealAs(layout, [key, recovery], { context: { team: 'vision', who: 'Zoë' } });
    const shown = await inspect(headerOf(sealed));
    expect(shown).toMatchObject({
      layout,
      context: { team: 'vision', who: 'Zoë' },
      size: plaintext.length,
      type: 'data',
    });
    expect(shown.recipients).toMatchObject([
      { uri: key.uri, algorithm: 1 },
      { uri: recovery.uri, algorithm: 1 },
    ]);
    expect(shown.recipients.every(({ version, wrappedAt }) => version !== '' && wrappedAt !== undefined)).toBe(true);
    expect(Math.abs(shown.created.getTime() - Date.now())).toBeLessThan(60_000);
    for (const text of ['vision', 'Zoë', key.uri]) expect(Buffer.from(headerOf(sealed)).includes(text)).toBe(true);
    // Without a size in the core the length gives it away: 32 bytes for each segment.
    const unsized = await sealUnsized(layout, key, plaintext.subarray(0, 9001));
    const { payloadOffset, segmentLength, size } = await inspect(headerOf(unsized));
    expect(size).toBeUndefined();
    const length = payloadOf(unsized).length - payloadOffset;
    expect(length - 32 * Math.ceil(length / segmentLength)).toBe(9001);
  });
});

describe('[N11] What inspect shows may be forged', () => {
  it.each(LAYOUTS)('%s', async (layout) => {
    const key = freshKey();
    const sealed = await sealAs(layout, key);
    const forged = await changed(sealed, ({ core }) => {
      const fields = new Map(decodeCanonicalCbor(core, 'the core') as CborMap);
      fields
        .set(2, new Uint8Array(16))
        .set(6, new Map([['classification', 'public']]))
        .set(7, 0)
        .set(8, 1);
      return { core: encodeCbor(fields), list: encodeCbor([forgedEntry('local:anybody', 1, 'newest')]) };
    });
    expect(await inspect(headerOf(forged))).toMatchObject({
      id: '0'.repeat(32),
      context: { classification: 'public' },
      created: new Date(0),
      size: 1,
      recipients: [{ uri: 'local:anybody', version: 'newest' }],
      lists: 'steady',
      warnings: [],
    });
    expect(await outcome(forged, key)).toBe('ERR_NO_MATCHING_KEY');
  });
});

describe('[N13] Who erased is not known', () => {
  it.each(LAYOUTS)('%s', async (layout) => {
    const key = freshKey();
    const sealed = await sealAs(layout, key);
    const [from, to] = await placeOfRecipients(sealed);
    const erased = withHeader(sealed, headerOf(sealed).slice().fill(0, from, to));
    expect(await outcome(erased, key)).toBe('ERR_SHREDDED');
    expect((await inspect(headerOf(erased))).lists).toBe('erased');
    // A bit that is left is damage, not a shred.
    for (const at of [from, to - 1]) {
      const nearly = withHeader(erased, flipped(headerOf(erased), at));
      expect(await outcome(nearly, key)).toBe('ERR_HEADER_DAMAGED');
    }
  });
});

describe('[N14] The layout may not be the one that was sealed', () => {
  it.each(LAYOUTS)('%s', async (layout) => {
    const key = freshKey();
    const sealed = await sealAs(layout, key);
    const { id } = await expectOpens(sealed, key);
    for (const to of LAYOUTS) {
      const converted = (await convert(sealed as Uint8Array, to as 'compact')) as Sealed;
      expect((await expectOpens(converted, key, undefined, { expectId: id })).layout).toBe(to);
      expect((await verify(converted, key)).findings).toEqual([]);
    }
  });
});

describe('[N16] A stream that was not read to its end may have been cut', () => {
  it.each(LAYOUTS)('%s', async (layout) => {
    const key = freshKey();
    for (const sealed of [await sealAs(layout, key), await sealUnsized(layout, key)]) {
      const { segments } = await partsOf(sealed);
      const bytes = payloadOf(await changed(sealed, () => ({ segments: segments.subarray(0, 2 * SEGMENT) })));
      const source = sealed instanceof Uint8Array ? [bytes] : { header: sealed.header, payload: [bytes] };
      const reader = (await open(source as Iterable<Uint8Array>, key)).getReader();
      const { value, done } = await reader.read();
      expect([value, done]).toEqual([plaintext.subarray(0, SEGMENT - 32), false]);
      await expect(
        (async () => {
          while (!(await reader.read()).done);
        })(),
      ).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_(TRUNCATED|AUTHENTICATION)$/) as string });
    }
  });
});

describe('[N17] Bytes without meaning are not authenticated', () => {
  it('attached: padding of heads and slots', async () => {
    const key = freshKey();
    const sealed = (await sealAs('attached', key)) as Uint8Array;
    const { core, meta, list } = await partsOf(sealed);
    for (const at of [
      64 + core.length + meta.length,
      SEGMENT + 64 + list.length,
      2 * SEGMENT + 64 + list.length,
      4 * SEGMENT - 75,
    ]) {
      const noted = sealed.slice();
      expect(noted[at]).toBe(0);
      noted[at] = 7;
      await expectOpens(noted, key);
      expect((await verify(noted, key)).ok).toBe(false);
    }
  });

  it('detached: bytes behind the header', async () => {
    const key = freshKey();
    const sealed = await sealAs('detached', key);
    const noted = withHeader(sealed, concat(headerOf(sealed), Uint8Array.of(7)));
    await expectOpens(noted, key);
    expect((await verify(noted, key)).findings).toMatchObject([{ code: 'ERR_TRAILING_DATA', severity: 'error' }]);
  });

  it('compact: there are none; and none behind a payload', async () => {
    const key = freshKey();
    for (const layout of LAYOUTS) {
      const sealed = await sealAs(layout, key);
      const longer = withPayload(sealed, concat(payloadOf(sealed), Uint8Array.of(0)));
      expect(await outcome(longer, key)).toBe('ERR_TRAILING_DATA');
    }
  });
});

describe('[N18] Version, time and flags of an entry may be forged', () => {
  it.each(LAYOUTS)('%s', async (layout) => {
    const inner = memoryKey();
    // As a KMS does: the wrap says its version itself.
    const key: KeyProvider = {
      ...inner,
      unwrap: (wrapped, binding) => inner.unwrap({ ...wrapped, version: '1' }, binding),
    };
    const sealed = await sealAs(layout, key);
    const lie = { 2: '9', 5: 0, 8: 2 };
    for (const [more, ok] of [
      [{}, false],
      [{ 9: undefined }, true],
    ] as const) {
      const forged = await withEntries(sealed, ([entry]) => [entryWith(entry as CborMap, { ...lie, ...more })]);
      const { recipients } = await inspect(headerOf(forged));
      expect(recipients).toMatchObject([{ version: '9', wrappedAt: new Date(0), retiring: true }]);
      expect((await opened(forged, key)).info.openedBy.version).toBe('1');
      await expectOpens(forged, key);
      const report = await verify(forged, key);
      expect(report.ok).toBe(ok);
      expect(report.findings).toHaveLength(ok ? 0 : 1);
    }
  });
});

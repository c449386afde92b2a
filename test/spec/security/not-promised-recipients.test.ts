/** SPEC.md section 21, what is not promised: old keys, old recipients, old objects. Whoever relies on it is wrong. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CborMap } from '../../../src/bytes/index.ts';
import {
  addRecipient,
  convert,
  inspect,
  type KeyProvider,
  openObject,
  removeRecipient,
  reseal,
  rewrap,
  shred,
  verify,
  type WaxsealEvent,
} from '../../../src/index.ts';
import { freshKey } from '../../envelope/format/objects.ts';
import { forgedEntry } from '../../envelope/support/forged.ts';
import { type FixedKey, fixedKey } from '../../vectors/waxseal/make/fixed-key.ts';
import { slotBytes, slotOf, withSlot } from '../../envelope/rewrap/sealed-parts.ts';
import { testRing } from '../../keys/local/rings.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { fileOf, putAt } from './files.ts';
import { random } from './insider.ts';
import {
  changed,
  expectOpens,
  headerOf,
  LAYOUTS,
  outcome,
  partsOf,
  payloadOf,
  sealAs,
  type Sealed,
  withEntries,
  withHeader,
} from './objects.ts';

/** A key with an old version, and the same key as it was before, which knows only that one. */
function rotated(uri: string): { readonly old: FixedKey; readonly now: FixedKey } {
  const [one, two] = [1, 2].map((n) => ({ n, keyId: random(16), kek: random(32) }));
  if (one === undefined || two === undefined) throw new Error('no versions');
  return { old: fixedKey(uri, [one]), now: fixedKey(uri, [one, two]) };
}

/** A rewrap, or another change of recipients, of an object that is header and payload as well. */
async function inHeader(sealed: Sealed, change: (header: Uint8Array) => Promise<Uint8Array>): Promise<Sealed> {
  return withHeader(sealed, await change(headerOf(sealed)));
}

async function expectClean(sealed: Sealed, keys: Parameters<typeof verify>[1]): Promise<void> {
  expect((await verify(sealed, keys)).findings).toEqual([]);
}

describe('[N1] A rewrap is not revocation', () => {
  it.each(LAYOUTS)('%s', async (layout) => {
    const { old, now } = rotated('local:key');
    const copy = await sealAs(layout, old);
    const rewrapped = await inHeader(copy, (header) => rewrap(header, now));
    expect(await outcome(rewrapped, old)).toBe('ERR_KEY_NOT_FOUND');
    await expectOpens(copy, old);
    const { list } = await partsOf(copy);
    await expectOpens(await changed(rewrapped, () => ({ list })), old);
  });
});

describe('[N2] Removing a recipient takes nothing back', () => {
  it.each(LAYOUTS)('%s', async (layout) => {
    const [key, gone] = [freshKey('local:key'), freshKey('local:gone')];
    const copy = await sealAs(layout, [key, gone]);
    const without = await inHeader(copy, (header) => removeRecipient(header, key, gone.uri));
    expect(await outcome(without, gone)).toBe('ERR_NO_MATCHING_KEY');
    await expectOpens(copy, gone);
    if (layout === 'detached') await expectOpens({ header: headerOf(copy), payload: payloadOf(without) }, gone);
  });
});

describe('[N3] Old wraps do not vanish', () => {
  it.each(LAYOUTS)('%s: a copy opens until the old version of the key is destroyed', async (layout) => {
    const { ring } = await testRing();
    const key = ring.key('default');
    const copy = await sealAs(layout, key);
    const version = (await key.describe?.())?.currentVersion;
    await ring.rotate('default');
    const rewrapped = await inHeader(copy, (header) => rewrap(header, key));
    await expectOpens(copy, key);
    await ring.setState('default', version ?? '', 'destroyed');
    await expectOpens(rewrapped, key);
    expect(await outcome(copy, key)).toMatch(/^ERR_KEY_/);
  });
});

describe('[N4] Rollback of recipients is not seen', () => {
  it.each(LAYOUTS)('%s', async (layout) => {
    const [key, gone] = [freshKey('local:key'), freshKey('local:gone')];
    const older = await sealAs(layout, [key, gone]);
    const newer = await inHeader(older, (header) => removeRecipient(header, key, gone.uri));
    expect(await outcome(newer, gone)).toBe('ERR_NO_MATCHING_KEY');
    const { id } = await expectOpens(newer, key);
    let back = withHeader(newer, headerOf(older));
    if (layout === 'attached') {
      // Only the slots.
      const bytes = ([0, 1] as const).map((index) => slotBytes(headerOf(older), index));
      back = withSlot(withSlot(headerOf(newer), 0, bytes[0] as Uint8Array), 1, bytes[1] as Uint8Array);
    }
    await expectOpens(back, gone, undefined, { expectId: id });
    await expectOpens(back, key, undefined, { expectId: id });
    await expectClean(back, [key, gone]);
    if (layout !== 'attached') return;
    // With a generation to come, one slot is enough, and verifying sees two slots that differ.
    const { list } = slotOf(headerOf(older), 0);
    const one = withSlot(headerOf(newer), 1, { generation: 9, list });
    await expectOpens(one, gone);
    expect((await verify(one, key)).ok).toBe(true);
  });
});

describe('[N5] Removal of a recipient is not seen', () => {
  it.each(LAYOUTS)('%s', async (layout) => {
    const [key, victim] = [freshKey('local:key'), freshKey('local:victim')];
    const removed = await withEntries(await sealAs(layout, [key, victim]), ([first]) => [first as CborMap]);
    await expectOpens(removed, key);
    expect(await outcome(removed, victim)).toBe('ERR_NO_MATCHING_KEY');
    await expectClean(removed, [key, victim]);
    expect((await verify(removed, key)).recipients).toMatchObject([{ uri: key.uri, tag: 'valid' }]);
  });

  it.each([0, 1] as const)('attached: taken out of slot %i only', async (index) => {
    const [key, victim] = [freshKey('local:key'), freshKey('local:victim')];
    const sealed = (await sealAs('attached', [key, victim])) as Uint8Array;
    const { list } = await partsOf(await withEntries(sealed, ([first]) => [first as CborMap]));
    const removed = withSlot(sealed, index, { generation: 1, list });
    await expectOpens(removed, key);
    await expectOpens(removed, victim);
    const findings = [await verify(removed, key), await verify(removed, victim)].map(
      (report) => report.findings.length,
    );
    expect(Math.min(...findings)).toBeGreaterThan(0);
  });
});

describe('[N8] Replay of a whole older object is not seen', () => {
  it.each(LAYOUTS)('%s: nor another object under the name; expectId sees both', async (layout) => {
    const key = freshKey();
    const older = await sealAs(layout, key);
    const path = await fileOf(older);
    const { id } = await reseal(path, key);
    const opens = async (options = {}): Promise<string> => {
      await using object = await openObject(path, key, options);
      return object.info.id;
    };
    const seen = { code: 'ERR_UNEXPECTED_OBJECT' };
    expect(await opens({ expectId: id })).toBe(id);
    for (const replayed of [older, await sealAs(layout, key)]) {
      await putAt(path, replayed);
      expect(await opens()).not.toBe(id);
      expect((await verify(path, key)).findings).toEqual([]);
      await expect(opens({ expectId: id })).rejects.toMatchObject(seen);
    }
  });

  it('detached: an older payload with its header as NAME.wax.next opens with a warning; expectId sees it', async () => {
    const key = freshKey();
    const [older, newer] = [await sealAs('detached', key), await sealAs('detached', key)];
    const path = join(await temporaryFolder(), 'x.wax');
    await writeFile(path, headerOf(newer));
    await writeFile(`${path}.next`, headerOf(older));
    await writeFile(path.replace('.wax', '.floe'), payloadOf(older));
    const [{ id: olderId }, { id: newerId }] = [await inspect(headerOf(older)), await inspect(path)];
    {
      const warnings: unknown[] = [];
      const observe = ({ warning }: WaxsealEvent): void => void (warning === undefined ? 0 : warnings.push(warning));
      await using object = await openObject(path, key, { observe });
      expect(object.info.id).toBe(olderId);
      expect(warnings).toEqual([expect.stringContaining('was interrupted')]);
      const { ok, findings } = await verify(path, key);
      expect([ok, findings.map(({ severity }) => severity)]).toEqual([true, ['warning']]);
    }
    await expect(openObject(path, key, { expectId: newerId })).rejects.toMatchObject({ code: 'ERR_UNEXPECTED_OBJECT' });
  });
});

describe('[N12] A shred reaches one file', () => {
  it.each(LAYOUTS)('%s', async (layout) => {
    const key = freshKey();
    const sealed = await sealAs(layout, key);
    const converted = (await convert(sealed as Uint8Array, layout === 'attached' ? 'compact' : 'attached')) as Sealed;
    const path = await fileOf(sealed);
    await shred(path);
    await expect(openObject(path, key)).rejects.toMatchObject({ code: 'ERR_SHREDDED' });
    await expectOpens(sealed, key);
    await expectOpens(converted, key);
    // The recipients of the converted copy, put back into the file.
    const { list } = await partsOf(converted);
    await writeFile(path, headerOf(await changed(sealed, () => ({ list }))));
    await using object = await openObject(path, key);
    expect(object.info.openedBy.tag).toBe('valid');
  });
});

describe('[N15] A reseal does not reach copies', () => {
  it.each(LAYOUTS)('%s', async (layout) => {
    const [key, dropped] = [freshKey('local:key'), freshKey('local:dropped')];
    const copy = await sealAs(layout, [key, dropped]);
    const options = { recipients: [key] as readonly KeyProvider[], dropOthers: true };
    const resealed = (await reseal(copy as Uint8Array, key, options)) as Sealed;
    expect(await outcome(resealed, dropped)).toBe('ERR_NO_MATCHING_KEY');
    await expectOpens(resealed, key);
    for (const each of [key, dropped]) await expectOpens(copy, each);
  });
});

describe('[N19] A key that is named may be no recipient', () => {
  it.each(LAYOUTS)('%s', async (layout) => {
    const [key, recovery] = [freshKey('local:key'), freshKey('local:recovery')];
    const sealed = await sealAs(layout, key);
    const forged = await withEntries(sealed, (entries) => [...entries, forgedEntry(recovery.uri, 1)]);
    expect((await inspect(headerOf(forged))).recipients.map(({ uri }) => uri)).toEqual([key.uri, recovery.uri]);
    const add = (header: Uint8Array): Promise<Uint8Array> => addRecipient(header, key, recovery);
    await expect(add(headerOf(forged))).rejects.toMatchObject({ code: 'ERR_RECIPIENT_EXISTS' });
    expect(await outcome(forged, recovery)).toBe('ERR_KEY_NOT_FOUND');
    const { findings } = await verify(forged, key);
    expect(findings.map(({ severity }) => severity)).toEqual(['warning']);
    // With the key at hand it is an error.
    expect((await verify(forged, [key, recovery])).ok).toBe(false);
    const without = await inHeader(forged, (header) => removeRecipient(header, key, recovery.uri));
    const added = await inHeader(without, add);
    await expectOpens(added, recovery);
    await expectClean(added, [key, recovery]);
  });
});

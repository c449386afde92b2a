/** SPEC.md section 21, what is not promised: who sealed. */
import { describe, expect, it } from 'vitest';
import { bindOf } from '../../../src/envelope/format/core.ts';
import { entryTagKey, makeRecipient } from '../../../src/envelope/format/recipients.ts';
import { verify, x25519KeyPair, x25519Recipient } from '../../../src/index.ts';
import { freshKey } from '../../envelope/format/objects.ts';
import { forgedText, random, repayloaded } from './insider.ts';
import { expectOpens, LAYOUTS, outcome, partsOf, sealAs, withEntries } from './objects.ts';

describe('[N6] A wrap to a public key says nothing about who sealed', () => {
  it.each(LAYOUTS)('%s: also under the id and context of an object that exists', async (layout) => {
    const [key, pair] = [freshKey(), x25519KeyPair(random(32))];
    const sealed = await sealAs(layout, [key, pair]);
    const { id } = await expectOpens(sealed, key);
    // Whoever writes this has the sealed object and the public key.
    const forged = await repayloaded(await partsOf(sealed), random(32), 'forged', [x25519Recipient(pair.uri)]);
    const expectations = { expectId: id, expectContext: { team: 'vision' } };
    const info = await expectOpens(forged, [key, pair], forgedText, expectations);
    expect(info).toMatchObject({ id, metadata: { name: 'forged' }, openedBy: { symmetricWrap: false, tag: 'valid' } });
    expect((await verify(forged, [key, pair], expectations)).findings).toEqual([]);
    const required = { ...expectations, requireSymmetricWrap: true };
    expect(await outcome(forged, [key, pair], required)).toBe('ERR_UNEXPECTED_OBJECT');
    expect(await outcome(forged, key, expectations)).toBe('ERR_NO_MATCHING_KEY');
  });
});

describe('[N7] Who held the data key can forge', () => {
  it.each(LAYOUTS)('%s: metadata, entries with valid tags and plaintext, under the same id', async (layout) => {
    const [key, accomplice] = [freshKey(), freshKey('local:accomplice')];
    const sealed = await sealAs(layout, key);
    const { id } = await expectOpens(sealed, key);
    const [dataKey] = key.wrapped;
    if (dataKey === undefined) throw new Error('no data key');
    // They have the list as it is, and no key that could wrap.
    const forged = await repayloaded(await partsOf(sealed), dataKey, 'forged', []);
    const required = { expectId: id, requireSymmetricWrap: true };
    expect(await expectOpens(forged, key, forgedText, required)).toMatchObject({ metadata: { name: 'forged' } });
    expect((await verify(forged, key)).findings).toEqual([]);
    const tagKey = entryTagKey(dataKey, bindOf((await partsOf(sealed)).core));
    const { fields } = makeRecipient(await accomplice.wrap(dataKey, bindOf((await partsOf(sealed)).core)), 0, tagKey);
    const added = await withEntries(sealed, (entries) => [...entries, fields]);
    expect((await verify(added, key)).findings).toEqual([]);
    await expectOpens(added, accomplice);
  });
});

/** Every verb that reads anywhere, in every layout, from every form of source: files, bytes, blobs, and one's own. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspect, open, openFile, openObject, openRange, type SealedSource, verify } from '../../../src/index.ts';
import { leftovers, temporaryFolder } from '../../support/folder.ts';
import { collect } from '../../support/streams.ts';
import {
  alice,
  anywhere,
  ANYWHERE,
  ANYWHERE_FORMS,
  bob,
  bodyOf,
  expectBytes,
  headOf,
  LAYOUTS,
  LONG,
  type Sample,
  sampleOf,
  SIZES,
  STREAM_FORMS,
  STREAMS,
  withBody,
} from './support.ts';

const VERBS: Readonly<Record<string, (source: SealedSource, sample: Sample) => Promise<void>>> = {
  openFile: async (source, { plaintext }) => {
    const folder = await temporaryFolder();
    const target = join(folder, 'opened');
    expect((await openFile(source, target, bob)).size).toBe(plaintext.length);
    expectBytes(await readFile(target), plaintext);
    expect(await leftovers(folder)).toEqual([]);
  },
  'openObject, read': async (source, { plaintext, layout }) => {
    await using object = await openObject(source, alice);
    expect(object).toMatchObject({ size: plaintext.length, info: { layout, openedBy: { uri: alice.uri } } });
    expectBytes(await object.read(0), plaintext);
    if (plaintext.length > 0) expectBytes(await object.read(plaintext.length - 1), plaintext.subarray(-1));
  },
  'openObject, stream': async (source, { plaintext }) => {
    await using object = await openObject(source, bob);
    expectBytes(await collect(object.stream()), plaintext);
  },
  'openRange, start and end': async (source, { plaintext }) => {
    const [start, end] = [Math.floor(plaintext.length / 3), Math.ceil((2 * plaintext.length) / 3)];
    expectBytes(await openRange(source, bob, { start, end }), plaintext.subarray(start, end));
  },
  'openRange, as HTTP has it': async (source, { plaintext }) => {
    if (plaintext.length === 0) return;
    expectBytes(await openRange(source, bob, { range: 'bytes=-9' }), plaintext.subarray(-9));
  },
  verify: async (source, { plaintext }) => {
    expect(await verify(source, [alice, bob])).toMatchObject({ ok: true, findings: [], size: plaintext.length });
  },
};

describe.each(LAYOUTS)('%s', (layout) => {
  describe.each(Object.keys(VERBS))('%s', (verb) => {
    it.each(ANYWHERE_FORMS)('%s', async (form) => {
      for (const size of [...SIZES, LONG]) {
        const sample = await sampleOf(layout, size);
        await VERBS[verb]?.(await anywhere(sample.sealed, form, await temporaryFolder()), sample);
      }
    });
  });

  describe('inspect', () => {
    it.each(ANYWHERE_FORMS)('%s', async (form) => {
      const { sealed } = await sampleOf(layout, LONG);
      const source = await ANYWHERE[form](headOf(sealed), join(await temporaryFolder(), 'x.wax'));
      const seen = await inspect(source);
      expect(seen).toMatchObject({
        layout,
        size: LONG,
        lists: 'steady',
        sealedSize: headOf(sealed).length,
        warnings: [],
      });
      expect(seen.recipients.map(({ uri }) => uri)).toEqual([alice.uri, bob.uri]);
    });

    it.each(STREAM_FORMS)('%s: the same as of its bytes, but for a length that nobody has seen', async (form) => {
      const { sealed } = await sampleOf(layout, LONG);
      const { sealedSize: _, ...facts } = await inspect(headOf(sealed));
      expect(await inspect(STREAMS[form](headOf(sealed)))).toMatchObject(facts);
    });
  });

  describe.each(['openFile', 'verify'] as const)('%s of a stream', (verb) => {
    it.each(STREAM_FORMS)('%s', async (form) => {
      for (const size of [...SIZES, LONG]) {
        const sample = await sampleOf(layout, size);
        await VERBS[verb]?.(withBody(sample.sealed, STREAMS[form](bodyOf(sample.sealed))), sample);
      }
    });
  });
});

// The two pieces of a detached object need not have the same form.
describe.each(ANYWHERE_FORMS)('detached, header: %s', (headerForm) => {
  it.each(ANYWHERE_FORMS)('payload: %s', async (payloadForm) => {
    const { sealed, plaintext } = await sampleOf('detached', LONG);
    const folder = await temporaryFolder();
    const header = await ANYWHERE[headerForm](headOf(sealed), join(folder, 'a.wax'));
    const payload = await ANYWHERE[payloadForm](bodyOf(sealed), join(folder, 'elsewhere'));
    expectBytes(await openRange({ header, payload }, bob, { start: 5 }), plaintext.subarray(5));
    expect(await verify({ header, payload }, [alice, bob])).toMatchObject({ ok: true, findings: [] });
  });

  it.each(STREAM_FORMS)('payload: %s', async (payloadForm) => {
    const { sealed, plaintext } = await sampleOf('detached', LONG);
    const header = await ANYWHERE[headerForm](headOf(sealed), join(await temporaryFolder(), 'a.wax'));
    const payload = (): never => STREAMS[payloadForm](bodyOf(sealed)) as never;
    expectBytes(await collect(await open({ header, payload: STREAMS[payloadForm](bodyOf(sealed)) }, bob)), plaintext);
    expect(await verify({ header, payload: payload() }, [alice, bob])).toMatchObject({ ok: true, findings: [] });
  });
});

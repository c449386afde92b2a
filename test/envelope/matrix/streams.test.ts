/** Every verb that takes and gives bodies, in every layout and form of bytes and streams, at every size. */
import { describe, expect, it } from 'vitest';
import {
  BODY_VERB_NAMES,
  BODY_VERBS,
  bodyOf,
  BYTES,
  BYTES_FORMS,
  expectOpens,
  expectSize,
  LAYOUTS,
  LONG,
  sampleOf,
  sealAny,
  SEGMENT,
  SINK_NAMES,
  SINKS,
  SIZES,
  STREAM_FORMS,
  STREAMS,
  whole,
} from './support.ts';
import { pattern } from '../../support/bytes.ts';

describe.each(LAYOUTS)('%s', (layout) => {
  describe.each(BODY_VERB_NAMES)('%s', (name) => {
    const verb = BODY_VERBS[name];

    it.each(BYTES_FORMS)('bytes give bytes: %s', async (form) => {
      for (const size of SIZES) {
        const sample = await sampleOf(layout, size);
        const input = BYTES[form](verb.input(sample));
        const before = new Uint8Array(input);
        const result = await verb.run(sample, input);
        expect(result instanceof ReadableStream).toBe(false);
        await verb.check(sample, await whole(result));
        expect(Buffer.compare(input, before), 'the caller’s bytes were changed').toBe(0);
      }
    });

    it.each(STREAM_FORMS)('a stream gives a web stream: %s', async (form) => {
      for (const size of SIZES) {
        const sample = await sampleOf(layout, size);
        const result = await verb.run(sample, STREAMS[form](verb.input(sample)));
        expect(result).not.toBeInstanceOf(Uint8Array);
        await verb.check(sample, await whole(result));
      }
    });

    it.each(STREAM_FORMS)('of many chunks, too: %s', async (form) => {
      const sample = await sampleOf(layout, LONG);
      await verb.check(sample, await whole(await verb.run(sample, STREAMS[form](verb.input(sample)))));
    });

    it.each(SINK_NAMES)('its stream is consumed by: %s', async (sink) => {
      for (const size of [0, LONG]) {
        const sample = await sampleOf(layout, size);
        const result = await verb.run(sample, STREAMS['web byte stream'](verb.input(sample)));
        await verb.check(sample, await whole(result, SINKS[sink]));
      }
    });
  });

  describe('seal, with the size known and unknown: as long as sealedSize says', () => {
    it.each([...STREAM_FORMS, ...BYTES_FORMS])('%s', async (form) => {
      for (const size of SIZES) {
        const plaintext = pattern(size);
        for (const known of [size, undefined]) {
          const body =
            form in STREAMS ? STREAMS[form as 'iterable'](plaintext) : BYTES[form as 'Uint8Array'](plaintext);
          const sealed = await whole(await sealAny(body, { layout, segmentLength: SEGMENT, size: known }));
          // Bytes know their size.
          await expectSize(sealed, plaintext, known !== undefined || form in BYTES);
          await expectOpens(sealed, plaintext);
          expect(bodyOf(sealed).length).toBeGreaterThan(size);
        }
      }
    });
  });
});
